/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

/* What is decoded in one piece: more than this is refused when an array is opened. */
static const uint64_t piece_limit = UINT64_C(4) << 30;
static const uint64_t index_limit = UINT64_C(256) << 20;

static struct pipeline *compile(struct arena *arena, const struct chunk_spec *chunk,
                                const cJSON *codecs, unsigned depth, struct fault *fault);

static bool product(uint32_t ndim, const uint64_t *shape, uint64_t *value)
{
    for (uint32_t k = 0; k < ndim; k++)
        if (__builtin_mul_overflow(*value, shape[k], value))
            return false;
    return true;
}

static struct pipeline *start(struct arena *arena, const struct chunk_spec *chunk,
                              struct fault *fault)
{
    struct pipeline *self = arena_alloc(arena, sizeof *self);
    if (!self) {
        fault_nomem(fault);
        return NULL;
    }
    self->ndim = chunk->ndim;
    self->dtype = chunk->dtype;
    self->dtype.swap = false;
    if (chunk->fill)
        memcpy(self->fill, chunk->fill, sizeof self->fill);
    self->bytes = chunk->dtype.bytes;
    for (uint32_t k = 0; k < chunk->ndim; k++) {
        self->shape[k] = self->stored[k] = chunk->shape[k];
        self->order[k] = (uint8_t)k;
    }
    if (!product(chunk->ndim, chunk->shape, &self->bytes) || self->bytes > INT64_MAX) {
        fault_set(fault, ORIEL_UNSUPPORTED, "a chunk has more than 2^63 bytes");
        return NULL;
    }
    self->encoded = self->bytes;
    return self;
}

static bool add(struct pipeline *self, const struct codec_type *type, const struct dtype *dtype,
                const cJSON *config, struct fault *fault)
{
    if (self->count == PIPELINE_CODECS)
        return fault_set(fault, ORIEL_UNSUPPORTED, "more than %d codecs", PIPELINE_CODECS);
    struct codec *codec = &self->codecs[self->count];
    codec->type = type;
    codec->dtype = *dtype;
    codec->decoded = self->encoded;
    if (type == &codec_transpose) {
        codec->transpose.ndim = self->ndim;
        memcpy(codec->transpose.shape, self->stored, sizeof codec->transpose.shape);
        memcpy(codec->transpose.order, self->order, sizeof codec->transpose.order);
    }
    if (!type->setup(codec, config, fault))
        return false;
    self->encoded = codec->encoded;
    self->count++;
    return true;
}

/* `order`: stored axis k is axis order[k] of what was before. */
static void reorder(struct pipeline *self, const uint8_t *order)
{
    uint8_t before[PIPELINE_AXES];
    memcpy(before, self->order, sizeof before);
    for (uint32_t k = 0; k < self->ndim; k++) {
        self->order[k] = before[order[k]];
        self->stored[k] = self->shape[self->order[k]];
    }
    self->reordered = false;
    for (uint32_t k = 0; k < self->ndim; k++)
        self->reordered = self->reordered || self->order[k] != k;
}

static bool parse_order(uint32_t ndim, const cJSON *config, uint8_t *order, struct fault *fault)
{
    const cJSON *item = json_get(config, "order");
    const char *name = cJSON_GetStringValue(item); /* "C" or "F" in early v3 */
    uint64_t values[PIPELINE_AXES];
    uint32_t seen = 0;
    if (name && (strcmp(name, "C") == 0 || strcmp(name, "F") == 0)) {
        for (uint32_t k = 0; k < ndim; k++)
            order[k] = (uint8_t)(*name == 'C' ? k : ndim - 1 - k);
        return true;
    }
    if (!json_wholes(item, ndim, 0, values))
        return fault_set(fault, ORIEL_IO, "codec transpose: order is no list of %u axes", ndim);
    for (uint32_t k = 0; k < ndim; k++) {
        if (values[k] >= ndim || seen & 1u << values[k])
            return fault_set(fault, ORIEL_IO, "codec transpose: order is no permutation");
        seen |= 1u << values[k];
        order[k] = (uint8_t)values[k];
    }
    return true;
}

/* A transposition: before any other codec it becomes part of the permutation, after one it is a
 * step. */
static bool add_transpose(struct pipeline *self, const cJSON *config, struct fault *fault)
{
    uint8_t order[PIPELINE_AXES] = {0};
    if (!parse_order(self->ndim, config, order, fault))
        return false;
    if (!self->count) {
        reorder(self, order);
        return true;
    }
    uint64_t before[PIPELINE_AXES];
    memcpy(before, self->stored, sizeof before);
    if (!add(self, &codec_transpose, &self->dtype, config, fault))
        return false;
    memcpy(self->codecs[self->count - 1].transpose.order, order, sizeof order);
    for (uint32_t k = 0; k < self->ndim; k++)
        self->stored[k] = before[order[k]];
    return true;
}

static bool finish(struct pipeline *self, struct fault *fault)
{
    self->plain = !self->shard;
    uint64_t largest = self->bytes;
    if (self->shard && __builtin_add_overflow(largest, self->shard->index->encoded, &largest))
        largest = UINT64_MAX;
    for (uint32_t i = 0; i < self->count; i++) {
        const struct codec *codec = &self->codecs[i];
        bool nothing =
            codec->type == &codec_bitround || (codec->type == &codec_bytes && !codec->dtype.swap);
        self->plain = self->plain && nothing;
        if (codec->encoded != CODEC_BYTES_UNKNOWN && codec->encoded > largest)
            largest = codec->encoded;
    }
    self->stored_limit = largest > UINT64_MAX / 4 ? UINT64_MAX : largest * 2 + (64 << 10);
    if (self->plain || (self->shard && !self->count))
        return true;
    if (largest > piece_limit)
        return fault_set(fault, ORIEL_UNSUPPORTED,
                         "chunks of %llu bytes are too large to decode (the limit is %llu)",
                         (unsigned long long)largest, (unsigned long long)piece_limit);
    return true;
}

static bool unknown_codec(const char *name, struct fault *fault)
{
    return fault_set(fault, ORIEL_UNSUPPORTED, "codec \"%.80s\" is not supported", name);
}

static bool add_v2(struct pipeline *self, const struct chunk_spec *chunk, const cJSON *config,
                   struct fault *fault)
{
    const char *name = json_string(config, "id");
    if (!name)
        return fault_set(fault, ORIEL_IO, "a filter or compressor without an id");
    const struct codec_type *type = codec_find(name);
    if (!type || type == &codec_bytes || type == &codec_transpose)
        return unknown_codec(name, fault);
    return add(self, type, &chunk->dtype, config, fault);
}

struct pipeline *pipeline_compile_v2(struct arena *arena, const struct chunk_spec *chunk,
                                     bool fortran, const cJSON *filters, const cJSON *compressor,
                                     struct fault *fault)
{
    struct pipeline *self = start(arena, chunk, fault);
    if (!self)
        return NULL;
    if (fortran) {
        uint8_t order[PIPELINE_AXES] = {0};
        for (uint32_t k = 0; k < self->ndim; k++)
            order[k] = (uint8_t)(self->ndim - 1 - k);
        reorder(self, order);
    }
    if (!add(self, &codec_bytes, &self->dtype, NULL, fault))
        return NULL;
    self->codecs[0].dtype.swap = chunk->dtype.swap;
    const cJSON *filter;
    cJSON_ArrayForEach(filter, filters)
    {
        if (!add_v2(self, chunk, filter, fault))
            return NULL;
    }
    if (compressor && !add_v2(self, chunk, compressor, fault))
        return NULL;
    return finish(self, fault) ? self : NULL;
}

static bool add_shard(struct arena *arena, struct pipeline *self, const cJSON *config,
                      unsigned depth, struct fault *fault)
{
    if (self->count)
        return fault_set(fault, ORIEL_UNSUPPORTED, "codec \"%s\" before sharding is not supported",
                         self->codecs[0].type->name);
    if (depth + 1 == SCRATCH_DEPTH)
        return fault_set(fault, ORIEL_UNSUPPORTED, "shards are nested more than %d deep",
                         SCRATCH_DEPTH - 1);
    struct shard *shard = arena_alloc(arena, sizeof *shard);
    if (!shard)
        return fault_nomem(fault);
    uint64_t inner[PIPELINE_AXES] = {0};
    if (!json_wholes(json_get(config, "chunk_shape"), self->ndim, 1, inner))
        return fault_set(fault, ORIEL_IO,
                         "codec sharding_indexed: chunk_shape is no list of %u lengths",
                         self->ndim);
    shard->count = 1;
    for (uint32_t k = 0; k < self->ndim; k++) {
        if (self->stored[k] % inner[k])
            return fault_set(fault, ORIEL_IO,
                             "codec sharding_indexed: %llu is no multiple of the inner length %llu",
                             (unsigned long long)self->stored[k], (unsigned long long)inner[k]);
        shard->grid[k] = self->stored[k] / inner[k];
    }
    uint64_t index_bytes = 16;
    if (!product(self->ndim, shard->grid, &index_bytes) || index_bytes > index_limit)
        return fault_set(fault, ORIEL_UNSUPPORTED, "a shard has too many inner chunks");
    shard->count = index_bytes / 16;
    const char *location = json_string(config, "index_location");
    if (location && strcmp(location, "start") != 0 && strcmp(location, "end") != 0)
        return fault_set(fault, ORIEL_UNSUPPORTED,
                         "codec sharding_indexed: unknown index_location \"%.40s\"", location);
    shard->index_first = location && *location == 's';

    const struct chunk_spec chunk = {self->ndim, inner, self->dtype, self->fill};
    uint64_t index_shape[PIPELINE_AXES] = {0};
    memcpy(index_shape, shard->grid, sizeof index_shape);
    index_shape[self->ndim] = 2;
    const struct chunk_spec index = {self->ndim + 1, index_shape, {ORIEL_U64, 8, false}, NULL};
    shard->inner = compile(arena, &chunk, json_get(config, "codecs"), depth + 1, fault);
    if (!shard->inner)
        return fault_prefix(fault, "inner chunks");
    /* An index that is itself sharded would be of no known size: refused below. */
    shard->index =
        compile(arena, &index, json_get(config, "index_codecs"), SCRATCH_DEPTH - 1, fault);
    if (!shard->index)
        return fault_prefix(fault, "index_codecs");
    if (shard->index->encoded == CODEC_BYTES_UNKNOWN || shard->index->reordered)
        return fault_set(fault, ORIEL_UNSUPPORTED,
                         "index_codecs: only bytes and checksums can be read");
    self->shard = shard;
    self->encoded = CODEC_BYTES_UNKNOWN;
    return true;
}

static struct pipeline *compile(struct arena *arena, const struct chunk_spec *chunk,
                                const cJSON *codecs, unsigned depth, struct fault *fault)
{
    struct pipeline *self = start(arena, chunk, fault);
    if (!self)
        return NULL;
    bool in_bytes = false;
    const cJSON *step;
    cJSON_ArrayForEach(step, codecs)
    {
        const char *name = cJSON_IsString(step) ? step->valuestring : json_string(step, "name");
        const cJSON *config = json_get(step, "configuration");
        if (!name) {
            fault_set(fault, ORIEL_IO, "a codec without a name");
            return NULL;
        }
        bool sharding = strcmp(name, "sharding_indexed") == 0;
        const struct codec_type *type = sharding ? NULL : codec_find(name);
        if (!sharding && !type) {
            unknown_codec(name, fault);
            return NULL;
        }
        enum codec_role role = sharding ? CODEC_ORDER : type->role;
        if (in_bytes ? role != CODEC_BYTES : role == CODEC_BYTES) {
            fault_set(fault, ORIEL_IO, "codec \"%.80s\" stands %s the one that makes bytes", name,
                      in_bytes ? "after" : "before");
            return NULL;
        }
        in_bytes = in_bytes || role == CODEC_ORDER;
        bool ok = sharding                   ? add_shard(arena, self, config, depth, fault)
                  : type == &codec_transpose ? add_transpose(self, config, fault)
                                             : add(self, type, &self->dtype, config, fault);
        if (!ok)
            return NULL;
    }
    if (!in_bytes) {
        fault_set(fault, ORIEL_IO, "codecs do not say how values become bytes");
        return NULL;
    }
    return finish(self, fault) ? self : NULL;
}

struct pipeline *pipeline_compile_v3(struct arena *arena, const struct chunk_spec *chunk,
                                     const cJSON *codecs, struct fault *fault)
{
    return compile(arena, chunk, codecs, 0, fault);
}

const char *pipeline_describe(const struct pipeline *pipeline, struct arena *arena)
{
    const char *text = "";
    if (pipeline->reordered) {
        char axes[PIPELINE_AXES * 2] = "";
        for (uint32_t k = 0; k < pipeline->ndim; k++) {
            axes[k * 2] = (char)('0' + pipeline->order[k]);
            axes[k * 2 + 1] = k + 1 < pipeline->ndim ? ',' : '\0';
        }
        text = arena_print(arena, "transpose(%s)", axes);
    }
    if (pipeline->shard && text) {
        const char *inner = pipeline_describe(pipeline->shard->inner, arena);
        text = arena_print(arena, "%s%ssharding(%s)", text, *text ? ", " : "", inner ? inner : "");
    }
    for (uint32_t i = 0; i < pipeline->count && text; i++) {
        const struct codec *codec = &pipeline->codecs[i];
        if (codec->type == &codec_bytes && !codec->dtype.swap)
            continue;
        const char *detail = codec->type == &codec_bytes ? "swapped" : codec->detail;
        text = arena_print(arena, "%s%s%s%s%s%s", text, *text ? ", " : "", codec->type->name,
                           *detail ? "(" : "", detail, *detail ? ")" : "");
    }
    return text && !*text ? "raw" : text;
}

void pipeline_chunk(const struct pipeline *pipeline, uint64_t *chunk)
{
    if (!pipeline->shard) {
        memcpy(chunk, pipeline->shape, pipeline->ndim * sizeof *chunk);
        return;
    }
    uint64_t inner[PIPELINE_AXES] = {0};
    pipeline_chunk(pipeline->shard->inner, inner);
    for (uint32_t k = 0; k < pipeline->ndim; k++)
        chunk[pipeline->order[k]] = inner[k];
}

/* One codec, into `room` (grown as far as it may when the size is not known). */
static bool step(const struct codec *codec, struct codec_call *call, struct room *room,
                 uint64_t limit, struct fault *fault)
{
    bool known = codec->decoded != CODEC_BYTES_UNKNOWN;
    uint64_t capacity = known ? codec->decoded : call->in.bytes * 4 + 4096;
    for (;;) {
        if (!codec->type->looks_only && room) {
            call->out = room_reserve(room, capacity);
            if (!call->out)
                return fault_set(fault, ORIEL_NOMEM, "out of memory for %llu bytes",
                                 (unsigned long long)capacity);
        }
        call->capacity = capacity;
        enum decoded result = codec->type->decode(codec, call);
        if (result == DECODED && (!known || call->result.bytes == codec->decoded))
            return true;
        if (result == DECODED)
            return fault_set(fault, ORIEL_IO, "%s: %zu bytes instead of %llu", codec->type->name,
                             call->result.bytes, (unsigned long long)codec->decoded);
        if (result == DECODE_CORRUPT)
            return fault_set(fault, ORIEL_IO, "%s: %s", codec->type->name, call->why);
        if (known || capacity >= limit)
            return fault_set(fault, ORIEL_IO, "%s: decodes to more than the %llu bytes of a chunk",
                             codec->type->name, (unsigned long long)capacity);
        capacity = capacity * 2 < limit ? capacity * 2 : limit;
    }
}

bool pipeline_decode(const struct pipeline *pipeline, struct scratch *scratch, unsigned depth,
                     struct span in, uint8_t *direct, struct span *out, struct fault *fault)
{
    struct codec_call call = {.in = in, .scratch = scratch};
    struct room *rooms = scratch->work[depth], *used = NULL; /* `used` holds call.in */
    uint32_t first = 0; /* the codec that makes the final bytes: those before it change nothing */
    while (first < pipeline->count &&
           (pipeline->codecs[first].type == &codec_bitround ||
            (pipeline->codecs[first].type == &codec_bytes && !pipeline->codecs[first].dtype.swap)))
        first++;
    for (uint32_t i = pipeline->count; i-- > 0;) {
        struct room *room = NULL;
        if (i == first && direct)
            call.out = direct;
        else
            room = used == rooms ? rooms + 1 : rooms;
        if (!step(&pipeline->codecs[i], &call, room, pipeline->stored_limit, fault))
            return false;
        if (room && call.result.data == room->data)
            used = room;
        call.in = call.result;
    }
    *out = call.in;
    if (!pipeline->shard && out->bytes != pipeline->bytes)
        return fault_set(fault, ORIEL_IO, "%zu bytes instead of %llu", out->bytes,
                         (unsigned long long)pipeline->bytes);
    return true;
}
