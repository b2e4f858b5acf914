/* SPDX-License-Identifier: BSD-3-Clause */
/* Why something failed: a result code and one sentence that names the file. */
#ifndef ZARR_FAULT_H
#define ZARR_FAULT_H

#include <stdbool.h>

#include "oriel/abi.h"

struct fault {
    oriel_result code;
    char text[1024];
};

/* Both return false, so `return fault_set(fault, …);`. */
bool fault_set(struct fault *fault, oriel_result code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "<prefix>: " before the text that is there. */
bool fault_prefix(struct fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool fault_nomem(struct fault *fault);

#endif
