/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <string.h>

#include "check/options.h"
#include "config/option.h"
#include "module/inspect.h"

#define MOST 1000 /* as many as the host takes */
#define FLAGS (ORIEL_OPT_LIVE | ORIEL_OPT_REQUIRED | ORIEL_OPT_SECRET)

static const char *fault(const struct oriel_option_table *table)
{
    if (table->size < sizeof *table)
        return "its size is smaller than struct oriel_option_table";
    if (table->count > MOST)
        return "it claims more than 1000 options";
    if (table->count && !table->options)
        return "it claims options and has no list of them";
    for (uint32_t i = 0; i < table->count; i++) {
        if (!table->options[i].name || !table->options[i].name[0])
            return "an option of it has no name";
    }
    return NULL;
}

void options_table(struct check_run *run)
{
    const struct oriel_option_table *table = inspect_options(run->vtable);
    const char *wrong = table ? fault(table) : NULL;
    if (wrong)
        check_fail(run, "the option table is broken: %s", wrong);
    check_note(run, "%u options", table ? table->count : 0);
}

/* The table, where it can be looked at. */
static const struct oriel_option_table *sound(struct check_run *run)
{
    static const struct oriel_option_table none = {.size = sizeof none};
    const struct oriel_option_table *table = inspect_options(run->vtable);
    if (table && fault(table))
        check_skip(run, "options.table failed, which it needs");
    return table ? table : &none;
}

static bool snake_case(const char *name)
{
    for (const char *at = name; *at; at++) {
        bool first = at == name;
        if (!islower((unsigned char)*at) && (first || (!isdigit((unsigned char)*at) && *at != '_')))
            return false;
    }
    return true;
}

void options_names(struct check_run *run)
{
    const struct oriel_option_table *table = sound(run);
    for (uint32_t i = 0; i < table->count; i++) {
        const char *name = table->options[i].name;
        if (!snake_case(name))
            check_fail(run, "option \"%s\" is not snake_case, as every key of the configuration is",
                       name);
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(table->options[j].name, name) == 0)
                check_fail(run, "option \"%s\" is in the table twice; names are unique", name);
        }
    }
}

static bool typed(const struct oriel_option *option)
{
    return option->type >= ORIEL_OPT_BOOL && option->type <= ORIEL_OPT_ENUM &&
           (option->type != ORIEL_OPT_ENUM || (option->choices && option->choices[0]));
}

void options_types(struct check_run *run)
{
    const struct oriel_option_table *table = sound(run);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        if (option->type < ORIEL_OPT_BOOL || option->type > ORIEL_OPT_ENUM)
            check_fail(run,
                       "option \"%s\" has the unknown type %u; types are ORIEL_OPT_BOOL to "
                       "ORIEL_OPT_ENUM",
                       option->name, option->type);
        if (!typed(option))
            check_fail(run,
                       "option \"%s\" is an enum without choices; they stand in `choices`, "
                       "separated by spaces",
                       option->name);
        if (option->type != ORIEL_OPT_ENUM && option->choices)
            check_fail(run, "option \"%s\" has choices and is no ORIEL_OPT_ENUM", option->name);
        if (option->flags & ~(uint32_t)FLAGS)
            check_fail(run, "option \"%s\" has unknown flags 0x%x", option->name, option->flags);
        if (!(option->min <= option->max))
            check_fail(run, "option \"%s\" has the limits %g to %g; min is not above max",
                       option->name, option->min, option->max);
    }
}

void options_defaults(struct check_run *run)
{
    const struct oriel_option_table *table = sound(run);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        bool required = option->flags & ORIEL_OPT_REQUIRED;
        if (required && option->default_value)
            check_fail(run, "option \"%s\" is required and has a default; one of them",
                       option->name);
        if (!required && !option->default_value)
            check_fail(run,
                       "option \"%s\" has no default and is not ORIEL_OPT_REQUIRED; one of them",
                       option->name);
        struct option_value value;
        struct error err;
        if (!typed(option))
            continue; /* options.types tells */
        if (!option_default(option, &value, &err))
            check_fail(run, "the default of option \"%s\" is none of its values: it %s",
                       option->name, err.text);
        option_value_finish(&value);
    }
}

void options_help(struct check_run *run)
{
    const struct oriel_option_table *table = sound(run);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        if (!option->help || strlen(option->help) < 3)
            check_fail(run, "option \"%s\" has no help; it is one sentence with the unit",
                       option->name);
    }
}
