/* SPDX-License-Identifier: BSD-3-Clause */
/* What a comparison ran on. */
#ifndef AB_MACHINE_H
#define AB_MACHINE_H

#include <cjson/cJSON.h>

/* {"cpu", "cores", "memory_gib", "governor", "kernel", "system", "gpu", "oriel", "libavcodec"}:
 * texts and numbers, in the order in which they are shown. The caller deletes it. */
cJSON *machine_json(void);

#endif
