/* SPDX-License-Identifier: BSD-3-Clause */
/* ORIEL_<KEY> for every key of ours, and the variables of the napari-cuda server (reference.c). */
#include <string.h>

#include "config/reference.h"
#include "config/schema.h"
#include "config/settings.h"
#include "util/log.h"
#include "util/nearest.h"

/* Variables of ours that are no keys. */
static const char *const others[] = {"ORIEL_MODULE_PATH",
                                     "ORIEL_CONFIG",
                                     "ORIEL_TEST_DATA",
                                     "ORIEL_BINARY",
                                     "ORIEL_SOURCE_DIR",
                                     "ORIEL_TOKEN",
                                     NULL};

/* A variable that is one slip away from one that counts is worth a line; any other is not ours to
 * judge. */
static void hint_at_typo(const char *name)
{
    struct nearest nearest = nearest_begin(name);
    nearest.distance = 3;
    char known[128], best[128] = "";
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++) {
        if (!schema_variable(options[i].name, known, sizeof known))
            continue;
        size_t before = nearest.distance;
        nearest_offer(&nearest, known);
        if (nearest.distance < before)
            strcpy(best, known);
    }
    for (size_t i = 0; others[i]; i++) {
        if (strcmp(name, others[i]) == 0)
            return;
    }
    if (best[0])
        log_warn(LOG_CONFIG, "%s: names no key, did you mean %s?", name, best);
}

static void read_own(struct settings *settings, const char *name, const char *value)
{
    size_t count;
    const struct oriel_option *options = schema_options(&count);
    for (size_t i = 0; i < count; i++) {
        char known[128];
        if (schema_variable(options[i].name, known, sizeof known) && strcmp(known, name) == 0) {
            settings_add_text(settings, options[i].name, value, name);
            return;
        }
    }
    hint_at_typo(name);
}

bool settings_read_environment(struct settings *settings, char **environment, struct error *err)
{
    if (!reference_read(settings, environment, err))
        return false;
    for (char **at = environment; *at; at++) {
        const char *equals = strchr(*at, '=');
        char name[128];
        size_t length = equals ? (size_t)(equals - *at) : 0;
        if (strncmp(*at, "ORIEL_", 6) != 0 || length >= sizeof name)
            continue;
        memcpy(name, *at, length);
        name[length] = '\0';
        read_own(settings, name, equals + 1);
    }
    return true;
}
