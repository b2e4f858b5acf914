/* SPDX-License-Identifier: BSD-3-Clause */
/* Page-locked memory: what a CUDA device reads and writes by itself, while the CPU does something
 * else. */
#ifndef CUDA_PINNED_H
#define CUDA_PINNED_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* A renderer has joined a CUDA device. [any-thread] */
bool pinned_possible(void);
/* Zeroed memory for every device of the process; NULL with the driver's reason. Takes about a
 * second for a few GiB. [any-thread] */
void *pinned_alloc(size_t bytes, struct error *err);
void pinned_free(void *memory);

#endif
