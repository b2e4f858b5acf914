/* SPDX-License-Identifier: BSD-3-Clause */
/* libcuda in this process; for the files of this room. */
#ifndef CUDA_DRIVER_H
#define CUDA_DRIVER_H

#include <dlfcn.h>
#include <stdbool.h>

/* Never unloaded: drivers keep threads. And nothing is printed: the reason goes to the caller. */
#define FFNV_LOAD_FUNC(path) dlopen((path), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE)
#define FFNV_SYM_FUNC(lib, symbol) dlsym((lib), (symbol))
#define FFNV_FREE_FUNC(lib) dlclose(lib)
#define FFNV_LOG_FUNC(context, ...) ((void)(context))
#define FFNV_DEBUG_LOG_FUNC(context, ...) ((void)(context))
#include <ffnvcodec/dynlink_loader.h>

#include "util/error.h"

/* Loaded and initialised with the first call; NULL with the reason. [any-thread] */
const CudaFunctions *driver_load(struct error *why);
/* "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)". Returns result == CUDA_SUCCESS. */
bool driver_check(CUresult result, const char *call, struct error *err);

/* The newest context is current on this thread between the two, and in *context (NULL is fine).
 * False with the reason. */
bool driver_enter(CUcontext *context, struct error *err);
void driver_leave(void);

#endif
