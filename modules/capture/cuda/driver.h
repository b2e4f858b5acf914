/* SPDX-License-Identifier: BSD-3-Clause */
/* libcuda, loaded at run time. */
#ifndef DRIVER_H
#define DRIVER_H

#include <dlfcn.h>

/* Never unloaded: drivers keep threads. And nothing is printed: the host is told. */
#define FFNV_LOAD_FUNC(path) dlopen((path), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE)
#define FFNV_SYM_FUNC(lib, symbol) dlsym((lib), (symbol))
#define FFNV_FREE_FUNC(lib) dlclose(lib)
#define FFNV_LOG_FUNC(context, ...) ((void)(context))
#define FFNV_DEBUG_LOG_FUNC(context, ...) ((void)(context))
#include <ffnvcodec/dynlink_loader.h>

#include "oriel/module.h"

struct driver {
    CudaFunctions *cu;
    /* What ffnvcodec's list does not have. */
    CUresult(CUDAAPI *register_buffer)(CUgraphicsResource *resource, unsigned buffer,
                                       unsigned flags);
};

/* Loaded with the first call; NULL, and `why` says it in a sentence. [any-thread] */
const struct driver *driver_get(const char **why);

/* For the host: a device that is gone for this process is DEVICE_LOST, no memory NOMEM, the rest
 * IO; the text is "call: CUDA_ERROR_… (the driver's words)". */
oriel_result driver_fail(const struct oriel_host *host, const struct driver *driver, CUresult code,
                         const char *call);

#endif
