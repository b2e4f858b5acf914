/* SPDX-License-Identifier: BSD-3-Clause */
/* The header of a .npy file (NumPy's format 1.0, 2.0 and 3.0). */
#ifndef NPY_NPY_H
#define NPY_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oriel/scene.h"

struct npy_header {
    uint32_t dtype; /* ORIEL_U8, … */
    uint32_t bytes; /* of one value */
    uint32_t ndim;
    bool swap;    /* the other byte order than this machine's */
    bool fortran; /* the first axis is the innermost one */
    uint64_t shape[ORIEL_MAX_AXES];
};

enum { NPY_PREAMBLE = 12, NPY_WHY = 160 };

/* Of the first NPY_PREAMBLE bytes: where the header's text starts and how long it is. */
bool npy_preamble(const uint8_t *data, size_t *start, size_t *length, char why[NPY_WHY]);
/* The text: a Python dictionary with descr, fortran_order and shape. */
bool npy_parse(const char *text, struct npy_header *header, char why[NPY_WHY]);

#endif
