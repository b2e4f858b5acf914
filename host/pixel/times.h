/* SPDX-License-Identifier: BSD-3-Clause */
/* How long encoders took for a picture, as measured in this process. Safe on any thread. */
#ifndef PIXEL_TIMES_H
#define PIXEL_TIMES_H

#include <stdbool.h>
#include <stdint.h>

/* `key` stands for all that decides about the time but the size. What was measured at a size counts
 * for others within the same power of two of pixels, in proportion. More than `enough_ms` is found
 * for five minutes only: the machine may just have been busy. */
bool times_find(uint64_t key, uint32_t width, uint32_t height, double enough_ms, int64_t now_ns,
                double *ms);
void times_keep(uint64_t key, uint32_t width, uint32_t height, double ms, int64_t now_ns);
void times_forget(void); /* all of them */

#endif
