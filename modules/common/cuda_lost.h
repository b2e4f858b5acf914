/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors of CUDA's driver after which a context answers everything with the same error. */
#ifndef COMMON_CUDA_LOST_H
#define COMMON_CUDA_LOST_H

#include <stdbool.h>

/* `code`: a CUresult, of which ffnvcodec names only a few. */
static inline bool cuda_lost(int code)
{
    switch (code) {
    case 4:   /* DEINITIALIZED */
    case 46:  /* DEVICE_UNAVAILABLE */
    case 201: /* INVALID_CONTEXT */
    case 214: /* ECC_UNCORRECTABLE */
    case 220: /* NVLINK_UNCORRECTABLE */
    case 226: /* CONTAINED */
    case 700: /* ILLEGAL_ADDRESS */
    case 702: /* LAUNCH_TIMEOUT */
    case 709: /* CONTEXT_IS_DESTROYED */
    case 710: /* ASSERT */
    case 714: /* HARDWARE_STACK_ERROR */
    case 715: /* ILLEGAL_INSTRUCTION */
    case 716: /* MISALIGNED_ADDRESS */
    case 717: /* INVALID_ADDRESS_SPACE */
    case 718: /* INVALID_PC */
    case 719: /* LAUNCH_FAILED */
    case 721: /* TENSOR_MEMORY_LEAK */
    case 911: /* EXTERNAL_DEVICE */
    case 999: /* UNKNOWN */
        return true;
    default:
        return false;
    }
}

#endif
