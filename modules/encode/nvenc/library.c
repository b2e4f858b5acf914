/* SPDX-License-Identifier: BSD-3-Clause */
#include "library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "../common/encode.h"

/* ffnvcodec's loader names what it misses here instead of printing it. */
#define FFNV_LOG_FUNC(missed, message, name) (*(const char **)(missed) = (name))
#define FFNV_DEBUG_LOG_FUNC(missed, message, name)
#include <ffnvcodec/dynlink_loader.h>

#include "status.h"

#define CUDA_FILE "libcuda.so.1"
#define NVENC_FILE "libnvidia-encode.so.1"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct library the_library; /* under the lock until `ready`, then never written */
static NvencFunctions *loader;
static bool ready;

static oriel_result load_cuda(const struct oriel_host *host)
{
    const char *missed = "";
    if (!the_library.cuda && cuda_load_functions(&the_library.cuda, &missed)) {
        if (strcmp(missed, CUDA_FILE) == 0)
            return encode_fail(host, ORIEL_UNSUPPORTED,
                               "no NVIDIA driver: " CUDA_FILE " is not here");
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "the NVIDIA driver is too old: its " CUDA_FILE " has no %s", missed);
    }
    int code = (int)the_library.cuda->cuInit(0);
    if (code)
        return encode_fail(host, ORIEL_UNSUPPORTED, "no NVIDIA GPU can be used: cuInit answers %s",
                           cuda_error_name(the_library.cuda, code));
    void *symbol = dlsym(the_library.cuda->lib, "cuMemGetInfo_v2");
    memcpy(&the_library.memory_info, &symbol, sizeof symbol);
    return ORIEL_OK;
}

static oriel_result load_nvenc(const struct oriel_host *host)
{
    const char *missed = "";
    if (!loader && nvenc_load_functions(&loader, &missed)) {
        if (strcmp(missed, NVENC_FILE) == 0)
            return encode_fail(host, ORIEL_UNSUPPORTED,
                               "this NVIDIA driver is installed without its encoder: " NVENC_FILE
                               " is not here");
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "the NVIDIA driver is too old: its " NVENC_FILE " has no %s", missed);
    }
    uint32_t has = 0;
    NVENCSTATUS status = loader->NvEncodeAPIGetMaxSupportedVersion(&has);
    if (status)
        return encode_fail(host, status_at_create(status),
                           "NvEncodeAPIGetMaxSupportedVersion answers %s", status_name(status));
    if (has < (NVENCAPI_MAJOR_VERSION << 4 | NVENCAPI_MINOR_VERSION))
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "the NVIDIA driver is too old: it has NVENC %u.%u, and %u.%u is needed",
                           has >> 4, has & 15, NVENCAPI_MAJOR_VERSION, NVENCAPI_MINOR_VERSION);
    the_library.api = (NV_ENCODE_API_FUNCTION_LIST){.version = NV_ENCODE_API_FUNCTION_LIST_VER};
    status = loader->NvEncodeAPICreateInstance(&the_library.api);
    if (status)
        return encode_fail(host, status_at_create(status), "NvEncodeAPICreateInstance answers %s",
                           status_name(status));
    return ORIEL_OK;
}

const struct library *library_get(const struct oriel_host *host, oriel_result *result)
{
    pthread_mutex_lock(&lock);
    *result = ORIEL_OK;
    if (!ready) {
        *result = load_cuda(host);
        if (*result == ORIEL_OK)
            *result = load_nvenc(host);
        ready = *result == ORIEL_OK;
    }
    pthread_mutex_unlock(&lock);
    return *result == ORIEL_OK ? &the_library : NULL;
}
