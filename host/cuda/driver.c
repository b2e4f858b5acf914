/* SPDX-License-Identifier: BSD-3-Clause */
#include "cuda/cuda.h"

#ifdef ORIEL_FFNVCODEC
#include <pthread.h>

#include "cuda/driver.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CudaFunctions *functions;
static struct error load_error;

bool driver_check(CUresult result, const char *call, struct error *err)
{
    if (result == CUDA_SUCCESS)
        return true;
    const char *name = NULL, *text = NULL;
    functions->cuGetErrorName(result, &name);
    functions->cuGetErrorString(result, &text);
    if (!name)
        return error_set(err, "%s: CUDA error %d", call, (int)result);
    return error_set(err, "%s: %s%s%s%s", call, name, text ? " (" : "", text ? text : "",
                     text ? ")" : "");
}

static void load(void)
{
    if (cuda_load_functions(&functions, NULL) != 0) {
        void *library = FFNV_LOAD_FUNC("libcuda.so.1");
        functions = NULL;
        error_set(&load_error, library ? "this libcuda.so.1 is older than what is needed"
                                       : "no NVIDIA driver: libcuda.so.1 is not here");
        if (library)
            FFNV_FREE_FUNC(library);
        return;
    }
    if (!driver_check(functions->cuInit(0), "cuInit", &load_error))
        cuda_free_functions(&functions);
}

const CudaFunctions *driver_load(struct error *why)
{
    pthread_once(&once, load);
    if (!functions)
        error_set(why, "%s", load_error.text);
    return functions;
}
#endif
