/* SPDX-License-Identifier: BSD-3-Clause */
#include "driver.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

/* After these a context answers everything with the same error. */
static bool is_lost(CUresult code)
{
    static const int codes[] = {
        4,   /* DEINITIALIZED */
        46,  /* DEVICE_UNAVAILABLE */
        100, /* NO_DEVICE */
        101, /* INVALID_DEVICE */
        201, /* INVALID_CONTEXT */
        214, /* ECC_UNCORRECTABLE */
        220, /* NVLINK_UNCORRECTABLE */
        226, /* CONTAINED */
        700, /* ILLEGAL_ADDRESS */
        702, /* LAUNCH_TIMEOUT */
        709, /* CONTEXT_IS_DESTROYED */
        710, /* ASSERT */
        714, /* HARDWARE_STACK_ERROR */
        715, /* ILLEGAL_INSTRUCTION */
        716, /* MISALIGNED_ADDRESS */
        717, /* INVALID_ADDRESS_SPACE */
        718, /* INVALID_PC */
        719, /* LAUNCH_FAILED */
        721, /* TENSOR_MEMORY_LEAK */
        911, /* EXTERNAL_DEVICE */
        999, /* UNKNOWN */
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i] == (int)code)
            return true;
    return false;
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
