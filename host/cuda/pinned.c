/* SPDX-License-Identifier: BSD-3-Clause */
#include "cuda/pinned.h"

#ifdef ORIEL_FFNVCODEC
#include <pthread.h>
#include <string.h>

#include "cuda/driver.h"
#include "util/log.h"

#define HOSTALLOC_PORTABLE 1u /* CU_MEMHOSTALLOC_PORTABLE */

/* What ffnvcodec does not declare. */
static CUresult (*host_alloc)(void **memory, size_t bytes, unsigned flags);
static CUresult (*host_free)(void *memory);

static void load(void)
{
    const CudaFunctions *cu = driver_load(NULL);
    void *alloc = cu ? dlsym(cu->lib, "cuMemHostAlloc") : NULL;
    void *give = cu ? dlsym(cu->lib, "cuMemFreeHost") : NULL;
    if (!alloc || !give)
        return;
    memcpy(&host_alloc, &alloc, sizeof alloc);
    memcpy(&host_free, &give, sizeof give);
}

static bool loaded(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return host_free != NULL;
}

bool pinned_possible(void)
{
    if (!driver_enter(NULL, NULL))
        return false;
    driver_leave();
    return loaded();
}

void *pinned_alloc(size_t bytes, struct error *err)
{
    void *memory = NULL;
    if (!driver_enter(NULL, err))
        return NULL;
    if (!loaded())
        error_set(err, "this libcuda.so.1 has no cuMemHostAlloc");
    else if (!driver_check(host_alloc(&memory, bytes, HOSTALLOC_PORTABLE), "cuMemHostAlloc", err))
        memory = NULL;
    driver_leave();
    return memory;
}

void pinned_free(void *memory)
{
    struct error err;
    if (!driver_enter(NULL, &err)) {
        log_warn(LOG_RENDER, "page-locked memory is not given back: %s", err.text);
        return;
    }
    if (!driver_check(host_free(memory), "cuMemFreeHost", &err))
        log_warn(LOG_RENDER, "page-locked memory is not given back: %s", err.text);
    driver_leave();
}

#else
bool pinned_possible(void)
{
    return false;
}

void *pinned_alloc(size_t bytes, struct error *err)
{
    (void)bytes;
    error_set(err, "built without ffnvcodec's headers");
    return NULL;
}

void pinned_free(void *memory)
{
    (void)memory;
}
#endif
