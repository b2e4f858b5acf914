/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies and fills: checked when they are asked for, done later by the stream's thread. */
#include <string.h>

#include "cuda.h"

/* One end of a copy as the client gives it. */
struct end {
    CUmemorytype type;
    uint64_t address; /* host or device */
    CUarray array;
    size_t pitch, x, y;
};

enum place { PLACE_HOST, PLACE_PINNED, PLACE_DEVICE };

static bool resolve_locked(const char *call, const struct end *end, size_t width, size_t height,
                           bool written, struct side *side, enum place *place)
{
    const char *role = written ? "destination" : "source";
    bool read_only = false;
    if (end->type == CU_MEMORYTYPE_ARRAY) {
        CUarray array = end->array;
        if (!array_live_locked(array)) {
            book_fault("%s: the %s is not a live array", call, role);
            return false;
        }
        if (end->x + width > array->row_bytes || end->y + height > array->rows) {
            book_fault("%s: the %s goes beyond its array", call, role);
            return false;
        }
        *side = (struct side){array->data + end->y * array->row_bytes + end->x, array->row_bytes,
                              &array->holds};
        *place = PLACE_DEVICE;
        read_only = array->read_only;
    } else {
        if (height > 1 && end->pitch < end->x + width) {
            book_fault("%s: the %s has rows of %zu bytes with a pitch of %zu", call, role,
                       end->x + width, end->pitch);
            return false;
        }
        uint64_t first = end->address + end->y * end->pitch + end->x;
        size_t bytes = (height - 1) * end->pitch + width;
        struct memory *memory = memory_find_locked(first, bytes);
        bool host = end->type == CU_MEMORYTYPE_HOST;
        if (!memory && (!host || memory_find_locked(first, 1))) {
            book_fault("%s: the %s %s", call, role, memory_trouble_locked(first, bytes));
            return false;
        }
        if (memory && host && (memory->kind == MEMORY_DEVICE || memory->kind == MEMORY_GL)) {
            book_fault("%s: the %s is device memory, given as host memory", call, role);
            return false;
        }
        if (host && !first) {
            book_fault("%s: the %s is NULL", call, role);
            return false;
        }
        uint8_t *data =
            memory ? memory->data + (first - memory->address) : (uint8_t *)(uintptr_t)first;
        *side = (struct side){data, end->pitch, memory ? &memory->holds : NULL};
        *place = !memory ? PLACE_HOST : memory->kind == MEMORY_PINNED ? PLACE_PINNED : PLACE_DEVICE;
        read_only = memory && memory->read_only;
    }
    if (written && read_only) {
        book_fault("%s: writes a resource that was registered as read only", call);
        return false;
    }
    return true;
}

static void count_copy(enum place from, enum place to, size_t bytes)
{
    if (from == PLACE_DEVICE && to == PLACE_DEVICE)
        book_count("copies.dtod.bytes", (int64_t)bytes);
    else if (from == PLACE_DEVICE)
        book_count("copies.dtoh.bytes", (int64_t)bytes);
    else if (to == PLACE_DEVICE)
        book_count("copies.htod.bytes", (int64_t)bytes);
}

/* Copies with pageable host memory wait, as the driver's may; so do the ones without a stream
 * unless both ends are on the device. */
static CUresult copy(const char *call, CUstream handle, bool async, const struct end *from,
                     const struct end *to, size_t width, size_t height)
{
    if (!width || !height)
        return CUDA_SUCCESS;
    pthread_mutex_lock(&cuda_mutex);
    CUresult result = CUDA_SUCCESS;
    struct op op = {.kind = OP_COPY, .width = width, .height = height};
    enum place source, target;
    struct stream *stream = stream_find_locked(call, handle);
    if (!stream) {
        result = ERROR_INVALID_HANDLE;
    } else if (!resolve_locked(call, from, width, height, false, &op.from, &source) ||
               !resolve_locked(call, to, width, height, true, &op.to, &target)) {
        result = ERROR_INVALID_VALUE;
    } else {
        struct mark mark = stream_submit_locked(stream, &op, NULL);
        count_copy(source, target, width * height);
        bool pageable = source == PLACE_HOST || target == PLACE_HOST;
        if (pageable)
            book_count("copies.pageable", 1);
        if (pageable || (!async && (source != PLACE_DEVICE || target != PLACE_DEVICE)))
            mark_wait_locked(mark);
    }
    pthread_mutex_unlock(&cuda_mutex);
    return result;
}

static CUresult copy_linear(const char *call, CUstream stream, bool async, CUmemorytype to_type,
                            uint64_t to, CUmemorytype from_type, uint64_t from, size_t bytes)
{
    return copy(call, stream, async,
                &(struct end){.type = from_type, .address = from, .pitch = bytes},
                &(struct end){.type = to_type, .address = to, .pitch = bytes}, bytes, 1);
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes)
{
    CUDA_ENTER(cuMemcpyHtoD);
    return copy_linear("cuMemcpyHtoD", NULL, false, CU_MEMORYTYPE_DEVICE, to, CU_MEMORYTYPE_HOST,
                       (uintptr_t)from, bytes);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream)
{
    CUDA_ENTER(cuMemcpyHtoDAsync);
    return copy_linear("cuMemcpyHtoDAsync", stream, true, CU_MEMORYTYPE_DEVICE, to,
                       CU_MEMORYTYPE_HOST, (uintptr_t)from, bytes);
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes)
{
    CUDA_ENTER(cuMemcpyDtoH);
    return copy_linear("cuMemcpyDtoH", NULL, false, CU_MEMORYTYPE_HOST, (uintptr_t)to,
                       CU_MEMORYTYPE_DEVICE, from, bytes);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    CUDA_ENTER(cuMemcpyDtoHAsync);
    return copy_linear("cuMemcpyDtoHAsync", stream, true, CU_MEMORYTYPE_HOST, (uintptr_t)to,
                       CU_MEMORYTYPE_DEVICE, from, bytes);
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes)
{
    CUDA_ENTER(cuMemcpyDtoD);
    return copy_linear("cuMemcpyDtoD", NULL, false, CU_MEMORYTYPE_DEVICE, to, CU_MEMORYTYPE_DEVICE,
                       from, bytes);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    CUDA_ENTER(cuMemcpyDtoDAsync);
    return copy_linear("cuMemcpyDtoDAsync", stream, true, CU_MEMORYTYPE_DEVICE, to,
                       CU_MEMORYTYPE_DEVICE, from, bytes);
}

/* CUDA's own addresses or the host's: the unified address space knows. */
static CUmemorytype type_of(CUdeviceptr pointer)
{
    pthread_mutex_lock(&cuda_mutex);
    const struct memory *memory = memory_find_locked(pointer, 0);
    bool host = !memory || memory->kind == MEMORY_PINNED;
    pthread_mutex_unlock(&cuda_mutex);
    return host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
}

CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes)
{
    CUDA_ENTER(cuMemcpy);
    return copy_linear("cuMemcpy", NULL, false, type_of(to), to, type_of(from), from, bytes);
}

CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)
{
    CUDA_ENTER(cuMemcpyAsync);
    return copy_linear("cuMemcpyAsync", stream, true, type_of(to), to, type_of(from), from, bytes);
}

static CUresult copy_2d(const char *call, const CUDA_MEMCPY2D *c, CUstream stream, bool async)
{
    if (!c)
        return ERROR_INVALID_VALUE;
    bool from_host = c->srcMemoryType == CU_MEMORYTYPE_HOST;
    bool to_host = c->dstMemoryType == CU_MEMORYTYPE_HOST;
    size_t from_pitch = c->srcPitch ? c->srcPitch : c->srcXInBytes + c->WidthInBytes;
    size_t to_pitch = c->dstPitch ? c->dstPitch : c->dstXInBytes + c->WidthInBytes;
    struct end from = {c->srcMemoryType, from_host ? (uintptr_t)c->srcHost : c->srcDevice,
                       c->srcArray,      from_pitch,
                       c->srcXInBytes,   c->srcY};
    struct end to = {c->dstMemoryType, to_host ? (uintptr_t)c->dstHost : c->dstDevice,
                     c->dstArray,      to_pitch,
                     c->dstXInBytes,   c->dstY};
    return copy(call, stream, async, &from, &to, c->WidthInBytes, c->Height);
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *c)
{
    CUDA_ENTER(cuMemcpy2D);
    return copy_2d("cuMemcpy2D", c, NULL, false);
}

CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *c)
{
    CUDA_ENTER(cuMemcpy2DUnaligned);
    return copy_2d("cuMemcpy2DUnaligned", c, NULL, false);
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *c, CUstream stream)
{
    CUDA_ENTER(cuMemcpy2DAsync);
    return copy_2d("cuMemcpy2DAsync", c, stream, true);
}

/* Rows from one slice to the next; 0 with a fault: a copy that leaves its slices. */
static size_t slice_rows(const char *call, CUmemorytype type, CUarray array, size_t given, size_t y,
                         size_t height, size_t end_z)
{
    if (type != CU_MEMORYTYPE_ARRAY)
        return given ? given : height;
    pthread_mutex_lock(&cuda_mutex);
    bool live = array_live_locked(array);
    size_t rows = live ? array->height : 0;
    if (!live || y + height > rows || end_z > array->rows / rows) {
        book_fault("%s: %s", call, live ? "beyond the slices of its array" : "not a live array");
        rows = 0;
    }
    pthread_mutex_unlock(&cuda_mutex);
    return rows;
}

/* A volume is copied slice by slice. */
static CUresult copy_3d(const char *call, const struct memcpy3d *c, CUstream stream, bool async)
{
    if (!c || c->srcLOD || c->dstLOD)
        return ERROR_INVALID_VALUE;
    size_t from_rows = slice_rows(call, c->srcMemoryType, c->srcArray, c->srcHeight, c->srcY,
                                  c->Height, c->srcZ + c->Depth);
    size_t to_rows = slice_rows(call, c->dstMemoryType, c->dstArray, c->dstHeight, c->dstY,
                                c->Height, c->dstZ + c->Depth);
    if (!from_rows || !to_rows)
        return ERROR_INVALID_VALUE;
    for (size_t z = 0; z < c->Depth; z++) {
        CUDA_MEMCPY2D slice = {
            .srcXInBytes = c->srcXInBytes,
            .srcY = c->srcY + (c->srcZ + z) * from_rows,
            .srcMemoryType = c->srcMemoryType,
            .srcHost = c->srcHost,
            .srcDevice = c->srcDevice,
            .srcArray = c->srcArray,
            .srcPitch = c->srcPitch,
            .dstXInBytes = c->dstXInBytes,
            .dstY = c->dstY + (c->dstZ + z) * to_rows,
            .dstMemoryType = c->dstMemoryType,
            .dstHost = c->dstHost,
            .dstDevice = c->dstDevice,
            .dstArray = c->dstArray,
            .dstPitch = c->dstPitch,
            .WidthInBytes = c->WidthInBytes,
            .Height = c->Height,
        };
        CUresult result = copy_2d(call, &slice, stream, async);
        if (result)
            return result;
    }
    return CUDA_SUCCESS;
}

CUresult cuMemcpy3D_v2(const struct memcpy3d *c)
{
    CUDA_ENTER(cuMemcpy3D);
    return copy_3d("cuMemcpy3D", c, NULL, false);
}

CUresult cuMemcpy3DAsync_v2(const struct memcpy3d *c, CUstream stream)
{
    CUDA_ENTER(cuMemcpy3DAsync);
    return copy_3d("cuMemcpy3DAsync", c, stream, true);
}

static CUresult fill(const char *call, CUdeviceptr to, size_t pitch, uint8_t value, size_t width,
                     size_t height, CUstream handle)
{
    if (!width || !height)
        return CUDA_SUCCESS;
    pthread_mutex_lock(&cuda_mutex);
    CUresult result = CUDA_SUCCESS;
    struct op op = {.kind = OP_FILL, .value = value, .width = width, .height = height};
    enum place place;
    struct stream *stream = stream_find_locked(call, handle);
    if (!stream)
        result = ERROR_INVALID_HANDLE;
    else if (!resolve_locked(call, &(struct end){CU_MEMORYTYPE_DEVICE, to, NULL, pitch, 0, 0},
                             width, height, true, &op.to, &place))
        result = ERROR_INVALID_VALUE;
    else
        stream_submit_locked(stream, &op, NULL);
    pthread_mutex_unlock(&cuda_mutex);
    return result;
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream)
{
    CUDA_ENTER(cuMemsetD8Async);
    return fill("cuMemsetD8Async", to, bytes, value, bytes, 1, stream);
}

CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t bytes)
{
    CUDA_ENTER(cuMemsetD8);
    return fill("cuMemsetD8", to, bytes, value, bytes, 1, NULL);
}

CUresult cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width,
                           size_t height, CUstream stream)
{
    CUDA_ENTER(cuMemsetD2D8Async);
    return fill("cuMemsetD2D8Async", to, pitch, value, width, height, stream);
}
