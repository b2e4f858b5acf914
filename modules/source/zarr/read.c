/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a box: chunk by chunk, into shards where there are shards, straight into the caller's
 * memory where the box is a chunk. */
#include "read.h"
#include "array.h"
#include "copy.h"

#include <string.h>

/* Part of a stored value, or bytes that are in memory already. */
struct blob {
    const char *key;
    const struct store_object *object;
    const uint8_t *memory; /* or NULL */
    uint64_t offset;       /* in the object */
    uint64_t bytes;
};

/* Where a box goes. `origin` and `shape` are in the chunk's own axes. */
struct target {
    uint64_t origin[PIPELINE_AXES];
    uint64_t shape[PIPELINE_AXES];
    uint8_t *out;
    int64_t strides[PIPELINE_AXES];
};

struct job {
    struct reader *reader;
    struct array_read *read;
    struct scratch *scratch;
    struct fault *fault;
};

static bool read_chunk(struct job *job, const struct pipeline *pipeline, unsigned depth,
                       const struct blob *blob, const struct target *target);

static bool cancelled(const struct job *job)
{
    const uint32_t *cancel = job->read->cancel;
    return cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED) &&
           !fault_set(job->fault, ORIEL_CANCELLED, "nobody wants it any more");
}

static bool blob_read(struct job *job, const struct blob *blob, uint64_t offset, uint64_t bytes,
                      uint8_t *out)
{
    if (blob->memory) {
        memcpy(out, blob->memory + offset, bytes);
        return true;
    }
    job->read->stored_bytes += bytes;
    struct store *store = job->reader->store;
    return store->ops->read(store, blob->key, blob->object, blob->offset + offset, bytes, out,
                            job->fault);
}

/* Names the file before what a decoder said. */
static bool blame(struct job *job, const struct blob *blob)
{
    return fault_prefix(job->fault, "%s/%s", job->reader->store->name, blob->key);
}

static bool blob_load(struct job *job, const struct pipeline *pipeline, unsigned depth,
                      const struct blob *blob, struct span *in)
{
    *in = (struct span){blob->memory, blob->bytes};
    if (blob->memory)
        return true;
    if (blob->bytes > pipeline->stored_limit) {
        fault_set(job->fault, ORIEL_IO, "%llu bytes are too many for a chunk of %llu",
                  (unsigned long long)blob->bytes, (unsigned long long)pipeline->bytes);
        return blame(job, blob);
    }
    uint8_t *data = room_reserve(&job->scratch->stored[depth], blob->bytes);
    if (!data)
        return fault_nomem(job->fault);
    in->data = data;
    return blob_read(job, blob, 0, blob->bytes, data);
}

/* The target in the order in which the chunk is stored. */
static struct target reorder(const struct pipeline *pipeline, const struct target *target)
{
    struct target stored = {.out = target->out};
    for (uint32_t k = 0; k < pipeline->ndim; k++) {
        stored.origin[k] = target->origin[pipeline->order[k]];
        stored.shape[k] = target->shape[pipeline->order[k]];
        stored.strides[k] = target->strides[pipeline->order[k]];
    }
    return stored;
}

static bool is_whole(const struct pipeline *pipeline, const struct target *stored)
{
    int64_t dense[PIPELINE_AXES];
    strides_dense(pipeline->ndim, pipeline->stored, pipeline->dtype.bytes, dense);
    for (uint32_t k = 0; k < pipeline->ndim; k++)
        if (stored->origin[k] || stored->shape[k] != pipeline->stored[k] ||
            (stored->shape[k] > 1 && stored->strides[k] != dense[k]))
            return false;
    return true;
}

/* Values that just lie there: only the part from the first to the last that is wanted is read. */
static bool read_plain(struct job *job, const struct pipeline *pipeline, unsigned depth,
                       const struct blob *blob, const struct target *stored)
{
    uint32_t bytes = pipeline->dtype.bytes;
    int64_t strides[PIPELINE_AXES];
    strides_dense(pipeline->ndim, pipeline->stored, bytes, strides);
    if (blob->bytes != pipeline->bytes) {
        fault_set(job->fault, ORIEL_IO, "%llu bytes instead of %llu",
                  (unsigned long long)blob->bytes, (unsigned long long)pipeline->bytes);
        return blame(job, blob);
    }
    if (is_whole(pipeline, stored))
        return blob_read(job, blob, 0, blob->bytes, stored->out);
    uint64_t first = 0, last = 0;
    for (uint32_t k = 0; k < pipeline->ndim; k++) {
        first += stored->origin[k] * (uint64_t)strides[k];
        last += (stored->origin[k] + stored->shape[k] - 1) * (uint64_t)strides[k];
    }
    uint64_t length = last + bytes - first;
    const uint8_t *data = blob->memory ? blob->memory + first : NULL;
    if (!data) {
        uint8_t *room = room_reserve(&job->scratch->stored[depth], length);
        if (!room)
            return fault_nomem(job->fault);
        if (!blob_read(job, blob, first, length, room))
            return false;
        data = room;
    }
    const uint64_t origin[PIPELINE_AXES] = {0};
    copy_box(pipeline->ndim, stored->shape, bytes, data, strides, origin, stored->out,
             stored->strides);
    return true;
}

static struct shard_index *load_index(struct job *job, const struct pipeline *pipeline,
                                      const struct blob *blob)
{
    const struct shard *shard = pipeline->shard;
    const unsigned depth = SCRATCH_DEPTH - 1; /* where no shard is, so nothing is in use */
    uint64_t bytes = shard->index->encoded;
    bool cached = blob->object && !blob->memory;
    struct shard_index *index = cached ? index_cache_find(&job->reader->indices, shard, blob->key,
                                                          blob->object->stamp, blob->offset)
                                       : NULL;
    if (index)
        return index;
    if (blob->bytes < bytes) {
        fault_set(job->fault, ORIEL_IO, "%llu bytes are too few for the index of a shard",
                  (unsigned long long)blob->bytes);
        blame(job, blob);
        return NULL;
    }
    uint8_t *data = room_reserve(&job->scratch->stored[depth], bytes);
    index = data ? shard_index_create(shard, blob->key, cached ? blob->object->stamp : 0,
                                      blob->offset, shard->count)
                 : NULL;
    if (!index) {
        fault_nomem(job->fault);
        return NULL;
    }
    struct span out;
    if (!blob_read(job, blob, shard->index_first ? 0 : blob->bytes - bytes, bytes, data))
        goto failed;
    if (!pipeline_decode(shard->index, job->scratch, depth, (struct span){data, bytes}, NULL, &out,
                         job->fault)) {
        fault_prefix(job->fault, "the index of the shard");
        blame(job, blob);
        goto failed;
    }
    memcpy(index->entries, out.data, out.bytes);
    if (cached)
        index_cache_put(&job->reader->indices, index);
    return index;
failed:
    shard_index_unref(index);
    return NULL;
}

/* The part of `target` that lies in grid cell `cell` of `length`, in the cell's own coordinates. */
static struct target intersect(uint32_t ndim, const struct target *target, const uint64_t *cell,
                               const uint64_t *length)
{
    struct target part = *target;
    for (uint32_t k = 0; k < ndim; k++) {
        uint64_t start = cell[k] * length[k], end = start + length[k];
        uint64_t from = target->origin[k] > start ? target->origin[k] : start;
        uint64_t stop = target->origin[k] + target->shape[k];
        stop = stop < end ? stop : end;
        part.origin[k] = from - start;
        part.shape[k] = stop - from;
        part.out += (int64_t)(from - target->origin[k]) * target->strides[k];
    }
    return part;
}

/* Steps through the cells of a grid that a target touches. */
struct cells {
    uint32_t ndim;
    uint64_t first[PIPELINE_AXES], last[PIPELINE_AXES], at[PIPELINE_AXES];
};

static void cells_init(struct cells *cells, uint32_t ndim, const struct target *target,
                       const uint64_t *length)
{
    cells->ndim = ndim;
    for (uint32_t k = 0; k < ndim; k++) {
        cells->first[k] = cells->at[k] = target->origin[k] / length[k];
        cells->last[k] = (target->origin[k] + target->shape[k] - 1) / length[k];
    }
}

static bool cells_next(struct cells *cells)
{
    for (uint32_t k = cells->ndim; k-- > 0;) {
        if (cells->at[k]++ < cells->last[k])
            return true;
        cells->at[k] = cells->first[k];
    }
    return false;
}

static bool read_shard(struct job *job, const struct pipeline *pipeline, unsigned depth,
                       const struct blob *blob, const struct target *stored)
{
    const struct shard *shard = pipeline->shard;
    struct shard_index *index = load_index(job, pipeline, blob);
    if (!index)
        return false;
    bool ok = true;
    struct cells cells;
    cells_init(&cells, pipeline->ndim, stored, shard->inner->shape);
    do {
        if (cancelled(job)) {
            ok = false;
            break;
        }
        uint64_t number = 0;
        for (uint32_t k = 0; k < pipeline->ndim; k++)
            number = number * shard->grid[k] + cells.at[k];
        const struct target part = intersect(pipeline->ndim, stored, cells.at, shard->inner->shape);
        uint64_t offset = index->entries[number][0], bytes = index->entries[number][1];
        if (offset == UINT64_MAX && bytes == UINT64_MAX) {
            fill_box(pipeline->ndim, part.shape, pipeline->dtype.bytes, pipeline->fill, part.out,
                     part.strides);
            continue;
        }
        if (offset > blob->bytes || bytes > blob->bytes - offset) {
            fault_set(job->fault, ORIEL_IO, "the index of the shard points past its end");
            ok = blame(job, blob);
            break;
        }
        const struct blob inner = {blob->key, blob->object,
                                   blob->memory ? blob->memory + offset : NULL,
                                   blob->offset + offset, bytes};
        ok = read_chunk(job, shard->inner, depth + 1, &inner, &part);
    } while (ok && cells_next(&cells));
    shard_index_unref(index);
    return ok;
}

static bool read_chunk(struct job *job, const struct pipeline *pipeline, unsigned depth,
                       const struct blob *blob, const struct target *target)
{
    const struct target stored = reorder(pipeline, target);
    job->read->any_stored = job->read->any_stored || !pipeline->shard;
    if (pipeline->plain)
        return read_plain(job, pipeline, depth, blob, &stored);
    if (pipeline->shard && !pipeline->count)
        return read_shard(job, pipeline, depth, blob, &stored);
    struct span in, out;
    if (!blob_load(job, pipeline, depth, blob, &in) || cancelled(job))
        return false;
    uint8_t *direct = !pipeline->shard && is_whole(pipeline, &stored) ? stored.out : NULL;
    if (!pipeline_decode(pipeline, job->scratch, depth, in, direct, &out, job->fault))
        return blame(job, blob);
    if (pipeline->shard) {
        const struct blob whole = {blob->key, blob->object, out.data, 0, out.bytes};
        return read_shard(job, pipeline, depth, &whole, &stored);
    }
    if (out.data == stored.out)
        return true;
    int64_t strides[PIPELINE_AXES];
    strides_dense(pipeline->ndim, pipeline->stored, pipeline->dtype.bytes, strides);
    copy_box(pipeline->ndim, stored.shape, pipeline->dtype.bytes, out.data, strides, stored.origin,
             stored.out, stored.strides);
    return true;
}

static bool read_cell(struct job *job, const struct array *array, const uint64_t *cell,
                      const struct target *part)
{
    char key[1024];
    if (!array_chunk_key(array, cell, key, sizeof key))
        return fault_set(job->fault, ORIEL_UNSUPPORTED, "%s/%s: the path is too long",
                         job->reader->store->name, array->path);
    struct store *store = job->reader->store;
    struct store_object object;
    if (!store->ops->open(store, key, &object, job->fault))
        return false;
    if (!object.found) {
        fill_box(array->ndim, part->shape, array->dtype.bytes, array->fill, part->out,
                 part->strides);
        return true;
    }
    const struct blob blob = {key, &object, NULL, 0, object.bytes};
    bool ok = read_chunk(job, array->pipeline, 0, &blob, part);
    store->ops->close(store, &object);
    return ok;
}

bool array_read(const struct array *array, struct reader *reader, struct array_read *read,
                struct fault *fault)
{
    struct target target = {.out = read->out};
    read->stored_bytes = 0;
    read->any_stored = false;
    for (uint32_t k = 0; k < array->ndim; k++) {
        if (read->shape[k] == 0)
            return true;
        target.origin[k] = read->origin[k];
        target.shape[k] = read->shape[k];
    }
    strides_dense(array->ndim, target.shape, array->dtype.bytes, target.strides);
    struct job job = {reader, read, scratch_take(&reader->scratches), fault};
    if (!job.scratch)
        return fault_nomem(fault);
    bool ok = true;
    struct cells cells;
    cells_init(&cells, array->ndim, &target, array->chunk);
    do {
        if (cancelled(&job)) {
            ok = false;
            break;
        }
        const struct target part = intersect(array->ndim, &target, cells.at, array->chunk);
        ok = read_cell(&job, array, cells.at, &part);
    } while (ok && cells_next(&cells));
    scratch_give(&reader->scratches, job.scratch);
    return ok;
}
