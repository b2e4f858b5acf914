/* SPDX-License-Identifier: BSD-3-Clause */
/* Optional host interface "oriel.host.cuda/1": the CUDA device that shares the renderer's GPU.
 * Absent where there is none. Modules push `context` before and pop it after every use, and never
 * reset the device. Process-wide: encoders find it on their threads too, once a renderer runs. What
 * was asked for stays as it was; an instance made later may get another context. */
#ifndef ORIEL_HOST_CUDA_H
#define ORIEL_HOST_CUDA_H

#include "oriel/abi.h"

#define ORIEL_HOST_CUDA_V1 "oriel.host.cuda/1"

struct oriel_host_cuda {
    uint32_t size;
    int32_t device;      /* CUdevice */
    uint64_t context;    /* CUcontext: the primary one, or one that took its place after a fault */
    uint32_t capability; /* major * 10 + minor */
    uint32_t reserved;
    const char *name;
    uint8_t uuid[16];
};

#endif
