/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of arguments: the published schema, and the sentences for what does not fit it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "mcp/params.h"

static const double unit[] = {0, 1}, positive[] = {0, INFINITY};
static const char *const kinds[] = {"mip", "iso", NULL};
static const struct param table[] = {
    {"layer", "which", PARAM_STRING, .least = 1, .most = 5, .required = true},
    {"opacity", NULL, PARAM_NUMBER, .range = unit},
    {"gamma", NULL, PARAM_NUMBER, .range = positive, .above = true},
    {"kind", NULL, PARAM_STRING, .choices = kinds},
    {"on", NULL, .types = PARAM_BOOLEAN},
    {"axis", NULL, .types = PARAM_STRING | PARAM_INTEGER},
    {"limits", NULL, PARAM_LIST, PARAM_NUMBER, .least = 2, .most = 2},
    {"index", NULL, PARAM_LIST, PARAM_INTEGER | PARAM_NULL | PARAM_PAIR, .most = 3},
    {0}};

static void schema_says_what_the_table_says(void **state)
{
    (void)state;
    cJSON *schema = params_schema(table, 2, true);
    assert_true(same_json(
        schema,
        "{\"type\":\"object\",\"properties\":{"
        "\"layer\":{\"type\":\"string\",\"description\":\"which\",\"minLength\":1,\"maxLength\":5},"
        "\"opacity\":{\"type\":\"number\",\"minimum\":0,\"maximum\":1},"
        "\"gamma\":{\"type\":\"number\",\"exclusiveMinimum\":0},"
        "\"kind\":{\"type\":\"string\",\"enum\":[\"mip\",\"iso\"]},"
        "\"on\":{\"type\":\"boolean\"},"
        "\"axis\":{\"type\":[\"string\",\"integer\"],\"maxLength\":4096},"
        "\"limits\":{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"minItems\":2,"
        "\"maxItems\":2},"
        "\"index\":{\"type\":\"array\",\"items\":{\"type\":[\"integer\",\"array\",\"null\"],"
        "\"items\":{\"type\":\"integer\"},\"minItems\":2,\"maxItems\":2},\"maxItems\":3}},"
        "\"required\":[\"layer\"],\"minProperties\":2,\"additionalProperties\":false}"));
    cJSON_Delete(schema);
    schema = params_schema(table, 0, false);
    assert_null(cJSON_GetObjectItem(schema, "additionalProperties"));
    assert_null(cJSON_GetObjectItem(schema, "minProperties"));
    cJSON_Delete(schema);
}

static void expect(const char *args, const char *complaint)
{
    cJSON *json = cJSON_Parse(args);
    assert_non_null(json);
    struct error err = {""};
    bool ok = params_check(table, 2, json, &err);
    if (strcmp(err.text, complaint) != 0 || ok != !*complaint)
        fail_msg("%s: \"%s\", not \"%s\"", args, err.text, complaint);
    cJSON_Delete(json);
}

static void what_fits_is_taken(void **state)
{
    (void)state;
    expect("{\"layer\":\"l\",\"opacity\":0}", "");
    expect("{\"layer\":\"l\\u00fcnge\",\"opacity\":1,\"gamma\":0.1,\"kind\":\"iso\",\"on\":false}",
           "");
    expect("{\"layer\":\"l\",\"axis\":\"z\"}", "");
    expect("{\"layer\":\"l\",\"axis\":-2.0}", "");
    expect("{\"layer\":\"l\",\"limits\":[1e300,-1],\"index\":[1,null,[2,3]]}", "");
}

static void what_does_not_fit_is_named(void **state)
{
    (void)state;
    expect("[]", "the arguments must be an object");
    expect("{\"opacity\":1,\"on\":true}", "layer is required");
    expect("{\"layer\":\"l\"}", "at least 2 arguments are needed");
    expect("{\"layer\":\"l\",\"opcity\":1}",
           "there is no argument \"opcity\", did you mean opacity?");
    expect("{\"layer\":\"l\",\"layer\":\"m\"}", "layer is given twice");
    expect("{\"layer\":7}", "layer must be a string of 1 to 5 characters");
    expect("{\"layer\":\"\"}", "layer must be a string of 1 to 5 characters");
    expect("{\"layer\":\"123456\"}", "layer must be a string of 1 to 5 characters");
    expect("{\"layer\":\"l\",\"opacity\":1.01}", "opacity must be a number from 0 to 1");
    expect("{\"layer\":\"l\",\"opacity\":\"1\"}", "opacity must be a number from 0 to 1");
    expect("{\"layer\":\"l\",\"opacity\":1e999}", "opacity must be a number from 0 to 1");
    expect("{\"layer\":\"l\",\"gamma\":0}", "gamma must be a number greater than 0");
    expect("{\"layer\":\"l\",\"gamma\":1e999}", "gamma must be a number greater than 0");
    expect("{\"layer\":\"l\",\"kind\":\"MIP\"}", "kind must be one of mip, iso");
    expect("{\"layer\":\"l\",\"on\":1}", "on must be true or false");
    expect("{\"layer\":\"l\",\"on\":null}", "on must be true or false");
    expect("{\"layer\":\"l\",\"axis\":1.5}", "axis must be a string or an integer");
    expect("{\"layer\":\"l\",\"axis\":9007199254740993}", "axis must be a string or an integer");
    expect("{\"layer\":\"l\",\"limits\":[1]}", "limits must be a list of 2 numbers");
    expect("{\"layer\":\"l\",\"limits\":[1,\"2\"]}", "limits must be a list of 2 numbers");
    expect("{\"layer\":\"l\",\"index\":[1,2,3,4]}",
           "index must be a list of 0 to 3 integers or pairs of integers or nulls");
    expect("{\"layer\":\"l\",\"index\":[[1]]}",
           "index must be a list of 0 to 3 integers or pairs of integers or nulls");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_says_what_the_table_says),
        cmocka_unit_test(what_fits_is_taken),
        cmocka_unit_test(what_does_not_fit_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
