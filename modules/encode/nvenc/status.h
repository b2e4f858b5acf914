/* SPDX-License-Identifier: BSD-3-Clause */
/* What NVIDIA's codes mean to the host. */
#ifndef NVENC_STATUS_H
#define NVENC_STATUS_H

#include <ffnvcodec/nvEncodeAPI.h>

#include "oriel/module.h"

struct CudaFunctions;
struct nvenc;

const char *status_name(NVENCSTATUS status);

/* While an instance is made nothing runs that could be lost: what is not memory or the device makes
 * the host try another encoder. */
oriel_result status_at_create(NVENCSTATUS status);
/* While pictures are encoded: what leaves the session usable drops the picture (AGAIN) or fails the
 * call (NOMEM, IO); the rest ends the instance. */
oriel_result status_at_encode(NVENCSTATUS status);
/* For calls after which the session cannot go on: DEVICE_LOST or FATAL. */
oriel_result status_ends(NVENCSTATUS status);
/* While a running session is changed: it goes on as it was. */
oriel_result status_at_change(NVENCSTATUS status);

/* Says that `call` answered `status`, with the driver's own words where it has any, and returns
 * `result`, remembering where that is the end of the session or of its device. */
oriel_result status_fail(struct nvenc *self, oriel_result result, const char *call,
                         NVENCSTATUS status);

/* The name of a CUresult, as "CUDA_ERROR_NO_DEVICE". */
const char *cuda_error_name(const struct CudaFunctions *cuda, int code);
/* DEVICE_LOST, NOMEM or `otherwise`. */
oriel_result cuda_result(int code, oriel_result otherwise);

#endif
