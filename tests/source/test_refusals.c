/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever is wrong with a store or a file: one sentence that names it, and nothing is allocated,
 * written past, or waited for. */
#include "harness.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *temp(const char *path)
{
    static char text[512];
    snprintf(text, sizeof text, "%s/%s", temp_folder(), path);
    return text;
}

static void must_refuse(const char *module, const char *uri, const char *words)
{
    struct opened opened;
    oriel_result result = source_open(&opened, module, uri);
    if (result == ORIEL_OK)
        fail_msg("opened, but should say \"%s\"", words);
    if (!strstr(source_failure(), words))
        fail_msg("\"%s\" does not say \"%s\"", source_failure(), words);
}

static void must_fail_to_read(const char *module, const char *uri, const char *words)
{
    struct opened opened;
    uint8_t *data = NULL;
    uint64_t bytes = 0;
    source_must_open(&opened, module, uri);
    oriel_result result = source_read(&opened, 0, NULL, NULL, &data, &bytes);
    if (result != ORIEL_IO)
        fail_msg("%s: result %d, should be an error with \"%s\"", uri, result, words);
    if (!strstr(source_failure(), words))
        fail_msg("\"%s\" does not say \"%s\"", source_failure(), words);
    free(data);
    source_close(&opened);
}

/* .zarray with one member replaced or added. */
static void put_v2(const char *folder, const char *change)
{
    static const char *const members[][2] = {
        {"zarr_format", "2"}, {"shape", "[4, 4]"}, {"chunks", "[2, 4]"}, {"dtype", "\"<u2\""},
        {"order", "\"C\""},   {"fill_value", "0"}, {"filters", "null"},  {"compressor", "null"}};
    char text[2048], path[256];
    size_t name = change ? strcspn(change, ":") : 0;
    int n = snprintf(text, sizeof text, "{%s", change ? change : "\"x\": 0");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (!change || strlen(members[i][0]) + 2 != name ||
            strncmp(change + 1, members[i][0], name - 2) != 0)
            n += snprintf(text + n, sizeof text - (size_t)n, ", \"%s\": %s", members[i][0],
                          members[i][1]);
    snprintf(text + n, sizeof text - (size_t)n, "}");
    snprintf(path, sizeof path, "%s/.zarray", folder);
    put_text(path, text);
}

static void v2_metadata_that_makes_no_sense(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"\"zarr_format\": 7", "zarr_format is not 2"},
        {"\"shape\": [-1, 4]", "shape must be whole numbers"},
        {"\"shape\": [1.5, 4]", "shape must be whole numbers"},
        {"\"shape\": [1e300, 4]", "shape must be whole numbers"},
        {"\"shape\": [900000000000000, 900000000000000]", "larger than 2^63"},
        {"\"shape\": [99999999999999999999, 4]", "shape must be whole numbers"},
        {"\"shape\": [1,1,1,1,1,1,1,1,1]", "9 axes"},
        {"\"shape\": \"4\"", "has no shape"},
        {"\"chunks\": [0, 4]", "chunk shape"},
        {"\"chunks\": [2]", "chunk shape"},
        {"\"chunks\": [-2, 4]", "chunk shape"},
        {"\"chunks\": [900000000000000, 900000000000000]", "2^63"},
        {"\"dtype\": \"<c8\"", "complex"},
        {"\"dtype\": \"<U7\"", "text"},
        {"\"dtype\": \"<M8[ns]\"", "dates"},
        {"\"dtype\": [[\"a\", \"<u2\"]]", "structured"},
        {"\"order\": \"K\"", "neither C nor F"},
        {"\"fill_value\": 70000", "no uint16"},
        {"\"fill_value\": -1", "no uint16"},
        {"\"fill_value\": 1.5", "no uint16"},
        {"\"fill_value\": \"NaN\"", "no uint16"},
        {"\"fill_value\": {\"a\": 1}", "no uint16"},
        {"\"compressor\": {\"id\": \"jpeg2k\"}", "\"jpeg2k\" is not supported"},
        {"\"compressor\": {}", "without an id"},
        {"\"filters\": [{\"id\": \"vlen-utf8\"}]", "\"vlen-utf8\""},
        {"\"filters\": [{\"id\": \"delta\", \"dtype\": \"<c8\"}]", "complex"},
        {"\"filters\": [{\"id\": \"fixedscaleoffset\", \"dtype\": \"<u2\"}]", "offset and scale"},
        {"\"filters\": [{\"id\": \"shuffle\", \"elementsize\": -3}]", "elementsize"},
        {"\"dimension_separator\": \"-\"", "neither . nor /"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_v2("v2", cases[i][0]);
        must_refuse("zarr", temp("v2"), cases[i][1]);
        assert_non_null(strstr(source_failure(), "v2/.zarray"));
    }
}

static void put_v3(const char *folder, const char *change)
{
    char text[4096], path[256];
    static const char base[] =
        "\"zarr_format\": 3, \"node_type\": \"array\", \"shape\": [4, 4], \"data_type\": "
        "\"uint16\", "
        "\"chunk_grid\": {\"name\": \"regular\", \"configuration\": {\"chunk_shape\": [2, 4]}}, "
        "\"chunk_key_encoding\": {\"name\": \"default\"}, \"fill_value\": 0, "
        "\"codecs\": [{\"name\": \"bytes\", \"configuration\": {\"endian\": \"little\"}}]";
    /* The first of two equal members is the one that counts. */
    snprintf(text, sizeof text, "{%s, %s}", change, base);
    snprintf(path, sizeof path, "%s/zarr.json", folder);
    put_text(path, text);
}

static void v3_metadata_that_makes_no_sense(void **state)
{
    (void)state;
    static const char sharding[] =
        "\"codecs\": [{\"name\": \"sharding_indexed\", \"configuration\": {";
    static const char *const cases[][2] = {
        {"\"zarr_format\": 4", "zarr_format is not 3"},
        {"\"node_type\": \"table\"", "node_type"},
        {"\"data_type\": \"complex64\"", "complex"},
        {"\"data_type\": \"string\"", "text"},
        {"\"data_type\": {\"name\": \"struct\"}", "struct"},
        {"\"data_type\": 7", "no data_type"},
        {"\"chunk_grid\": {\"name\": \"rectilinear\"}", "rectilinear"},
        {"\"chunk_key_encoding\": {\"name\": \"hash\"}", "\"hash\""},
        {"\"storage_transformers\": [{\"name\": \"cache\"}]", "\"cache\""},
        {"\"quantum\": {\"name\": \"x\"}", "\"quantum\""},
        {"\"codecs\": []", "how values become bytes"},
        {"\"codecs\": [{\"name\": \"gzip\"}]", "before"},
        {"\"codecs\": [{\"name\": \"bytes\"}, {\"name\": \"transpose\"}]", "after"},
        {"\"codecs\": [{\"name\": \"bytes\"}, {\"name\": \"bytes\"}]", "after"},
        {"\"codecs\": [{\"name\": \"bytes\", \"configuration\": {\"endian\": \"middle\"}}]",
         "middle"},
        {"\"codecs\": [{\"name\": \"packbits\"}]", "\"packbits\" is not supported"},
        {"\"codecs\": [{\"name\": \"transpose\", \"configuration\": {\"order\": [0, 0]}}]",
         "permutation"},
        {"\"codecs\": [{\"name\": \"transpose\", \"configuration\": {\"order\": [0, 2]}}]",
         "permutation"},
        {"\"codecs\": [{\"name\": \"transpose\", \"configuration\": {\"order\": [0]}}]", "order"},
        {"\"codecs\": [{}]", "without a name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_v3("v3", cases[i][0]);
        must_refuse("zarr", temp("v3"), cases[i][1]);
    }
    static const char *const shards[][2] = {
        {"\"chunk_shape\": [2, 3]", "no multiple"},
        {"\"chunk_shape\": [0, 4]", "chunk_shape"},
        {"\"chunk_shape\": [2, 4], \"index_location\": \"middle\"", "index_location"},
        {"\"chunk_shape\": [2, 4], \"codecs\": [{\"name\": \"bytes\"}], \"index_codecs\": "
         "[{\"name\": "
         "\"bytes\"}, {\"name\": \"gzip\"}]",
         "index_codecs"},
        {"\"chunk_shape\": [2, 4], \"codecs\": [{\"name\": \"zfpy\"}]", "zfpy"},
    };
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s}}]", sharding, shards[i][0]);
        put_v3("v3", text);
        must_refuse("zarr", temp("v3"), shards[i][1]);
    }
    put_v3("v3", "\"note\": {\"must_understand\": false}");
    struct opened opened;
    source_must_open(&opened, "zarr", temp("v3"));
    source_close(&opened);
}

static void json_errors_have_a_position(void **state)
{
    (void)state;
    put_text("json/.zarray", "{\"zarr_format\": 2,\n  \"shape\": [1 2]}");
    must_refuse("zarr", temp("json"), "json/.zarray:2:");
    put_text("json/.zarray", "[]");
    must_refuse("zarr", temp("json"), "not a JSON object");
    put_text("json/.zarray", "");
    must_refuse("zarr", temp("json"), "not valid JSON");
    char *deep = malloc(100001);
    assert_non_null(deep);
    memset(deep, '[', 100000);
    deep[100000] = '\0';
    put_text("json/.zarray", deep);
    free(deep);
    must_refuse("zarr", temp("json"), "not valid JSON");
}

static void what_is_no_image(void **state)
{
    (void)state;
    must_refuse("zarr", temp("nothing.zarr"), "No such file");
    put_text("plain/readme.txt", "hello, this is only text");
    must_refuse("zarr", temp("plain"), "not a Zarr store");
    must_refuse("zarr", temp("plain/readme.txt"), "not a Zarr store");
    put_text("empty.zarr/.zgroup", "{\"zarr_format\": 2}");
    must_refuse("zarr", temp("empty.zarr"), "no image");
    must_refuse("zarr", temp("empty.zarr/sub"), "nothing called \"sub\"");
    must_refuse("zarr", "s3://bucket/a.zarr", "not supported");
    must_refuse("zarr", "", "empty path");
    must_refuse("npy", temp("nothing.npy"), "No such file");
    must_refuse("npy", temp("plain/readme.txt"), "not a .npy file");
    must_refuse("npy", temp("plain"), "it is a folder");
    assert_int_equal(source_probe("zarr", temp("plain")), 0);
    assert_int_equal(source_probe("npy", temp("plain/readme.txt")), 0);
    assert_int_equal(source_probe("zarr", test_data("arrays.zarr")), 100);
    assert_true(source_probe("zarr", temp("nothing.zarr")) > 0);
}

static void images_that_make_no_sense(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"multiscales\": [{}]}", "no datasets"},
        {"{\"multiscales\": [{\"datasets\": []}]}", "no datasets"},
        {"{\"multiscales\": [{\"datasets\": [{}]}]}", "without a path"},
        {"{\"multiscales\": [{\"datasets\": [{\"path\": \"../v2\"}]}]}", "leaves the image"},
        {"{\"multiscales\": [{\"datasets\": [{\"path\": \"a/../../v2\"}]}]}", "leaves the image"},
        {"{\"multiscales\": [{\"datasets\": [{\"path\": \"/etc\"}]}]}", "leaves the image"},
        {"{\"multiscales\": [{\"datasets\": [{\"path\": \"9\"}]}]}", "none of the 1 levels"},
        {"{\"multiscales\": 7}", "no image"},
    };
    put_text("image/.zgroup", "{\"zarr_format\": 2}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_text("image/.zattrs", cases[i][0]);
        must_refuse("zarr", temp("image"), cases[i][1]);
    }
}

static void chunks_that_cannot_be_read(void **state)
{
    (void)state;
    put_v2("raw", NULL);
    put_text("raw/0.0", "too short");
    must_fail_to_read("zarr", temp("raw"), "raw/0.0: 9 bytes instead of 16");
    put_text("raw/0.0", "exactly 16 bytes");
    put_text("raw/1.0", "seventeen bytes!!");
    must_fail_to_read("zarr", temp("raw"), "raw/1.0: 17 bytes instead of 16");
    unlink(temp("raw/1.0"));
    mkdir(temp("raw/1.0"), 0777);
    must_fail_to_read("zarr", temp("raw"), "raw/1.0: is a directory");
    rmdir(temp("raw/1.0"));
    assert_int_equal(mkfifo(temp("raw/1.0"), 0666), 0);
    must_fail_to_read("zarr", temp("raw"), "raw/1.0: is a special file");
    unlink(temp("raw/1.0"));
    assert_int_equal(symlink("1.0", temp("raw/1.0")), 0);
    must_fail_to_read("zarr", temp("raw"), "raw/1.0: ");
    if (geteuid() == 0) {
        print_message("  left out: root may read a file without permissions\n");
    } else {
        unlink(temp("raw/1.0"));
        put_text("raw/1.0", "exactly 16 bytes");
        chmod(temp("raw/1.0"), 0);
        must_fail_to_read("zarr", temp("raw"), "Permission denied");
    }
}

static void must_read(const char *uri)
{
    struct opened opened;
    uint8_t *data = NULL;
    uint64_t bytes = 0;
    source_must_open(&opened, "zarr", uri);
    if (source_read(&opened, 0, NULL, NULL, &data, &bytes) != ORIEL_OK)
        fail_msg("%s", source_failure());
    assert_int_equal(bytes, 32);
    free(data);
    source_close(&opened);
}

static void relink(const char *to, const char *at)
{
    unlink(temp(at));
    assert_int_equal(symlink(to, temp(at)), 0);
}

/* The chunk 1.0 is a link. */
static void links_out_of_the_root(void **state)
{
    (void)state;
    put_v2("pen/in", NULL);
    put_v2("secret", NULL);
    put_text("pen/in/0.0", "exactly 16 bytes");
    put_text("pen/shared", "exactly 16 bytes");
    put_text("secret/1.0", "sixteen  secrets");
    char *inside = strdup(temp("pen/shared")), *pen = strdup(temp("pen"));
    char *same_pen = strdup(temp("same pen")), *secret = strdup(temp("secret"));
    assert_int_equal(symlink("pen", same_pen), 0);

    relink("../../secret/1.0", "pen/in/1.0");
    must_read(temp("pen/in"));
    const char *const roots[] = {pen, same_pen, secret}; /* the store is not in the last */
    for (size_t i = 0; i < 3; i++) {
        source_set_root(roots[i]);
        must_fail_to_read("zarr", temp("pen/in"), "pen/in/1.0: leads out of data.root");
    }
    source_set_root(pen);
    relink(inside, "pen/in/1.0");
    must_read(temp("pen/in"));
    must_read(temp("same pen/in"));
    relink("0.0", "pen/in/1.0");
    must_read(temp("pen/in"));
    assert_int_equal(symlink("../secret", temp("pen/out")), 0);
    must_refuse("zarr", temp("pen/out"), "pen/out: leads out of data.root");
    put_text("penumbra", "exactly 16 bytes"); /* begins like the root's name */
    relink("../../penumbra", "pen/in/1.0");
    must_fail_to_read("zarr", temp("pen/in"), "leads out of data.root");
    relink("/dev/zero", "pen/in/1.0");
    must_fail_to_read("zarr", temp("pen/in"), "leads out of data.root");
    source_set_root("/");
    relink("../../penumbra", "pen/in/1.0");
    must_read(temp("pen/in"));
    source_set_root("/no such root");
    must_refuse("zarr", temp("pen/in"), "data.root /no such root: ");
    source_set_root("");
    free(inside);
    free(pen);
    free(same_pen);
    free(secret);
}

/* A shipped chunk, damaged: every byte flipped in turn, and cut at every length. It may decode to
 * other values where nothing checks them, but never past its buffers; with a checksum it must not
 * decode. */
static void damaged_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *array, *chunk, *meta;
        bool checked;
    } cases[] = {
        {"v2_blosc_zstd", "0.0.0", ".zarray", false},
        {"v2_blosc_lz4", "0.0.0", ".zarray", false},
        {"v2_blosc_blosclz", "0.0.0", ".zarray", false},
        {"v2_zlib", "0.0.0", ".zarray", true},
        {"v2_gzip", "0.0.0", ".zarray", false},
        {"v2_bz2", "0.0.0", ".zarray", false},
        {"v2_lz4", "0.0.0", ".zarray", false},
        {"v2_lzma", "0.0.0", ".zarray", false},
        {"v2_crc32", "0.0.0", ".zarray", true},
        {"v2_fletcher32", "0.0.0", ".zarray", true},
        {"v2_adler32", "0.0.0", ".zarray", true},
        {"v3_dot_keys", "c.0.0.0", "zarr.json", true},
        {"v3_shard_end", "c/0/0/0", "zarr.json", false},
        {"v3_shard_nested", "c/0/0/0", "zarr.json", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[256], uri[512];
        size_t bytes = 0, meta_bytes = 0;
        snprintf(path, sizeof path, "arrays.zarr/%s/%s", cases[i].array, cases[i].meta);
        char *meta = read_text(test_data(path), &meta_bytes);
        snprintf(path, sizeof path, "arrays.zarr/%s/%s", cases[i].array, cases[i].chunk);
        char *chunk = read_text(test_data(path), &bytes);
        assert_non_null(meta);
        assert_non_null(chunk);
        snprintf(path, sizeof path, "damaged/%s/%s", cases[i].array, cases[i].meta);
        put_text(path, meta);
        snprintf(path, sizeof path, "damaged/%s/%s", cases[i].array, cases[i].chunk);
        snprintf(uri, sizeof uri, "%s/damaged/%s", temp_folder(), cases[i].array);
        struct opened opened;
        source_must_open(&opened, "zarr", uri);
        for (size_t at = 0; at < 2 * bytes; at++) {
            const uint64_t from[3] = {0, 0, 0}, size[3] = {2, 3, 4};
            uint8_t *data = NULL;
            uint64_t n = 0;
            bool flip = at < bytes;
            if (flip)
                chunk[at] ^= 0x41;
            put_bytes(path, chunk, flip ? bytes : at - bytes);
            oriel_result result = source_read(&opened, 0, from, size, &data, &n);
            if (flip)
                chunk[at] ^= 0x41;
            if (result != ORIEL_OK)
                assert_non_null(strstr(source_failure(), cases[i].array));
            else if (!flip || cases[i].checked)
                /* Dead bytes that no inner chunk points to may be anything. */
                for (uint64_t k = 0; k < 24;
                     k++) /* the first two planes' first three rows of five */
                    if (type_value(opened.info->dtype, data, k) !=
                        expected_value(opened.info->dtype, k / 12 * 20 + k % 12))
                        fail_msg("%s: damage at %zu is not noticed", cases[i].array, at);
            free(data);
        }
        source_close(&opened);
        free(meta);
        free(chunk);
    }
}

static void bombs_are_not_unpacked(void **state)
{
    (void)state;
    /* 64 KiB of zeros as gzip where 16 bytes belong. */
    static const uint8_t bomb[] = {0x1f, 0x8b, 8, 0, 0, 0,    0,    0,    2,    3,    0xed, 0xc1,
                                   1,    1,    0, 0, 0, 0x80, 0x90, 0xfe, 0xaf, 0xee, 8,    0x0a};
    put_v2("bomb", "\"compressor\": {\"id\": \"gzip\"}");
    put_bytes("bomb/0.0", bomb, sizeof bomb);
    must_fail_to_read("zarr", temp("bomb"), "bomb/0.0: gzip");
    /* A chunk file that no honest writer makes is not read into memory. */
    put_bytes("bomb/0.0", bomb, sizeof bomb);
    assert_int_equal(truncate(temp("bomb/0.0"), (off_t)1 << 40), 0);
    must_fail_to_read("zarr", temp("bomb"), "too many for a chunk");
    /* Compressed chunks of 32 GiB are refused before anything is allocated. */
    put_text("bomb/.zarray",
             "{\"zarr_format\": 2, \"shape\": [4, 4], \"chunks\": [4294967296, 4], \"dtype\": "
             "\"<u2\", \"compressor\": {\"id\": \"zlib\"}}");
    must_refuse("zarr", temp("bomb"), "too large to decode");
}

static void put_npy(const char *path, const char *dict, size_t values)
{
    char data[512];
    int n = snprintf(data + 10, sizeof data - 10, "%s\n", dict);
    memcpy(data, "\x93NUMPY\x01\x00", 8);
    data[8] = (char)n;
    data[9] = 0;
    memset(data + 10 + n, 1, values);
    put_bytes(path, data, (size_t)n + 10 + values);
}

static void npy_files_that_make_no_sense(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (9, 9), }", "cut short"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (-1,), }", "shape"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (9999999999, 9999999999), }", "2^63"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (99999999999999999999,), }", "shape"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", "axes"},
        {"{'descr': '<u2', 'fortran_order': False, 'shape': (3", "shape"},
        {"{'descr': '<u2', 'fortran_order': False, }", "no shape"},
        {"{'descr': '<u2', 'shape': (3,), }", "fortran_order"},
        {"{'fortran_order': False, 'shape': (3,), }", "descr"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "complex"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "objects"},
        {"{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }", "text"},
        {"{'descr': [('a', '<u2')], 'fortran_order': False, 'shape': (1,), }", "structured"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_npy("bad.npy", cases[i][0], 8);
        must_refuse("npy", temp("bad.npy"), cases[i][1]);
        assert_non_null(strstr(source_failure(), "bad.npy"));
    }
    put_text("bad.npy", "\x93NUMPY\x09\x01xxxxxxxx");
    must_refuse("npy", temp("bad.npy"), "format 9.1");
    put_text("bad.npy", "\x93NUM");
    must_refuse("npy", temp("bad.npy"), "too short");

    /* Cut short after it was opened: an error, no SIGBUS. */
    struct opened opened;
    uint8_t *data = NULL;
    uint64_t bytes = 0;
    put_npy("cut.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (100,), }", 100);
    source_must_open(&opened, "npy", temp("cut.npy"));
    assert_int_equal(truncate(temp("cut.npy"), 90), 0);
    assert_int_equal(source_read(&opened, 0, NULL, NULL, &data, &bytes), ORIEL_IO);
    assert_non_null(strstr(source_failure(), "cut.npy: it is cut short"));
    source_close(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v2_metadata_that_makes_no_sense),
        cmocka_unit_test(v3_metadata_that_makes_no_sense),
        cmocka_unit_test(json_errors_have_a_position),
        cmocka_unit_test(what_is_no_image),
        cmocka_unit_test(images_that_make_no_sense),
        cmocka_unit_test(chunks_that_cannot_be_read),
        cmocka_unit_test(links_out_of_the_root),
        cmocka_unit_test(damaged_chunks),
        cmocka_unit_test(bombs_are_not_unpacked),
        cmocka_unit_test(npy_files_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
