/* SPDX-License-Identifier: BSD-3-Clause */
/* The values of one module instance. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/internal.h"
#include "util/check.h"
#include "util/log.h"
#include "util/nearest.h"

struct module_config {
    struct oriel_config public; /* first */
    const struct oriel_option_table *table;
    struct option_value *values;
    char id[];
};

/* ---- what a module reads ---- */

static const struct option_value *find(const struct oriel_config *config, const char *name,
                                       uint32_t type, uint32_t or_type)
{
    const struct module_config *own = config->data;
    for (uint32_t i = 0; i < own->table->count; i++) {
        const struct oriel_option *option = &own->table->options[i];
        if (strcmp(option->name, name) == 0 && (option->type == type || option->type == or_type))
            return &own->values[i];
    }
    log_warn(LOG_MODULE, "%s: reads an option \"%s\" that it has not, or has by another type",
             own->id, name);
    return NULL;
}

static int64_t get_int(const struct oriel_config *config, const char *name)
{
    const struct option_value *value = find(config, name, ORIEL_OPT_INT, ORIEL_OPT_BOOL);
    return value ? value->number : 0;
}

static double get_float(const struct oriel_config *config, const char *name)
{
    const struct option_value *value = find(config, name, ORIEL_OPT_FLOAT, ORIEL_OPT_INT);
    return value ? value->real : 0.0;
}

static const char *get_string(const struct oriel_config *config, const char *name)
{
    const struct option_value *value = find(config, name, ORIEL_OPT_STRING, ORIEL_OPT_ENUM);
    return value && value->text ? value->text : "";
}

/* ---- making it ---- */

/* Keys that have another name and other words than the options they are for. */
static const struct alias {
    const char *section, *option, *key;
    const char *words[3][2]; /* the key's, then the option's; without any they are the same */
} aliases[] = {
    {"stream", "preset", "stream.tier", {{NULL}}},
    {"stream",
     "rate_control",
     "stream.rc_mode",
     {{"cbr", "bitrate"}, {"vbr", "variable"}, {"constqp", "quality"}}},
};

static const struct alias *find_alias(const char *section, const char *option)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (strcmp(aliases[i].section, section) == 0 && strcmp(aliases[i].option, option) == 0)
            return &aliases[i];
    }
    return NULL;
}

static void translate(const struct alias *alias, cJSON *json)
{
    for (size_t i = 0; i < 3 && alias->words[i][0]; i++) {
        if (strcmp(cJSON_GetStringValue(json), alias->words[i][0]) == 0) {
            cJSON_SetValuestring(json, alias->words[i][1]);
            return;
        }
    }
}

/* The value of the key in the terms of the option: a number bends to its limits, or is a truth. */
static cJSON *value_for(const struct config *config, int at, const struct alias *alias,
                        const struct oriel_option *option)
{
    size_t count;
    cJSON *json = option_to_json(&schema_options(&count)[at], &config->values[at].value);
    if (alias)
        translate(alias, json);
    if (cJSON_IsNumber(json) && option->type == ORIEL_OPT_BOOL) {
        cJSON *truth = cJSON_CreateBool(json->valuedouble != 0);
        cJSON_Delete(json);
        return truth;
    }
    if (cJSON_IsNumber(json) && (option->min != 0 || option->max != 0))
        json->valuedouble = fmin(fmax(json->valuedouble, option->min), option->max);
    return json;
}

/* An option takes the value of its section's key of the same name, or of its alias. That one is
 * written for every module of the kind: a name that this one does not know is passed over. `than`:
 * NULL, or only one that wins over it. */
static bool inherit(const struct config *config, const char *id, const char *section,
                    const struct oriel_option *option, const struct setting *than,
                    struct option_value *value)
{
    char *same = xasprintf("%s.%s", section, option->name);
    const struct alias *alias = find_alias(section, option->name);
    const char *key = alias ? alias->key : same;
    const struct setting *setting = settings_find(&config->settings, key); /* later ones win */
    int at = schema_find(key);
    bool done = false;
    if (at >= 0 && config->values[at].set && (!than || setting > than)) {
        struct error why;
        cJSON *json = value_for(config, at, alias, option);
        done = option_from_json(option, json, value, &why);
        if (!done)
            log_info(LOG_CONFIG, "%s: %s does not suit %s: %s", config->values[at].origin, key, id,
                     why.text);
        cJSON_Delete(json);
    }
    free(same);
    return done;
}

bool module_value(const struct config *config, const char *id, const char *section,
                  const struct oriel_option *option, struct option_value *value,
                  const char **origin, struct error *err)
{
    char *key = xasprintf("%s.%s", id, option->name);
    const struct setting *setting = settings_find(&config->settings, key);
    free(key);
    if (setting && setting->preset && section &&
        inherit(config, id, section, option, setting, value)) {
        *origin = section;
        return true;
    }
    *origin = setting ? setting->origin : NULL;
    if (setting && setting_value(setting, option, value, err))
        return true;
    if (setting && !setting->preset)
        return false;
    *origin = "default";
    if (section && inherit(config, id, section, option, NULL, value)) {
        *origin = section;
        return true;
    }
    return option_default(option, value, err) || error_prefix(err, "%s.%s", id, option->name);
}

static bool fill(const struct config *config, const char *id, const char *section,
                 const struct oriel_option *option, struct option_value *value, struct error *err)
{
    const char *origin;
    if (!module_value(config, id, section, option, value, &origin, err))
        return false;
    if (!option->default_value && strcmp(origin, "default") == 0)
        return error_set(err, "%s.%s: has to be set: %s", id, option->name, option->help);
    return true;
}

static bool check_names(const struct config *config, const char *id,
                        const struct oriel_option_table *table, struct error *err)
{
    size_t length = strlen(id);
    for (size_t i = 0; i < config->settings.count; i++) {
        const struct setting *setting = &config->settings.at[i];
        if (setting_module_length(setting->key) != length || strncmp(setting->key, id, length) != 0)
            continue;
        const char *name = setting->key[length] ? setting->key + length + 1 : "";
        struct nearest nearest = nearest_begin(name);
        bool known = setting->preset;
        for (uint32_t j = 0; j < table->count && !known; j++) {
            nearest_offer(&nearest, table->options[j].name);
            known = strcmp(table->options[j].name, name) == 0;
        }
        if (!known)
            return error_set(err, "%s: %s: %s has no such option%s", setting->origin, setting->key,
                             id, nearest_hint(&nearest));
    }
    return true;
}

const struct oriel_config *config_for_module(const struct config *config, const char *module_id,
                                             const char *section,
                                             const struct oriel_option_table *table,
                                             struct error *err)
{
    static const struct oriel_option_table empty = {.size = sizeof empty};
    if (!table)
        table = &empty;
    if (!check_names(config, module_id, table, err))
        return NULL;
    size_t length = strlen(module_id) + 1;
    struct module_config *own = xcalloc(1, sizeof *own + length);
    memcpy(own->id, module_id, length);
    own->table = table;
    own->values = xcalloc(table->count, sizeof *own->values);
    own->public = (struct oriel_config){
        .size = sizeof own->public,
        .get_int = get_int,
        .get_float = get_float,
        .get_string = get_string,
        .data = own,
    };
    for (uint32_t i = 0; i < table->count; i++) {
        if (!fill(config, module_id, section, &table->options[i], &own->values[i], err)) {
            config_for_module_free(&own->public);
            return NULL;
        }
    }
    return &own->public;
}

void config_for_module_free(const struct oriel_config *config)
{
    if (!config)
        return;
    struct module_config *own = config->data;
    for (uint32_t i = 0; i < own->table->count; i++)
        option_value_finish(&own->values[i]);
    free(own->values);
    free(own);
}

bool config_check_options(const struct config *config, const char *module_id,
                          const struct oriel_option_table *table, struct error *err)
{
    if (!check_names(config, module_id, table, err))
        return false;
    for (uint32_t i = 0; i < table->count; i++) {
        struct option_value value;
        const char *origin;
        if (!module_value(config, module_id, NULL, &table->options[i], &value, &origin, err))
            return false;
        option_value_finish(&value);
    }
    return true;
}

bool config_check_modules(const struct config *config, const char *const *ids, size_t count,
                          struct error *err)
{
    for (size_t i = 0; i < config->settings.count; i++) {
        const struct setting *setting = &config->settings.at[i];
        size_t length = setting_module_length(setting->key);
        if (!length || setting->preset)
            continue;
        char *id = xasprintf("%.*s", (int)length, setting->key);
        struct nearest nearest = nearest_begin(id);
        bool known = false;
        for (size_t j = 0; j < count && !known; j++) {
            nearest_offer(&nearest, ids[j]);
            known = strcmp(ids[j], id) == 0;
        }
        if (!known)
            error_set(err, "%s: %s: there is no module %s%s", setting->origin, setting->key, id,
                      nearest_hint(&nearest));
        free(id);
        if (!known)
            return false;
    }
    return true;
}
