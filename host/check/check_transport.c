/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/check.h"

const struct check check_transport[1];
const size_t check_transport_count = 0;
