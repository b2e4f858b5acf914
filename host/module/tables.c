/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/tables.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "module/inspect.h"
#include "util/check.h"

static const char *text_of(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static double number_of(const cJSON *json, const char *name)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

static uint32_t flag_of(const cJSON *json, const char *name, uint32_t flag)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name)) ? flag : 0;
}

static char *default_of(const cJSON *json)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "default");
    if (!value)
        return NULL;
    if (cJSON_IsString(value))
        return xstrdup(value->valuestring);
    char *text = cJSON_PrintUnformatted(value);
    CHECK(text);
    return text;
}

struct oriel_option_table *table_from_facts(const cJSON *facts)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(facts, "options");
    struct oriel_option_table *table = xcalloc(1, sizeof *table);
    struct oriel_option *options = xcalloc((size_t)cJSON_GetArraySize(list), sizeof *options);
    table->size = sizeof *table;
    table->options = options;
    for (const cJSON *item = list ? list->child : NULL; item; item = item->next) {
        const char *name = text_of(item, "name"), *help = text_of(item, "help");
        uint32_t type = inspect_option_type(text_of(item, "type"));
        const char *choices = text_of(item, "choices");
        if (!name || !help || !type || (type == ORIEL_OPT_ENUM && !choices))
            continue; /* a cache that somebody edited */
        options[table->count++] = (struct oriel_option){
            .name = name,
            .default_value = default_of(item),
            .choices = choices,
            .help = help,
            .min = number_of(item, "min"),
            .max = number_of(item, "max"),
            .type = type,
            .flags = flag_of(item, "live", ORIEL_OPT_LIVE) |
                     flag_of(item, "required", ORIEL_OPT_REQUIRED) |
                     flag_of(item, "secret", ORIEL_OPT_SECRET),
        };
    }
    return table;
}

void table_free(struct oriel_option_table *table)
{
    if (!table)
        return;
    for (uint32_t i = 0; i < table->count; i++)
        free((char *)(uintptr_t)table->options[i].default_value);
    free((struct oriel_option *)(uintptr_t)table->options);
    free(table);
}
