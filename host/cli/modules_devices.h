/* SPDX-License-Identifier: BSD-3-Clause */
/* The graphics devices, as `oriel modules` lists them. */
#ifndef CLI_MODULES_DEVICES_H
#define CLI_MODULES_DEVICES_H

#include <cjson/cJSON.h>
#include <stdio.h>

/* [{"index", "usable", "renderer" or "reason", "uuid"?, "cuda": {"device", "name"} or "no_cuda"}]
 */
cJSON *modules_devices(void);
void modules_devices_print(const cJSON *devices, FILE *out);

#endif
