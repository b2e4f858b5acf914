/* SPDX-License-Identifier: BSD-3-Clause */
/* Contexts: the primary ones, created ones, and every thread's stack. */
#include <stdlib.h>

#include "cuda.h"

enum { DEPTH = 32 };

static struct context primary[DEVICES];
static struct context *created; /* destroyed ones stay, so that their handles are known */
static _Thread_local struct context *stack[DEPTH];
static _Thread_local unsigned depth;
static pthread_key_t thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void thread_ended(void *pushed)
{
    (void)pushed;
    if (depth)
        book_fault("cuCtxPushCurrent: a thread ended with %u contexts on its stack", depth);
}

static void make_key(void)
{
    pthread_key_create(&thread_end, thread_ended);
}

bool context_live_locked(const struct context *context)
{
    for (int i = 0; i < DEVICES; i++)
        if (context == &primary[i])
            return primary[i].live;
    for (const struct context *c = created; c; c = c->next)
        if (c == context)
            return c->live;
    return false;
}

struct context *context_current_locked(const char *call)
{
    struct context *context = depth ? stack[depth - 1] : NULL;
    if (!context) {
        book_fault("%s: no current context", call);
        return NULL;
    }
    if (!context->live) {
        book_fault("%s: the current context is destroyed", call);
        return NULL;
    }
    return context;
}

static void context_open_locked(struct context *context, int device)
{
    context->device = device;
    context->live = true;
    if (!context->null) {
        context->null = stream_create_locked(context, true);
        context->null->null = true;
    }
    book_count("live.contexts", 1);
}

static void context_close_locked(struct context *context, const char *call)
{
    context_wait_locked(context);
    unsigned streams = stream_destroy_all_locked(context);
    unsigned events = event_destroy_all_locked(context);
    if (streams || events)
        book_fault("%s: %u streams and %u events were left in the context", call, streams, events);
    memory_forget_context_locked(context);
    context->live = false;
    book_count("live.contexts", -1);
}

CUresult cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice device)
{
    (void)flags;
    CUDA_ENTER(cuCtxCreate);
    CUdevice known;
    if (!context || cuDeviceGet(&known, device))
        return ERROR_INVALID_VALUE;
    pthread_mutex_lock(&cuda_mutex);
    struct context *made = calloc(1, sizeof *made);
    made->next = created;
    created = made;
    context_open_locked(made, device);
    pthread_mutex_unlock(&cuda_mutex);
    *context = (CUcontext)made;
    return cuCtxPushCurrent_v2(*context);
}

CUresult cuCtxDestroy_v2(CUcontext handle)
{
    ENTER_RELEASE(cuCtxDestroy);
    struct context *context = (struct context *)handle;
    CUresult result = cuda_lost();
    pthread_mutex_lock(&cuda_mutex);
    if (!context_live_locked(context) || context->primary) {
        book_fault("cuCtxDestroy: not a live context made by cuCtxCreate");
        result = ERROR_INVALID_CONTEXT;
    } else {
        context_close_locked(context, "cuCtxDestroy");
        if (depth && stack[depth - 1] == context)
            depth--;
    }
    pthread_mutex_unlock(&cuda_mutex);
    LEAVE_RELEASE(result);
}

CUresult cuCtxPushCurrent_v2(CUcontext handle)
{
    ENTER(cuCtxPushCurrent); /* a matter of the thread, also with a lost device */
    struct context *context = (struct context *)handle;
    pthread_mutex_lock(&cuda_mutex);
    bool live = context_live_locked(context);
    pthread_mutex_unlock(&cuda_mutex);
    if (!live || depth == DEPTH) {
        book_fault("cuCtxPushCurrent: %s", live ? "the stack is full" : "not a live context");
        return ERROR_INVALID_CONTEXT;
    }
    pthread_once(&once, make_key);
    pthread_setspecific(thread_end, &depth);
    stack[depth++] = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent_v2(CUcontext *context)
{
    ENTER_RELEASE(cuCtxPopCurrent);
    if (!depth) {
        book_fault("cuCtxPopCurrent: nothing to pop");
        LEAVE_RELEASE(ERROR_INVALID_CONTEXT);
    }
    depth--;
    if (context)
        *context = (CUcontext)stack[depth];
    LEAVE_RELEASE(CUDA_SUCCESS);
}

CUresult cuCtxSetCurrent(CUcontext handle)
{
    CUDA_ENTER(cuCtxSetCurrent);
    if (!handle) {
        depth = depth ? depth - 1 : 0;
        return CUDA_SUCCESS;
    }
    struct context *context = (struct context *)handle;
    pthread_mutex_lock(&cuda_mutex);
    bool live = context_live_locked(context);
    pthread_mutex_unlock(&cuda_mutex);
    if (!live) {
        book_fault("cuCtxSetCurrent: not a live context");
        return ERROR_INVALID_CONTEXT;
    }
    if (depth)
        stack[depth - 1] = context;
    else
        stack[depth++] = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context)
{
    CUDA_ENTER(cuCtxGetCurrent);
    *context = (CUcontext)(depth ? stack[depth - 1] : NULL);
    return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device)
{
    CUDA_ENTER(cuCtxGetDevice);
    pthread_mutex_lock(&cuda_mutex);
    struct context *context = context_current_locked("cuCtxGetDevice");
    if (context)
        *device = context->device;
    pthread_mutex_unlock(&cuda_mutex);
    return context ? CUDA_SUCCESS : ERROR_INVALID_CONTEXT;
}

CUresult cuCtxSetLimit(CUlimit limit, size_t value)
{
    (void)limit, (void)value;
    CUDA_ENTER(cuCtxSetLimit);
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void)
{
    CUDA_ENTER(cuCtxSynchronize);
    pthread_mutex_lock(&cuda_mutex);
    struct context *context = context_current_locked("cuCtxSynchronize");
    if (context)
        context_wait_locked(context);
    pthread_mutex_unlock(&cuda_mutex);
    CUresult lost = cuda_lost();
    return context ? lost : ERROR_INVALID_CONTEXT;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
    CUDA_ENTER(cuDevicePrimaryCtxRetain);
    CUdevice known;
    CUresult result = cuDeviceGet(&known, device);
    if (result)
        return result;
    pthread_mutex_lock(&cuda_mutex);
    struct context *own = &primary[device];
    own->primary = true;
    if (!own->retained++)
        context_open_locked(own, device);
    *context = (CUcontext)own;
    pthread_mutex_unlock(&cuda_mutex);
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
    ENTER_RELEASE(cuDevicePrimaryCtxRelease);
    CUresult result = cuda_lost();
    pthread_mutex_lock(&cuda_mutex);
    if (device < 0 || device >= DEVICES || !primary[device].retained) {
        book_fault("cuDevicePrimaryCtxRelease: device %d has no retained primary context", device);
        result = ERROR_INVALID_CONTEXT;
    } else if (!--primary[device].retained) {
        context_close_locked(&primary[device], "cuDevicePrimaryCtxRelease");
    }
    pthread_mutex_unlock(&cuda_mutex);
    LEAVE_RELEASE(result);
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device)
{
    return cuDevicePrimaryCtxRelease_v2(device);
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags)
{
    (void)device, (void)flags;
    CUDA_ENTER(cuDevicePrimaryCtxSetFlags);
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags)
{
    return cuDevicePrimaryCtxSetFlags_v2(device, flags);
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active)
{
    CUDA_ENTER(cuDevicePrimaryCtxGetState);
    CUdevice known;
    CUresult result = cuDeviceGet(&known, device);
    if (result)
        return result;
    pthread_mutex_lock(&cuda_mutex);
    *flags = 0;
    *active = primary[device].retained > 0;
    pthread_mutex_unlock(&cuda_mutex);
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device)
{
    ENTER(cuDevicePrimaryCtxReset);
    book_fault("cuDevicePrimaryCtxReset: device %d is shared with the whole process", device);
    return ERROR_INVALID_CONTEXT;
}

CUresult cuDevicePrimaryCtxReset(CUdevice device)
{
    return cuDevicePrimaryCtxReset_v2(device);
}
