/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"
#include "fixtures.h"
#include "module/probe.h"
#include "module/registry.h"
#include "module/services.h"
#include "oriel/encoder.h"

static int set_up(void **state)
{
    static struct scratch scratch;
    unsetenv("ORIEL_MODULE_PATH");
    scratch_init(&scratch);
    *state = &scratch;
    return 0;
}

static int tear_down(void **state)
{
    module_probe_set_executable(NULL);
    scratch_finish(*state);
    return 0;
}

struct found {
    struct config *config;
    struct registry *registry;
};

static struct found scan(const struct scratch *scratch, const char *set)
{
    struct error err;
    struct found found = {.config = scratch_config(scratch, set, NULL)};
    found.registry = registry_create(found.config, &err);
    assert_non_null(found.registry);
    return found;
}

static void forget(struct found *found)
{
    registry_destroy(found->registry);
    config_destroy(found->config);
}

static void usable(const struct scratch *scratch, const char *id, bool expected)
{
    struct found found = scan(scratch, NULL);
    struct error err;
    bool is = registry_usable(found.registry, MODULE_ENCODER, id, &err);
    if (is != expected)
        fail_msg("%s: %s", id, is ? "is usable" : err.text);
    forget(&found);
}

static void test_first_wins(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "zz");
    scratch_copy(scratch->second, "good", "aa");
    struct found found = scan(scratch, NULL);
    const struct module *module = registry_find(found.registry, "encode/fixture");
    assert_non_null(module);
    assert_non_null(strstr(module->path, "/first/zz.so"));
    size_t hidden = 0;
    for (size_t i = 0; i < registry_count(found.registry); i++) {
        const struct module *other = registry_at(found.registry, i);
        if (strstr(other->path, "/second/aa.so")) {
            hidden++;
            assert_non_null(strstr(other->reason, "/first/zz.so, which was found first"));
        }
    }
    assert_int_equal(hidden, 1);
    forget(&found);
}

/* A refused file does not stand in the way of a good one. */
static void test_refused_does_not_hide(void **state)
{
    struct scratch *scratch = *state;
    scratch_write(scratch->first, "encode-fixture.so", "no", 2);
    scratch_copy(scratch->second, "good", "encode-fixture");
    usable(scratch, "encode/fixture", true);
}

static void test_cache(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "good");
    scratch_copy(scratch->first, "crash", "encode-crash");
    usable(scratch, "encode/fixture", true);
    assert_int_equal(access(scratch->cache, R_OK), 0);

    /* From now on every probe fails, so that what is still right came from the cache. */
    module_probe_set_executable("/nonexistent/oriel");
    usable(scratch, "encode/fixture", true);
    struct found found = scan(scratch, NULL);
    struct error err;
    assert_false(registry_usable(found.registry, MODULE_ENCODER, "encode/crash", &err));
    assert_non_null(strstr(err.text, "crashed (Aborted)"));
    forget(&found);

    /* Another time of modification, another size, another content. */
    char path[160];
    snprintf(path, sizeof path, "%s/good.so", scratch->first);
    struct timespec times[2] = {{.tv_sec = 1000000000, .tv_nsec = 7}, {1000000000, 7}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    usable(scratch, "encode/fixture", false);

    module_probe_set_executable(NULL);
    usable(scratch, "encode/fixture", true);
    scratch_copy(scratch->first, "other", "good");
    usable(scratch, "encode/fixture", false);
    usable(scratch, "encode/other", true);
}

/* A library that is installed later helps without a change of the module. */
static void test_missing_library_is_not_remembered(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "needs_library", "encode-late");
    usable(scratch, "encode/late", false);
    module_probe_set_executable("/nonexistent/oriel");
    struct found found = scan(scratch, NULL);
    struct error err;
    assert_false(registry_usable(found.registry, MODULE_ENCODER, "encode/late", &err));
    assert_non_null(strstr(err.text, "cannot be probed"));
    forget(&found);
}

static void test_spoilt_cache(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "good");
    usable(scratch, "encode/fixture", true);
    static const char *const texts[] = {"",
                                        "[]",
                                        "{\"version\":3}",
                                        "{\"version\":\"0\",\"files\":{}}",
                                        "not JSON",
                                        "{\"files\":[]}"};
    char folder[96];
    snprintf(folder, sizeof folder, "%s/cache", scratch->root);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        scratch_write(folder, "modules.json", texts[i], strlen(texts[i]));
        usable(scratch, "encode/fixture", true);
    }
    /* A cache that cannot be written: a folder stands there. */
    struct found found = scan(scratch, "modules.cache=/tmp");
    assert_non_null(registry_find(found.registry, "encode/fixture"));
    forget(&found);
}

/* A device is no file to put another in the place of. */
static void test_cache_that_is_a_device(void **state)
{
    struct scratch *scratch = *state;
    char path[160], set[200];
    struct stat at;
    scratch_copy(scratch->first, "good", "good");
    snprintf(path, sizeof path, "%s/null", scratch->root);
    assert_int_equal(symlink("/dev/null", path), 0);
    snprintf(set, sizeof set, "modules.cache=%s", path);
    struct found found = scan(scratch, set);
    assert_true(registry_usable(found.registry, MODULE_ENCODER, "encode/fixture", NULL));
    forget(&found);
    assert_int_equal(lstat(path, &at), 0);
    assert_true(S_ISLNK(at.st_mode));
    assert_int_equal(stat(path, &at), 0);
    assert_true(S_ISCHR(at.st_mode));
    unlink(path);
}

static void test_folder_that_is_none(void **state)
{
    struct scratch *scratch = *state;
    struct config *config = scratch_config(scratch, "modules.path=/nonexistent/modules", NULL);
    struct error err;
    assert_null(registry_create(config, &err));
    assert_string_equal(err.text, "modules.path: /nonexistent/modules: No such file or directory");
    config_destroy(config);
}

static void test_module_path_variable(void **state)
{
    struct scratch *scratch = *state;
    char path[256];
    scratch_copy(scratch->second, "other", "other");
    snprintf(path, sizeof path, "/nonexistent:%s", scratch->second);
    setenv("ORIEL_MODULE_PATH", path, 1);
    char set[128];
    snprintf(set, sizeof set, "modules.path=%s", scratch->first);
    struct found found = scan(scratch, set);
    assert_non_null(registry_find(found.registry, "encode/other"));
    forget(&found);
    unsetenv("ORIEL_MODULE_PATH");
}

/* ---- instances ---- */

static void test_use(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "good");
    struct config *config =
        scratch_config(scratch, "encode/fixture.speed=slow", "stream.bitrate=20000", NULL);
    struct error err = {""};
    struct registry *registry = registry_create(config, &err);
    struct module_use use;
    assert_true(module_use_open(registry, MODULE_ENCODER, "encode/fixture", "encode/fixture#1",
                                &use, &err));
    const struct oriel_encoder *encoder = use.vtable;
    assert_string_equal(use.config->get_string(use.config, "speed"), "slow");
    assert_int_equal(use.config->get_int(use.config, "bitrate"), 50000); /* as near as it may be */
    assert_int_equal(use.config->get_int(use.config, "turbo"), 0);
    assert_true(use.config->get_float(use.config, "grain") == 0.5);
    assert_string_equal(use.config->get_string(use.config, "label"), "");
    /* Asked for by a wrong name or type. */
    assert_int_equal(use.config->get_int(use.config, "spede"), 0);
    assert_string_equal(use.config->get_string(use.config, "bitrate"), "");
    void *self = NULL;
    assert_int_equal(encoder->create(use.host, use.config, NULL, 60, NULL, &self),
                     ORIEL_UNSUPPORTED);
    assert_string_equal(services_failure(), "only for tests");
    assert_string_equal(services_failure(), "");
    module_use_close(&use);
    module_use_close(&use); /* zeroed is fine */
    registry_destroy(registry);
    config_destroy(config);
}

static void refused_use(const struct scratch *scratch, const char *set, enum module_kind kind,
                        const char *id, const char *because)
{
    struct found found = scan(scratch, set);
    struct error err = {""};
    struct module_use use;
    assert_false(module_use_open(found.registry, kind, id, "x", &use, &err));
    if (!strstr(err.text, because))
        fail_msg("\"%s\" is not about \"%s\"", err.text, because);
    forget(&found);
}

static void test_use_refused(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "good");
    scratch_copy(scratch->first, "target", "encode-target");
    scratch_copy(scratch->first, "required", "encode-required");
    scratch_copy(scratch->first, "foreign", "foreign");
    scratch_write(scratch->first, "broken.so", "no", 2);
    refused_use(scratch, NULL, MODULE_ENCODER, "org.example/broken", "/first/broken.so: ");
    refused_use(scratch, NULL, MODULE_ENCODER, "encode/fixtrue",
                "encode/fixtrue: there is no such encoder module, did you mean encode/fixture?");
    refused_use(scratch, NULL, MODULE_ENCODER, "encode/fixtrue", scratch->second);
    refused_use(scratch, NULL, MODULE_SOURCE, "encode/fixture", "is no source module");
    refused_use(scratch, NULL, MODULE_ENCODER, "encode/target",
                "needs module ABI 1.99 or newer, this host has 1.0");
    refused_use(scratch, NULL, MODULE_ENCODER, "encode/required",
                "encode/required.key: has to be set: The secret it needs.");
}

/* A slip in an option ends the start, whether the module is needed or not. */
static void test_options_refused(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "good");
    scratch_copy(scratch->first, "foreign", "foreign");
    static const struct {
        const char *set, *because;
    } cases[] = {
        {"encode/fixture.sped=slow",
         "--set: encode/fixture.sped: encode/fixture has no such option, did you mean speed?"},
        {"encode/fixture.speed=fats",
         "--set: encode/fixture.speed: \"fats\" is not one of: slow fast, did you mean fast?"},
        {"encode/fixture.bitrate=1",
         "--set: encode/fixture.bitrate: wants an integer from 50000 to 500000000, got 1"},
        {"org.example/foreign.turbo=perhaps",
         "--set: org.example/foreign.turbo: wants true or false, got \"perhaps\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config *config = scratch_config(scratch, cases[i].set, NULL);
        struct error err = {""};
        assert_null(registry_create(config, &err));
        assert_string_equal(err.text, cases[i].because);
        config_destroy(config);
    }
    /* What another machine's modules need is not in the way here. */
    struct found found = scan(scratch, "encode/elsewhere.speed=9");
    forget(&found);
}

static void test_print(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "good");
    scratch_copy(scratch->first, "required", "required");
    struct config *config =
        scratch_config(scratch, "encode/fixture.speed=slow", "encode/required.key=hunter2",
                       "stream.bitrate=3000000", "encode/elsewhere.password=hunter2", NULL);
    struct error err = {""};
    struct registry *registry = registry_create(config, &err);
    assert_non_null(registry);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    registry_print_config(registry, out, false);
    fclose(out);
    static const char *const lines[] = {
        "\nencode/fixture.speed = \"slow\"  # --set\n",
        "\nencode/fixture.grain = 0.5  # default\n",
        "\nencode/fixture.turbo = false  # default\n",
        "\nencode/fixture.bitrate = 3000000  # stream.bitrate\n",
        "\nencode/required.key = \"(secret)\"  # --set\n",
        "\nencode/elsewhere.password = \"(secret)\"  # --set\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!strstr(text, lines[i]))
            fail_msg("%s is not in:\n%s", lines[i], text);
    }
    assert_null(strstr(text, "hunter2"));
    free(text);
    registry_destroy(registry);
    config_destroy(config);
}

static bool only_other(struct module_use *use, void *data, struct error *err)
{
    int *tries = data;
    ++*tries;
    return strcmp(use->module->id, "encode/other") == 0 ||
           error_set(err, "%s: does not want to", use->module->id);
}

static void test_use_first(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "good");
    scratch_copy(scratch->first, "other", "other");
    scratch_copy(scratch->first, "crash", "encode-crash");
    struct found found =
        scan(scratch, "modules.encoder=encode/none,encode/crash,encode/fixture,encode/other");
    struct module_use use;
    struct error err = {""};
    int tries = 0;
    assert_true(
        module_use_first(found.registry, MODULE_ENCODER, "main", only_other, &tries, &use, &err));
    assert_int_equal(tries, 2);
    assert_string_equal(use.module->id, "encode/other");
    module_use_close(&use);
    forget(&found);

    found = scan(scratch, "modules.encoder=encode/none,encode/crash,encode/fixture");
    assert_false(
        module_use_first(found.registry, MODULE_ENCODER, "main", only_other, &tries, &use, &err));
    assert_non_null(strstr(err.text, "modules.encoder: none works: encode/none: there is no such"));
    assert_non_null(strstr(err.text, "crashed (Aborted)"));
    assert_non_null(strstr(err.text, "encode/fixture: does not want to"));
    forget(&found);

    found = scan(scratch, "modules.encoder=");
    assert_false(
        module_use_first(found.registry, MODULE_ENCODER, "main", only_other, &tries, &use, &err));
    assert_string_equal(err.text, "modules.encoder: is empty");
    forget(&found);
}

/* Several threads want a module that is not loaded yet. */
static void *open_and_close(void *data)
{
    bool ok = true;
    for (int i = 0; i < 50 && ok; i++) {
        struct module_use use;
        ok = module_use_open(data, MODULE_ENCODER, "encode/fixture", "encode/fixture#1", &use,
                             NULL) &&
             use.config->get_int(use.config, "bitrate") == 12000000;
        module_use_close(&use);
    }
    return ok ? NULL : data;
}

static void test_use_threads(void **state)
{
    struct scratch *scratch = *state;
    scratch_copy(scratch->first, "good", "good");
    struct found found = scan(scratch, NULL);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, found.registry), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    forget(&found);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_first_wins),
        TEST(test_refused_does_not_hide),
        TEST(test_cache),
        TEST(test_missing_library_is_not_remembered),
        TEST(test_spoilt_cache),
        TEST(test_cache_that_is_a_device),
        TEST(test_folder_that_is_none),
        TEST(test_module_path_variable),
        TEST(test_use),
        TEST(test_use_refused),
        TEST(test_use_threads),
        TEST(test_options_refused),
        TEST(test_print),
        TEST(test_use_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
