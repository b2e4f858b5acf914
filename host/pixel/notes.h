/* SPDX-License-Identifier: BSD-3-Clause */
/* What control has told about revisions: the pose each shows, and which of a session's poses are in
 * it. Safe on any thread. */
#ifndef PIXEL_NOTES_H
#define PIXEL_NOTES_H

#include <stdint.h>

#include "pixel/stream.h"

struct notes;

struct notes *notes_create(void);
void notes_destroy(struct notes *notes); /* NULL is fine */

void notes_pose(struct notes *notes, uint64_t revision, const struct pixel_pose *pose);
/* The pose of the newest noted revision that is not after `revision`; the oldest kept where all
 * are, zeros where there is none. */
struct pixel_pose notes_find_pose(struct notes *notes, uint64_t revision);

void notes_intent(struct notes *notes, const char *session, uint64_t rev, uint64_t revision);
/* The newest rev of the session that `revision` shows; 0: none. */
uint64_t notes_find_intent(struct notes *notes, const char *session, uint64_t revision);
void notes_forget(struct notes *notes, const char *session);

#endif
