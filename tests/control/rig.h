/* SPDX-License-Identifier: BSD-3-Clause */
/* A control room with a transport, a render room and a pixel room made of lists. */
#ifndef CONTROL_RIG_H
#define CONTROL_RIG_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "control/control.h"

struct rig;

/* `sets`: NULL-terminated "--set" values. `data`: what is opened, a scene when
 * it is a .json, or NULL; with a state.dir that has a scene of it, that. */
struct rig *rig_create(const char *const *sets, const char *data);
void rig_destroy(struct rig *rig);
struct control *rig_control(struct rig *rig);

uint64_t rig_connect(struct rig *rig);
void rig_send(struct rig *rig, uint64_t conn, const char *text);
void rig_send_bytes(struct rig *rig, uint64_t conn, const void *data, size_t bytes);
/* Connects and says hello: the reference's client's, or an Oriel one. */
uint64_t rig_hello(struct rig *rig, bool oriel);
/* The same with the token of the request ("": none) and JSON text as payload.auth (NULL: none). */
uint64_t rig_hello_as(struct rig *rig, bool oriel, const char *token, const char *auth);
/* state.update with JSON text as value; returns the intent's number. */
unsigned rig_update(struct rig *rig, uint64_t conn, const char *scope, const char *target,
                    const char *key, const char *value);
/* call.command with JSON text as kwargs. */
void rig_call(struct rig *rig, uint64_t conn, const char *command, const char *kwargs);

/* The next frame of a connection, whatever it is; NULL when none comes within `ms`. Caller deletes.
 */
cJSON *rig_next(struct rig *rig, uint64_t conn, int ms);
/* The next frame of a type, skipping others; fails the test when none comes. */
cJSON *rig_expect(struct rig *rig, uint64_t conn, const char *type);
/* Fails when a frame of the type comes within `ms`. */
void rig_expect_none(struct rig *rig, uint64_t conn, const char *type, int ms);
void rig_drain(struct rig *rig, uint64_t conn);
/* The close code, after waiting for it; 0: still open after `ms`. */
uint32_t rig_close_code(struct rig *rig, uint64_t conn, int ms);
/* Frames reach the test as ever, but for the control room they wait; some of that has left. */
void rig_hold(struct rig *rig, uint64_t conn);
void rig_let(struct rig *rig, uint64_t conn, uint64_t bytes);
/* "a/b/0/c" below a frame's payload; NULL when absent. */
const cJSON *rig_at(const cJSON *frame, const char *path);

/* What the render room was given last: a reference for the caller, NULL before the first. */
struct scene_snapshot *rig_posted(struct rig *rig);
/* Waits until the posted revision is at least this. */
struct scene_snapshot *rig_wait_posted(struct rig *rig, uint64_t revision);
/* The same for the room of another view. */
struct scene_snapshot *rig_wait_posted_at(const char *view, uint64_t revision);
/* How often it was given one. */
unsigned rig_posts(const char *view);
/* Views of sessions' own: from now on there can be none, and why (NULL: there can); making one
 * waits; waits until so many are open. */
void rig_refuse_views(const char *why);
void rig_hold_views(bool hold);
bool rig_wait_views(int count);
/* Ending one waits. */
void rig_hold_ends(bool hold);
/* Screenshots wait, until they are cancelled or not held any more; how many do, and how many
 * thumbnails have been made. */
void rig_hold_pictures(bool hold);
int rig_pictures(void);
int rig_thumbnails(void);
struct stream *rig_stream(const char *view);
int rig_key_requests(void);
/* The newest stream_note_intent. */
void rig_intent(uint64_t *rev, uint64_t *revision);

#endif
