/* SPDX-License-Identifier: BSD-3-Clause */
/* What a running server takes from a newer configuration, and what it keeps. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "config/reload.h"

static struct config *make(const char *const *sets, size_t count)
{
    struct error err = {""};
    struct config *config =
        config_create(&(struct config_inputs){.sets = sets, .set_count = count}, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}
#define MAKE(...)                                                                                  \
    make((const char *const[]){__VA_ARGS__},                                                       \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

struct told {
    char keys[512];
    unsigned live;
};

static void tell(void *data, const char *key, const struct oriel_option *option, const char *origin)
{
    struct told *told = data;
    assert_string_equal(origin, "--set");
    strncat(told->keys, key, sizeof told->keys - strlen(told->keys) - 1);
    strncat(told->keys, " ", sizeof told->keys - strlen(told->keys) - 1);
    told->live += (option->flags & ORIEL_OPT_LIVE) != 0;
}

static void test_live_keys_follow(void **state)
{
    (void)state;
    struct config *old = MAKE("stream.bitrate=1000000", "server.port=1", "log.level=warn");
    struct config *fresh = MAKE("stream.bitrate=2000000", "server.port=2", "log.level=warn",
                                "encode/x264.preset=fast");
    struct told told = {.live = 0};
    config_differences(old, old, fresh, tell, &told);
    assert_string_equal(told.keys, "server.port stream.bitrate ");
    assert_int_equal(told.live, 1);
    struct config *next = config_follow(old, old, fresh);
    assert_int_equal(config_int(next, "stream.bitrate"), 2000000);
    assert_int_equal(config_int(next, "server.port"), 1);
    assert_string_equal(config_string(next, "log.level"), "warn");
    /* What takes a restart is told as long as it is so, what has followed is not. */
    told = (struct told){.live = 0};
    config_differences(next, fresh, fresh, tell, &told);
    assert_string_equal(told.keys, "server.port ");
    config_destroy(next);
    config_destroy(fresh);
    config_destroy(old);
}

/* What was put there by hand stays until its key is written otherwise. */
static void test_a_list_by_hand(void **state)
{
    (void)state;
    static const char *const items[] = {"encode/b", "encode/a"};
    struct config *read = MAKE("modules.encoder=encode/a,encode/b");
    struct config *running = config_with(read, "modules.encoder", items, 2, "modules.swap");
    assert_string_equal(config_item(running, "modules.encoder", 0), "encode/b");
    assert_null(config_item(running, "modules.encoder", 2));
    struct config *same = MAKE("modules.encoder=encode/a,encode/b", "stream.refine=3");
    struct told told = {.live = 0};
    config_differences(running, read, same, tell, &told);
    assert_string_equal(told.keys, "stream.refine ");
    struct config *next = config_follow(running, read, same);
    assert_string_equal(config_item(next, "modules.encoder", 0), "encode/b");
    assert_int_equal(config_int(next, "stream.refine"), 3);
    struct config *other = MAKE("modules.encoder=encode/c");
    struct config *last = config_follow(next, same, other);
    assert_string_equal(config_item(last, "modules.encoder", 0), "encode/c");
    assert_null(config_item(last, "modules.encoder", 1));
    assert_int_equal(config_int(last, "stream.refine"), 2);
    config_destroy(last);
    config_destroy(other);
    config_destroy(next);
    config_destroy(same);
    config_destroy(running);
    config_destroy(read);
}

static void test_options_of_modules(void **state)
{
    (void)state;
    static const struct oriel_option options[] = {
        {.name = "bitrate",
         .default_value = "5",
         .help = "Rate.",
         .max = 1e9,
         .type = ORIEL_OPT_INT,
         .flags = ORIEL_OPT_LIVE},
        {.name = "word", .default_value = "a", .help = "Word.", .type = ORIEL_OPT_STRING},
    };
    static const struct oriel_option_table table = {sizeof table, 2, options};
    const struct config_module module = {"encode/m", "stream", &table};
    struct config *old = MAKE("encode/m.word=a", "encode/m.bitrate=5");
    struct config *fresh = MAKE("encode/m.word=b", "encode/m.bitrate=6");
    struct told told = {.live = 0};
    config_module_differs(old, fresh, &module, tell, &told);
    assert_string_equal(told.keys, "encode/m.bitrate encode/m.word ");
    assert_int_equal(told.live, 1);
    struct config *next = config_follow(old, old, fresh);
    told = (struct told){.live = 0};
    config_module_differs(fresh, next, &module, tell, &told);
    assert_string_equal(told.keys, "");
    config_destroy(next);
    config_destroy(fresh);
    config_destroy(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_keys_follow),
        cmocka_unit_test(test_a_list_by_hand),
        cmocka_unit_test(test_options_of_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
