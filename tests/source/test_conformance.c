/* SPDX-License-Identifier: BSD-3-Clause */
/* Stores of other implementations, from $ORIEL_TEST_DATA: the values hash to what is expected, and
 * what cannot be read is refused by its name. */
#include "harness.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <unistd.h>

struct counts {
    int exact, refused, wrong, later;
};

/* The word that a refusal must have: the first codec that is none of ours, or the data type. */
static bool names_culprit(const char *text, const cJSON *entry)
{
    static const char *const words[] = {"zfpy", "pcodec", "vlen"};
    const char *dtype = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "dtype"));
    char *codec = cJSON_PrintUnformatted(cJSON_GetObjectItem(entry, "codec"));
    bool named = dtype && strstr(text, dtype);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        named = named || (codec && strstr(codec, words[i]) && strstr(text, words[i]));
    cJSON_free(codec);
    return named;
}

static bool hash_matches(const struct opened *opened, const char *wanted)
{
    uint8_t *data = NULL;
    uint64_t bytes = 0;
    char hex[65] = "";
    if (source_read(opened, 0, NULL, NULL, &data, &bytes) != ORIEL_OK) {
        print_message("  %s\n", source_failure());
        return false;
    }
    sha256_hex(data, bytes, hex); /* the machines that run this are little-endian */
    free(data);
    return strcmp(hex, wanted) == 0;
}

static void check_entry(const char *folder, const cJSON *entry, struct counts *counts)
{
    char path[1024];
    struct opened opened;
    const char *wanted = cJSON_GetStringValue(cJSON_GetObjectItem(entry, "sha256_le_c"));
    if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(entry, "format")), "n5") == 0) {
        counts->later++;
        return;
    }
    snprintf(path, sizeof path, "%s/%s", folder, entry->string);
    oriel_result result = source_open(&opened, "zarr", path);
    if (wanted && result == ORIEL_OK && hash_matches(&opened, wanted)) {
        counts->exact++;
    } else if (!wanted && result == ORIEL_UNSUPPORTED && names_culprit(source_failure(), entry)) {
        counts->refused++;
    } else {
        counts->wrong++;
        print_message("  wrong: %s (%d: %s)\n", path, result, source_failure());
    }
    source_close(&opened);
}

static void arrays_hash_as_expected(void **state)
{
    (void)state;
    const char *root = extra_data();
    if (!root)
        skip();
    static const char *const suites[] = {"conformance", "real"};
    struct counts counts = {0};
    for (size_t i = 0; i < 2; i++) {
        char path[1024], folder[1024];
        size_t bytes = 0;
        snprintf(path, sizeof path, "%s/%s-expected.json", root, suites[i]);
        snprintf(folder, sizeof folder, "%s/%s", root, suites[i]);
        char *text = read_text(path, &bytes);
        if (!text) {
            print_message("  left out: no %s\n", path);
            continue;
        }
        cJSON *list = cJSON_Parse(text);
        free(text);
        assert_non_null(list);
        const cJSON *entry;
        cJSON_ArrayForEach(entry, list)
        {
            check_entry(folder, entry, &counts);
        }
        cJSON_Delete(list);
    }
    print_message("  %d arrays exact, %d refused by name, %d wrong; %d N5 arrays have no module\n",
                  counts.exact, counts.refused, counts.wrong, counts.later);
    assert_int_equal(counts.wrong, 0);
}

/* numcodecs' fixture: pairs of an array and what a codec made of it. */

static const char *descr_of(uint32_t dtype)
{
    static const char *const names[] = {"",    "|u1", "<u2", "<u4", "<u8", "|i1", "<i2",
                                        "<i4", "<i8", "<f2", "<f4", "<f8", "|b1"};
    return names[dtype];
}

enum { NO_PAIR = -2 };

/* One pair, through a store made of it. 1 exact, 0 left out, -1 wrong. */
static int check_pair(const char *folder, const char *config, const char *npy, const char *dat,
                      bool filter)
{
    struct opened array, store;
    if (source_open(&array, "npy", npy) != ORIEL_OK) /* dates, objects, text; or there is none */
        return 0;
    uint64_t total = 1;
    for (uint32_t k = 0; k < array.info->ndim; k++)
        total *= array.info->levels[0].shape[k];
    size_t bytes = 0;
    char *encoded = read_text(dat, &bytes);
    if (!encoded || !total) {
        free(encoded);
        source_close(&array);
        return 0;
    }
    char meta[4096];
    int n = snprintf(meta, sizeof meta, "{\"zarr_format\": 2, \"dtype\": \"%s\", \"shape\": [",
                     descr_of(array.info->dtype));
    for (int turn = 0; turn < 2; turn++) {
        for (uint32_t k = 0; k < array.info->ndim; k++)
            n += snprintf(meta + n, sizeof meta - (size_t)n, "%s%llu", k ? ", " : "",
                          (unsigned long long)array.info->levels[0].shape[k]);
        n += snprintf(meta + n, sizeof meta - (size_t)n, "%s", turn ? "]" : "], \"chunks\": [");
    }
    snprintf(meta + n, sizeof meta - (size_t)n,
             ", \"fill_value\": 0, \"order\": \"%s\", \"compressor\": %s, \"filters\": %s%s%s}",
             strstr(array.info->format, "F order") ? "F" : "C", filter ? "null" : config,
             filter ? "[" : "null", filter ? config : "", filter ? "]" : "");
    char chunk[64] = "fixture/0", path[1024];
    for (uint32_t k = 1; k < array.info->ndim; k++)
        strcat(chunk, ".0");
    put_text("fixture/.zarray", meta);
    put_bytes(chunk, encoded, bytes);
    free(encoded);
    snprintf(path, sizeof path, "%s/fixture", folder);
    uint8_t *a = NULL, *b = NULL;
    uint64_t a_bytes = 0, b_bytes = 0;
    int result = -1;
    if (source_open(&store, "zarr", path) == ORIEL_OK &&
        source_read(&store, 0, NULL, NULL, &a, &a_bytes) == ORIEL_OK &&
        source_read(&array, 0, NULL, NULL, &b, &b_bytes) == ORIEL_OK)
        result = a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0 ? 1 : -1;
    if (result < 0)
        print_message("  wrong: %s (%s)\n", dat, source_failure());
    free(a);
    free(b);
    source_close(&store);
    source_close(&array);
    return result;
}

static void codecs_decode_numcodecs_fixture(void **state)
{
    (void)state;
    static const char *const codecs[] = {"blosc", "bz2",     "delta", "gzip", "lz4",
                                         "lzma",  "shuffle", "zlib",  "zstd"};
    const char *root = extra_data();
    if (!root)
        skip();
    int exact = 0, wrong = 0, left_out = 0;
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        for (int codec = 0; codec < 20; codec++) {
            char path[1024], npy[1024];
            size_t bytes = 0;
            snprintf(path, sizeof path,
                     "%s/conformance/numcodecs_fixture/%s/codec.%02d/config.json", root, codecs[i],
                     codec);
            char *config = read_text(path, &bytes);
            for (int k = 0; config && k < 20; k++) {
                snprintf(npy, sizeof npy, "%s/conformance/numcodecs_fixture/%s/array.%02d.npy",
                         root, codecs[i], k);
                snprintf(path, sizeof path,
                         "%s/conformance/numcodecs_fixture/%s/codec.%02d/encoded.%02d.dat", root,
                         codecs[i], codec, k);
                bool filter = strcmp(codecs[i], "delta") == 0 || strcmp(codecs[i], "shuffle") == 0;
                int result = access(path, R_OK) == 0
                                 ? check_pair(temp_folder(), config, npy, path, filter)
                                 : NO_PAIR;
                exact += result > 0;
                wrong += result == -1;
                left_out += result == 0;
            }
            free(config);
        }
    print_message("  %d pairs exact, %d wrong; %d pairs are empty or of other types\n", exact,
                  wrong, left_out);
    assert_int_equal(wrong, 0);
}

/* Metadata by the hundred, valid and invalid: nothing crashes, every refusal is one line. */
static void open_all(const char *folder, int depth, int *opened_count, int *refused_count)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    struct opened opened;
    if (source_open(&opened, "zarr", folder) == ORIEL_OK)
        ++*opened_count;
    else
        ++*refused_count;
    source_close(&opened);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && entry->d_type == DT_DIR && depth < 12)
            open_all(path, depth + 1, opened_count, refused_count);
    }
    closedir(dir);
}

static void metadata_cases_open_or_say_why(void **state)
{
    (void)state;
    const char *root = extra_data();
    if (!root)
        skip();
    char path[1024];
    int opened = 0, refused = 0;
    snprintf(path, sizeof path, "%s/conformance/ngff_spec_conformance/tests/zarr", root);
    open_all(path, 0, &opened, &refused);
    snprintf(path, sizeof path, "%s/conformance/negative", root);
    open_all(path, 0, &opened, &refused);
    print_message("  %d folders opened, %d refused\n", opened, refused);
    assert_true(opened > 0 && refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_hash_as_expected),
        cmocka_unit_test(codecs_decode_numcodecs_fixture),
        cmocka_unit_test(metadata_cases_open_or_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
