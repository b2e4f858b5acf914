/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "config/internal.h"
#include "util/check.h"

static void print_one(FILE *out, cJSON *list, const char *key, cJSON *value, const char *origin)
{
    if (list) {
        cJSON *item = cJSON_AddObjectToObject(list, key);
        cJSON_AddItemToObject(item, "value", value ? value : cJSON_CreateNull());
        cJSON_AddStringToObject(item, "origin", origin);
        return;
    }
    char *text = value ? cJSON_PrintUnformatted(value) : xstrdup("(not set)");
    CHECK(text);
    fprintf(out, "%s = %s  # %s\n", key, text, origin);
    free(text);
    cJSON_Delete(value);
}

/* Without its table, whether a module's option is a secret cannot be known. */
static bool looks_secret(const char *key)
{
    static const char *const words[] = {"token", "secret", "password", "key_file", NULL};
    for (size_t i = 0; words[i]; i++) {
        if (strstr(key, words[i]))
            return true;
    }
    return false;
}

static void print_module_settings(const struct config *config, FILE *out, cJSON *list)
{
    for (size_t i = 0; i < config->settings.count; i++) {
        const struct setting *setting = &config->settings.at[i];
        if (!setting_module_length(setting->key) ||
            settings_find(&config->settings, setting->key) != setting)
            continue;
        cJSON *value = looks_secret(setting->key) ? cJSON_CreateString("(secret)")
                       : setting->json            ? cJSON_Duplicate(setting->json, true)
                                                  : cJSON_CreateString(setting->text);
        print_one(out, list, setting->key, value, setting->origin);
    }
}

void config_print(const struct config *config, FILE *out, bool json)
{
    cJSON *list = json ? cJSON_CreateObject() : NULL;
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++) {
        const struct config_value *value = &config->values[i];
        print_one(out, list, options[i].name,
                  value->set ? option_to_json(&options[i], &value->value) : NULL, value->origin);
    }
    print_module_settings(config, out, list);
    if (json) {
        char *text = cJSON_Print(list);
        CHECK(text);
        fprintf(out, "%s\n", text);
        free(text);
        cJSON_Delete(list);
    }
}
