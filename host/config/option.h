/* SPDX-License-Identifier: BSD-3-Clause */
/* Typed values checked against an oriel_option: for the host's own keys and for modules alike. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "oriel/host_config.h"
#include "util/error.h"

/* Types of the host's own keys only: a list of strings; the default is separated by commas. And
 * any JSON, whose form another file knows. */
enum { CONFIG_LIST = 100, CONFIG_JSON };

struct option_value {
    int64_t number; /* INT, BOOL */
    double real;    /* FLOAT, INT */
    char *text;     /* STRING, ENUM; CONFIG_JSON: as it would be written */
    char **items;   /* CONFIG_LIST */
    size_t count;
};

/* False with what the option wants and what it got, without the option's name. `value` is then
 * empty. */
bool option_from_json(const struct oriel_option *option, const cJSON *json,
                      struct option_value *value, struct error *err);
bool option_from_text(const struct oriel_option *option, const char *text,
                      struct option_value *value, struct error *err);
/* The default; nothing for one without. */
bool option_default(const struct oriel_option *option, struct option_value *value,
                    struct error *err);
void option_value_finish(struct option_value *value);

/* As it would be written in a file. NULL: a value that is not set. */
cJSON *option_to_json(const struct oriel_option *option, const struct option_value *value);
const char *option_type_name(const struct oriel_option *option);
/* The schema of one value, as JSON Schema. */
cJSON *option_schema(const struct oriel_option *option);

/* Is the table of a module sound: names, types, choices, defaults within limits, help? */
bool option_table_check(const struct oriel_option_table *table, struct error *err);

#endif
