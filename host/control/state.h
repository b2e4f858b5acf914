/* SPDX-License-Identifier: BSD-3-Clause */
/* The scene over a restart: what the record, the history and the counters became in each turn of
 * the room goes to the journal, and comes back from it. docs/state.md. [control] */
#ifndef CONTROL_STATE_H
#define CONTROL_STATE_H

#include <stdint.h>

struct control;
struct state;

/* Stores what the turn changed. When this returns it may be told, unless the state directory
 * belongs to another process now: then nothing leaves any more. What could not be stored (a full
 * disk) is told all the same, and that it is not stored. */
void state_store(struct control *control, int64_t *deadline);
/* The thread has ended, or never began. */
void state_close(struct control *control);

#endif
