/* SPDX-License-Identifier: BSD-3-Clause */
/* source/zarr: Zarr v2 and v3 and OME-NGFF from directories. */
#include "image.h"
#include "locate.h"

#include <stdlib.h>

struct source {
    const struct oriel_host *host;
    struct image *image;
};

static uint32_t source_probe(const struct oriel_host *host, const char *uri)
{
    (void)host;
    return locate_score(uri);
}

static oriel_result source_open(const struct oriel_host *host, const struct oriel_config *config,
                                const char *uri, void **out)
{
    struct fault fault;
    struct source *self = calloc(1, sizeof *self);
    if (!self)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    self->host = host;
    self->image = image_open(uri, config->get_string(config, "root"), &fault);
    if (!self->image) {
        free(self);
        return host->fail(host, fault.code, fault.text);
    }
    *out = self;
    return ORIEL_OK;
}

static void source_close(void *data)
{
    struct source *self = data;
    if (!self)
        return;
    image_close(self->image);
    free(self);
}

static const void *source_interface(void *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL;
}

static oriel_result source_describe(void *data, const struct oriel_source_info **info)
{
    struct source *self = data;
    *info = &self->image->info;
    return ORIEL_OK;
}

/* The box lies in the level and `out` has its size. */
static bool check_read(const struct image *image, const struct oriel_read *read,
                       struct fault *fault)
{
    if (read->level >= image->info.level_count)
        return fault_set(fault, ORIEL_INVALID, "there is no level %u", read->level);
    const struct array *array = image->arrays[read->level];
    uint64_t bytes = array->dtype.bytes;
    for (uint32_t k = 0; k < array->ndim; k++) {
        if (read->origin[k] > array->shape[k] || read->shape[k] > array->shape[k] - read->origin[k])
            return fault_set(fault, ORIEL_INVALID, "the box leaves the array on axis %u", k);
        if (__builtin_mul_overflow(bytes, read->shape[k], &bytes))
            return fault_set(fault, ORIEL_INVALID, "the box is too large");
    }
    if (read->out_bytes != bytes)
        return fault_set(fault, ORIEL_INVALID, "the box has %llu bytes, not %llu",
                         (unsigned long long)bytes, (unsigned long long)read->out_bytes);
    return true;
}

static oriel_result source_read(void *data, struct oriel_read *read)
{
    struct source *self = data;
    struct fault fault;
    if (!check_read(self->image, read, &fault))
        return self->host->fail(self->host, fault.code, fault.text);
    struct array_read job = {
        .origin = read->origin, .shape = read->shape, .out = read->out, .cancel = read->cancel};
    bool ok = array_read(self->image->arrays[read->level], &self->image->reader, &job, &fault);
    read->stored_bytes = job.stored_bytes;
    read->flags = job.any_stored ? 0 : ORIEL_READ_ALL_FILL;
    return ok ? ORIEL_OK : self->host->fail(self->host, fault.code, fault.text);
}

static const struct oriel_option rows[] = {
    {.name = "root",
     .type = ORIEL_OPT_STRING,
     .default_value = "",
     .help = "Folder that links in data must not lead out of; \"\": they may lead anywhere."},
};
static const struct oriel_option_table options = {sizeof options, sizeof rows / sizeof *rows, rows};

static const struct oriel_source vtable = {
    .size = sizeof vtable,
    .options = &options,
    .probe = source_probe,
    .open = source_open,
    .close = source_close,
    .get_interface = source_interface,
    .describe = source_describe,
    .read = source_read,
};

ORIEL_MODULE_OF(ORIEL_SOURCE_V1, &vtable, "source/zarr", "1.0.0", "Oriel", "BSD-3-Clause",
                "Zarr v2 and v3 arrays and OME-NGFF images from directories.");
