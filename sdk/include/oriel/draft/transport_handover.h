/* SPDX-License-Identifier: BSD-3-Clause */
/* Draft interface "oriel.transport.handover/1" of a transport instance: leaving its addresses to
 * another one while it goes on with the connections it has. A draft may change with any release. */
#ifndef ORIEL_DRAFT_TRANSPORT_HANDOVER_H
#define ORIEL_DRAFT_TRANSPORT_HANDOVER_H

#include "oriel/abi.h"

#define ORIEL_TRANSPORT_HANDOVER_V1 "oriel.transport.handover/1"

struct oriel_transport_handover {
    uint32_t size;
    uint32_t reserved;
    /* Who has connected is taken in, nobody after that; on return another instance can listen at
     * the same addresses. Connections, their queues and requests under way go on until destroy().
     * IO where it still listens. [any-thread, one at a time] */
    oriel_result (*stop_listening)(void *self);
    /* After stop_listening: as before, at the same addresses; IO with the cause where somebody else
     * has them. [any-thread, one at a time] */
    oriel_result (*listen_again)(void *self);
};

#endif
