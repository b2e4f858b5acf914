/* SPDX-License-Identifier: BSD-3-Clause */
/* One instance of encode/nvenc: what its parts share. Everything here belongs to the encoder's
 * role; only base.key_wanted is touched by other threads. */
#ifndef NVENC_H
#define NVENC_H

#include "../common/encode.h"
#include "device.h"
#include "library.h"
#include "options.h"

/* Pools have a handful of frames; what was not used for longest makes room. */
#define NVENC_REGISTRATIONS 16u
/* More pictures than any decoded picture buffer holds. */
#define NVENC_RECENT 17u

/* A surface of a pool that the driver knows. */
struct registration {
    uint64_t handle;  /* CUdeviceptr of the first row, or texture name; 0: a free entry */
    uint32_t stride;  /* bytes */
    uint32_t height;  /* rows from plane to plane */
    const void *pool; /* an address may come again in another pool; NULL: not to be found again */
    uint64_t used;    /* the picture that used it last */
    NV_ENC_REGISTERED_PTR registered;
    NV_ENC_INPUT_RESOURCE_OPENGL_TEX texture; /* the driver keeps its address */
};

struct nvenc {
    struct encode base;
    const struct library *library;
    struct settings settings;
    double host_fps; /* what create() was given, or resize() */
    struct device device;

    void *session; /* of nvEncOpenEncodeSessionEx; NULL: none */
    NV_ENC_BUFFER_FORMAT samples;
    NV_ENC_INITIALIZE_PARAMS parameters;
    NV_ENC_CONFIG config; /* parameters.encodeConfig */
    uint64_t pictures;    /* submitted so far */
    bool broken;          /* no picture may be asked of the session any more */
    bool lost;            /* its device is gone */

    struct registration registrations[NVENC_REGISTRATIONS];
    NV_ENC_INPUT_PTR mapped; /* of the picture in work, else NULL */
    struct registration *mapped_entry;
    NV_ENC_INPUT_PTR upload;  /* for pictures in CPU memory, else NULL */
    NV_ENC_OUTPUT_PTR output; /* one is enough: each picture is read before the next */
    uint32_t *slice_offsets;  /* with sub-frame output, else NULL */
    uint8_t *assembled;       /* a picture put together from its slices */
    size_t assembled_room;

    uint64_t recent[NVENC_RECENT]; /* stamp.seq of the last pictures, a ring by `pictures` */
    uint64_t former;               /* pictures of former sizes: no later one refers to them */
};

#endif
