/* SPDX-License-Identifier: BSD-3-Clause */
/* The test of every kind that its options are set at random. */
#ifndef CHECK_FUZZ_H
#define CHECK_FUZZ_H

#include "check/check.h"

#define FUZZ_WANTS                                                                                 \
    "Any values of the options are taken, or refused with a text; --seed N plays a round again."

void fuzz_options(struct check_run *run);

#endif
