/* SPDX-License-Identifier: BSD-3-Clause */
/* GPUs of this process that were found to have no NVENC engine. That never changes, and asking the
 * driver takes a quarter of a second each time. [any-thread] */
#ifndef NVENC_MISSING_H
#define NVENC_MISSING_H

#include "device.h"

/* UNSUPPORTED, with the reason given to host->fail, where that is known of the device: its
 * `domain`, and `device` or `display`, say which it is. */
oriel_result missing_check(const struct device *device);
/* The driver has just said so: the same answer. */
oriel_result missing_note(const struct device *device);

#endif
