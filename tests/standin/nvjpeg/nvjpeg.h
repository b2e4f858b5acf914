/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of the stand-in for libnvjpeg. One mutex guards the lists and the objects' fields;
 * encoding happens on the client's CUDA stream. */
#ifndef STANDIN_NVJPEG_H
#define STANDIN_NVJPEG_H

#include <pthread.h>
#include <stdint.h>

#include "api.h"
#include "cuda/peer.h"

enum kind { KIND_HANDLE = 1, KIND_STATE, KIND_PARAMS };

/* What all handed out objects begin with. */
struct object {
    struct object *next;
    enum kind kind;
    struct handle *owner;
};

struct handle {
    struct object object;
    const struct cuda_peer *cuda;
};

struct params {
    struct object object;
    int quality, sampling, encoding;
};

struct state {
    struct object object;
    uint8_t *jpeg; /* of the last picture */
    size_t bytes;
    int status; /* of the last picture; -1: none was encoded */
    unsigned pending;
    bool busy; /* in a call */
};

/* A picture on its way; sides and pointers as the client gave them. */
struct work {
    struct state *state;
    const struct cuda_peer *cuda;
    struct params params;
    struct nvjpeg_image source;
    size_t row[3], rows[3]; /* bytes and rows of every plane */
    unsigned planes;
    int sampling, format, width, height; /* format 0: YUV */
};

extern pthread_mutex_t nvjpeg_mutex;
extern pthread_cond_t nvjpeg_change;

/* On the stream's thread: reads the planes and encodes. */
int work_encode(const struct work *work, uint8_t **jpeg, size_t *bytes);

#endif
