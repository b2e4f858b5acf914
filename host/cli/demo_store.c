/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/demo_store.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/check.h"

enum { CHUNK_Z = 32, CHUNK_YX = 96 };

struct demo_store {
    char *target;
    char *folder; /* beside it, while it is written */
    struct demo_image image;
    uint16_t chunk[CHUNK_Z * CHUNK_YX * CHUNK_YX];
};

static void chunk_size(const struct demo_level *level, uint32_t size[3])
{
    const uint32_t most[3] = {CHUNK_Z, CHUNK_YX, CHUNK_YX};
    for (int k = 0; k < 3; k++)
        size[k] = level->shape[k] < most[k] ? level->shape[k] : most[k];
}

static bool write_file(const char *path, const void *data, size_t bytes, struct error *err)
{
    FILE *file = fopen(path, "wbxe");
    bool ok = file && fwrite(data, 1, bytes, file) == bytes;
    ok = (!file || fclose(file) == 0) && ok;
    return ok || error_set(err, "%s: %s", path, strerror(errno));
}

/* The folders of "a/b/c" below the store. */
static bool make_folders(const char *path, size_t base, struct error *err)
{
    char *part = xstrdup(path);
    bool ok = true;
    for (char *slash = part + base; ok && slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ok = mkdir(part, 0777) == 0 || errno == EEXIST ||
             error_set(err, "%s: %s", part, strerror(errno));
        *slash = '/';
    }
    free(part);
    return ok;
}

static bool write_json(const struct demo_store *store, const char *name, cJSON *root,
                       struct error *err)
{
    char *path = xasprintf("%s/%s", store->folder, name);
    char *text = cJSON_Print(root);
    CHECK(text);
    bool ok =
        make_folders(path, strlen(store->folder), err) && write_file(path, text, strlen(text), err);
    cJSON_free(text);
    cJSON_Delete(root);
    free(path);
    return ok;
}

static cJSON *parse(const char *text)
{
    cJSON *root = cJSON_Parse(text);
    CHECK(root);
    return root;
}

static bool write_array_json(const struct demo_store *store, uint32_t number, struct error *err)
{
    const struct demo_level *level = &store->image.levels[number];
    uint32_t size[3];
    chunk_size(level, size);
    char *name = xasprintf("%u/zarr.json", number);
    char *text = xasprintf(
        "{\"zarr_format\": 3, \"node_type\": \"array\", \"shape\": [%u, 2, %u, %u, %u], "
        "\"data_type\": \"uint16\", \"chunk_grid\": {\"name\": \"regular\", \"configuration\": "
        "{\"chunk_shape\": [1, 1, %u, %u, %u]}}, \"chunk_key_encoding\": {\"name\": \"default\", "
        "\"configuration\": {\"separator\": \"/\"}}, \"fill_value\": 0, \"codecs\": [{\"name\": "
        "\"bytes\", \"configuration\": {\"endian\": \"little\"}}], \"attributes\": {}, "
        "\"dimension_names\": [\"t\", \"c\", \"z\", \"y\", \"x\"]}",
        store->image.frames, level->shape[0], level->shape[1], level->shape[2], size[0], size[1],
        size[2]);
    bool ok = write_json(store, name, parse(text), err);
    free(text);
    free(name);
    return ok;
}

static cJSON *datasets_json(const struct demo_image *image)
{
    cJSON *list = cJSON_CreateArray();
    CHECK(list);
    for (uint32_t i = 0; i < DEMO_LEVELS; i++) {
        const struct demo_level *level = &image->levels[i];
        char *text = xasprintf(
            "{\"path\": \"%u\", \"coordinateTransformations\": [{\"type\": \"scale\", \"scale\": "
            "[%g, 1, %g, %g, %g]}, {\"type\": \"translation\", \"translation\": [0, 0, %g, %g, "
            "%g]}]}",
            i, image->seconds, level->scale[0], level->scale[1], level->scale[2],
            level->translate[0], level->translate[1], level->translate[2]);
        cJSON_AddItemToArray(list, parse(text));
        free(text);
    }
    return list;
}

static cJSON *channels_json(const struct demo_image *image)
{
    cJSON *list = cJSON_CreateArray();
    CHECK(list);
    for (uint32_t i = 0; i < 2; i++) {
        const struct demo_channel *channel = &image->channels[i];
        char *text = xasprintf("{\"label\": \"%s\", \"color\": \"%s\", \"active\": true, "
                               "\"inverted\": false, \"window\": {\"start\": %g, \"end\": %g, "
                               "\"min\": 0, \"max\": 65535}}",
                               channel->label, channel->color, channel->start, channel->end);
        cJSON_AddItemToArray(list, parse(text));
        free(text);
    }
    return list;
}

static bool write_group_json(const struct demo_store *store, struct error *err)
{
    cJSON *root = parse("{\"zarr_format\": 3, \"node_type\": \"group\", \"attributes\": {\"ome\": "
                        "{\"version\": \"0.5\", "
                        "\"multiscales\": [{\"type\": \"mean\", \"axes\": ["
                        "{\"name\": \"t\", \"type\": \"time\", \"unit\": \"second\"}, "
                        "{\"name\": \"c\", \"type\": \"channel\"}, "
                        "{\"name\": \"z\", \"type\": \"space\", \"unit\": \"micrometer\"}, "
                        "{\"name\": \"y\", \"type\": \"space\", \"unit\": \"micrometer\"}, "
                        "{\"name\": \"x\", \"type\": \"space\", \"unit\": \"micrometer\"}]}], "
                        "\"omero\": {\"rdefs\": {\"model\": \"color\"}}}}}");
    cJSON *ome = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "attributes"), "ome");
    cJSON *multiscale = cJSON_GetArrayItem(cJSON_GetObjectItem(ome, "multiscales"), 0);
    cJSON_AddStringToObject(multiscale, "name", store->image.name);
    cJSON_AddItemToObject(multiscale, "datasets", datasets_json(&store->image));
    cJSON_AddItemToObject(cJSON_GetObjectItem(ome, "omero"), "channels",
                          channels_json(&store->image));
    return write_json(store, "zarr.json", root, err);
}

struct demo_store *demo_store_create(const char *path, const struct demo_image *image,
                                     struct error *err)
{
    struct stat st;
    char *target = xstrdup(path);
    for (size_t n = strlen(target); n > 1 && target[n - 1] == '/';)
        target[--n] = '\0';
    if (lstat(target, &st) == 0) {
        error_set(err, "%s: exists already", target);
        free(target);
        return NULL;
    }
    struct demo_store *store = xcalloc(1, sizeof *store);
    store->target = target;
    store->image = *image;
    store->folder = xasprintf("%s.XXXXXX", target);
    mode_t mask = umask(0);
    umask(mask);
    if (!mkdtemp(store->folder) || chmod(store->folder, 0777 & ~mask) != 0) {
        error_set(err, "%s: %s", target, strerror(errno));
        free(store->folder);
        store->folder = NULL;
        demo_store_abandon(store);
        return NULL;
    }
    bool ok = write_group_json(store, err);
    for (uint32_t i = 0; i < DEMO_LEVELS && ok; i++)
        ok = write_array_json(store, i, err);
    if (!ok) {
        demo_store_abandon(store);
        return NULL;
    }
    return store;
}

/* False when every value of the chunk is zero: then it need not be stored. */
static bool cut_chunk(struct demo_store *store, const struct demo_level *level,
                      const uint32_t cell[3], const uint16_t *values, size_t *count)
{
    uint16_t any = 0, *out = store->chunk;
    uint32_t size[3];
    chunk_size(level, size);
    *count = (size_t)size[0] * size[1] * size[2];
    memset(out, 0, *count * sizeof *out); /* what hangs over the edge of the array */
    for (uint32_t z = 0; z < size[0] && cell[0] * size[0] + z < level->shape[0]; z++) {
        for (uint32_t y = 0; y < size[1] && cell[1] * size[1] + y < level->shape[1]; y++) {
            uint64_t row =
                ((uint64_t)(cell[0] * size[0] + z) * level->shape[1] + cell[1] * size[1] + y) *
                level->shape[2];
            for (uint32_t x = 0; x < size[2] && cell[2] * size[2] + x < level->shape[2]; x++)
                any |= out[(z * size[1] + y) * size[2] + x] = values[row + cell[2] * size[2] + x];
        }
    }
    for (size_t i = 0; i < *count && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__; i++)
        out[i] = __builtin_bswap16(out[i]);
    return any;
}

bool demo_store_write(struct demo_store *store, uint32_t level, uint32_t frame, uint32_t channel,
                      const uint16_t *values, struct error *err)
{
    const struct demo_level *shape = &store->image.levels[level];
    uint32_t cell[3], size[3];
    chunk_size(shape, size);
    bool ok = true;
    for (cell[0] = 0; ok && cell[0] * size[0] < shape->shape[0]; cell[0]++) {
        for (cell[1] = 0; ok && cell[1] * size[1] < shape->shape[1]; cell[1]++) {
            for (cell[2] = 0; ok && cell[2] * size[2] < shape->shape[2]; cell[2]++) {
                size_t count = 0;
                if (!cut_chunk(store, shape, cell, values, &count))
                    continue;
                char *path = xasprintf("%s/%u/c/%u/%u/%u/%u/%u", store->folder, level, frame,
                                       channel, cell[0], cell[1], cell[2]);
                ok = make_folders(path, strlen(store->folder), err) &&
                     write_file(path, store->chunk, count * sizeof *store->chunk, err);
                free(path);
            }
        }
    }
    return ok;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st;
    (void)kind;
    (void)walk;
    return remove(path);
}

void demo_store_abandon(struct demo_store *store)
{
    if (!store)
        return;
    if (store->folder)
        nftw(store->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(store->folder);
    free(store->target);
    free(store);
}

bool demo_store_commit(struct demo_store *store, struct error *err)
{
    /* Never over something that appeared meanwhile. */
    bool ok = renameat2(AT_FDCWD, store->folder, AT_FDCWD, store->target, RENAME_NOREPLACE) == 0;
    if (!ok && (errno == EINVAL || errno == ENOSYS))
        ok = rename(store->folder, store->target) == 0;
    if (!ok) {
        error_set(err, "%s: %s", store->target, strerror(errno));
    } else {
        free(store->folder);
        store->folder = NULL;
    }
    demo_store_abandon(store);
    return ok;
}
