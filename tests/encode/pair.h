/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures on the host and on a CUDA device, and JPEG files compared with them. */
#ifndef TESTS_ENCODE_PAIR_H
#define TESTS_ENCODE_PAIR_H

#define FFNV_LOG_FUNC(...)
#define FFNV_DEBUG_LOG_FUNC(...)
#include <ffnvcodec/dynlink_loader.h>

#include "harness.h"
#include "oriel/host_cuda.h"
#include "picture.h"

/* What the pictures are made with. The test fills them in. */
extern CudaFunctions *cuda; /* NULL: no driver */
extern struct oriel_host_cuda device;

/* A picture in both memories. */
struct pair {
    struct oriel_frame *host;
    struct oriel_frame frame; /* on the device */
};

/* Of the test scene at time t, or of noise. */
struct pair pair_create(const struct oriel_format *format, unsigned t, bool noise);
void pair_destroy(struct pair *pair);

/* The PSNR of each plane of the JPEG against the picture; fails where it is no such JPEG. */
void decoded_psnr(const struct kept_packet *kept, const struct oriel_frame *host, double psnr[3]);

#endif
