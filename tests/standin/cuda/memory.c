/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the device, of the host as CUDA knows it, and arrays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cuda.h"

enum { GRAVES = 256, PITCH = 512, PAGE = 4096 };

static struct memory *memories;
static CUarray arrays;
static uint64_t device_bytes;
/* Ranges that were freed lately: their addresses are not given again, so that their use is seen. */
static struct {
    uint64_t address;
    size_t bytes;
} graves[GRAVES];
static unsigned grave_next;

static size_t reserved(size_t bytes)
{
    return (bytes + 2 * PAGE - 1) / PAGE * PAGE;
}

static void bury(uint64_t address, size_t bytes)
{
    if (graves[grave_next].address)
        munmap((void *)(uintptr_t)graves[grave_next].address, reserved(graves[grave_next].bytes));
    graves[grave_next].address = address;
    graves[grave_next].bytes = bytes;
    grave_next = (grave_next + 1) % GRAVES;
}

struct memory *memory_create_locked(struct context *context, enum memory_kind kind, size_t bytes)
{
    bool on_device = kind == MEMORY_DEVICE || kind == MEMORY_GL;
    uint64_t total = (uint64_t)book_setting("memory.bytes", INT64_C(24) << 30);
    if (on_device && device_bytes + bytes > total)
        return NULL;
    uint8_t *data = aligned_alloc(PAGE, (bytes + PAGE - 1) / PAGE * PAGE);
    struct memory *memory = calloc(1, sizeof *memory);
    void *range = on_device ? mmap(NULL, reserved(bytes), PROT_NONE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                            : data;
    if (!data || !memory || range == MAP_FAILED) {
        free(data);
        free(memory);
        return NULL;
    }
    memset(data, 0xcd, bytes);
    memory->kind = kind;
    memory->context = context;
    memory->address = (uintptr_t)range;
    memory->bytes = bytes;
    memory->data = data;
    memory->next = memories;
    memories = memory;
    if (on_device)
        device_bytes += bytes;
    book_count(on_device ? "live.memory" : "live.host_memory", 1);
    if (on_device)
        book_count("live.bytes", (int64_t)bytes);
    return memory;
}

void memory_destroy_locked(struct memory *memory)
{
    for (struct memory **at = &memories; *at; at = &(*at)->next)
        if (*at == memory) {
            *at = memory->next;
            break;
        }
    while (memory->holds)
        pthread_cond_wait(&cuda_change, &cuda_mutex);
    bool on_device = memory->kind == MEMORY_DEVICE || memory->kind == MEMORY_GL;
    book_count(on_device ? "live.memory" : "live.host_memory", -1);
    if (on_device) {
        book_count("live.bytes", -(int64_t)memory->bytes);
        device_bytes -= memory->bytes;
        bury(memory->address, memory->bytes);
    }
    free(memory->data);
    free(memory);
}

void memory_forget_context_locked(struct context *context)
{
    unsigned left = 0;
    for (struct memory *m = memories, *next; m; m = next) {
        next = m->next;
        if (m->context == context) {
            left++;
            memory_destroy_locked(m);
        }
    }
    for (CUarray a = arrays, next; a; a = next) {
        next = a->next;
        if (a->context == context) {
            left++;
            array_destroy_locked(a);
        }
    }
    if (left)
        book_fault("%u blocks of memory were left in a context that ended", left);
}

struct memory *memory_find_locked(uint64_t address, size_t bytes)
{
    for (struct memory *m = memories; m; m = m->next)
        if (address >= m->address && address - m->address <= m->bytes &&
            bytes <= m->bytes - (address - m->address) &&
            (bytes || address < m->address + m->bytes))
            return m;
    return NULL;
}

const char *memory_trouble_locked(uint64_t address, size_t bytes)
{
    if (memory_find_locked(address, 0) && !memory_find_locked(address, bytes))
        return "goes beyond its block";
    for (unsigned i = 0; i < GRAVES; i++)
        if (graves[i].address && address >= graves[i].address &&
            address < graves[i].address + graves[i].bytes)
            return "is in memory that was freed or unmapped";
    return "is not device memory";
}

static CUresult allocate(const char *call, CUdeviceptr *pointer, enum memory_kind kind,
                         size_t bytes, size_t pitch)
{
    if (!pointer || !bytes) {
        book_fault("%s: %s", call, pointer ? "zero bytes" : "NULL");
        return ERROR_INVALID_VALUE;
    }
    pthread_mutex_lock(&cuda_mutex);
    struct context *context = context_current_locked(call);
    struct memory *memory = context ? memory_create_locked(context, kind, bytes) : NULL;
    if (memory) {
        memory->pitch = pitch;
        *pointer = memory->address;
    }
    pthread_mutex_unlock(&cuda_mutex);
    return memory ? CUDA_SUCCESS : context ? ERROR_OUT_OF_MEMORY : ERROR_INVALID_CONTEXT;
}

CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes)
{
    CUDA_ENTER(cuMemAlloc);
    return allocate("cuMemAlloc", pointer, MEMORY_DEVICE, bytes, 0);
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *pointer, size_t *pitch, size_t width, size_t height,
                            unsigned element)
{
    CUDA_ENTER(cuMemAllocPitch);
    if (!pitch || (element != 4 && element != 8 && element != 16)) {
        book_fault("cuMemAllocPitch: elements have 4, 8 or 16 bytes, not %u", element);
        return ERROR_INVALID_VALUE;
    }
    *pitch = (width + PITCH - 1) / PITCH * PITCH;
    return allocate("cuMemAllocPitch", pointer, MEMORY_DEVICE, *pitch * height, *pitch);
}

CUresult cuMemAllocManaged(CUdeviceptr *pointer, size_t bytes, unsigned flags)
{
    (void)flags;
    CUDA_ENTER(cuMemAllocManaged);
    return allocate("cuMemAllocManaged", pointer, MEMORY_MANAGED, bytes, 0);
}

/* Waits for all work of the context first, as the driver does. */
static CUresult release(const char *call, uint64_t address, bool host)
{
    CUresult result = cuda_lost();
    pthread_mutex_lock(&cuda_mutex);
    struct memory *memory = memory_find_locked(address, 0);
    if (!context_current_locked(call)) {
        result = ERROR_INVALID_CONTEXT;
    } else if (!memory || memory->address != address || (memory->kind == MEMORY_PINNED) != host ||
               memory->kind == MEMORY_GL) {
        book_fault("%s: %s", call,
                   memory ? "not the start of a block of its own"
                          : memory_trouble_locked(address, 1));
        result = ERROR_INVALID_VALUE;
    } else {
        context_wait_locked(memory->context);
        memory_destroy_locked(memory);
    }
    pthread_mutex_unlock(&cuda_mutex);
    return result;
}

CUresult cuMemFree_v2(CUdeviceptr pointer)
{
    ENTER_RELEASE(cuMemFree);
    LEAVE_RELEASE(pointer ? release("cuMemFree", pointer, false) : CUDA_SUCCESS);
}

CUresult cuMemHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    CUDA_ENTER(cuMemHostAlloc);
    if (flags & ~7u) {
        book_fault("cuMemHostAlloc: unknown flags 0x%x", flags);
        return ERROR_INVALID_VALUE;
    }
    CUdeviceptr pointer = 0;
    CUresult result = allocate("cuMemHostAlloc", memory ? &pointer : NULL, MEMORY_PINNED, bytes, 0);
    if (!result)
        *memory = (void *)(uintptr_t)pointer;
    return result;
}

CUresult cuMemAllocHost_v2(void **memory, size_t bytes)
{
    CUDA_ENTER(cuMemAllocHost);
    CUdeviceptr pointer = 0;
    CUresult result = allocate("cuMemAllocHost", memory ? &pointer : NULL, MEMORY_PINNED, bytes, 0);
    if (!result)
        *memory = (void *)(uintptr_t)pointer;
    return result;
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *device, void *memory, unsigned flags)
{
    (void)flags;
    CUDA_ENTER(cuMemHostGetDevicePointer);
    pthread_mutex_lock(&cuda_mutex);
    bool known = memory_find_locked((uintptr_t)memory, 1) != NULL;
    pthread_mutex_unlock(&cuda_mutex);
    if (!known) {
        book_fault("cuMemHostGetDevicePointer: not memory of cuMemHostAlloc");
        return ERROR_INVALID_VALUE;
    }
    *device = (uintptr_t)memory;
    return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *memory)
{
    ENTER_RELEASE(cuMemFreeHost);
    LEAVE_RELEASE(release("cuMemFreeHost", (uintptr_t)memory, true));
}

CUresult cuMemGetInfo_v2(size_t *left, size_t *total)
{
    CUDA_ENTER(cuMemGetInfo);
    pthread_mutex_lock(&cuda_mutex);
    bool current = context_current_locked("cuMemGetInfo") != NULL;
    *total = (size_t)book_setting("memory.bytes", INT64_C(24) << 30);
    *left = *total > device_bytes ? *total - device_bytes : 0;
    pthread_mutex_unlock(&cuda_mutex);
    return current ? CUDA_SUCCESS : ERROR_INVALID_CONTEXT;
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr pointer)
{
    CUDA_ENTER(cuMemGetAddressRange);
    pthread_mutex_lock(&cuda_mutex);
    const struct memory *memory = memory_find_locked(pointer, 0);
    if (memory && base)
        *base = memory->address;
    if (memory && bytes)
        *bytes = memory->bytes;
    pthread_mutex_unlock(&cuda_mutex);
    return memory ? CUDA_SUCCESS : ERROR_NOT_FOUND;
}

CUresult cuPointerGetAttribute(void *value, int attribute, CUdeviceptr pointer)
{
    CUDA_ENTER(cuPointerGetAttribute);
    pthread_mutex_lock(&cuda_mutex);
    const struct memory *memory = memory_find_locked(pointer, 0);
    CUresult result = memory ? CUDA_SUCCESS : ERROR_INVALID_VALUE;
    if (memory && attribute == 1) /* CU_POINTER_ATTRIBUTE_CONTEXT */
        *(void **)value = memory->context;
    else if (memory && attribute == 2) /* CU_POINTER_ATTRIBUTE_MEMORY_TYPE */
        *(unsigned *)value =
            memory->kind == MEMORY_PINNED ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
    else if (memory)
        result = ERROR_NOT_SUPPORTED;
    pthread_mutex_unlock(&cuda_mutex);
    return result;
}

CUarray array_create_locked(struct context *context, size_t row_bytes, size_t rows)
{
    CUarray array = calloc(1, sizeof *array);
    uint8_t *data = malloc(row_bytes * rows);
    if (!array || !data) {
        free(array);
        free(data);
        return NULL;
    }
    memset(data, 0xcd, row_bytes * rows);
    array->context = context;
    array->row_bytes = row_bytes;
    array->rows = array->height = rows;
    array->data = data;
    array->next = arrays;
    arrays = array;
    book_count("live.arrays", 1);
    return array;
}

bool array_live_locked(CUarray array)
{
    for (CUarray a = arrays; a; a = a->next)
        if (a == array)
            return true;
    return false;
}

void array_destroy_locked(CUarray array)
{
    for (CUarray *at = &arrays; *at; at = &(*at)->next)
        if (*at == array) {
            *at = array->next;
            break;
        }
    while (array->holds)
        pthread_cond_wait(&cuda_change, &cuda_mutex);
    book_count("live.arrays", -1);
    free(array->data);
    free(array);
}

static CUresult array_create(const char *call, CUarray *array, const struct array_wish *wish)
{
    if (!array || !wish->width || !wish->height)
        return ERROR_INVALID_VALUE;
    size_t sample = 4;
    if (wish->format == CU_AD_FORMAT_UNSIGNED_INT8 || wish->format == CU_AD_FORMAT_SIGNED_INT8)
        sample = 1;
    else if (wish->format == CU_AD_FORMAT_UNSIGNED_INT16 ||
             wish->format == CU_AD_FORMAT_SIGNED_INT16 || wish->format == CU_AD_FORMAT_HALF)
        sample = 2;
    pthread_mutex_lock(&cuda_mutex);
    struct context *context = context_current_locked(call);
    if (context)
        *array = array_create_locked(context, wish->width * sample * wish->channels, wish->height);
    pthread_mutex_unlock(&cuda_mutex);
    return context ? CUDA_SUCCESS : ERROR_INVALID_CONTEXT;
}

CUresult cuArrayCreate_v2(CUarray *array, const struct array_wish *wish)
{
    CUDA_ENTER(cuArrayCreate);
    return wish ? array_create("cuArrayCreate", array, wish) : ERROR_INVALID_VALUE;
}

CUresult cuArray3DCreate_v2(CUarray *array, const CUDA_ARRAY3D_DESCRIPTOR *wish)
{
    CUDA_ENTER(cuArray3DCreate);
    if (!wish || wish->Depth)
        return wish ? ERROR_NOT_SUPPORTED : ERROR_INVALID_VALUE;
    return array_create(
        "cuArray3DCreate", array,
        &(struct array_wish){wish->Width, wish->Height, wish->Format, wish->NumChannels});
}

CUresult cuArrayDestroy(CUarray array)
{
    ENTER_RELEASE(cuArrayDestroy);
    pthread_mutex_lock(&cuda_mutex);
    bool live = array_live_locked(array) && !array->graphics;
    if (live) {
        context_wait_locked(array->context);
        array_destroy_locked(array);
    } else {
        book_fault("cuArrayDestroy: not a live array of its own");
    }
    pthread_mutex_unlock(&cuda_mutex);
    LEAVE_RELEASE(live ? cuda_lost() : ERROR_INVALID_HANDLE);
}
