/* SPDX-License-Identifier: BSD-3-Clause */
/* What leaves the control room: frames, answers and closed connections, in their order. Where the
 * scene is kept in a state directory they wait until the batch of messages that they belong to is
 * stored. [control] */
#ifndef CONTROL_OUTBOX_H
#define CONTROL_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/surface.h"

struct frame_log;
struct oriel_buffer;
struct outbox;
struct session;

struct outbox *outbox_create(struct frame_log *frames); /* which may be NULL, and is borrowed */
void outbox_destroy(struct outbox *outbox);             /* NULL is fine */
/* Whether what is added waits for outbox_flush. It does not at first. */
void outbox_wait(struct outbox *outbox, bool waits);
void outbox_flush(struct outbox *outbox);
/* Frames are forgotten, calls answered with command.cancelled, connections closed. */
void outbox_drop(struct outbox *outbox);

/* The head is copied; a reference to the tail is taken. */
void outbox_send(struct outbox *outbox, const struct session *session, const char *head,
                 size_t head_bytes, const struct oriel_buffer *tail);
void outbox_close(struct outbox *outbox, const struct session *session, uint32_t code,
                  const char *reason);
void outbox_answer(struct outbox *outbox, surface_done *done, void *data,
                   const struct surface_answer *answer);

#endif
