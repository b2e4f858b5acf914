/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/check.h"

const struct check check_scene[1];
const size_t check_scene_count = 0;
