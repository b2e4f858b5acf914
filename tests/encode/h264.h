/* SPDX-License-Identifier: BSD-3-Clause */
/* A reader of what a decoder needs to know before the first picture (ITU-T H.264 7.3.2.1, E.1). */
#ifndef TEST_ENCODE_H264_H
#define TEST_ENCODE_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h264_sps {
    unsigned profile, constraints, level;
    unsigned width, height; /* cropped */
    unsigned poc_type;
    bool vui, signal_type, full_range, colour, restriction;
    unsigned primaries, transfer, matrix;
    int chroma_loc; /* -1: not said */
    unsigned max_num_reorder_frames, max_dec_frame_buffering;
};

/* The NAL unit types of an Annex B access unit in order; the number of them. */
size_t h264_nal_types(const uint8_t *data, size_t bytes, unsigned *types, size_t capacity);
/* The first SPS; false when there is none or it is broken. */
bool h264_read_sps(const uint8_t *data, size_t bytes, struct h264_sps *sps);

#endif
