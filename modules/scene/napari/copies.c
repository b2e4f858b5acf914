/* SPDX-License-Identifier: BSD-3-Clause */
#include "copies.h"

#ifdef ORIEL_FFNVCODEC
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Never unloaded: drivers keep threads. And nothing is printed. */
#define FFNV_LOAD_FUNC(path) dlopen((path), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE)
#define FFNV_SYM_FUNC(lib, symbol) dlsym((lib), (symbol))
#define FFNV_FREE_FUNC(lib) dlclose(lib)
#define FFNV_LOG_FUNC(context, ...) ((void)(context))
#define FFNV_DEBUG_LOG_FUNC(context, ...) ((void)(context))
#include <ffnvcodec/dynlink_loader.h>

#include "../../common/cuda_lost.h"
#include "oriel/host_cuda.h"

/* Pieces whose copies are followed together: asking for each of many small ones would cost more
 * than the copy. */
#define BATCH_PIECES 64u
#define BATCH_BYTES (UINT64_C(8) << 20)
#define BATCHES 32u

/* CUDA_MEMCPY3D of version 2 of its calls, which ffnvcodec does not declare. */
struct copy3d {
    size_t from_x, from_y, from_z, from_level;
    CUmemorytype from_type;
    const void *from_host;
    CUdeviceptr from_device;
    CUarray from_array;
    void *from_reserved;
    size_t from_pitch, from_height;
    size_t to_x, to_y, to_z, to_level;
    CUmemorytype to_type;
    void *to_host;
    CUdeviceptr to_device;
    CUarray to_array;
    void *to_reserved;
    size_t to_pitch, to_height;
    size_t width, height, depth;
};

struct batch {
    CUevent event;
    const struct oriel_buffer **holds;
    uint32_t count;
    uint32_t capacity;
    uint64_t bytes;
};

struct target {
    CUgraphicsResource resource;
    CUarray array; /* while it is mapped; else NULL */
    uint64_t last; /* the batch of the newest copy */
};

struct copies {
    const struct oriel_host *host;
    CudaFunctions *cu;
    CUresult (*copy3d)(const struct copy3d *copy, CUstream stream);
    CUcontext context;
    CUstream stream;
    bool off; /* a call failed: OpenGL copies from then on */
    struct batch batches[BATCHES];
    uint64_t open; /* the batch that takes pieces, counted from 0 … */
    uint64_t done; /* … and the first one that is not known to be over */
};

/* ---- failures ---- */

static void describe(const struct copies *copies, const char *call, CUresult code, char out[160])
{
    const char *name = NULL;
    if (code != CUDA_SUCCESS)
        copies->cu->cuGetErrorName(code, &name);
    if (name)
        snprintf(out, 160, "%s: %s (%d)", call, name, (int)code);
    else
        snprintf(out, 160, "%s (%d)", call, (int)code);
}

static oriel_result lost(struct copies *copies, const char *call, CUresult code)
{
    char text[160];
    describe(copies, call, code, text);
    copies->off = true;
    return copies->host->fail(copies->host, ORIEL_DEVICE_LOST, text);
}

static oriel_result failed(struct copies *copies, const char *call, CUresult code)
{
    if (cuda_lost((int)code))
        return lost(copies, call, code);
    char why[160], text[256];
    describe(copies, call, code, why);
    snprintf(text, sizeof text, "OpenGL copies data to the GPU from now on, CUDA does not: %s",
             why);
    if (!copies->off)
        copies->host->log(copies->host, ORIEL_LOG_WARN, text);
    copies->off = true;
    return ORIEL_AGAIN;
}

/* The context is current between the two. */
static oriel_result enter(struct copies *copies)
{
    CUresult code = copies->cu->cuCtxPushCurrent(copies->context);
    return code == CUDA_SUCCESS ? ORIEL_OK : lost(copies, "cuCtxPushCurrent", code);
}

static void leave(struct copies *copies)
{
    CUcontext context;
    copies->cu->cuCtxPopCurrent(&context);
}

/* ---- batches; the context is current ---- */

static void let_go(struct copies *copies, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++)
        copies->host->buffer_unref(copies->host, batch->holds[i]);
    batch->count = 0;
    batch->bytes = 0;
}

static oriel_result collect(struct copies *copies)
{
    while (copies->done < copies->open) {
        struct batch *batch = &copies->batches[copies->done % BATCHES];
        CUresult code = copies->cu->cuEventQuery(batch->event);
        if (code == CUDA_ERROR_NOT_READY)
            break;
        if (code != CUDA_SUCCESS) /* of a copy: what is in the textures is in doubt */
            return lost(copies, "cuEventQuery", code);
        let_go(copies, batch);
        copies->done++;
    }
    return ORIEL_OK;
}

/* The open batch takes no more pieces, unless all others are under way. */
static oriel_result close_batch(struct copies *copies)
{
    oriel_result result = collect(copies);
    struct batch *batch = &copies->batches[copies->open % BATCHES];
    if (result != ORIEL_OK || batch->count == 0 || copies->open - copies->done == BATCHES - 1)
        return result;
    CUresult code = copies->cu->cuEventRecord(batch->event, copies->stream);
    if (code != CUDA_SUCCESS)
        return lost(copies, "cuEventRecord", code); /* nobody would tell when they are over */
    copies->open++;
    return ORIEL_OK;
}

static bool reserve(struct batch *batch)
{
    if (batch->count < batch->capacity)
        return true;
    uint32_t capacity = batch->capacity ? 2 * batch->capacity : BATCH_PIECES;
    const struct oriel_buffer **holds = realloc(batch->holds, capacity * sizeof *holds);
    if (!holds)
        return false;
    batch->holds = holds;
    batch->capacity = capacity;
    return true;
}

/* ---- targets; the context is current ---- */

static oriel_result unmap(struct copies *copies, struct target *target)
{
    if (!target->array)
        return ORIEL_OK;
    target->array = NULL;
    CUresult code = copies->cu->cuGraphicsUnmapResources(1, &target->resource, copies->stream);
    return code == CUDA_SUCCESS ? ORIEL_OK : lost(copies, "cuGraphicsUnmapResources", code);
}

static oriel_result map(struct copies *copies, struct target *target)
{
    if (target->array)
        return ORIEL_OK;
    CUresult code = copies->cu->cuGraphicsMapResources(1, &target->resource, copies->stream);
    if (code != CUDA_SUCCESS)
        return failed(copies, "cuGraphicsMapResources", code);
    code = copies->cu->cuGraphicsSubResourceGetMappedArray(&target->array, target->resource, 0, 0);
    if (code == CUDA_SUCCESS)
        return ORIEL_OK;
    oriel_result result = failed(copies, "cuGraphicsSubResourceGetMappedArray", code);
    code = copies->cu->cuGraphicsUnmapResources(1, &target->resource, copies->stream);
    target->array = NULL;
    return code == CUDA_SUCCESS ? result : lost(copies, "cuGraphicsUnmapResources", code);
}

static struct target *target_create(struct copies *copies, GLuint texture, GLenum kind,
                                    oriel_result *result)
{
    struct target *target = calloc(1, sizeof *target);
    *result = ORIEL_AGAIN;
    if (!target)
        return NULL;
    /* Not "write discard": what other pieces have put there stays. */
    CUresult code = copies->cu->cuGraphicsGLRegisterImage(&target->resource, texture, kind,
                                                          CU_GRAPHICS_REGISTER_FLAGS_NONE);
    if (code == CUDA_SUCCESS)
        return target;
    *result = failed(copies, "cuGraphicsGLRegisterImage", code);
    free(target);
    return NULL;
}

static void target_destroy(struct copies *copies, struct target *target)
{
    if (!target)
        return;
    unmap(copies, target);
    if (target->last >= copies->done) { /* it may be under way */
        copies->cu->cuStreamSynchronize(copies->stream);
        collect(copies);
    }
    copies->cu->cuGraphicsUnregisterResource(target->resource);
    free(target);
}

/* Begins to copy a piece into a mapped texture. */
static CUresult begin(struct copies *copies, CUarray array, uint32_t value_bytes,
                      const struct oriel_slab *piece)
{
    uint64_t tight = (uint64_t)piece->extent[0] * value_bytes;
    uint64_t row = piece->extent[1] > 1 ? piece->row_bytes : tight;
    uint64_t slice = piece->extent[2] > 1 ? piece->slice_bytes : row * piece->extent[1];
    bool whole = slice % row == 0; /* else slice by slice */
    struct copy3d copy = {
        .from_type = CU_MEMORYTYPE_HOST,
        .from_pitch = row,
        .from_height = whole ? slice / row : piece->extent[1],
        .to_x = (size_t)piece->offset[0] * value_bytes,
        .to_y = piece->offset[1],
        .to_type = CU_MEMORYTYPE_ARRAY,
        .to_array = array,
        .width = tight,
        .height = piece->extent[1],
        .depth = whole ? piece->extent[2] : 1,
    };
    CUresult code = CUDA_SUCCESS;
    for (uint32_t z = 0; z < piece->extent[2] && code == CUDA_SUCCESS; z += (uint32_t)copy.depth) {
        copy.from_host = (const char *)piece->data + z * slice;
        copy.to_z = piece->offset[2] + z;
        code = copies->copy3d(&copy, copies->stream);
    }
    return code;
}

static oriel_result add(struct copies *copies, struct target **target, GLuint texture, GLenum kind,
                        uint32_t value_bytes, const struct oriel_slab *piece)
{
    struct batch *batch = &copies->batches[copies->open % BATCHES];
    oriel_result result = ORIEL_AGAIN;
    if (!*target)
        *target = target_create(copies, texture, kind, &result);
    if (!*target)
        return result;
    result = reserve(batch) ? map(copies, *target) : ORIEL_AGAIN;
    if (result == ORIEL_OK) {
        bool held = ORIEL_HAS(piece, hold);
        if (held) { /* before the copy begins: a call that fails may have begun some of it */
            copies->host->buffer_ref(copies->host, piece->hold);
            batch->holds[batch->count++] = piece->hold;
            batch->bytes += piece->hold->bytes;
        }
        (*target)->last = copies->open;
        CUresult code = begin(copies, (*target)->array, value_bytes, piece);
        /* The driver's way through memory of its own is still several times as fast as OpenGL's. */
        CUresult over = held ? CUDA_SUCCESS : copies->cu->cuStreamSynchronize(copies->stream);
        if (over != CUDA_SUCCESS)
            result = lost(copies, "cuStreamSynchronize", over);
        else if (code != CUDA_SUCCESS)
            result = failed(copies, "cuMemcpy3DAsync", code);
        else if (batch->count >= BATCH_PIECES || batch->bytes >= BATCH_BYTES)
            result = close_batch(copies);
    }
    if (result == ORIEL_AGAIN && unmap(copies, *target) != ORIEL_OK)
        result = ORIEL_DEVICE_LOST;
    return result;
}

/* ---- what others call ---- */

oriel_result copies_add(struct copies *copies, struct target **target, GLuint texture, GLenum kind,
                        uint32_t value_bytes, const struct oriel_slab *piece)
{
    if (copies->off)
        return copies_settle(copies, *target) == ORIEL_OK ? ORIEL_AGAIN : ORIEL_DEVICE_LOST;
    oriel_result result = enter(copies);
    if (result != ORIEL_OK)
        return result;
    result = add(copies, target, texture, kind, value_bytes, piece);
    leave(copies);
    return result;
}

oriel_result copies_settle(struct copies *copies, struct target *target)
{
    if (!target || !target->array)
        return ORIEL_OK;
    oriel_result result = enter(copies);
    if (result != ORIEL_OK)
        return result;
    result = close_batch(copies);
    oriel_result unmapped = unmap(copies, target);
    leave(copies);
    return result != ORIEL_OK ? result : unmapped;
}

oriel_result copies_collect(struct copies *copies)
{
    if (!copies ||
        (copies->done == copies->open && copies->batches[copies->open % BATCHES].count == 0))
        return ORIEL_OK;
    oriel_result result = enter(copies);
    if (result != ORIEL_OK)
        return result;
    result = close_batch(copies);
    leave(copies);
    return result;
}

void copies_drop(struct copies *copies, struct target *target)
{
    if (!target)
        return;
    bool entered = enter(copies) == ORIEL_OK;
    target_destroy(copies, target);
    if (entered)
        leave(copies);
}

void copies_destroy(struct copies *copies)
{
    if (!copies)
        return;
    if (copies->cu && enter(copies) == ORIEL_OK) {
        if (copies->stream)
            copies->cu->cuStreamSynchronize(copies->stream);
        for (uint32_t i = 0; i < BATCHES; i++)
            if (copies->batches[i].event)
                copies->cu->cuEventDestroy(copies->batches[i].event);
        if (copies->stream)
            copies->cu->cuStreamDestroy(copies->stream);
        leave(copies);
    }
    for (uint32_t i = 0; i < BATCHES; i++) {
        let_go(copies, &copies->batches[i]);
        free(copies->batches[i].holds);
    }
    cuda_free_functions(&copies->cu);
    free(copies);
}

/* ---- the start ---- */

/* One small volume through all that is needed: whether it works is known before anything counts on
 * it. NULL, or the call that failed. */
static const char *trial(struct copies *copies, CUresult *code)
{
    enum { SIDE = 6 };
    static uint16_t out[SIDE * SIDE * SIDE], in[SIDE * SIDE * SIDE];
    for (uint32_t i = 0; i < SIDE * SIDE * SIDE; i++)
        out[i] = (uint16_t)(i * 263 + 1);
    GLuint texture;
    glCreateTextures(GL_TEXTURE_3D, 1, &texture);
    glTextureStorage3D(texture, 1, GL_R16, SIDE, SIDE, SIDE);
    const struct oriel_slab piece = {.extent = {SIDE, SIDE, SIDE},
                                     .data = out,
                                     .row_bytes = 2 * SIDE,
                                     .slice_bytes = 2 * SIDE * SIDE};
    const char *call = "cuGraphicsGLRegisterImage";
    CUgraphicsResource resource;
    CUarray array;
    const CudaFunctions *cu = copies->cu;
    *code = cu->cuGraphicsGLRegisterImage(&resource, texture, GL_TEXTURE_3D,
                                          CU_GRAPHICS_REGISTER_FLAGS_NONE);
    if (*code == CUDA_SUCCESS) {
        call = "cuGraphicsMapResources";
        *code = cu->cuGraphicsMapResources(1, &resource, copies->stream);
        if (*code == CUDA_SUCCESS) {
            call = "cuGraphicsSubResourceGetMappedArray";
            *code = cu->cuGraphicsSubResourceGetMappedArray(&array, resource, 0, 0);
            if (*code == CUDA_SUCCESS) {
                call = "cuMemcpy3DAsync";
                *code = begin(copies, array, 2, &piece);
            }
            CUresult after = cu->cuStreamSynchronize(copies->stream);
            CUresult unmapped = cu->cuGraphicsUnmapResources(1, &resource, copies->stream);
            if (*code == CUDA_SUCCESS) {
                call = after ? "cuStreamSynchronize" : "cuGraphicsUnmapResources";
                *code = after ? after : unmapped;
            }
        }
        CUresult gone = cu->cuGraphicsUnregisterResource(resource);
        if (*code == CUDA_SUCCESS) {
            call = "cuGraphicsUnregisterResource";
            *code = gone;
        }
    }
    if (*code == CUDA_SUCCESS) {
        call = "a copy that came out wrong";
        glPixelStorei(GL_PACK_ROW_LENGTH, 0);
        glPixelStorei(GL_PACK_ALIGNMENT, 1);
        memset(in, 0, sizeof in);
        glGetTextureImage(texture, 0, GL_RED, GL_UNSIGNED_SHORT, sizeof in, in);
        call = memcmp(in, out, sizeof in) == 0 ? NULL : call;
    }
    glDeleteTextures(1, &texture);
    return call;
}

static const char *start(struct copies *copies, CUresult *code)
{
    CudaFunctions *cu = copies->cu;
    *code = cu->cuStreamCreate(&copies->stream, CU_STREAM_NON_BLOCKING);
    if (*code != CUDA_SUCCESS)
        return "cuStreamCreate";
    for (uint32_t i = 0; i < BATCHES; i++) {
        *code = cu->cuEventCreate(&copies->batches[i].event, CU_EVENT_DISABLE_TIMING);
        if (*code != CUDA_SUCCESS)
            return "cuEventCreate";
    }
    return trial(copies, code);
}

struct copies *copies_create(const struct oriel_host *host)
{
    const struct oriel_host_cuda *cuda = host->get_interface(host, ORIEL_HOST_CUDA_V1);
    struct copies *copies = cuda ? calloc(1, sizeof *copies) : NULL;
    if (!copies)
        return NULL;
    copies->host = host;
    copies->context = (CUcontext)(uintptr_t)cuda->context;
    char why[160] = "this libcuda.so.1 lacks what is needed";
    void *copy3d = NULL;
    if (cuda_load_functions(&copies->cu, NULL) == 0)
        copy3d = dlsym(copies->cu->lib, "cuMemcpy3DAsync_v2");
    bool works = false;
    if (copy3d) {
        memcpy(&copies->copy3d, &copy3d, sizeof copy3d);
        CUresult code = copies->cu->cuCtxPushCurrent(copies->context);
        const char *call = "cuCtxPushCurrent";
        if (code == CUDA_SUCCESS) {
            call = start(copies, &code);
            leave(copies);
        }
        works = !call;
        if (call)
            describe(copies, call, code, why);
    }
    if (works)
        return copies;
    char text[256];
    snprintf(text, sizeof text, "OpenGL copies data to the GPU, CUDA does not: %s", why);
    host->log(host, ORIEL_LOG_WARN, text);
    copies_destroy(copies);
    return NULL;
}

#else
struct copies *copies_create(const struct oriel_host *host)
{
    (void)host;
    return NULL;
}

void copies_destroy(struct copies *copies)
{
    (void)copies;
}

oriel_result copies_add(struct copies *copies, struct target **target, GLuint texture, GLenum kind,
                        uint32_t value_bytes, const struct oriel_slab *piece)
{
    (void)copies;
    (void)target;
    (void)texture;
    (void)kind;
    (void)value_bytes;
    (void)piece;
    return ORIEL_AGAIN;
}

oriel_result copies_settle(struct copies *copies, struct target *target)
{
    (void)copies;
    (void)target;
    return ORIEL_OK;
}

oriel_result copies_collect(struct copies *copies)
{
    (void)copies;
    return ORIEL_OK;
}

void copies_drop(struct copies *copies, struct target *target)
{
    (void)copies;
    (void)target;
}
#endif
