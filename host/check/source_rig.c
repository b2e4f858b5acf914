/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/source_rig.h"

#include <stdio.h>
#include <string.h>

uint32_t source_dtype_bytes(uint32_t dtype)
{
    static const uint32_t bytes[] = {
        [ORIEL_U8] = 1,  [ORIEL_U16] = 2, [ORIEL_U32] = 4, [ORIEL_U64] = 8,
        [ORIEL_I8] = 1,  [ORIEL_I16] = 2, [ORIEL_I32] = 4, [ORIEL_I64] = 8,
        [ORIEL_F16] = 2, [ORIEL_F32] = 4, [ORIEL_F64] = 8, [ORIEL_BOOL] = 1};
    return dtype < sizeof bytes / sizeof bytes[0] ? bytes[dtype] : 0;
}

struct source_rig *source_new(struct check_run *run, enum check_host_kind kind)
{
    struct source_rig *rig = check_keep(sizeof *rig);
    rig->run = run;
    rig->source = run->vtable;
    rig->host = check_host_new(run, kind);
    rig->config = check_config(run, rig->source->options, NULL);
    return rig;
}

oriel_result source_try(struct source_rig *rig, const char *uri, void **self, char *why)
{
    *self = NULL;
    check_doing(rig->run, "open(\"%s\")", uri);
    check_failure();
    oriel_result result = rig->source->open(&rig->host->host, rig->config, uri, self);
    snprintf(why, 1024, "%s", check_failure());
    if (result == ORIEL_OK && !*self)
        check_fail(rig->run, "open(\"%s\") answered OK and set no *self", uri);
    if (result != ORIEL_OK && !why[0])
        check_fail(rig->run,
                   "open(\"%s\") answered %s without a text by host->fail(), which is to "
                   "say why",
                   uri, check_result_name(result));
    return result;
}

struct source_rig *source_open(struct check_run *run, enum check_host_kind kind, bool must)
{
    char why[1024];
    if (!run->data)
        check_skip(run, "it needs something to open: give --data PATH");
    struct source_rig *rig = source_new(run, kind);
    oriel_result result = source_try(rig, run->data, &rig->self, why);
    if (result != ORIEL_OK && !must)
        check_skip(run, "source.describe failed, which it needs");
    if (result != ORIEL_OK)
        check_fail(run, "open(\"%s\"), which --data names, answered %s: %s", run->data,
                   check_result_name(result), why);
    check_doing(run, "describe()");
    if (rig->source->describe(rig->self, &rig->info) == ORIEL_OK && rig->info)
        return rig;
    if (!must)
        check_skip(run, "source.describe failed, which it needs");
    check_fail(run, "describe() fails (%s) after open() was OK", check_failure());
}

void source_close(struct source_rig *rig)
{
    check_doing(rig->run, "close()");
    rig->source->close(rig->self);
    rig->self = NULL;
}

uint64_t source_bytes(const struct source_rig *rig, const struct box *box)
{
    uint64_t bytes = source_dtype_bytes(rig->info->dtype);
    for (uint32_t i = 0; i < rig->info->ndim; i++)
        bytes *= box->shape[i];
    return bytes;
}

/* Grows from one value, the last axis first, as long as it fits. */
struct box source_box(const struct source_rig *rig, uint32_t level, uint64_t most)
{
    const struct oriel_source_level *of = &rig->info->levels[level];
    struct box box = {.level = level};
    uint64_t left = most / source_dtype_bytes(rig->info->dtype);
    for (uint32_t i = 0; i < rig->info->ndim; i++)
        box.shape[i] = 1;
    for (uint32_t i = rig->info->ndim; i-- > 0;) {
        uint64_t length = of->shape[i] < left ? of->shape[i] : left;
        box.shape[i] = length ? length : 1;
        box.origin[i] = (of->shape[i] - box.shape[i]) / 2;
        left /= box.shape[i];
    }
    return box;
}

oriel_result source_read(const struct source_rig *rig, const struct box *box, void *out,
                         const uint32_t *cancel)
{
    struct oriel_read read = {.size = sizeof read,
                              .level = box->level,
                              .out = out,
                              .out_bytes = source_bytes(rig, box),
                              .cancel = cancel};
    memcpy(read.origin, box->origin, sizeof read.origin);
    memcpy(read.shape, box->shape, sizeof read.shape);
    return rig->source->read(rig->self, &read);
}
