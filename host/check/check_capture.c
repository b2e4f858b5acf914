/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/check.h"

const struct check check_capture[1];
const size_t check_capture_count = 0;
