/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of encoders: any values of their options. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/encoder_rig.h"
#include "check/encoder_tests.h"
#include "module/inspect.h"
#include "util/check.h"
#include "util/clock.h"

#define MOST_SETTINGS 64

typedef unsigned long long ull;

/* "key=value" each, NULL at the end. */
struct settings {
    char *list[MOST_SETTINGS + 1];
    size_t count;
};

static void add(struct settings *settings, const char *name, const char *value)
{
    if (settings->count == MOST_SETTINGS)
        return;
    settings->list[settings->count++] = xasprintf("%s=%s", name, value);
    settings->list[settings->count] = NULL;
}

static void clear(struct settings *settings)
{
    while (settings->count)
        free(settings->list[--settings->count]);
    settings->list[0] = NULL;
}

static void join(const struct settings *settings, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < settings->count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, " %s", settings->list[i]);
}

/* The index-th of the choices, or NULL. */
static char *choice(const struct oriel_option *option, size_t index)
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
        add(settings, option->name, random & 1 ? "true" : "false");
        break;
    case ORIEL_OPT_INT:
        snprintf(value, sizeof value, "%lld", (long long)between(option, random));
        add(settings, option->name, value);
        break;
    case ORIEL_OPT_FLOAT:
        snprintf(value, sizeof value, "%.6g", between(option, random));
        add(settings, option->name, value);
        break;
    case ORIEL_OPT_ENUM: {
        size_t count = 0;
        for (char *one; (one = choice(option, count)); count++)
            free(one);
        char *one = choice(option, count ? random % count : 0);
        if (one)
            add(settings, option->name, one);
        free(one);
        break;
    }
    case ORIEL_OPT_STRING: {
        static const char *const texts[] = {"",     "x",         "a=1:b=2",
                                            "%s%n", "/dev/null", "\xc3\xa4\xc3\xb6 \xe2\x82\xac"};
        add(settings, option->name, texts[random % (sizeof texts / sizeof texts[0])]);
        break;
    }
    }
}

void encoder_fuzz(struct check_run *run)
{
    enum { ROUNDS = 60 };
    struct oriel_format format = rig_first(run);
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    const struct oriel_option_table *table = rig->encoder->options;
    struct settings settings = {0};
    int64_t end = clock_ns() + 3 * run->patience * NS_PER_S;
    unsigned round = 0, refused = 0;
    char why[1024];
    if (!table || !table->count)
        check_skip(run, "it has no options");
    for (; round < ROUNDS && (round < 4 || clock_ns() < end); round++) {
        uint64_t state = run->seed + round; /* a round can be had alone by a seed that is higher */
        clear(&settings);
        for (uint32_t i = 0; i < table->count; i++) {
            if (check_random(&state) % 3)
                randomize(&settings, &table->options[i], &state);
        }
        size_t at = (size_t)snprintf(rig->with, sizeof rig->with, " (--seed %llu) and",
                                     (ull)(run->seed + round));
        join(&settings, rig->with + at, sizeof rig->with - at);
        oriel_result result = rig_create(rig, &format, (const char *const *)settings.list, why);
        if (result != ORIEL_OK) {
            refused++;
            continue;
        }
        for (uint64_t seq = 1; seq <= 3; seq++)
            rig_encode(rig, seq, 0);
        rig_drain(rig);
        rig_destroy(rig);
    }
    clear(&settings);
    check_note(run, "%u rounds of --seed %llu, %u refused", round, (ull)run->seed, refused);
}

/* ---- options that change while it runs ---- */

static void change(struct rig *rig, const char *name, const char *value, uint64_t *seq)
{
    struct check_run *run = rig->run;
    struct settings settings = {0};
    add(&settings, name, value);
    const struct oriel_config *config =
        check_config(run, rig->encoder->options, (const char *const *)settings.list);
    check_doing(run, "reconfigure() with %s=%s", name, value);
    check_failure();
    oriel_result result = rig->encoder->reconfigure(rig->self, config);
    const char *why = check_failure();
    if (result != ORIEL_OK && !why[0])
        check_fail(run,
                   "reconfigure() with %s=%s answered %s without a text by host->fail(), which "
                   "is to say why",
                   name, value, check_result_name(result));
    if (result == ORIEL_FATAL || result == ORIEL_DEVICE_LOST || result == ORIEL_INVALID)
        check_fail(run,
                   "reconfigure() with %s=%s answered %s (%s); an option that is "
                   "ORIEL_OPT_LIVE takes every value of the table, or stays as it was",
                   name, value, check_result_name(result), why);
    snprintf(rig->with, sizeof rig->with, " after reconfigure() with %s=%s", name, value);
    rig_encode(rig, (*seq)++, 0);
    rig->with[0] = '\0';
    clear(&settings);
}

void encoder_reconfigure(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    const struct oriel_option_table *table = rig->encoder->options;
    unsigned live = 0;
    uint64_t seq = 1;
    rig_encode(rig, seq++, 0);
    check_doing(run, "reconfigure() with what it has");
    if (rig->encoder->reconfigure(rig->self, check_config(run, table, NULL)) != ORIEL_OK)
        check_fail(run, "reconfigure() with the values that it has fails: %s", check_failure());
    for (uint32_t i = 0; table && i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        char value[64];
        if (!(option->flags & ORIEL_OPT_LIVE))
            continue;
        live++;
        if (option->type == ORIEL_OPT_INT || option->type == ORIEL_OPT_FLOAT) {
            snprintf(value, sizeof value, "%.15g", option->min);
            change(rig, option->name, value, &seq);
            snprintf(value, sizeof value, "%.15g", option->max);
            change(rig, option->name, value, &seq);
        }
        if (option->type == ORIEL_OPT_BOOL) {
            change(rig, option->name, "true", &seq);
            change(rig, option->name, "false", &seq);
        }
        char *one;
        for (size_t k = 0; option->type == ORIEL_OPT_ENUM && (one = choice(option, k)); k++) {
            change(rig, option->name, one, &seq);
            free(one);
        }
        if (option->default_value)
            change(rig, option->name, option->default_value, &seq);
    }
    size_t packets = rig_packets(rig);
    rig_encode(rig, seq, ORIEL_ENCODE_KEY);
    rig_drain(rig);
    if (rig_packets(rig) <= packets)
        check_fail(run, "after reconfigure() of %u options no packet comes any more", live);
    check_note(run, "%u live options", live);
}
