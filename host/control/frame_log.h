/* SPDX-License-Identifier: BSD-3-Clause */
/* debug.frame_dir: the frames of the state channels as they were sent, a line of JSON for each,
 * {"class":"classic"|"oriel","peer":"…","frame":{…}}, in a file of this server's own. For tests:
 * it grows without end. One thread. */
#ifndef CONTROL_FRAME_LOG_H
#define CONTROL_FRAME_LOG_H

#include "oriel/transport.h"
#include "scene/spec.h"

struct frame_log;

/* NULL when `folder` is "". The file comes with the first frame. */
struct frame_log *frame_log_create(const char *folder);
void frame_log_destroy(struct frame_log *log); /* NULL is fine */
/* Nothing when `log` is NULL. A file that cannot be written is said once. */
void frame_log_add(struct frame_log *log, enum spec_class class, const char *peer,
                   const struct oriel_message *message);

#endif
