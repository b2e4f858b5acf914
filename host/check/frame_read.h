/* SPDX-License-Identifier: BSD-3-Clause */
/* The samples of a captured frame, from whatever memory they are in, and whether they are right. */
#ifndef CHECK_FRAME_READ_H
#define CHECK_FRAME_READ_H

#include "check/check.h"
#include "oriel/frame.h"

/* Bytes of a row that the format fills, and its rows; 0 for a plane or format that is unknown. */
uint32_t frame_row_bytes(const struct oriel_format *format, uint32_t plane);
uint32_t frame_rows(const struct oriel_format *format, uint32_t plane);
uint32_t frame_plane_count(const struct oriel_format *format); /* 0: an unknown format */

/* Waits for a frame whose samples are due, and copies its planes, without what lies between their
 * rows; `planes` are for free(). Fails where the frame contradicts its own format; false with a
 * reason where nobody here can read it. */
bool frame_read(struct check_run *run, const struct oriel_frame *frame,
                uint8_t *planes[ORIEL_MAX_PLANES], char *why, size_t room);

/* Fails unless every sample is within two levels (of eight bits) of what these pixels (RGBA, the
 * bottom row first) are in the frame's format. False where that format is unknown here. */
bool frame_check(struct check_run *run, const struct oriel_frame *frame, const uint8_t *rgba,
                 char *why, size_t room);

#endif
