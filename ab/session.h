/* SPDX-License-Identifier: BSD-3-Clause */
/* The host's scene with one client inside the process, step by step: what the client says has been
 * done when the call returns. The same control, render and capture as `oriel serve`. */
#ifndef AB_SESSION_H
#define AB_SESSION_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "ab/record.h"
#include "oriel/frame.h"

struct session;

struct session *session_create(const struct config *config, const struct record_request *request,
                               struct error *err);
void session_destroy(struct session *session); /* NULL is fine */

/* {"scope","target","key","value"} as the payload of state.update; {"command","kwargs"} as that of
 * call.command. False with what the server says. */
bool session_update(struct session *session, const cJSON *update, struct error *err);
bool session_call(struct session *session, const cJSON *call, struct error *err);
/* The payload of notify.view for the scene as it is now; the session's. The server sends few of
 * them while the camera moves, so that this may wait. NULL with the reason. */
const cJSON *session_view(struct session *session, struct error *err);
uint64_t session_revision(const struct session *session); /* of the scene */

/* A complete picture of the scene as it is now, as tightly packed samples; the format is what was
 * asked for. Waits until everything is loaded. */
bool session_picture(struct session *session, uint8_t *packed, struct oriel_stamp *stamp,
                     struct error *err);
const struct oriel_format *session_format(const struct session *session);
/* "capture/gl", "llvmpipe …" */
const char *session_capture(const struct session *session);
const char *session_renderer(const struct session *session);

#endif
