/* SPDX-License-Identifier: BSD-3-Clause */
#include "harness.h"

#include <dlfcn.h>
#include <ftw.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static _Thread_local char failure[2048];

const char *source_failure(void)
{
    return failure;
}

static void host_log(const struct oriel_host *host, uint32_t level, const char *text)
{
    (void)host;
    if (level <= ORIEL_LOG_ERROR)
        print_message("  %s\n", text);
}

static oriel_result host_fail(const struct oriel_host *host, oriel_result result, const char *text)
{
    (void)host;
    snprintf(failure, sizeof failure, "%s", text);
    return result;
}

static const void *host_interface(const struct oriel_host *host, const char *id)
{
    (void)host;
    (void)id;
    return NULL;
}

static const struct oriel_host host = {
    .size = sizeof host, .log = host_log, .fail = host_fail, .get_interface = host_interface};

static const char *option_root = "";

static const char *config_string(const struct oriel_config *config, const char *name)
{
    (void)config;
    return strcmp(name, "root") == 0 ? option_root : "";
}

static const struct oriel_config config = {.size = sizeof config, .get_string = config_string};

void source_set_root(const char *path)
{
    option_root = path;
}

static const struct oriel_source *module_source(const char *name)
{
    char path[1024];
    const char *folder = getenv("ORIEL_MODULE_PATH");
    assert_non_null(folder);
    snprintf(path, sizeof path, "%s/source-%s.so", folder, name);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        fail_msg("%s", dlerror());
    const struct oriel_entry *entry = dlsym(handle, ORIEL_ENTRY_SYMBOL);
    assert_non_null(entry);
    assert_true(entry->magic == ORIEL_MAGIC);
    assert_null(entry->get_factory("oriel.nothing/1"));
    const struct oriel_source *source = entry->get_factory(ORIEL_SOURCE_V1);
    assert_non_null(source);
    return source;
}

uint32_t source_probe(const char *name, const char *uri)
{
    return module_source(name)->probe(&host, uri);
}

oriel_result source_open(struct opened *opened, const char *name, const char *uri)
{
    *opened = (struct opened){.source = module_source(name)};
    *failure = '\0';
    oriel_result result = opened->source->open(&host, &config, uri, &opened->self);
    if (result != ORIEL_OK) {
        assert_null(opened->self);
        assert_true(*failure);
        assert_null(strchr(failure, '\n'));
        return result;
    }
    assert_int_equal(opened->source->describe(opened->self, &opened->info), ORIEL_OK);
    return result;
}

void source_must_open(struct opened *opened, const char *name, const char *uri)
{
    if (source_open(opened, name, uri) != ORIEL_OK)
        fail_msg("%s", source_failure());
}

void source_close(struct opened *opened)
{
    if (opened->self)
        opened->source->close(opened->self);
    opened->self = NULL;
}

oriel_result source_read(const struct opened *opened, uint32_t level, const uint64_t *origin,
                         const uint64_t *shape, uint8_t **out, uint64_t *bytes)
{
    const struct oriel_source_info *info = opened->info;
    struct oriel_read read = {.size = sizeof read, .level = level};
    read.out_bytes = type_bytes(info->dtype);
    for (uint32_t k = 0; k < info->ndim; k++) {
        read.origin[k] = origin ? origin[k] : 0;
        read.shape[k] = shape ? shape[k] : info->levels[level].shape[k];
        read.out_bytes *= read.shape[k];
    }
    read.out = *out = malloc(read.out_bytes ? read.out_bytes : 1);
    assert_non_null(*out);
    memset(*out, 0xa5, read.out_bytes);
    *bytes = read.out_bytes;
    *failure = '\0';
    oriel_result result = opened->source->read(opened->self, &read);
    if (result != ORIEL_OK) {
        assert_true(*failure);
        free(*out);
        *out = NULL;
    }
    return result;
}

uint32_t type_bytes(uint32_t dtype)
{
    static const uint8_t bytes[] = {0, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 1};
    assert_in_range(dtype, ORIEL_U8, ORIEL_BOOL);
    return bytes[dtype];
}

static double half_value(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    assert_int_not_equal(exponent, 31);
    double value = exponent ? ldexp(fraction + 1024, exponent - 25) : ldexp(fraction, -24);
    return bits & 0x8000 ? -value : value;
}

#define LOAD(type) (double)((const type *)data)[index]

double type_value(uint32_t dtype, const void *data, uint64_t index)
{
    switch (dtype) {
    case ORIEL_U16:
        return LOAD(uint16_t);
    case ORIEL_U32:
        return LOAD(uint32_t);
    case ORIEL_U64:
        return LOAD(uint64_t);
    case ORIEL_I8:
        return LOAD(int8_t);
    case ORIEL_I16:
        return LOAD(int16_t);
    case ORIEL_I32:
        return LOAD(int32_t);
    case ORIEL_I64:
        return LOAD(int64_t);
    case ORIEL_F16:
        return half_value(((const uint16_t *)data)[index]);
    case ORIEL_F32:
        return LOAD(float);
    case ORIEL_F64:
        return LOAD(double);
    default:
        return LOAD(uint8_t);
    }
}

double expected_value(uint32_t dtype, uint64_t index)
{
    uint64_t value = (7 * index + 3) % 101;
    return (double)(dtype == ORIEL_BOOL ? value & 1 : value);
}

const char *test_data(const char *path)
{
    static char text[1024];
    const char *root = getenv("ORIEL_SOURCE_DIR");
    snprintf(text, sizeof text, "%s/tests/data/%s", root ? root : ".", path);
    return text;
}

const char *extra_data(void)
{
    const char *folder = getenv("ORIEL_TEST_DATA");
    if (folder && *folder)
        return folder;
    print_message("  left out: ORIEL_TEST_DATA is not set\n");
    return NULL;
}

static char folder[64];

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *temp_folder(void)
{
    if (!*folder) {
        snprintf(folder, sizeof folder, "/tmp/oriel-source-XXXXXX");
        assert_non_null(mkdtemp(folder));
        atexit(remove_folder);
    }
    return folder;
}

void put_bytes(const char *path, const void *data, size_t bytes)
{
    char full[1024];
    snprintf(full, sizeof full, "%s/%s", temp_folder(), path);
    for (char *slash = full + strlen(folder); (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        mkdir(full, 0777);
        *slash = '/';
    }
    FILE *file = fopen(full, "wb");
    assert_non_null(file);
    assert_true(fwrite(data, 1, bytes, file) == bytes);
    assert_int_equal(fclose(file), 0);
}

void put_text(const char *path, const char *text)
{
    put_bytes(path, text, strlen(text));
}

char *read_text(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*bytes + 1);
    assert_non_null(text);
    assert_true(fread(text, 1, *bytes, file) == *bytes);
    text[*bytes] = '\0';
    fclose(file);
    return text;
}
