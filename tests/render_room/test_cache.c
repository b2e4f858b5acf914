/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "render/cache.h"

static struct block_key key(uint64_t i)
{
    return (struct block_key){.dataset = 1, .level = 2, .index = {i}};
}

static const struct oriel_buffer *zeros(uint64_t bytes)
{
    uint8_t *data;
    const struct oriel_buffer *memory = buffer_create(bytes, &data);
    memset(data, 0, bytes);
    return memory;
}

static struct block *put(struct cache *cache, uint64_t i, uint64_t bytes)
{
    struct block_key k = key(i);
    struct block *block = cache_obtain(cache, &k, bytes);
    cache_set_ready(cache, block, zeros(bytes), false);
    return block;
}

static bool has(struct cache *cache, uint64_t i)
{
    struct block_key k = key(i);
    struct block *block = cache_find(cache, &k);
    if (block)
        cache_unref(cache, block);
    return block;
}

static void least_recently_used_goes_first(void **state)
{
    (void)state;
    struct cache *cache = cache_create(1000);
    for (uint64_t i = 0; i < 10; i++)
        cache_unref(cache, put(cache, i, 100));
    assert_int_equal(cache_bytes(cache), 1000);
    assert_true(has(cache, 0)); /* used: now 1 is the oldest */
    cache_unref(cache, put(cache, 10, 150));
    assert_true(cache_bytes(cache) <= 1000);
    assert_false(has(cache, 1));
    assert_false(has(cache, 2));
    assert_true(has(cache, 0) && has(cache, 3) && has(cache, 10));
    cache_destroy(cache);
}

static void what_is_held_stays(void **state)
{
    (void)state;
    struct cache *cache = cache_create(100);
    struct block *held = put(cache, 1, 80), *larger = put(cache, 2, 500);
    assert_int_equal(cache_bytes(cache), 580); /* both are in use */
    cache_unref(cache, larger);
    assert_false(has(cache, 2));
    assert_true(has(cache, 1));
    struct block_key k = key(1);
    struct block *again = cache_obtain(cache, &k, 80);
    assert_ptr_equal(again, held); /* one block for a key */
    cache_unref(cache, again);
    cache_unref(cache, held);
    assert_int_equal(cache_bytes(cache), 80);
    cache_destroy(cache);
}

static void failures_are_remembered_within_the_limit(void **state)
{
    (void)state;
    struct cache *cache = cache_create(4096);
    for (uint64_t i = 0; i < 10; i++) {
        struct block_key k = key(i);
        struct block *block = cache_obtain(cache, &k, 1 << 20);
        cache_set_failed(cache, block, strdup("broken"));
        cache_unref(cache, block);
    }
    assert_false(has(cache, 0));
    struct block_key k = key(9);
    struct block *block = cache_find(cache, &k);
    assert_non_null(block);
    assert_string_equal(block->error, "broken");
    cache_set_ready(cache, block, zeros(1 << 20), false);
    assert_null(block->error);
    cache_unref(cache, block);
    cache_destroy(cache);
}

static void untouched_blocks_leave_no_trace(void **state)
{
    (void)state;
    struct cache *cache = cache_create(4096);
    struct block_key k = key(5);
    cache_unref(cache, cache_obtain(cache, &k, 10));
    assert_false(has(cache, 5));
    cache_destroy(cache);
}

static void many_keys_are_told_apart(void **state)
{
    (void)state;
    struct cache *cache = cache_create(1 << 20);
    for (uint64_t i = 0; i < 5000; i++) { /* more than the first table has buckets */
        struct block *block = put(cache, i * 4096, 8);
        *(uint64_t *)block->data = i;
        cache_unref(cache, block);
    }
    for (uint64_t i = 0; i < 5000; i++) {
        struct block_key k = key(i * 4096);
        struct block *block = cache_find(cache, &k);
        assert_int_equal(*(uint64_t *)block->data, i);
        cache_unref(cache, block);
    }
    cache_destroy(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(least_recently_used_goes_first),
        cmocka_unit_test(what_is_held_stays),
        cmocka_unit_test(failures_are_remembered_within_the_limit),
        cmocka_unit_test(untouched_blocks_leave_no_trace),
        cmocka_unit_test(many_keys_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
