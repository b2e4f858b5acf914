/* SPDX-License-Identifier: BSD-3-Clause */
/* .zarray and zarr.json of an array. */
#include "array.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

static bool parse_grid(struct array *self, const char *file, const cJSON *shape,
                       const cJSON *chunks, struct fault *fault)
{
    if (!cJSON_IsArray(shape))
        return fault_set(fault, ORIEL_IO, "%s: has no shape", file);
    int ndim = cJSON_GetArraySize(shape);
    if (ndim > (int)ORIEL_MAX_AXES)
        return fault_set(fault, ORIEL_UNSUPPORTED,
                         "%s: has %d axes, more than %u are not supported", file, ndim,
                         ORIEL_MAX_AXES);
    self->ndim = (uint32_t)ndim;
    if (!json_wholes(shape, self->ndim, 0, self->shape))
        return fault_set(fault, ORIEL_IO, "%s: shape must be whole numbers from 0 to 2^53", file);
    if (!json_wholes(chunks, self->ndim, 1, self->chunk))
        return fault_set(fault, ORIEL_IO, "%s: the chunk shape must be %u whole numbers from 1",
                         file, self->ndim);
    uint64_t bytes = self->dtype.bytes;
    for (uint32_t k = 0; k < self->ndim; k++)
        if (self->shape[k] &&
            (__builtin_mul_overflow(bytes, self->shape[k], &bytes) || bytes > INT64_MAX))
            return fault_set(fault, ORIEL_UNSUPPORTED, "%s: the array is larger than 2^63 bytes",
                             file);
    return true;
}

static struct array *start(struct arena *arena, const char *path, const char *file,
                           const char *dtype, const cJSON *fill, struct fault *fault)
{
    struct array *self = arena_alloc(arena, sizeof *self);
    if (!self || !(self->path = arena_print(arena, "%s", path))) {
        fault_nomem(fault);
        return NULL;
    }
    if (!dtype_parse(dtype, &self->dtype, fault) ||
        !fill_parse(fill, &self->dtype, self->fill, fault)) {
        fault_prefix(fault, "%s", file);
        return NULL;
    }
    return self;
}

static bool parse_dims(struct array *self, struct arena *arena, const cJSON *names)
{
    if (!cJSON_IsArray(names) || (uint32_t)cJSON_GetArraySize(names) != self->ndim)
        return false;
    const char **dims = arena_alloc(arena, (self->ndim + 1) * sizeof *dims);
    for (uint32_t k = 0; dims && k < self->ndim; k++) {
        const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(names, (int)k));
        dims[k] = arena_print(arena, "%s", name ? name : "");
        if (!dims[k])
            return false;
    }
    self->dims = dims;
    return dims;
}

static bool parse_separator(struct array *self, const char *file, const char *text, char fallback,
                            struct fault *fault)
{
    self->separator = text ? *text : fallback;
    if (text && strcmp(text, ".") != 0 && strcmp(text, "/") != 0)
        return fault_set(fault, ORIEL_IO, "%s: the separator is \"%.20s\", neither . nor /", file,
                         text);
    return true;
}

struct array *array_parse_v2(struct arena *arena, const char *path, const char *file,
                             const cJSON *zarray, const cJSON *attributes, struct fault *fault)
{
    const cJSON *dtype = json_get(zarray, "dtype");
    uint64_t version = 0;
    if (!json_whole(json_get(zarray, "zarr_format"), &version) || version != 2) {
        fault_set(fault, ORIEL_UNSUPPORTED, "%s: zarr_format is not 2", file);
        return NULL;
    }
    if (!cJSON_IsString(dtype)) {
        fault_set(fault, ORIEL_UNSUPPORTED, "%s: data type (%s) is not supported", file,
                  cJSON_IsArray(dtype) ? "structured values" : "none given");
        return NULL;
    }
    struct array *self =
        start(arena, path, file, dtype->valuestring, json_get(zarray, "fill_value"), fault);
    if (!self)
        return NULL;
    self->version = 2;
    const char *order = json_string(zarray, "order");
    if (order && strcmp(order, "C") != 0 && strcmp(order, "F") != 0) {
        fault_set(fault, ORIEL_IO, "%s: order is \"%.20s\", neither C nor F", file, order);
        return NULL;
    }
    if (!parse_grid(self, file, json_get(zarray, "shape"), json_get(zarray, "chunks"), fault) ||
        !parse_separator(self, file, json_string(zarray, "dimension_separator"), '.', fault))
        return NULL;
    parse_dims(self, arena, json_get(attributes, "_ARRAY_DIMENSIONS")); /* xarray's */
    const struct chunk_spec chunk = {self->ndim, self->chunk, self->dtype, self->fill};
    self->pipeline =
        pipeline_compile_v2(arena, &chunk, order && *order == 'F', json_get(zarray, "filters"),
                            json_get(zarray, "compressor"), fault);
    if (!self->pipeline) {
        fault_prefix(fault, "%s", file);
        return NULL;
    }
    return self;
}

/* The name of an extension point: a string, or an object with a name. */
static const char *named(const cJSON *item)
{
    return cJSON_IsString(item) ? item->valuestring : json_string(item, "name");
}

/* What a reader does not know it must refuse, unless it is told that it may ignore it. */
static bool check_known(const cJSON *root, const char *file, struct fault *fault)
{
    static const char *const known[] = {"zarr_format",
                                        "node_type",
                                        "shape",
                                        "data_type",
                                        "chunk_grid",
                                        "fill_value",
                                        "codecs",
                                        "attributes",
                                        "chunk_key_encoding",
                                        "storage_transformers",
                                        "dimension_names",
                                        "consolidated_metadata",
                                        "extensions"};
    const cJSON *item;
    cJSON_ArrayForEach(item, root)
    {
        bool found = cJSON_IsFalse(json_get(item, "must_understand"));
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || strcmp(item->string, known[i]) == 0;
        if (!found)
            return fault_set(fault, ORIEL_UNSUPPORTED,
                             "%s: the extension \"%.80s\" is not supported", file, item->string);
    }
    const cJSON *transformer = cJSON_GetArrayItem(json_get(root, "storage_transformers"), 0);
    if (transformer) {
        const char *name = named(transformer);
        return fault_set(fault, ORIEL_UNSUPPORTED,
                         "%s: the storage transformer \"%.80s\" is not supported", file,
                         name ? name : "?");
    }
    if (cJSON_GetArraySize(json_get(root, "extensions")) > 0)
        return fault_set(fault, ORIEL_UNSUPPORTED, "%s: extensions are not supported", file);
    return true;
}

static bool parse_v3_grid(struct array *self, const cJSON *root, const char *file,
                          struct fault *fault)
{
    const cJSON *grid = json_get(root, "chunk_grid"), *keys = json_get(root, "chunk_key_encoding");
    const char *grid_name = named(grid), *keys_name = named(keys);
    if (!grid_name || strcmp(grid_name, "regular") != 0)
        return fault_set(fault, ORIEL_UNSUPPORTED, "%s: the chunk grid \"%.80s\" is not supported",
                         file, grid_name ? grid_name : "?");
    bool standard = !keys_name || strcmp(keys_name, "default") == 0;
    if (!standard && strcmp(keys_name, "v2") != 0)
        return fault_set(fault, ORIEL_UNSUPPORTED,
                         "%s: the chunk key encoding \"%.80s\" is not supported", file, keys_name);
    self->key_prefix = standard;
    const char *separator = json_string(json_get(keys, "configuration"), "separator");
    return parse_grid(self, file, json_get(root, "shape"),
                      json_get(json_get(grid, "configuration"), "chunk_shape"), fault) &&
           parse_separator(self, file, separator, standard ? '/' : '.', fault);
}

struct array *array_parse_v3(struct arena *arena, const char *path, const char *file,
                             const cJSON *root, struct fault *fault)
{
    uint64_t version = 0;
    if (!json_whole(json_get(root, "zarr_format"), &version) || version != 3) {
        fault_set(fault, ORIEL_UNSUPPORTED, "%s: zarr_format is not 3", file);
        return NULL;
    }
    const char *dtype = named(json_get(root, "data_type"));
    if (!dtype) {
        fault_set(fault, ORIEL_IO, "%s: has no data_type", file);
        return NULL;
    }
    struct array *self = start(arena, path, file, dtype, json_get(root, "fill_value"), fault);
    if (!self || !check_known(root, file, fault) || !parse_v3_grid(self, root, file, fault))
        return NULL;
    self->version = 3;
    parse_dims(self, arena, json_get(root, "dimension_names"));
    const struct chunk_spec chunk = {self->ndim, self->chunk, self->dtype, self->fill};
    self->pipeline = pipeline_compile_v3(arena, &chunk, json_get(root, "codecs"), fault);
    if (!self->pipeline) {
        fault_prefix(fault, "%s", file);
        return NULL;
    }
    return self;
}

bool array_chunk_key(const struct array *array, const uint64_t *index, char *out, size_t room)
{
    size_t n = 0;
    bool first = true;
    int put = snprintf(out, room, "%s%s", array->path, *array->path ? "/" : "");
    n = put < 0 ? room : (size_t)put;
    if (array->key_prefix && n < room) {
        n += (size_t)snprintf(out + n, room - n, "c");
        first = false;
    }
    for (uint32_t k = 0; k < array->ndim && n < room; k++) {
        const char separator[2] = {first ? '\0' : array->separator, '\0'};
        n += (size_t)snprintf(out + n, room - n, "%s%llu", separator, (unsigned long long)index[k]);
        first = false;
    }
    if (first && n < room)
        n += (size_t)snprintf(out + n, room - n, "0");
    return n < room;
}
