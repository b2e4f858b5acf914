/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of options: one by one, or any that the table allows. */
#ifndef CHECK_SETTINGS_H
#define CHECK_SETTINGS_H

#include "check/check.h"

enum { SETTINGS_MOST = 64 };

/* "key=value" each, NULL at the end. Begins as {0}. */
struct settings {
    char *list[SETTINGS_MOST + 1];
    size_t count;
};

void settings_add(struct settings *settings, const char *name, const char *value);
/* Some of the options at values within their limits, the same ones for the same seed; `without` has
 * a bit for each type (1 << ORIEL_OPT_…) that stays as it is. */
void settings_random(struct settings *settings, const struct oriel_option_table *table,
                     uint32_t without, uint64_t seed);
/* " key=value key=value" */
void settings_join(const struct settings *settings, char *text, size_t size);
void settings_clear(struct settings *settings);
/* The index-th of the choices, for free(), or NULL. */
char *settings_choice(const struct oriel_option *option, size_t index);

#endif
