/* SPDX-License-Identifier: BSD-3-Clause */
/* What a client would have seen of a cell's packets, measured against the recording. */
#ifndef AB_QUALITY_H
#define AB_QUALITY_H

#include "ab/encoder.h"
#include "ab/picture.h"
#include "ab/run.h"

/* Fills the rows and the summary. `*vmaf` becomes the name of the library, or why there is none. */
bool quality_measure(struct cell *cell, const struct packets *packets, const char **vmaf,
                     struct error *err);

/* The pictures of some frames of a cell that keeps its packets, in ascending order. The callback
 * borrows them. */
typedef void quality_seen(void *user, uint32_t frame, const struct picture *source,
                          const struct picture *shown);
bool quality_look(const struct cell *cell, const uint32_t *frames, uint32_t count,
                  quality_seen *seen, void *user, struct error *err);

#endif
