/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"

void settings_add(struct settings *settings, const char *name, const char *value)
{
    if (settings->count == SETTINGS_MOST)
        return;
    settings->list[settings->count++] = xasprintf("%s=%s", name, value);
    settings->list[settings->count] = NULL;
}

void settings_clear(struct settings *settings)
{
    while (settings->count)
        free(settings->list[--settings->count]);
    settings->list[0] = NULL;
}

void settings_join(const struct settings *settings, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < settings->count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, " %s", settings->list[i]);
}

char *settings_choice(const struct oriel_option *option, size_t index)
{
    const char *at = option->choices ? option->choices : "";
    for (; *at && index; index--) {
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    return *at ? strndup(at, strcspn(at, " ")) : NULL;
}

static double between(const struct oriel_option *option, uint64_t random)
{
    double share = (double)(random >> 11) / 9007199254740992.0;
    double low = option->min, high = option->max;
    if (low == 0 && high == 0) {
        low = -1000;
        high = 1e6;
    }
    switch (random % 4) {
    case 0:
        return low;
    case 1:
        return high;
    case 2: /* near the lower end, where most values of a wide range never are */
        return low + (high - low) * share * share * share * share;
    default:
        return low + (high - low) * share;
    }
}

/* A value within the table's limits. */
static void randomize(struct settings *settings, const struct oriel_option *option, uint64_t *state)
{
    char value[64];
    uint64_t random = check_random(state);
    switch (option->type) {
    case ORIEL_OPT_BOOL:
        settings_add(settings, option->name, random & 1 ? "true" : "false");
        break;
    case ORIEL_OPT_INT:
        snprintf(value, sizeof value, "%lld", (long long)between(option, random));
        settings_add(settings, option->name, value);
        break;
    case ORIEL_OPT_FLOAT:
        snprintf(value, sizeof value, "%.6g", between(option, random));
        settings_add(settings, option->name, value);
        break;
    case ORIEL_OPT_ENUM: {
        size_t count = 0;
        for (char *one; (one = settings_choice(option, count)); count++)
            free(one);
        char *one = settings_choice(option, count ? random % count : 0);
        if (one)
            settings_add(settings, option->name, one);
        free(one);
        break;
    }
    case ORIEL_OPT_STRING: {
        static const char *const texts[] = {"",     "x",         "a=1:b=2",
                                            "%s%n", "/dev/null", "\xc3\xa4\xc3\xb6 \xe2\x82\xac"};
        settings_add(settings, option->name, texts[random % (sizeof texts / sizeof texts[0])]);
        break;
    }
    }
}

void settings_random(struct settings *settings, const struct oriel_option_table *table,
                     uint32_t without, uint64_t seed)
{
    uint64_t state = seed;
    settings_clear(settings);
    for (uint32_t i = 0; i < table->count; i++) {
        bool may = !(without & 1u << table->options[i].type);
        if (check_random(&state) % 3 && may)
            randomize(settings, &table->options[i], &state);
    }
}
