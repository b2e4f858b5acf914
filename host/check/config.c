/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of an instance under test. Lenient: whether the table is sound is for tests of its
 * own. */
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "util/check.h"

struct config {
    struct oriel_config config; /* first */
    uint8_t poison[64];
    struct check_run *run;
    const struct oriel_option_table *table;
    char **values; /* by index of the table */
};

static const struct oriel_option *find(const struct oriel_option_table *table, const char *name,
                                       size_t length, uint32_t *index)
{
    for (uint32_t i = 0; table && i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        if (option->name && strlen(option->name) == length &&
            strncmp(option->name, name, length) == 0) {
            *index = i;
            return option;
        }
    }
    return NULL;
}

/* The text of an option of one of two types, or NULL after blaming. */
static const char *value_of(const struct oriel_config *config, const char *name, uint32_t type,
                            uint32_t other, const char *getter)
{
    const struct config *self = (const struct config *)config;
    uint32_t index;
    const struct oriel_option *option = name ? find(self->table, name, strlen(name), &index) : NULL;
    if (!option) {
        check_blame(self->run, "it asked for option \"%s\", which is not in its table",
                    name ? name : "(null)");
        return NULL;
    }
    if (option->type == type || option->type == other)
        return self->values[index];
    check_blame(self->run, "it asked for option \"%s\" by %s(), which is not for its type", name,
                getter);
    return NULL;
}

static int64_t get_int(const struct oriel_config *config, const char *name)
{
    const char *text = value_of(config, name, ORIEL_OPT_INT, ORIEL_OPT_BOOL, "get_int");
    if (!text)
        return 0;
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 ||
        strcasecmp(text, "on") == 0)
        return 1;
    return (int64_t)strtod(text, NULL);
}

static double get_float(const struct oriel_config *config, const char *name)
{
    const char *text = value_of(config, name, ORIEL_OPT_FLOAT, ORIEL_OPT_INT, "get_float");
    return text ? strtod(text, NULL) : 0;
}

static const char *get_string(const struct oriel_config *config, const char *name)
{
    const char *text = value_of(config, name, ORIEL_OPT_STRING, ORIEL_OPT_ENUM, "get_string");
    return text ? text : "";
}

static void apply(struct config *self, const char *const *settings)
{
    for (; settings && *settings; settings++) {
        size_t length = strcspn(*settings, "=");
        uint32_t index;
        if (!find(self->table, *settings, length, &index))
            check_fail(self->run, "--set %s: the module has no such option", *settings);
        free(self->values[index]);
        self->values[index] = xstrdup(*settings + length + ((*settings)[length] == '='));
    }
}

const struct oriel_config *check_config(struct check_run *run,
                                        const struct oriel_option_table *table,
                                        const char *const *settings)
{
    struct config *self = check_keep(sizeof *self);
    memset(self->poison, 0xA5, sizeof self->poison);
    self->config = (struct oriel_config){.size = sizeof self->config,
                                         .get_int = get_int,
                                         .get_float = get_float,
                                         .get_string = get_string,
                                         .data = self->poison};
    self->run = run;
    self->table = table;
    self->values = xcalloc(table && table->count ? table->count : 1, sizeof *self->values);
    for (uint32_t i = 0; table && i < table->count; i++) {
        if (table->options[i].default_value)
            self->values[i] = xstrdup(table->options[i].default_value);
    }
    apply(self, run->settings);
    apply(self, settings);
    for (uint32_t i = 0; table && i < table->count; i++) {
        if (!self->values[i])
            check_skip(run, "its option \"%s\" has no default: give --set %s=VALUE",
                       table->options[i].name, table->options[i].name);
    }
    return &self->config;
}
