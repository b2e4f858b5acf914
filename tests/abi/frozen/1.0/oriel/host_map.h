/* SPDX-License-Identifier: BSD-3-Clause */
/* Optional host interface "oriel.host.map/1": the planes of any frame as CPU memory, for modules
 * that look at pixels only now and then. */
#ifndef ORIEL_HOST_MAP_H
#define ORIEL_HOST_MAP_H

#include "oriel/module.h"

#define ORIEL_HOST_MAP_V1 "oriel.host.map/1"

struct oriel_host_map {
    uint32_t size;
    uint32_t reserved;
    /* Fills `planes` (ORIEL_MAX_PLANES of them) with addresses that are readable until unmap. The
     * frame is held meanwhile. `offset` is 0 then, unused planes are all 0, and rows stand as the
     * frame's flags say. UNSUPPORTED for domains this host cannot read. [any-thread] */
    oriel_result (*map)(const struct oriel_host *host, const struct oriel_frame *frame,
                        struct oriel_plane *planes);
    void (*unmap)(const struct oriel_host *host, const struct oriel_frame *frame);
};

#endif
