/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/reload.h"

#include <stdlib.h>
#include <string.h>

#include "config/internal.h"
#include "util/check.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_value(const struct option_value *a, const struct option_value *b)
{
    bool same = a->number == b->number && memcmp(&a->real, &b->real, sizeof a->real) == 0 &&
                same_text(a->text, b->text) && a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

static bool same(const struct config_value *a, const struct config_value *b)
{
    return a->set == b->set && same_value(&a->value, &b->value);
}

static void copy(struct config_value *to, const struct config_value *from)
{
    *to = *from;
    to->value.text = from->value.text ? xstrdup(from->value.text) : NULL;
    to->value.items = xcalloc(from->value.count, sizeof(char *));
    for (size_t i = 0; i < from->value.count; i++)
        to->value.items[i] = xstrdup(from->value.items[i]);
}

/* Origins stay those of the source, which outlives it. */
static void copy_settings(struct settings *to, const struct settings *from)
{
    to->count = from->count;
    to->at = xcalloc(from->count, sizeof *to->at);
    for (size_t i = 0; i < from->count; i++) {
        const struct setting *setting = &from->at[i];
        to->at[i] = (struct setting){
            .key = xstrdup(setting->key),
            .json = setting->json ? cJSON_Duplicate(setting->json, true) : NULL,
            .text = setting->text ? xstrdup(setting->text) : NULL,
            .origin = xstrdup(setting->origin),
            .preset = setting->preset,
        };
    }
}

/* Without values yet. */
static struct config *begin(const struct settings *settings, size_t keys)
{
    struct config *next = xcalloc(1, sizeof *next);
    copy_settings(&next->settings, settings);
    next->values = xcalloc(keys, sizeof *next->values);
    return next;
}

/* The newer value is another one than before, and than the one in force. */
static bool is_news(const struct oriel_option *option, const struct config_value *running,
                    const struct config_value *read, const struct config_value *fresh)
{
    bool live = option->flags & ORIEL_OPT_LIVE;
    return !same(running, fresh) && (!live || !same(read, fresh));
}

void config_differences(const struct config *running, const struct config *read,
                        const struct config *fresh, config_differs *tell, void *data)
{
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++) {
        if (is_news(&options[i], &running->values[i], &read->values[i], &fresh->values[i]))
            tell(data, options[i].name, &options[i], fresh->values[i].origin);
    }
}

struct config *config_follow(const struct config *running, const struct config *read,
                             const struct config *fresh)
{
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    struct config *next = begin(&fresh->settings, count);
    for (size_t i = 0; i < count; i++) {
        const struct config_value *now = &running->values[i], *new = &fresh->values[i];
        bool follows =
            (options[i].flags & ORIEL_OPT_LIVE) && is_news(&options[i], now, &read->values[i], new);
        copy(&next->values[i], follows ? new : now);
    }
    return next;
}

static struct config *copy_config(const struct config *config)
{
    size_t keys;
    schema_options(&keys);
    struct config *next = begin(&config->settings, keys);
    for (size_t i = 0; i < keys; i++)
        copy(&next->values[i], &config->values[i]);
    return next;
}

struct config *config_with_options(const struct config *config, const char *module,
                                   const struct cJSON *options, const char *origin)
{
    struct config *next = copy_config(config);
    for (const cJSON *item = options ? options->child : NULL; item; item = item->next) {
        char *key = xasprintf("%s.%s", module, item->string);
        settings_add_json(&next->settings, key, cJSON_Duplicate(item, true), origin);
        free(key);
    }
    return next;
}

struct config *config_with(const struct config *config, const char *key, const char *const *items,
                           size_t count, const char *origin)
{
    size_t keys;
    const struct oriel_option *options = schema_options(&keys);
    int at = schema_find(key);
    CHECK(at >= 0 && options[at].type == CONFIG_LIST);
    struct config *next = copy_config(config);
    settings_add_text(&next->settings, key, "", origin); /* keeps the origin */
    struct config_value *value = &next->values[at];
    option_value_finish(&value->value);
    value->value = (struct option_value){.items = xcalloc(count, sizeof(char *)), .count = count};
    for (size_t i = 0; i < count; i++)
        value->value.items[i] = xstrdup(items[i]);
    value->set = true;
    value->origin = settings_find(&next->settings, key)->origin;
    return next;
}

void config_module_differs(const struct config *before, const struct config *after,
                           const struct config_module *module, config_differs *tell, void *data)
{
    for (uint32_t i = 0; module->table && i < module->table->count; i++) {
        const struct oriel_option *option = &module->table->options[i];
        struct option_value old, new;
        const char *was, *origin;
        struct error err;
        if (!module_value(before, module->id, module->section, option, &old, &was, &err))
            continue;
        if (module_value(after, module->id, module->section, option, &new, &origin, &err)) {
            if (!same_value(&old, &new)) {
                char *key = xasprintf("%s.%s", module->id, option->name);
                tell(data, key, option, origin);
                free(key);
            }
            option_value_finish(&new);
        }
        option_value_finish(&old);
    }
}
