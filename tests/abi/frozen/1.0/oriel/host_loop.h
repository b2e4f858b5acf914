/* SPDX-License-Identifier: BSD-3-Clause */
/* Optional host interface "oriel.host.loop/1": work to be done later, for modules without a thread
 * of their own. */
#ifndef ORIEL_HOST_LOOP_H
#define ORIEL_HOST_LOOP_H

#include "oriel/module.h"

#define ORIEL_HOST_LOOP_V1 "oriel.host.loop/1"

struct oriel_host_loop {
    uint32_t size;
    uint32_t reserved;
    /* Calls `run(data)` once on the host's control thread, after `delay_ns`. It has to return
     * within a millisecond. What still waits when the host stops is called then, early, so that
     * `data` is always given back; from there on the answer is CANCELLED. [any-thread] */
    oriel_result (*defer)(const struct oriel_host *host, int64_t delay_ns, void (*run)(void *data),
                          void *data);
};

#endif
