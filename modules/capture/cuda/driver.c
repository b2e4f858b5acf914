/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../../common/cuda_lost.h"

enum { OUT_OF_MEMORY = 2 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct driver driver;
static const char *missing;

static bool find(const char *name, void *function, size_t bytes)
{
    void *symbol = dlsym(driver.cu->lib, name);
    memcpy(function, &symbol, bytes);
    return symbol != NULL;
}

static void load(void)
{
    void *library = FFNV_LOAD_FUNC("libcuda.so.1");
    if (!library) {
        missing = "no NVIDIA driver: libcuda.so.1 is not here";
        return;
    }
    if (cuda_load_functions(&driver.cu, NULL) != 0 ||
        !find("cuGraphicsGLRegisterBuffer", &driver.register_buffer,
              sizeof(driver.register_buffer)))
        missing = "this libcuda.so.1 lacks functions that are needed";
    FFNV_FREE_FUNC(library);
}

const struct driver *driver_get(const char **why)
{
    pthread_once(&once, load);
    *why = missing;
    return missing ? NULL : &driver;
}

/* The context, or the device itself. */
static bool is_lost(CUresult code)
{
    enum { NO_DEVICE = 100, INVALID_DEVICE = 101 };
    return cuda_lost((int)code) || (int)code == NO_DEVICE || (int)code == INVALID_DEVICE;
}

oriel_result driver_fail(const struct oriel_host *host, const struct driver *self, CUresult code,
                         const char *call)
{
    const char *name = NULL, *words = NULL;
    char text[512];
    self->cu->cuGetErrorName(code, &name);
    self->cu->cuGetErrorString(code, &words);
    if (name)
        snprintf(text, sizeof(text), "%s: %s (%s)", call, name, words ? words : "no words for it");
    else
        snprintf(text, sizeof(text), "%s: CUDA error %d", call, (int)code);
    return host->fail(host,
                      is_lost(code)                ? ORIEL_DEVICE_LOST
                      : (int)code == OUT_OF_MEMORY ? ORIEL_NOMEM
                                                   : ORIEL_IO,
                      text);
}
