/* SPDX-License-Identifier: BSD-3-Clause */
/* NVIDIA's driver libraries, loaded when first needed and kept: libcuda and libnvidia-encode. */
#ifndef NVENC_LIBRARY_H
#define NVENC_LIBRARY_H

#include <stddef.h>

#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/nvEncodeAPI.h>

#include "oriel/module.h"

struct CudaFunctions;

struct library {
    struct CudaFunctions *cuda; /* cuInit has been called */
    /* Not in ffnvcodec's list; NULL with drivers that lack it. */
    CUresult(CUDAAPI *memory_info)(size_t *free_bytes, size_t *total_bytes);
    NV_ENCODE_API_FUNCTION_LIST api;
};

/* The process's one, or NULL with the reason given to host->fail and its code in `result`. What
 * failed is tried again with the next call. [any-thread] */
const struct library *library_get(const struct oriel_host *host, oriel_result *result);

#endif
