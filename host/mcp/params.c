/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcp/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scene/json.h"
#include "util/nearest.h"

#define SAFE_INTEGER 9007199254740991.0

static const struct {
    unsigned type;
    const char *name, *one, *many;
} types[] = {
    {PARAM_STRING, "string", "a string", "strings"},
    {PARAM_NUMBER, "number", "a number", "numbers"},
    {PARAM_INTEGER, "integer", "an integer", "integers"},
    {PARAM_BOOLEAN, "boolean", "true or false", "booleans"},
    {PARAM_LIST, "array", "a list", "lists"},
    {PARAM_PAIR, "array", "two integers", "pairs of integers"},
    {PARAM_OBJECT, "object", "an object", "objects"},
    {PARAM_NULL, "null", "null", "nulls"},
};
#define TYPES (sizeof types / sizeof *types)

/* --- the schema --- */

static void put_types(cJSON *schema, unsigned allowed)
{
    cJSON *names = cJSON_CreateArray();
    for (size_t i = 0; i < TYPES; i++) {
        if (allowed & types[i].type)
            cJSON_AddItemToArray(names, cJSON_CreateString(types[i].name));
    }
    if (cJSON_GetArraySize(names) == 1)
        json_put(schema, "type", cJSON_DetachItemFromArray(names, 0));
    else
        json_put(schema, "type", cJSON_Duplicate(names, true));
    cJSON_Delete(names);
}

static void put_range(cJSON *schema, const struct param *param, unsigned allowed)
{
    if (!param->range || !(allowed & (PARAM_NUMBER | PARAM_INTEGER)))
        return;
    if (isfinite(param->range[0]))
        json_put_number(schema, param->above ? "exclusiveMinimum" : "minimum", param->range[0]);
    if (isfinite(param->range[1]))
        json_put_number(schema, "maximum", param->range[1]);
}

static cJSON *items_schema(const struct param *param)
{
    cJSON *items = cJSON_CreateObject();
    put_types(items, param->items);
    put_range(items, param, param->items);
    if (param->items & PARAM_PAIR) {
        cJSON *integer = cJSON_CreateObject();
        json_put_string(integer, "type", "integer");
        json_put(items, "items", integer);
        json_put_number(items, "minItems", 2);
        json_put_number(items, "maxItems", 2);
    }
    return items;
}

static cJSON *param_schema(const struct param *param, bool closed)
{
    cJSON *schema = cJSON_CreateObject();
    put_types(schema, param->types);
    if (param->help)
        json_put_string(schema, "description", param->help);
    put_range(schema, param, param->types);
    if (param->choices) {
        cJSON *list = json_put(schema, "enum", cJSON_CreateArray());
        for (const char *const *choice = param->choices; *choice; choice++)
            cJSON_AddItemToArray(list, cJSON_CreateString(*choice));
    } else if (closed && param->types & PARAM_STRING) {
        if (param->least)
            json_put_number(schema, "minLength", param->least);
        json_put_number(schema, "maxLength", param->most ? param->most : PARAM_TEXT_MAX);
    }
    if (param->types & PARAM_LIST) {
        if (param->items)
            json_put(schema, "items", items_schema(param));
        if (param->least)
            json_put_number(schema, "minItems", param->least);
        if (param->most)
            json_put_number(schema, "maxItems", param->most);
    }
    return schema;
}

static unsigned required_count(const struct param *params)
{
    unsigned count = 0;
    for (const struct param *param = params; param->name; param++)
        count += param->required;
    return count;
}

cJSON *params_schema(const struct param *params, unsigned least_params, bool closed)
{
    cJSON *schema = cJSON_CreateObject();
    json_put_string(schema, "type", "object");
    cJSON *properties = json_put(schema, "properties", cJSON_CreateObject());
    cJSON *required = cJSON_CreateArray();
    for (const struct param *param = params; param->name; param++) {
        json_put(properties, param->name, param_schema(param, closed));
        if (param->required)
            cJSON_AddItemToArray(required, cJSON_CreateString(param->name));
    }
    if (required->child)
        json_put(schema, "required", required);
    else
        cJSON_Delete(required);
    if (least_params > required_count(params))
        json_put_number(schema, "minProperties", least_params);
    if (closed)
        json_put_bool(schema, "additionalProperties", false);
    return schema;
}

/* --- the check --- */

static bool is_integer(const cJSON *value)
{
    return cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble) &&
           fabs(value->valuedouble) <= SAFE_INTEGER;
}

static bool is_pair(const cJSON *value)
{
    return cJSON_IsArray(value) && cJSON_GetArraySize(value) == 2 && is_integer(value->child) &&
           is_integer(value->child->next);
}

static bool is_type(const cJSON *value, unsigned allowed)
{
    return (allowed & PARAM_STRING && cJSON_IsString(value)) ||
           (allowed & PARAM_NUMBER && cJSON_IsNumber(value) && isfinite(value->valuedouble)) ||
           (allowed & PARAM_INTEGER && is_integer(value)) ||
           (allowed & PARAM_BOOLEAN && cJSON_IsBool(value)) ||
           (allowed & PARAM_LIST && cJSON_IsArray(value)) ||
           (allowed & PARAM_PAIR && is_pair(value)) ||
           (allowed & PARAM_OBJECT && cJSON_IsObject(value)) ||
           (allowed & PARAM_NULL && cJSON_IsNull(value));
}

static bool in_range(const struct param *param, const cJSON *value)
{
    if (!param->range || !cJSON_IsNumber(value))
        return true;
    double v = value->valuedouble;
    return (param->above ? v > param->range[0] : v >= param->range[0]) && v <= param->range[1];
}

/* "numbers", "a number or null". */
static void name_types(unsigned allowed, bool many, char *out, size_t room)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < TYPES && used < room; i++) {
        if (allowed & types[i].type)
            used += (size_t)snprintf(out + used, room - used, "%s%s", used ? " or " : "",
                                     many ? types[i].many : types[i].one);
    }
}

/* " from 0 to 1", " greater than 0", "". */
static void name_range(const struct param *param, char *out, size_t room)
{
    out[0] = '\0';
    if (!param->range)
        return;
    bool low = isfinite(param->range[0]), high = isfinite(param->range[1]);
    if (low && high)
        snprintf(out, room, param->above ? " above %g and at most %g" : " from %g to %g",
                 param->range[0], param->range[1]);
    else if (low)
        snprintf(out, room, param->above ? " greater than %g" : " of at least %g", param->range[0]);
    else
        snprintf(out, room, " of at most %g", param->range[1]);
}

static void name_count(const struct param *param, char *out, size_t room)
{
    if (param->least == param->most && param->least)
        snprintf(out, room, "%u ", param->least);
    else if (param->most)
        snprintf(out, room, "%u to %u ", param->least, param->most);
    else
        snprintf(out, room, "%s", "");
}

static bool complain(const struct param *param, struct error *err)
{
    char kinds[160], range[80], count[32];
    name_range(param, range, sizeof range);
    if (param->choices) {
        char list[512] = "";
        size_t used = 0;
        for (const char *const *choice = param->choices; *choice && used < sizeof list; choice++)
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                                     *choice);
        return error_set(err, "%s must be one of %s", param->name, list);
    }
    if (param->types == PARAM_LIST) {
        name_types(param->items, true, kinds, sizeof kinds);
        name_count(param, count, sizeof count);
        return error_set(err, "%s must be a list of %s%s%s", param->name, count, kinds, range);
    }
    name_types(param->types, false, kinds, sizeof kinds);
    if (param->types == PARAM_STRING)
        return error_set(err, "%s must be a string of %u to %u characters", param->name,
                         param->least, param->most ? param->most : PARAM_TEXT_MAX);
    return error_set(err, "%s must be %s%s", param->name, kinds, range);
}

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static bool check_string(const struct param *param, const char *text)
{
    for (const char *const *choice = param->choices; choice && *choice; choice++) {
        if (strcmp(*choice, text) == 0)
            return true;
    }
    size_t count = characters(text);
    return !param->choices && count >= param->least &&
           count <= (param->most ? param->most : PARAM_TEXT_MAX);
}

static bool check_list(const struct param *param, const cJSON *value)
{
    unsigned count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, value)
    {
        if (!is_type(item, param->items) || !in_range(param, item))
            return false;
        count++;
    }
    return count >= param->least && (!param->most || count <= param->most);
}

static bool check_one(const struct param *param, const cJSON *value)
{
    if (!is_type(value, param->types) || !in_range(param, value))
        return false;
    if (cJSON_IsString(value))
        return check_string(param, value->valuestring);
    return !cJSON_IsArray(value) || check_list(param, value);
}

static const struct param *find(const struct param *params, const char *name)
{
    for (; params->name; params++) {
        if (strcmp(params->name, name) == 0)
            return params;
    }
    return NULL;
}

bool params_check(const struct param *params, unsigned least_params, const cJSON *args,
                  struct error *err)
{
    if (args && !cJSON_IsObject(args))
        return error_set(err, "the arguments must be an object");
    unsigned count = 0;
    const cJSON *arg;
    cJSON_ArrayForEach(arg, args)
    {
        const struct param *param = find(params, arg->string);
        if (!param) {
            struct nearest nearest = nearest_begin(arg->string);
            for (const struct param *p = params; p->name; p++)
                nearest_offer(&nearest, p->name);
            return error_set(err, "there is no argument \"%.60s\"%s", arg->string,
                             nearest_hint(&nearest));
        }
        for (const cJSON *other = arg->next; other; other = other->next) {
            if (strcmp(other->string, arg->string) == 0)
                return error_set(err, "%s is given twice", param->name);
        }
        if (!check_one(param, arg))
            return complain(param, err);
        count++;
    }
    for (const struct param *param = params; param->name; param++) {
        if (param->required && !cJSON_GetObjectItemCaseSensitive(args, param->name))
            return error_set(err, "%s is required", param->name);
    }
    if (count < least_params)
        return error_set(err, "at least %u arguments are needed", least_params);
    return true;
}
