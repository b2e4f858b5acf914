/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of nvJPEG's ABI (12.x) that encodes. */
#ifndef STANDIN_NVJPEG_API_H
#define STANDIN_NVJPEG_API_H

#include <stddef.h>

#include "book.h"

enum nvjpeg_status {
    NVJPEG_SUCCESS = 0,
    NVJPEG_NOT_INITIALIZED = 1,
    NVJPEG_INVALID_PARAMETER = 2,
    NVJPEG_ALLOCATOR_FAILURE = 5,
    NVJPEG_EXECUTION_FAILED = 6,
    NVJPEG_INTERNAL_ERROR = 8,
    NVJPEG_IMPLEMENTATION_NOT_SUPPORTED = 9
};

enum { NVJPEG_CSS_444 = 0, NVJPEG_CSS_422 = 1, NVJPEG_CSS_420 = 2, NVJPEG_CSS_GRAY = 6 };
enum { NVJPEG_INPUT_RGB = 3, NVJPEG_INPUT_BGR = 4, NVJPEG_INPUT_RGBI = 5, NVJPEG_INPUT_BGRI = 6 };
enum { NVJPEG_BASELINE = 0xc0, NVJPEG_PROGRESSIVE = 0xc2 };

struct nvjpeg_image {
    unsigned char *channel[4]; /* of the device */
    size_t pitch[4];
};

struct handle;
struct state;
struct params;

EXPORT int nvjpegGetProperty(int type, int *value);
EXPORT int nvjpegGetCudartProperty(int type, int *value);
EXPORT int nvjpegCreateSimple(struct handle **handle);
EXPORT int nvjpegCreate(int backend, void *device_allocator, struct handle **handle);
EXPORT int nvjpegCreateEx(int backend, void *device_allocator, void *pinned_allocator,
                          unsigned flags, struct handle **handle);
EXPORT int nvjpegDestroy(struct handle *handle);
EXPORT int nvjpegEncoderStateCreate(struct handle *handle, struct state **state, void *stream);
EXPORT int nvjpegEncoderStateDestroy(struct state *state);
EXPORT int nvjpegEncoderParamsCreate(struct handle *handle, struct params **params, void *stream);
EXPORT int nvjpegEncoderParamsDestroy(struct params *params);
EXPORT int nvjpegEncoderParamsSetQuality(struct params *params, int quality, void *stream);
EXPORT int nvjpegEncoderParamsSetEncoding(struct params *params, int encoding, void *stream);
EXPORT int nvjpegEncoderParamsSetOptimizedHuffman(struct params *params, int optimized,
                                                  void *stream);
EXPORT int nvjpegEncoderParamsSetSamplingFactors(struct params *params, int sampling, void *stream);
EXPORT int nvjpegEncodeGetBufferSize(struct handle *handle, const struct params *params, int width,
                                     int height, size_t *bytes);
EXPORT int nvjpegEncodeYUV(struct handle *handle, struct state *state, const struct params *params,
                           const struct nvjpeg_image *source, int sampling, int width, int height,
                           void *stream);
EXPORT int nvjpegEncodeImage(struct handle *handle, struct state *state,
                             const struct params *params, const struct nvjpeg_image *source,
                             int format, int width, int height, void *stream);
EXPORT int nvjpegEncodeRetrieveBitstream(struct handle *handle, struct state *state,
                                         unsigned char *data, size_t *length, void *stream);
EXPORT int nvjpegEncodeRetrieveBitstreamDevice(struct handle *handle, struct state *state,
                                               unsigned char *data, size_t *length, void *stream);

#endif
