/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scene/record.h"

static uint64_t put(struct record *record, const char *key, double value)
{
    struct record_batch *batch = record_batch_create();
    record_put(batch, "layer", "a", key, cJSON_CreateNumber(value));
    return record_commit(record, batch, &(struct record_origin){.session = "s", .client_seq = 7});
}

static void test_versions_and_revision(void **state)
{
    (void)state;
    struct record *record = record_create();
    assert_int_equal(put(record, "opacity", 1), 1);
    assert_int_equal(put(record, "opacity", 0.5), 2);
    assert_int_equal(put(record, "gamma", 2), 3);
    assert_int_equal(record_version(record, "layer", "a", "opacity"), 2);
    assert_int_equal(record_version(record, "layer", "a", "gamma"), 1);
    assert_int_equal(record_version(record, "layer", "b", "gamma"), 0);
    const struct record_entry *entry = record_find(record, "layer", "a", "opacity");
    assert_int_equal(entry->revision, 2);
    assert_string_equal(entry->origin.session, "s");
    assert_int_equal(entry->origin.client_seq, 7);
    assert_true(entry->timestamp > 1e9);
    record_destroy(record);
}

static void test_same_value_is_no_write(void **state)
{
    (void)state;
    struct record *record = record_create();
    put(record, "opacity", 1);
    assert_int_equal(put(record, "opacity", 1), 0);
    assert_int_equal(record_revision(record), 1);
    assert_int_equal(record_version(record, "layer", "a", "opacity"), 1);
    record_destroy(record);
}

static void test_batch_is_one_revision(void **state)
{
    (void)state;
    struct record *record = record_create();
    struct record_batch *batch = record_batch_create();
    assert_true(record_batch_empty(batch));
    record_put(batch, "dims", "main", "step", cJSON_CreateNumber(1));
    record_put(batch, "view", "main", "ndisplay", cJSON_CreateNumber(2));
    record_put(batch, "view", "main", "ndisplay", cJSON_CreateNumber(3));
    assert_int_equal(record_batch_value(batch, "view", "main", "ndisplay")->valueint, 3);
    assert_int_equal(record_commit(record, batch, NULL), 1);
    assert_int_equal(record_find(record, "dims", "main", "step")->revision, 1);
    assert_int_equal(record_find(record, "view", "main", "ndisplay")->revision, 1);
    assert_int_equal(record_value(record, "view", "main", "ndisplay")->valueint, 3);
    record_destroy(record);
}

static void test_clear_keeps_versions(void **state)
{
    (void)state;
    struct record *record = record_create();
    put(record, "opacity", 1);
    put(record, "gamma", 1);
    struct record_batch *batch = record_batch_create();
    record_put_clear(batch, record, "layer", NULL);
    assert_int_equal(record_commit(record, batch, NULL), 3);
    assert_null(record_value(record, "layer", "a", "opacity"));
    assert_null(record_find(record, "layer", "a", "opacity"));
    put(record, "opacity", 1);
    assert_int_equal(record_version(record, "layer", "a", "opacity"), 3);
    record_destroy(record);
}

static void test_iteration(void **state)
{
    (void)state;
    struct record *record = record_create();
    struct record_batch *batch = record_batch_create();
    const char *const keys[][3] = {{"layer", "b", "x"},
                                   {"layer", "a", "y"},
                                   {"camera", "m", "z"},
                                   {"layer", "a", "x"},
                                   {"view", "m", "x"}};
    for (size_t i = 0; i < 5; i++)
        record_put(batch, keys[i][0], keys[i][1], keys[i][2], cJSON_CreateNumber(1));
    record_commit(record, batch, NULL);
    size_t cursor = 0;
    char seen[64] = "";
    const struct record_entry *entry;
    while ((entry = record_next(record, "layer", "a", &cursor)))
        strcat(seen, entry->key);
    assert_string_equal(seen, "xy");
    int all = 0, layers = 0;
    for (cursor = 0; record_next(record, NULL, NULL, &cursor);)
        all++;
    for (cursor = 0; record_next(record, "layer", NULL, &cursor);)
        layers++;
    assert_int_equal(all, 5);
    assert_int_equal(layers, 3);
    record_destroy(record);
}

static void test_forget(void **state)
{
    (void)state;
    struct record *record = record_create();
    struct record_batch *batch = record_batch_create();
    record_put(batch, "layer", "a", "gone", cJSON_CreateNumber(1));
    record_put(batch, "layer", "a", "there", cJSON_CreateNumber(2));
    record_put(batch, "layer", "b", "gone", cJSON_CreateNumber(3));
    record_commit(record, batch, NULL);
    batch = record_batch_create();
    record_put(batch, "layer", "a", "gone", NULL);
    record_put(batch, "layer", "b", "gone", NULL);
    uint64_t revision = record_commit(record, batch, NULL);
    record_forget(record, "layer", "a");
    size_t cursor = 0, count = 0;
    while (record_next(record, NULL, NULL, &cursor))
        count++;
    assert_int_equal(count, 2);
    assert_int_equal(record_version(record, "layer", "a", "gone"), 0);
    assert_int_equal(record_version(record, "layer", "b", "gone"), 2);
    assert_int_equal(record_value(record, "layer", "a", "there")->valueint, 2);
    assert_int_equal(record_revision(record), revision);
    record_destroy(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_and_revision),
        cmocka_unit_test(test_same_value_is_no_write),
        cmocka_unit_test(test_batch_is_one_revision),
        cmocka_unit_test(test_clear_keeps_versions),
        cmocka_unit_test(test_iteration),
        cmocka_unit_test(test_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
