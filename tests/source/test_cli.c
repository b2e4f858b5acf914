/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel info, export and demo, as programs see them: output, files and exit status. */
#include "harness.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit status; what it wrote is in `out` and `err`, static buffers. */
static char out[65536], err[4096];

static void keep(const char *path, char *text, size_t room)
{
    size_t bytes = 0;
    char *whole = read_text(path, &bytes);
    assert_non_null(whole);
    snprintf(text, room, "%s", whole);
    free(whole);
}

static int oriel(const char *arguments)
{
    char command[4096], path[512];
    const char *binary = getenv("ORIEL_BINARY");
    assert_non_null(binary);
    snprintf(command, sizeof command, "'%s' %s > %s/out 2> %s/err", binary, arguments,
             temp_folder(), temp_folder());
    int status = system(command);
    assert_true(WIFEXITED(status));
    snprintf(path, sizeof path, "%s/out", temp_folder());
    keep(path, out, sizeof out);
    snprintf(path, sizeof path, "%s/err", temp_folder());
    keep(path, err, sizeof err);
    return WEXITSTATUS(status);
}

static int oriel_on(const char *before, const char *data, const char *after)
{
    char text[2048];
    snprintf(text, sizeof text, "%s '%s' %s", before, test_data(data), after);
    return oriel(text);
}

static char *temp(const char *name)
{
    static char text[512];
    snprintf(text, sizeof text, "%s/%s", temp_folder(), name);
    return text;
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(temp(name), &st) == 0;
}

static const cJSON *member(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item)
        fail_msg("no \"%s\"", key);
    return item;
}

static double number_at(const cJSON *list, int index)
{
    const cJSON *item = cJSON_GetArrayItem(list, index);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void info_as_json(void **state)
{
    (void)state;
    assert_int_equal(oriel_on("info", "cyx.ome.zarr", "--json"), 0);
    cJSON *root = cJSON_Parse(out);
    assert_non_null(root);
    assert_string_equal(member(root, "uri")->valuestring, test_data("cyx.ome.zarr"));
    assert_string_equal(member(root, "kind")->valuestring, "ome-zarr");
    assert_string_equal(member(root, "format")->valuestring, "zarr v3, OME 0.5");
    assert_string_equal(member(root, "dtype")->valuestring, "uint16");
    const cJSON *axis = cJSON_GetArrayItem(member(root, "axes"), 1);
    assert_string_equal(member(axis, "name")->valuestring, "y");
    assert_string_equal(member(axis, "type")->valuestring, "space");
    assert_string_equal(member(axis, "unit")->valuestring, "micrometer");
    assert_int_equal(cJSON_GetArraySize(member(root, "levels")), 2);
    const cJSON *level = cJSON_GetArrayItem(member(root, "levels"), 1);
    assert_string_equal(member(level, "path")->valuestring, "1");
    assert_true(number_at(member(level, "shape"), 1) == 20);
    assert_true(number_at(member(level, "chunks"), 1) == 32);
    assert_true(cJSON_IsNull(member(level, "shards")));
    assert_true(number_at(member(level, "scale"), 1) == 2);
    assert_true(number_at(member(level, "translate"), 1) == 0.5);
    assert_string_equal(member(level, "codecs")->valuestring, "zstd");
    const cJSON *channel = cJSON_GetArrayItem(member(root, "channels"), 0);
    assert_string_equal(member(channel, "label")->valuestring, "DAPI");
    assert_string_equal(member(channel, "color")->valuestring, "0000FF");
    assert_true(number_at(member(channel, "window"), 1) == 90);
    assert_true(cJSON_IsTrue(member(channel, "active")));
    assert_string_equal(cJSON_GetArrayItem(member(root, "labels"), 0)->valuestring, "cells");
    assert_true(cJSON_IsArray(member(root, "images")));
    assert_true(cJSON_IsArray(member(root, "warnings")));
    cJSON_Delete(root);

    assert_int_equal(oriel_on("info", "arrays.zarr/v3_shard_end", "--json"), 0);
    root = cJSON_Parse(out);
    level = cJSON_GetArrayItem(member(root, "levels"), 0);
    assert_true(number_at(member(level, "shards"), 1) == 6);
    assert_true(number_at(member(level, "chunks"), 1) == 3);
    cJSON_Delete(root);
}

static void info_as_text(void **state)
{
    (void)state;
    assert_int_equal(oriel_on("info", "cyx.ome.zarr", ""), 0);
    assert_non_null(strstr(out, "zarr v3, OME 0.5"));
    assert_non_null(strstr(out, "3 × 40 × 50"));
    assert_non_null(strstr(out, "cells"));
    assert_int_equal(oriel_on("info", "plate.zarr", ""), 0);
    assert_non_null(strstr(out, "B/2/0"));
    assert_int_equal(oriel_on("info", "nothing.zarr", ""), 1);
    assert_non_null(strstr(err, "nothing.zarr"));
    assert_true(strchr(err, '\n') == err + strlen(err) - 1); /* one line */
    assert_int_equal(oriel("info"), 2);
}

/* The shape and the values (of tests/data's formula, for an array 3 × 40 × 50) of x.npy. */
static void check_npy(const uint64_t *from, const uint64_t *size, const char *shape)
{
    size_t bytes = 0;
    char *text = read_text(temp("x.npy"), &bytes), wanted[128];
    assert_non_null(text);
    snprintf(wanted, sizeof wanted, "{'descr': '<u2', 'fortran_order': False, 'shape': %s, }",
             shape);
    assert_memory_equal(text, "\x93NUMPY\x01\x00", 8);
    size_t start = 10 + (uint8_t)text[8] + (size_t)(uint8_t)text[9] * 256;
    assert_int_equal(start % 64, 0);
    assert_memory_equal(text + 10, wanted, strlen(wanted));
    assert_int_equal(bytes - start, size[0] * size[1] * size[2] * 2);
    const uint8_t *at = (const uint8_t *)text + start;
    for (uint64_t c = 0; c < size[0]; c++)
        for (uint64_t y = 0; y < size[1]; y++)
            for (uint64_t x = 0; x < size[2]; x++, at += 2) {
                uint64_t index = ((from[0] + c) * 40 + from[1] + y) * 50 + from[2] + x;
                assert_int_equal(at[0] | at[1] << 8, (int)expected_value(ORIEL_U16, index));
            }
    free(text);
}

static void regions_are_numpys(void **state)
{
    (void)state;
    static const struct {
        const char *region;
        uint64_t from[3], size[3];
        const char *shape;
    } cases[] = {
        {":", {0, 0, 0}, {3, 40, 50}, "(3, 40, 50)"},
        {"0:1,:,10:20", {0, 0, 10}, {1, 40, 10}, "(1, 40, 10)"},
        {"1:,-8:,:-40", {1, 32, 0}, {2, 8, 10}, "(2, 8, 10)"},
        {"-1,30:35,::", {0}, {0}, NULL}, /* a step */
        {"2,30:35", {2, 30, 0}, {1, 5, 50}, "(5, 50)"},
        {"-1, 3, 7", {2, 3, 7}, {1, 1, 1}, "()"},
        {"0,:,5", {0, 0, 5}, {1, 40, 1}, "(40,)"},
        {"...,48:99", {0, 0, 48}, {3, 40, 2}, "(3, 40, 2)"},
        {"1,...", {1, 0, 0}, {1, 40, 50}, "(40, 50)"},
        {"5:2", {0, 0, 0}, {0, 40, 50}, "(0, 40, 50)"},
        {"0:1,30:40,30:40", {0, 30, 30}, {1, 10, 10}, "(1, 10, 10)"},
        {"3", {0}, {0}, NULL},
        {":,:,:,:", {0}, {0}, NULL},
        {"a:b", {0}, {0}, NULL},
        {"1:2,", {0}, {0}, NULL},
        {"...,...", {0}, {0}, NULL},
        {"1 2", {0}, {0}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char after[256];
        snprintf(after, sizeof after, "--region ' %s' -o '%s'", cases[i].region, temp("x.npy"));
        unlink(temp("x.npy"));
        int status = oriel_on("export", "cyx.ome.zarr", after);
        if (status != (cases[i].shape ? 0 : 2))
            fail_msg("%s: status %d, %s", cases[i].region, status, err);
        if (cases[i].shape)
            check_npy(cases[i].from, cases[i].size, cases[i].shape);
        else
            assert_false(exists("x.npy"));
    }
    char after[256];
    snprintf(after, sizeof after, "--level 1 --region 0,0,:3 -o '%s'", temp("x.npy"));
    assert_int_equal(oriel_on("export", "cyx.ome.zarr", after), 0);
    snprintf(after, sizeof after, "-o '%s'", temp("x.npy"));
    assert_int_equal(oriel_on("export", "cyx.ome.zarr/0", after), 0);
    check_npy(cases[0].from, cases[0].size, cases[0].shape);
    assert_int_equal(oriel_on("export", "cyx.ome.zarr/labels/cells", after), 0);
    assert_int_equal(oriel_on("export", "npy/f_i4.npy", after), 0);
    assert_int_equal(oriel_on("export", "arrays.zarr/v2_rank0", after), 0);
    snprintf(after, sizeof after, "--level 9 -o '%s'", temp("x.npy"));
    assert_int_equal(oriel_on("export", "cyx.ome.zarr", after), 1);
    assert_non_null(strstr(err, "levels 0 to 1"));
    snprintf(after, sizeof after, "-o '%s'", temp("y.npy"));
    assert_int_equal(oriel_on("export", "plate.zarr", after), 1);
    assert_non_null(strstr(err, "plate.zarr/A/1/0"));
    assert_false(exists("y.npy"));
}

static int leftovers(void)
{
    int count = 0;
    DIR *dir = opendir(temp_folder());
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += strncmp(entry->d_name, "z.npy", 5) == 0 || strncmp(entry->d_name, "made", 4) == 0;
    closedir(dir);
    return count;
}

/* The module takes data.root for its own option. */
static void links_stay_in_data_root(void **state)
{
    (void)state;
    char arguments[1024];
    put_text("pen/in.zarr/.zarray",
             "{\"zarr_format\": 2, \"shape\": [4], \"chunks\": [4], \"dtype\": \"<u2\", "
             "\"order\": \"C\", \"fill_value\": 0, \"filters\": null, \"compressor\": null}");
    put_text("beside", "8 bytes.");
    assert_int_equal(symlink("../../beside", temp("pen/in.zarr/0")), 0);
    snprintf(arguments, sizeof arguments, "export '%s/pen/in.zarr' -o '%s'", temp_folder(),
             temp("pen.npy"));
    assert_int_equal(oriel(arguments), 0);
    setenv("ORIEL_DATA_ROOT", temp("pen"), 1);
    assert_int_equal(oriel(arguments), 1);
    unsetenv("ORIEL_DATA_ROOT");
    assert_non_null(strstr(err, "in.zarr/0: leads out of data.root"));
}

static void an_unreadable_chunk_leaves_no_file(void **state)
{
    (void)state;
    char arguments[1024];
    put_text("bad.zarr/.zarray",
             "{\"zarr_format\": 2, \"shape\": [8], \"chunks\": [4], \"dtype\": \"<u2\", "
             "\"fill_value\": 7, \"order\": \"C\", \"compressor\": {\"id\": \"zlib\"}, "
             "\"filters\": null}");
    put_text("bad.zarr/1", "this is no zlib");
    snprintf(arguments, sizeof arguments, "export '%s/bad.zarr' -o '%s/z.npy'", temp_folder(),
             temp_folder());
    assert_int_equal(oriel(arguments), 1);
    assert_non_null(strstr(err, "bad.zarr/1: zlib"));
    assert_int_equal(leftovers(), 0);
    /* The absent chunk before it is the fill value. */
    snprintf(arguments, sizeof arguments, "export '%s/bad.zarr' --region :4 -o '%s/z.npy'",
             temp_folder(), temp_folder());
    assert_int_equal(oriel(arguments), 0);
    size_t bytes = 0;
    char *text = read_text(temp("z.npy"), &bytes);
    assert_memory_equal(text + bytes - 8, "\7\0\7\0\7\0\7\0", 8);
    free(text);
    unlink(temp("z.npy"));
    snprintf(arguments, sizeof arguments, "export '%s/bad.zarr' --region :4 -o '%s/no/z.npy'",
             temp_folder(), temp_folder());
    assert_int_equal(oriel(arguments), 1);
    snprintf(arguments, sizeof arguments, "export '%s/bad.zarr' --region :4 -o /dev/null",
             temp_folder());
    assert_int_equal(oriel(arguments), 1);
}

static void demo_is_the_same_every_time(void **state)
{
    (void)state;
    char arguments[1024], sums[2][65];
    for (int i = 0; i < 2; i++) {
        size_t bytes = 0;
        snprintf(arguments, sizeof arguments, "demo '%s/made%d.ome.zarr' --size tiny",
                 temp_folder(), i);
        assert_int_equal(oriel(arguments), 0);
        snprintf(arguments, sizeof arguments, "export '%s/made%d.ome.zarr' -o '%s'", temp_folder(),
                 i, temp("x.npy"));
        assert_int_equal(oriel(arguments), 0);
        char *text = read_text(temp("x.npy"), &bytes);
        sha256_hex(text, bytes, sums[i]);
        free(text);
    }
    assert_string_equal(sums[0], sums[1]);
    snprintf(arguments, sizeof arguments, "info '%s/made0.ome.zarr' --json", temp_folder());
    assert_int_equal(oriel(arguments), 0);
    cJSON *root = cJSON_Parse(out);
    assert_int_equal(cJSON_GetArraySize(member(root, "axes")), 5);
    assert_int_equal(cJSON_GetArraySize(member(root, "levels")), 3);
    assert_int_equal(cJSON_GetArraySize(member(root, "channels")), 2);
    assert_int_equal(cJSON_GetArraySize(member(root, "warnings")), 0);
    cJSON_Delete(root);
    /* Never over what is there; nothing half-written anywhere. */
    int before = leftovers();
    snprintf(arguments, sizeof arguments, "demo '%s/made0.ome.zarr' --size tiny", temp_folder());
    assert_int_equal(oriel(arguments), 1);
    assert_non_null(strstr(err, "exists already"));
    snprintf(arguments, sizeof arguments, "demo '%s/nowhere/made.ome.zarr' --size tiny",
             temp_folder());
    assert_int_equal(oriel(arguments), 1);
    assert_int_equal(oriel("demo x --size enormous"), 2);
    assert_int_equal(leftovers(), before);
}

static void the_shipped_example_is_an_image(void **state)
{
    (void)state;
    char arguments[1024];
    const char *root = getenv("ORIEL_SOURCE_DIR");
    snprintf(arguments, sizeof arguments, "info '%s/examples/colin27.ome.zarr' --json",
             root ? root : ".");
    assert_int_equal(oriel(arguments), 0);
    cJSON *json = cJSON_Parse(out);
    assert_int_equal(cJSON_GetArraySize(member(json, "warnings")), 0);
    assert_int_equal(cJSON_GetArraySize(member(json, "levels")), 4);
    cJSON_Delete(json);
    for (int level = 0; level < 4; level++) {
        snprintf(arguments, sizeof arguments,
                 "export '%s/examples/colin27.ome.zarr' --level %d -o '%s'", root ? root : ".",
                 level, temp("x.npy"));
        assert_int_equal(oriel(arguments), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info_as_json),
        cmocka_unit_test(info_as_text),
        cmocka_unit_test(regions_are_numpys),
        cmocka_unit_test(links_stay_in_data_root),
        cmocka_unit_test(an_unreadable_chunk_leaves_no_file),
        cmocka_unit_test(demo_is_the_same_every_time),
        cmocka_unit_test(the_shipped_example_is_an_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
