/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/option.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"
#include "util/nearest.h"

/* Doubles, and so JSON numbers, hold every integer up to here. */
#define MAX_EXACT 9007199254740992.0

const char *option_type_name(const struct oriel_option *option)
{
    switch (option->type) {
    case ORIEL_OPT_BOOL:
        return "true or false";
    case ORIEL_OPT_INT:
        return "an integer";
    case ORIEL_OPT_FLOAT:
        return "a number";
    case ORIEL_OPT_STRING:
        return "a string";
    case ORIEL_OPT_ENUM:
        return "a name";
    case CONFIG_LIST:
        return "a list of strings";
    case CONFIG_JSON:
        return "JSON";
    }
    return "a value";
}

static bool wrong_type(const struct oriel_option *option, const char *got, struct error *err)
{
    return error_set(err, "wants %s, got %s", option_type_name(option), got);
}

static bool in_limits(const struct oriel_option *option, double number, const char *got,
                      struct error *err)
{
    if (option->min == 0 && option->max == 0)
        return true;
    if (number >= option->min && number <= option->max)
        return true;
    return error_set(err, "wants %s from %.15g to %.15g, got %s", option_type_name(option),
                     option->min, option->max, got);
}

static bool set_number(const struct oriel_option *option, double number, const char *got,
                       struct option_value *value, struct error *err)
{
    if (!isfinite(number))
        return wrong_type(option, got, err);
    if (option->type == ORIEL_OPT_INT && (number != floor(number) || fabs(number) > MAX_EXACT))
        return wrong_type(option, got, err);
    if (!in_limits(option, number, got, err))
        return false;
    value->real = number;
    value->number = option->type == ORIEL_OPT_INT ? (int64_t)number : 0;
    return true;
}

static bool has_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = choices; *at;) {
        size_t n = strcspn(at, " ");
        if (n == length && n > 0 && strncmp(at, text, n) == 0)
            return true;
        at += n + strspn(at + n, " ");
    }
    return false;
}

static bool set_text(const struct oriel_option *option, const char *text,
                     struct option_value *value, struct error *err)
{
    if (option->type == ORIEL_OPT_ENUM && !has_choice(option->choices, text)) {
        char *copy = xstrdup(option->choices), *rest = copy;
        struct nearest nearest = nearest_begin(text);
        for (char *choice; (choice = strtok_r(rest, " ", &rest));)
            nearest_offer(&nearest, choice);
        error_set(err, "\"%s\" is not one of: %s%s", text, option->choices, nearest_hint(&nearest));
        free(copy);
        return false;
    }
    value->text = xstrdup(text);
    return true;
}

static void add_item(struct option_value *value, const char *text, size_t length)
{
    value->items = xrealloc(value->items, (value->count + 1) * sizeof *value->items);
    value->items[value->count++] = xasprintf("%.*s", (int)length, text);
}

bool option_from_json(const struct oriel_option *option, const cJSON *json,
                      struct option_value *value, struct error *err)
{
    *value = (struct option_value){0};
    char *printed = cJSON_PrintUnformatted(json);
    CHECK(printed);
    bool ok = false;
    switch (option->type) {
    case ORIEL_OPT_BOOL:
        ok = cJSON_IsBool(json) || wrong_type(option, printed, err);
        value->number = cJSON_IsTrue(json);
        break;
    case ORIEL_OPT_INT:
    case ORIEL_OPT_FLOAT:
        ok = cJSON_IsNumber(json) ? set_number(option, json->valuedouble, printed, value, err)
                                  : wrong_type(option, printed, err);
        break;
    case ORIEL_OPT_STRING:
    case ORIEL_OPT_ENUM:
        ok = cJSON_IsString(json) ? set_text(option, json->valuestring, value, err)
                                  : wrong_type(option, printed, err);
        break;
    case CONFIG_LIST:
        ok = cJSON_IsArray(json) || wrong_type(option, printed, err);
        for (const cJSON *item = ok ? json->child : NULL; item && ok; item = item->next) {
            ok = cJSON_IsString(item) || wrong_type(option, printed, err);
            if (ok)
                add_item(value, item->valuestring, strlen(item->valuestring));
        }
        break;
    case CONFIG_JSON:
        value->text = xstrdup(printed);
        ok = true;
        break;
    }
    free(printed);
    if (!ok)
        option_value_finish(value);
    return ok;
}

static bool parse_bool(const char *text, int64_t *number)
{
    static const char *const names[2][5] = {{"0", "false", "no", "off", NULL},
                                            {"1", "true", "yes", "on", NULL}};
    for (int truth = 0; truth < 2; truth++) {
        for (int i = 0; names[truth][i]; i++) {
            if (strcasecmp(text, names[truth][i]) == 0) {
                *number = truth;
                return true;
            }
        }
    }
    return false;
}

static bool json_from_text(const struct oriel_option *option, const char *text,
                           struct option_value *value, struct error *err)
{
    cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
    bool ok = json ? option_from_json(option, json, value, err) : wrong_type(option, text, err);
    cJSON_Delete(json);
    return ok;
}

static bool list_from_text(const struct oriel_option *option, const char *text,
                           struct option_value *value, struct error *err)
{
    if (text[0] == '[') {
        cJSON *json = cJSON_ParseWithOpts(text, NULL, true);
        if (!json)
            return wrong_type(option, text, err);
        bool ok = option_from_json(option, json, value, err);
        cJSON_Delete(json);
        return ok;
    }
    while (*text) {
        size_t length = strcspn(text, ",");
        size_t start = strspn(text, " "), end = length;
        while (end > start && text[end - 1] == ' ')
            end--;
        if (start < end)
            add_item(value, text + start, end - start);
        text += length + (text[length] == ',');
    }
    return true;
}

bool option_from_text(const struct oriel_option *option, const char *text,
                      struct option_value *value, struct error *err)
{
    *value = (struct option_value){0};
    char quoted[128];
    snprintf(quoted, sizeof quoted, "\"%s\"", text);
    switch (option->type) {
    case ORIEL_OPT_BOOL:
        return parse_bool(text, &value->number) || wrong_type(option, quoted, err);
    case ORIEL_OPT_INT:
    case ORIEL_OPT_FLOAT: {
        char *end;
        errno = 0;
        double number = strtod(text, &end);
        if (end == text || *end || errno == ERANGE || isspace((unsigned char)text[0]))
            return wrong_type(option, quoted, err);
        return set_number(option, number, text, value, err);
    }
    case ORIEL_OPT_STRING:
    case ORIEL_OPT_ENUM:
        return set_text(option, text, value, err);
    case CONFIG_LIST:
        return list_from_text(option, text, value, err);
    case CONFIG_JSON:
        return json_from_text(option, text, value, err);
    }
    return error_set(err, "has an unknown type %u", option->type);
}

bool option_default(const struct oriel_option *option, struct option_value *value,
                    struct error *err)
{
    if (option->default_value)
        return option_from_text(option, option->default_value, value, err);
    *value = (struct option_value){0};
    return true;
}

void option_value_finish(struct option_value *value)
{
    free(value->text);
    for (size_t i = 0; i < value->count; i++)
        free(value->items[i]);
    free(value->items);
    *value = (struct option_value){0};
}

cJSON *option_to_json(const struct oriel_option *option, const struct option_value *value)
{
    switch (option->type) {
    case ORIEL_OPT_BOOL:
        return cJSON_CreateBool(value->number != 0);
    case ORIEL_OPT_INT:
    case ORIEL_OPT_FLOAT:
        return cJSON_CreateNumber(value->real);
    case CONFIG_LIST: {
        cJSON *list = cJSON_CreateArray();
        for (size_t i = 0; i < value->count; i++)
            cJSON_AddItemToArray(list, cJSON_CreateString(value->items[i]));
        return list;
    }
    case CONFIG_JSON:
        return cJSON_Parse(value->text);
    default:
        return value->text ? cJSON_CreateString(value->text) : NULL;
    }
}

cJSON *option_schema(const struct oriel_option *option)
{
    static const char *const types[] = {NULL, "boolean", "integer", "number", "string", "string"};
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "description", option->help);
    bool list = option->type == CONFIG_LIST || option->type == CONFIG_JSON;
    cJSON_AddStringToObject(schema, "type", list ? "array" : types[option->type]);
    if (option->type == CONFIG_JSON)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(schema, "items"), "type", "object");
    if (option->type == CONFIG_LIST)
        cJSON_AddStringToObject(cJSON_AddObjectToObject(schema, "items"), "type", "string");
    if (option->type == ORIEL_OPT_ENUM) {
        cJSON *choices = cJSON_AddArrayToObject(schema, "enum");
        char *copy = xstrdup(option->choices), *rest = copy;
        for (char *choice; (choice = strtok_r(rest, " ", &rest));)
            cJSON_AddItemToArray(choices, cJSON_CreateString(choice));
        free(copy);
    }
    if (option->min != 0 || option->max != 0) {
        cJSON_AddNumberToObject(schema, "minimum", option->min);
        cJSON_AddNumberToObject(schema, "maximum", option->max);
    }
    struct option_value value;
    if (option->default_value && option_default(option, &value, NULL)) {
        cJSON_AddItemToObject(schema, "default", option_to_json(option, &value));
        option_value_finish(&value);
    }
    return schema;
}

static bool snake_case(const char *name)
{
    if (!islower((unsigned char)name[0]))
        return false;
    for (const char *at = name; *at; at++) {
        if (!islower((unsigned char)*at) && !isdigit((unsigned char)*at) && *at != '_')
            return false;
    }
    return true;
}

static bool option_check(const struct oriel_option *option, struct error *err)
{
    if (!snake_case(option->name))
        return error_set(err, "its name is not snake_case");
    if (option->type < ORIEL_OPT_BOOL || option->type > ORIEL_OPT_ENUM)
        return error_set(err, "has an unknown type %u", option->type);
    if (!option->help || !option->help[0])
        return error_set(err, "has no help");
    if (option->type == ORIEL_OPT_ENUM && (!option->choices || !option->choices[0]))
        return error_set(err, "has no choices");
    if (!(option->min <= option->max))
        return error_set(err, "its limits are %g to %g", option->min, option->max);
    bool required = option->flags & ORIEL_OPT_REQUIRED;
    if (required != (option->default_value == NULL))
        return error_set(err, required ? "is required and has a default" : "has no default");
    struct option_value value;
    if (!option_default(option, &value, err))
        return error_prefix(err, "its default");
    option_value_finish(&value);
    return true;
}

bool option_table_check(const struct oriel_option_table *table, struct error *err)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        if (!option->name)
            return error_set(err, "option %u has no name", i);
        if (!option_check(option, err))
            return error_prefix(err, "option \"%s\"", option->name);
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(table->options[j].name, option->name) == 0)
                return error_set(err, "option \"%s\" is there twice", option->name);
        }
    }
    return true;
}
