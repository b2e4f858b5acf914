/* SPDX-License-Identifier: BSD-3-Clause */
/* What Oriel's encoders share: the check of formats and frames, key requests, the way out of
 * packets. Compiled into each of them; nothing here is shared between modules at run time. */
#ifndef ENCODE_H
#define ENCODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "oriel/encoder.h"

/* An entry of a list of accepted formats: planar samples of any size and transfer. */
#define ENCODE_FORMAT_IN(domain_, fourcc_, matrix_, full_range_)                                   \
    {                                                                                              \
        .modifier = ORIEL_MODIFIER_LINEAR, .domain = (domain_), .fourcc = (fourcc_),               \
        .matrix = (matrix_), .full_range = (full_range_)                                           \
    }
#define ENCODE_FORMAT(fourcc_, matrix_, full_range_)                                               \
    ENCODE_FORMAT_IN(ORIEL_DOMAIN_CPU, fourcc_, matrix_, full_range_)
/* Best first: full range keeps primaries, and BT.601 is what decoders that ignore tags assume. */
#define ENCODE_YUV_FORMATS_IN(domain_, fourcc_)                                                    \
    ENCODE_FORMAT_IN(domain_, fourcc_, ORIEL_MATRIX_BT601, 1),                                     \
        ENCODE_FORMAT_IN(domain_, fourcc_, ORIEL_MATRIX_BT709, 1),                                 \
        ENCODE_FORMAT_IN(domain_, fourcc_, ORIEL_MATRIX_BT709, 0),                                 \
        ENCODE_FORMAT_IN(domain_, fourcc_, ORIEL_MATRIX_BT601, 0)
#define ENCODE_YUV_FORMATS(fourcc_) ENCODE_YUV_FORMATS_IN(ORIEL_DOMAIN_CPU, fourcc_)

#define ENCODE_COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ENCODE_OPTIONS(array)                                                                      \
    {                                                                                              \
        sizeof(struct oriel_option_table), (uint32_t)ENCODE_COUNT(array), (array)                  \
    }

/* The entry of a module that is one encoder. */
#define ENCODE_MODULE(encoder_, id_, license_, description_)                                       \
    ORIEL_MODULE_OF(ORIEL_ENCODER_V1, &(encoder_), id_, "1.0.0", "Oriel", license_, description_)

/* The beginning of an instance. */
struct encode {
    const struct oriel_host *host;
    const struct oriel_packet_sink *sink;
    struct oriel_format format;
    uint32_t codec;
    bool started; /* a packet is out */
    atomic_bool key_wanted;
};

/* One frame on its way through. */
struct encode_job {
    const struct oriel_frame *frame;
    int64_t t_submit_ns;
    bool key; /* has to become a key packet */
    /* The first row of each plane: an address in the CPU's domain, else NULL. */
    const uint8_t *data[ORIEL_MAX_PLANES];
    uint64_t device[ORIEL_MAX_PLANES]; /* the same as a CUdeviceptr; 0 in other domains */
    uint32_t stride[ORIEL_MAX_PLANES];
};

oriel_result encode_fail(const struct oriel_host *host, oriel_result result, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));

/* The index-th of a list. */
oriel_result encode_list_format(const struct oriel_format *list, size_t count, uint32_t index,
                                struct oriel_format *format);
oriel_result encode_list_codec(const uint32_t *list, size_t count, uint32_t index, uint32_t *codec);

/* Fills `self`. Refuses formats that are not of the list and pictures that are smaller or larger
 * than the limits. */
oriel_result encode_init(struct encode *self, const struct oriel_host *host,
                         const struct oriel_packet_sink *sink, const struct oriel_format *format,
                         const struct oriel_format *list, size_t count, uint32_t min_side,
                         uint32_t max_side);
/* Checks a frame against the format and notes when it came. The fence of a frame in CPU or CUDA
 * memory is over by then, as the host has waited for it; one of a texture is the encoder's to wait
 * for, in its own context. */
oriel_result encode_begin(struct encode *self, const struct oriel_frame *frame, uint32_t flags,
                          struct encode_job *job);
/* One access unit to the sink. */
void encode_emit(struct encode *self, const struct encode_job *job, uint32_t flags, uint32_t qp_q8,
                 const void *data, uint64_t bytes);
/* The library could not do it: an asked-for key is still owed. */
oriel_result encode_lost(struct encode *self, const struct encode_job *job, oriel_result result,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Members that are the same for many. */
const void *encode_no_interface(void *self, const char *id);
oriel_result encode_nothing_held(void *self); /* drain of an encoder that holds no frame back */
void encode_want_key(void *self);             /* request_key; `self` begins with struct encode */

/* Bytes of a row and rows of a plane; false when the format has no such plane. */
bool encode_plane_size(const struct oriel_format *format, uint32_t plane, uint32_t *row_bytes,
                       uint32_t *rows);

/* The rate as a fraction with a denominator of 1000. */
int encode_fps_num(double fps);

#endif
