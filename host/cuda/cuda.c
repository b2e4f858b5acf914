/* SPDX-License-Identifier: BSD-3-Clause */
#include "cuda/cuda.h"

#ifdef ORIEL_FFNVCODEC
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/driver.h"
#include "module/services.h"
#include "oriel/host_cuda.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/thread.h"

#define MAX_DEVICES 64
/* No picture takes as long: a GPU that has not finished by then is stuck. */
#define LOST_AFTER_NS (5 * NS_PER_S)

/* A context, and what modules see of it. Never freed: modules keep the pointer, and what lies in an
 * old context is given back to that one. */
struct joined {
    struct oriel_host_cuda public;
    char name[256];
    struct joined *before;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of joining */
static struct joined *newest;                            /* read without it */

/* ---- which device ---- */

static bool is_zero(const uint8_t uuid[16])
{
    static const uint8_t zero[16];
    return memcmp(uuid, zero, 16) == 0;
}

static void get_uuid(const CudaFunctions *cu, CUdevice device, uint8_t uuid[16])
{
    CUuuid got;
    memset(uuid, 0, 16);
    if (cu->cuDeviceGetUuid && cu->cuDeviceGetUuid(&got, device) == CUDA_SUCCESS)
        memcpy(uuid, &got, 16);
}

static bool by_ordinal(const CudaFunctions *cu, const struct cuda_hint *hint, CUdevice *device)
{
    uint8_t uuid[16];
    if (hint->ordinal < 0 || cu->cuDeviceGet(device, hint->ordinal) != CUDA_SUCCESS)
        return false;
    get_uuid(cu, *device, uuid); /* EGL may count devices that CUDA_VISIBLE_DEVICES hides */
    return is_zero(uuid) || is_zero(hint->uuid) || memcmp(uuid, hint->uuid, 16) == 0;
}

static bool by_uuid(const CudaFunctions *cu, const struct cuda_hint *hint, CUdevice *device)
{
    int count = 0;
    if (is_zero(hint->uuid) || cu->cuDeviceGetCount(&count) != CUDA_SUCCESS)
        return false;
    for (int i = 0; i < count; i++) {
        uint8_t uuid[16];
        if (cu->cuDeviceGet(device, i) != CUDA_SUCCESS)
            continue;
        get_uuid(cu, *device, uuid);
        if (memcmp(uuid, hint->uuid, 16) == 0)
            return true;
    }
    return false;
}

/* CUDA on the OpenGL context that is current. */
static bool by_context(const CudaFunctions *cu, CUdevice *device)
{
    unsigned count = 0;
    CUdevice devices[MAX_DEVICES];
    if (cu->cuGLGetDevices(&count, devices, MAX_DEVICES, CU_GL_DEVICE_LIST_ALL) != CUDA_SUCCESS ||
        count != 1)
        return false;
    *device = devices[0];
    return true;
}

bool cuda_find(const struct cuda_hint *hint, struct cuda_about *about, struct error *why)
{
    const CudaFunctions *cu = driver_load(why);
    if (!cu)
        return false;
    CUdevice device;
    if (!by_ordinal(cu, hint, &device) && !by_uuid(cu, hint, &device) && !by_context(cu, &device)) {
        int count = 0;
        cu->cuDeviceGetCount(&count);
        return error_set(why,
                         count ? "none of the %d CUDA devices is the one that draws"
                               : "the driver shows %d CUDA devices",
                         count);
    }
    *about = (struct cuda_about){.ordinal = device};
    get_uuid(cu, device, about->uuid);
    return driver_check(cu->cuDeviceGetName(about->name, sizeof about->name, device),
                        "cuDeviceGetName", why);
}

/* ---- its context ---- */

static CUcontext context_of(const struct joined *joined)
{
    return (CUcontext)(uintptr_t)joined->public.context;
}

static bool enter(const CudaFunctions *cu, const struct joined *joined, struct error *err)
{
    return driver_check(cu->cuCtxPushCurrent(context_of(joined)), "cuCtxPushCurrent", err);
}

bool driver_enter(CUcontext *context, struct error *err)
{
    const struct joined *joined = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);
    if (!joined)
        return error_set(err, "no renderer runs on a CUDA device");
    if (context)
        *context = context_of(joined);
    return enter(driver_load(err), joined, err);
}

void driver_leave(void)
{
    CUcontext context;
    driver_load(NULL)->cuCtxPopCurrent(&context);
}

/* A context that met a fault answers everything with it. */
static bool works(const CudaFunctions *cu, const struct joined *joined, struct error *why)
{
    CUdeviceptr memory;
    if (!enter(cu, joined, why))
        return false;
    bool ok = driver_check(cu->cuMemAlloc(&memory, 256), "cuMemAlloc", why) &&
              driver_check(cu->cuMemFree(memory), "cuMemFree", why);
    driver_leave();
    return ok;
}

static struct joined *make(const CudaFunctions *cu, const struct cuda_about *about, bool primary,
                           struct error *why)
{
    CUcontext context = NULL, popped;
    int major = 0, minor = 0;
    CUdevice device = about->ordinal;
    if (primary) {
        if (!driver_check(cu->cuDevicePrimaryCtxRetain(&context, device),
                          "cuDevicePrimaryCtxRetain", why))
            return NULL;
    } else {
        if (!driver_check(cu->cuCtxCreate(&context, 0, device), "cuCtxCreate", why))
            return NULL;
        cu->cuCtxPopCurrent(&popped);
    }
    cu->cuDeviceComputeCapability(&major, &minor, device);
    struct joined *joined = xcalloc(1, sizeof *joined);
    memcpy(joined->name, about->name, sizeof joined->name);
    joined->public = (struct oriel_host_cuda){
        .size = sizeof joined->public,
        .device = device,
        .context = (uint64_t)(uintptr_t)context,
        .capability = (uint32_t)(major * 10 + minor),
        .name = joined->name,
    };
    memcpy(joined->public.uuid, about->uuid, 16);
    if (works(cu, joined, why))
        return joined;
    if (primary)
        cu->cuDevicePrimaryCtxRelease(device);
    else
        cu->cuCtxDestroy(context);
    free(joined);
    return NULL;
}

bool cuda_join(const struct cuda_hint *hint, struct cuda_about *about, struct error *why)
{
    if (!cuda_find(hint, about, why))
        return false;
    const CudaFunctions *cu = driver_load(why);
    pthread_mutex_lock(&lock);
    struct joined *joined = newest;
    if (joined && joined->public.device != about->ordinal) {
        pthread_mutex_unlock(&lock);
        return error_set(why, "this process uses CUDA device %d already", joined->public.device);
    }
    if (!joined || !works(cu, joined, why)) {
        /* The primary context of a device that failed is the old users' until they are gone, so it
         * is not reset. */
        joined = make(cu, about, !newest, why);
        if (joined) {
            joined->before = newest;
            __atomic_store_n(&newest, joined, __ATOMIC_RELEASE);
        }
    }
    services_set_fence_wait(ORIEL_FENCE_CUDA_EVENT, cuda_fence_wait);
    services_set_interface(ORIEL_HOST_CUDA_V1, joined ? &joined->public : NULL);
    pthread_mutex_unlock(&lock);
    return joined != NULL;
}

/* ---- fences ---- */

/* A share of the time that has passed. */
static long pause_after(int64_t waited)
{
    int64_t pause = waited / 16;
    return pause < NS_PER_MS / 20 ? NS_PER_MS / 20 : pause > NS_PER_MS ? NS_PER_MS : (long)pause;
}

bool cuda_fence_wait(const struct oriel_fence *fence, struct error *err)
{
    if (!driver_enter(NULL, err))
        return false;
    const CudaFunctions *cu = driver_load(err);
    CUevent event = (CUevent)(uintptr_t)fence->handle;
    int64_t begun = clock_ns(), awake = thread_awake_ns(), waited = 0;
    CUresult result;
    /* Not cuEventSynchronize, which a GPU that is stuck would never end. */
    while ((result = cu->cuEventQuery(event)) == CUDA_ERROR_NOT_READY && waited < LOST_AFTER_NS) {
        waited = clock_ns() - begun;
        if (waited >= awake)
            nanosleep(&(struct timespec){.tv_nsec = pause_after(waited)}, NULL);
    }
    driver_leave();
    if (result == CUDA_ERROR_NOT_READY)
        return error_set(err, "the GPU does not answer");
    return driver_check(result, "cuEventQuery", err);
}
#endif
