/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/experiments.h"
#include "config/internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/check.h"
#include "util/log.h"
#include "util/nearest.h"

/* ---- order ---- */

/* A preset that is asked for from outside stands above the file; one that the file names, or none,
 * is what the file's own values refine. */
static bool collect(struct config *config, const struct config_inputs *inputs, struct error *err)
{
    struct settings file = {0}, preset = {0}, environment = {0}, sets = {0};
    bool ok = (!inputs->file || settings_read_file(&file, inputs->file, err)) &&
              (!inputs->environment ||
               settings_read_environment(&environment, inputs->environment, err)) &&
              settings_read_sets(&sets, inputs->sets, inputs->set_origins, inputs->set_count, err);
    if (ok && inputs->preset)
        settings_add_text(&sets, "preset", inputs->preset, "--preset");
    const struct setting *named = settings_find(&sets, "preset");
    if (!named)
        named = settings_find(&environment, "preset");
    bool above = named != NULL;
    if (!named)
        named = settings_find(&file, "preset");
    if (ok && named) {
        const char *name = named->text ? named->text : cJSON_GetStringValue(named->json);
        ok = name ? settings_read_preset(&preset, name, named->origin, err)
                  : error_set(err, "%s: preset: wants a name", named->origin);
    }
    if (above)
        settings_move(&config->settings, &file);
    settings_move(&config->settings, &preset);
    settings_move(&config->settings, &file);
    settings_move(&config->settings, &environment);
    settings_move(&config->settings, &sets);
    return ok;
}

/* ---- checking ---- */

static bool unknown_key(const struct setting *setting, struct error *err)
{
    if (schema_is_section(setting->key))
        return error_set(err, "%s: %s: is a section, wants an object", setting->origin,
                         setting->key);
    struct nearest nearest = nearest_begin(setting->key);
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++)
        nearest_offer(&nearest, options[i].name);
    return error_set(err, "%s: %s: unknown key%s", setting->origin, setting->key,
                     nearest_hint(&nearest));
}

bool setting_value(const struct setting *setting, const struct oriel_option *option,
                   struct option_value *value, struct error *err)
{
    bool ok = setting->json ? option_from_json(option, setting->json, value, err)
                            : option_from_text(option, setting->text, value, err);
    return ok || error_prefix(err, "%s: %s", setting->origin, setting->key);
}

static bool resolve(struct config *config, struct error *err)
{
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    config->values = xcalloc(count, sizeof *config->values);
    for (size_t i = 0; i < count; i++) {
        struct config_value *value = &config->values[i];
        CHECK(option_default(&options[i], &value->value, NULL));
        value->set = options[i].default_value != NULL;
        value->origin = "default";
    }
    for (size_t i = 0; i < config->settings.count; i++) {
        const struct setting *setting = &config->settings.at[i];
        if (setting_module_length(setting->key))
            continue;
        int at = schema_find(setting->key);
        if (at < 0)
            return unknown_key(setting, err);
        struct config_value *value = &config->values[at];
        option_value_finish(&value->value);
        if (!setting_value(setting, &options[at], &value->value, err))
            return false;
        value->set = true;
        value->origin = setting->origin;
    }
    return true;
}

/* What the table of keys cannot say. */
static bool check_forms(const struct config *config, struct error *err)
{
    struct experiment_spec *specs;
    size_t count;
    const struct config_value *value = &config->values[schema_find("experiments")];
    bool fine = experiments_parse(value->value.text, value->origin, &specs, &count, err);
    experiments_free(specs, count);
    return fine;
}

struct config *config_create(const struct config_inputs *inputs, struct error *err)
{
    struct config *config = xcalloc(1, sizeof *config);
    if (collect(config, inputs, err) && resolve(config, err) && check_forms(config, err))
        return config;
    config_destroy(config);
    return NULL;
}

void config_destroy(struct config *config)
{
    if (!config)
        return;
    size_t count;
    schema_options(&count);
    for (size_t i = 0; config->values && i < count; i++)
        option_value_finish(&config->values[i].value);
    free(config->values);
    settings_finish(&config->settings);
    free(config);
}

/* ---- reading ---- */

static const struct option_value *get(const struct config *config, const char *key, uint32_t type,
                                      uint32_t or_type)
{
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    int at = schema_find(key);
    CHECK(at >= 0);
    CHECK(options[at].type == type || options[at].type == or_type);
    return &config->values[at].value;
}

const char *config_string(const struct config *config, const char *key)
{
    const char *text = get(config, key, ORIEL_OPT_STRING, ORIEL_OPT_ENUM)->text;
    return text ? text : "";
}

int64_t config_int(const struct config *config, const char *key)
{
    return get(config, key, ORIEL_OPT_INT, ORIEL_OPT_INT)->number;
}

double config_float(const struct config *config, const char *key)
{
    return get(config, key, ORIEL_OPT_FLOAT, ORIEL_OPT_INT)->real;
}

bool config_bool(const struct config *config, const char *key)
{
    return get(config, key, ORIEL_OPT_BOOL, ORIEL_OPT_BOOL)->number != 0;
}

const char *config_item(const struct config *config, const char *key, size_t index)
{
    const struct option_value *value = get(config, key, CONFIG_LIST, CONFIG_LIST);
    return index < value->count ? value->items[index] : NULL;
}

void config_apply_log(const struct config *config)
{
    enum log_level all = LOG_INFO, level;
    log_level_parse(config_string(config, "log.level"), &all);
    for (int area = 0; area < LOG_AREA_COUNT; area++) {
        char key[64] = "log.areas.";
        strncat(key, log_area_name((enum log_area)area), sizeof key - strlen(key) - 1);
        level = all;
        log_level_parse(config_string(config, key), &level);
        log_set_level((enum log_area)area, level);
    }
}
