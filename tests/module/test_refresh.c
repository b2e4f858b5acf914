/* SPDX-License-Identifier: BSD-3-Clause */
/* A registry that looks again: files that came, were replaced, were replaced by something bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "fixtures.h"
#include "module/registry.h"
#include "oriel/encoder.h"

struct room {
    struct scratch scratch;
    struct config *config;
    struct registry *registry;
    char told[1024];
};

static void tell(void *data, enum module_news news, const struct module *module, const char *reason)
{
    static const char *const names[] = {"added", "changed", "refused", "gone"};
    struct room *room = data;
    size_t length = strlen(room->told);
    const char *file = strrchr(module->path, '/') + 1;
    snprintf(room->told + length, sizeof room->told - length, "%s %s%s%s; ", names[news], file,
             reason ? ": " : "", reason ? reason : "");
}

static int set_up(void **state)
{
    static struct room room;
    struct error err;
    memset(&room, 0, sizeof room);
    unsetenv("ORIEL_MODULE_PATH");
    scratch_init(&room.scratch);
    scratch_copy(room.scratch.first, "good", "it");
    room.config = scratch_config(&room.scratch, NULL);
    room.registry = registry_create(room.config, &err);
    assert_non_null(room.registry);
    *state = &room;
    return 0;
}

static int tear_down(void **state)
{
    struct room *room = *state;
    registry_destroy(room->registry);
    config_destroy(room->config);
    scratch_finish(&room->scratch);
    return 0;
}

/* As a package manager does it: another file takes the name. */
static void put(struct room *room, const char *fixture)
{
    char path[128];
    snprintf(path, sizeof path, "%s/it.so", room->scratch.first);
    unlink(path);
    if (fixture)
        scratch_copy(room->scratch.first, fixture, "it");
}

static const char *refresh(struct room *room)
{
    struct error err = {""};
    room->told[0] = '\0';
    if (!registry_refresh(room->registry, NULL, tell, room, &err))
        fail_msg("%s", err.text);
    return room->told;
}

static uint32_t codec_of(const struct module_use *use)
{
    const struct oriel_encoder *encoder = use->vtable;
    uint32_t codec = 0;
    assert_int_equal(encoder->codec(0, &codec), ORIEL_OK);
    return codec;
}

static struct module_use use_it(struct room *room)
{
    struct error err = {""};
    struct module_use use;
    if (!module_use_open(room->registry, MODULE_ENCODER, "encode/fixture", "test", &use, &err))
        fail_msg("%s", err.text);
    return use;
}

static int hidden_files(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += strncmp(entry->d_name, ".oriel-", 7) == 0;
    closedir(dir);
    return count;
}

static void test_new_code_beside_the_old(void **state)
{
    struct room *room = *state;
    struct module_use old = use_it(room);
    assert_int_equal(codec_of(&old), ORIEL_CODEC_RAW);
    assert_string_equal(refresh(room), "");
    put(room, "newer");
    assert_string_equal(refresh(room), "changed it.so; ");
    struct module_use new = use_it(room);
    assert_int_equal(codec_of(&new), ORIEL_CODEC_JPEG);
    assert_int_equal(codec_of(&old), ORIEL_CODEC_RAW);
    assert_ptr_not_equal(old.module, new.module);
    assert_int_equal(hidden_files(room->scratch.first), 0);
    /* The way back is another replacement. */
    put(room, "good");
    assert_string_equal(refresh(room), "changed it.so; ");
    struct module_use back = use_it(room);
    assert_int_equal(codec_of(&back), ORIEL_CODEC_RAW);
    module_use_close(&back);
    module_use_close(&new);
    module_use_close(&old);
}

static void test_what_was_not_loaded_is_simply_the_new_one(void **state)
{
    struct room *room = *state;
    put(room, "newer");
    assert_string_equal(refresh(room), "changed it.so; ");
    struct module_use use = use_it(room);
    assert_int_equal(codec_of(&use), ORIEL_CODEC_JPEG);
    module_use_close(&use);
}

static void test_a_bad_file_leaves_the_old_code(void **state)
{
    struct room *room = *state;
    struct module_use old = use_it(room);
    static const char *const bad[] = {"crash", "magic"};
    for (unsigned i = 0; i < 2; i++) {
        put(room, bad[i]);
        const char *told = refresh(room);
        if (strncmp(told, "refused it.so: ", 15) != 0)
            fail_msg("%s: \"%s\"", bad[i], told);
        struct module_use again = use_it(room);
        assert_ptr_equal(again.vtable, old.vtable);
        module_use_close(&again);
    }
    put(room, NULL); /* gone, but loaded */
    refresh(room);
    struct module_use again = use_it(room);
    assert_ptr_equal(again.vtable, old.vtable);
    module_use_close(&again);
    module_use_close(&old);
}

static void test_a_bad_file_that_nobody_uses(void **state)
{
    struct room *room = *state;
    struct error err;
    put(room, "magic");
    refresh(room);
    assert_false(registry_usable(room->registry, MODULE_ENCODER, "encode/fixture", &err));
}

static void test_taken_back(void **state)
{
    struct room *room = *state;
    struct module_use old = use_it(room);
    put(room, "newer");
    refresh(room);
    const struct module *module = registry_find(room->registry, "encode/fixture");
    assert_ptr_not_equal(module, old.module);
    assert_ptr_equal(registry_take_back(room->registry, module), old.module);
    assert_ptr_equal(registry_find(room->registry, "encode/fixture"), old.module);
    assert_null(registry_take_back(room->registry, old.module));
    module_use_close(&old);
}

static void test_files_that_came(void **state)
{
    struct room *room = *state;
    struct error err;
    size_t before = registry_count(room->registry);
    assert_false(registry_usable(room->registry, MODULE_ENCODER, "encode/other", &err));
    scratch_copy(room->scratch.second, "other", "other");
    assert_string_equal(refresh(room), "added other.so; ");
    assert_true(registry_usable(room->registry, MODULE_ENCODER, "encode/other", &err));
    assert_true(registry_count(room->registry) == before + 1);
}

static void test_values_of_a_later_configuration(void **state)
{
    struct room *room = *state;
    struct error err;
    struct config *wrong = scratch_config(&room->scratch, "encode/fixture.nothing=1", NULL);
    assert_false(registry_refresh(room->registry, wrong, tell, room, &err));
    assert_non_null(strstr(err.text, "encode/fixture.nothing"));
    struct config *next = scratch_config(&room->scratch, "modules.encoder=encode/fixture", NULL);
    assert_true(registry_refresh(room->registry, next, tell, room, &err));
    const char *const *ids;
    assert_int_equal(registry_wanted(room->registry, MODULE_ENCODER, &ids), 1);
    assert_string_equal(ids[0], "encode/fixture");
    registry_destroy(room->registry);
    room->registry = registry_create(room->config, &err);
    config_destroy(next);
    config_destroy(wrong);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_new_code_beside_the_old),
        TEST(test_what_was_not_loaded_is_simply_the_new_one),
        TEST(test_a_bad_file_leaves_the_old_code),
        TEST(test_a_bad_file_that_nobody_uses),
        TEST(test_taken_back),
        TEST(test_files_that_came),
        TEST(test_values_of_a_later_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
