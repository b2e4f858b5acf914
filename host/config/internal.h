/* SPDX-License-Identifier: BSD-3-Clause */
/* What a snapshot holds; for the files of this room. */
#ifndef CONFIG_INTERNAL_H
#define CONFIG_INTERNAL_H

#include "config/config.h"
#include "config/option.h"
#include "config/schema.h"
#include "config/settings.h"

struct config_value {
    struct option_value value;
    const char *origin; /* in `settings`, or "default" */
    bool set;           /* false: the key has no default, and nothing gave it a value */
};

struct config {
    struct settings settings;
    struct config_value *values; /* as schema_options() */
};

/* What an option of a module becomes and whence: a setting's origin, the section it is taken from,
 * or "default", where it may have no value at all. */
bool module_value(const struct config *config, const char *id, const char *section,
                  const struct oriel_option *option, struct option_value *value,
                  const char **origin, struct error *err);

bool setting_value(const struct setting *setting, const struct oriel_option *option,
                   struct option_value *value, struct error *err);

#endif
