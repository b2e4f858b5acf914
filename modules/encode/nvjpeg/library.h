/* SPDX-License-Identifier: BSD-3-Clause */
/* libcuda and libnvjpeg at run time. The declarations of nvJPEG are those facts of its C ABI that
 * this module uses (docs.nvidia.com/cuda/nvjpeg), the same in versions 11, 12 and 13; cudaStream_t
 * of its prototypes is the driver's CUstream. */
#ifndef NVJPEG_LIBRARY_H
#define NVJPEG_LIBRARY_H

#include <stdbool.h>

/* A machine without the driver is told of by the host, not on stderr. */
#define FFNV_LOG_FUNC(...)
#define FFNV_DEBUG_LOG_FUNC(...)
#include <ffnvcodec/dynlink_loader.h>

#include "oriel/module.h"

enum {
    NVJPEG_SUCCESS = 0,
    NVJPEG_JPEG_NOT_SUPPORTED = 4,
    NVJPEG_ALLOCATOR_FAILURE = 5,
    NVJPEG_ARCH_MISMATCH = 7,
    NVJPEG_IMPLEMENTATION_NOT_SUPPORTED = 9
};
enum { NVJPEG_CSS_444 = 0, NVJPEG_CSS_420 = 2 };

struct nvjpeg_image {
    CUdeviceptr channel[4]; /* unsigned char * in NVIDIA's header */
    size_t pitch[4];
};

/* The functions, one line each: member, name, parameters. All return a status. */
#define NVJPEG_FUNCTIONS(F)                                                                        \
    F(get_property, nvjpegGetProperty, (int what, int *value))                                     \
    F(create, nvjpegCreateSimple, (void **handle))                                                 \
    F(state_create, nvjpegEncoderStateCreate, (void *handle, void **state, CUstream stream))       \
    F(state_destroy, nvjpegEncoderStateDestroy, (void *state))                                     \
    F(params_create, nvjpegEncoderParamsCreate, (void *handle, void **params, CUstream stream))    \
    F(params_destroy, nvjpegEncoderParamsDestroy, (void *params))                                  \
    F(set_quality, nvjpegEncoderParamsSetQuality, (void *params, int quality, CUstream stream))    \
    F(set_sampling, nvjpegEncoderParamsSetSamplingFactors,                                         \
      (void *params, int subsampling, CUstream stream))                                            \
    F(set_optimized, nvjpegEncoderParamsSetOptimizedHuffman,                                       \
      (void *params, int optimized, CUstream stream))                                              \
    F(buffer_size, nvjpegEncodeGetBufferSize,                                                      \
      (void *handle, const void *params, int width, int height, size_t *bytes))                    \
    F(encode, nvjpegEncodeYUV,                                                                     \
      (void *handle, void *state, const void *params, const struct nvjpeg_image *source,           \
       int subsampling, int width, int height, CUstream stream))                                   \
    F(retrieve, nvjpegEncodeRetrieveBitstream,                                                     \
      (void *handle, void *state, unsigned char *data, size_t *length, CUstream stream))

/* What ffnvcodec's table of the driver lacks. */
#define NVJPEG_CUDA_FUNCTIONS(F)                                                                   \
    F(stream_priorities, cuCtxGetStreamPriorityRange, (int *least, int *greatest))                 \
    F(stream_create, cuStreamCreateWithPriority,                                                   \
      (CUstream * stream, unsigned flags, int priority))                                           \
    F(host_alloc, cuMemHostAlloc, (void **memory, size_t bytes, unsigned flags))                   \
    F(host_free, cuMemFreeHost, (void *memory))

#define NVJPEG_MEMBER(member, name, parameters) int(*member) parameters;
struct nvjpeg_library {
    CudaFunctions *cuda;
    void *handle;   /* of libnvjpeg */
    int version[3]; /* of libnvjpeg */
    NVJPEG_FUNCTIONS(NVJPEG_MEMBER)
    NVJPEG_CUDA_FUNCTIONS(NVJPEG_MEMBER)
};
#undef NVJPEG_MEMBER

/* The driver's functions; false where there is no driver. */
bool library_open_cuda(struct nvjpeg_library *library);
/* libnvjpeg from `path`, or for "" from where it usually is. On failure `why` is a sentence. */
bool library_open_nvjpeg(struct nvjpeg_library *library, const char *path, char *why, size_t room);
void library_close(struct nvjpeg_library *library); /* also one that is half open */

/* nvJPEG's handle for the context that is current: one for all instances, which may use it at the
 * same time, and kept for the next ones. To make it takes a quarter of a second where the GPU has
 * no engine for JPEG (H200). Returns nvJPEG's status. */
int library_get_nvjpeg(const struct nvjpeg_library *library, CUcontext context, void **nvjpeg);

const char *library_status(int status); /* of nvJPEG, by name */

#endif
