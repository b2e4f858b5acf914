/* SPDX-License-Identifier: BSD-3-Clause */
/* CUDA as a consumer of frames has it: a device, its primary context, events, copies back. */
#ifndef TEST_CAPTURE_SAMPLES_H
#define TEST_CAPTURE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

#include "oriel/frame.h"
#include "oriel/host_cuda.h"

/* The device that the current context of OpenGL is on. False, with a printed reason: there is none.
 */
bool samples_open(struct oriel_host_cuda *cuda);
void samples_close(const struct oriel_host_cuda *cuda);

/* Bytes of the device's memory that are in use, by whomever. */
size_t samples_used(const struct oriel_host_cuda *cuda);
/* Is the frame's event over now? */
bool samples_ready(const struct oriel_host_cuda *cuda, const struct oriel_frame *frame);
/* Waits for its event, then checks every sample of a frame of these pixels (dense RGBA, in
 * the order of the frame's rows): to be those of the converter, or with P010 within 0.52 levels of
 * the exact ones. */
void samples_check(const struct oriel_host_cuda *cuda, const struct oriel_frame *frame,
                   const uint8_t *rgba);

#endif
