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

static void print_option(const struct config *config, const struct config_module *module,
                         const struct oriel_option *option, FILE *out, cJSON *list)
{
    struct option_value value;
    struct error err;
    const char *origin;
    if (!module_value(config, module->id, module->section, option, &value, &origin, &err))
        return; /* the registry has refused such values */
    bool secret = (option->flags & ORIEL_OPT_SECRET) && (value.text || option->default_value);
    bool taken = module->section && strcmp(origin, module->section) == 0;
    char *key = xasprintf("%s.%s", module->id, option->name);
    char *from = taken ? xasprintf("%s.%s", module->section, option->name) : xstrdup(origin);
    bool set = option->default_value || strcmp(origin, "default") != 0;
    print_one(out, list, key,
              secret ? cJSON_CreateString("(secret)")
              : set  ? option_to_json(option, &value)
                     : NULL,
              from);
    option_value_finish(&value);
    free(from);
    free(key);
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

static bool is_known(const struct config_module *modules, size_t count, const char *key)
{
    size_t length = setting_module_length(key);
    for (size_t i = 0; i < count; i++) {
        if (strlen(modules[i].id) == length && strncmp(modules[i].id, key, length) == 0)
            return true;
    }
    return false;
}

/* What is set for modules that are not here. */
static void print_unknown(const struct config *config, const struct config_module *modules,
                          size_t count, FILE *out, cJSON *list)
{
    for (size_t i = 0; i < config->settings.count; i++) {
        const struct setting *setting = &config->settings.at[i];
        if (!setting_module_length(setting->key) || is_known(modules, count, setting->key) ||
            settings_find(&config->settings, setting->key) != setting)
            continue;
        cJSON *value = looks_secret(setting->key) ? cJSON_CreateString("(secret)")
                       : setting->json            ? cJSON_Duplicate(setting->json, true)
                                                  : cJSON_CreateString(setting->text);
        print_one(out, list, setting->key, value, setting->origin);
    }
}

void config_print(const struct config *config, const struct config_module *modules, size_t count,
                  FILE *out, bool json)
{
    cJSON *list = json ? cJSON_CreateObject() : NULL;
    size_t key_count;
    const struct oriel_option *options = schema_options(&key_count);
    for (size_t i = 0; i < key_count; i++) {
        const struct config_value *value = &config->values[i];
        bool secret =
            (options[i].flags & ORIEL_OPT_SECRET) && strcmp(value->origin, "default") != 0;
        print_one(out, list, options[i].name,
                  secret       ? cJSON_CreateString("(secret)")
                  : value->set ? option_to_json(&options[i], &value->value)
                               : NULL,
                  value->origin);
    }
    for (size_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < modules[i].table->count; j++)
            print_option(config, &modules[i], &modules[i].table->options[j], out, list);
    }
    print_unknown(config, modules, count, out, list);
    if (json) {
        char *text = cJSON_Print(list);
        CHECK(text);
        fprintf(out, "%s\n", text);
        free(text);
        cJSON_Delete(list);
    }
}
