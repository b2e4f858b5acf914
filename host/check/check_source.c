/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/check.h"

const struct check check_source[1];
const size_t check_source_count = 0;
