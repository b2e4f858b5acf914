/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

#include "config/schema.h"
#include "util/check.h"
#include "util/nearest.h"

static struct setting *add(struct settings *settings, const char *key, const char *origin)
{
    settings->at = xrealloc(settings->at, (settings->count + 1) * sizeof *settings->at);
    struct setting *setting = &settings->at[settings->count++];
    *setting = (struct setting){.key = xstrdup(key), .origin = xstrdup(origin)};
    return setting;
}

void settings_add_text(struct settings *settings, const char *key, const char *text,
                       const char *origin)
{
    add(settings, key, origin)->text = xstrdup(text);
}

void settings_add_json(struct settings *settings, const char *key, cJSON *json, const char *origin)
{
    add(settings, key, origin)->json = json;
}

void settings_finish(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->at[i].key);
        cJSON_Delete(settings->at[i].json);
        free(settings->at[i].text);
        free(settings->at[i].origin);
    }
    free(settings->at);
    *settings = (struct settings){0};
}

void settings_move(struct settings *settings, struct settings *from)
{
    size_t count = settings->count + from->count;
    if (from->count) {
        settings->at = xrealloc(settings->at, count * sizeof *settings->at);
        memcpy(settings->at + settings->count, from->at, from->count * sizeof *from->at);
        settings->count = count;
    }
    free(from->at);
    *from = (struct settings){0};
}

const struct setting *settings_find(const struct settings *settings, const char *key)
{
    for (size_t i = settings->count; i-- > 0;) {
        if (strcmp(settings->at[i].key, key) == 0)
            return &settings->at[i];
    }
    return NULL;
}

size_t setting_module_length(const char *key)
{
    const char *slash = strrchr(key, '/');
    if (!slash)
        return 0;
    return (size_t)(slash - key) + strcspn(slash, ".");
}

bool settings_read_sets(struct settings *settings, const char *const *sets,
                        const char *const *origins, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(sets[i], '=');
        if (!equals || equals == sets[i])
            return error_set(err, "--set %s: wants key=value", sets[i]);
        char *key = xasprintf("%.*s", (int)(equals - sets[i]), sets[i]);
        settings_add_text(settings, key, equals + 1, origins ? origins[i] : "--set");
        free(key);
    }
    return true;
}

bool settings_read_preset(struct settings *settings, const char *preset, const char *origin,
                          struct error *err)
{
    struct schema_preset_value value;
    char *name = xasprintf("preset %s", preset);
    for (size_t i = 0; schema_preset(preset, i, &value); i++) {
        settings_add_text(settings, value.key, value.value, name);
        settings->at[settings->count - 1].preset = true;
    }
    free(name);
    if (schema_preset(preset, 0, &value))
        return true;
    struct nearest nearest = nearest_begin(preset);
    char names[] = SCHEMA_PRESETS, *rest = names;
    for (char *known; (known = strtok_r(rest, " ", &rest));)
        nearest_offer(&nearest, known);
    return error_set(err, "%s: unknown preset \"%s\"%s (there are %s)", origin, preset,
                     nearest_hint(&nearest), SCHEMA_PRESETS);
}
