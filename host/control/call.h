/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands, and calls of them. [control] */
#ifndef CONTROL_CALL_H
#define CONTROL_CALL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/session.h"
#include "control/surface.h"
#include "util/cancel.h"

struct call;
struct control;

/* command.c */
const char *const *command_names(void); /* NULL-terminated; the reference's three first */
/* Removed layers that cannot come back any more go, and their data with them. */
void removed_expire(struct control *control, int64_t now, int64_t *deadline);
/* The keys of layers that are gone for good. After what was cleared has been stored. */
void command_forget(struct control *control);
/* Runs the command, or answers why not. Takes `call`. */
void command_run(struct control *control, struct call *call, const char *name, const cJSON *kwargs);

/* call.c: a call from its arrival until its command is done with it. It is answered once: by the
 * command, or before that because it was cancelled or took too long. */
struct call {
    struct control *control;
    struct call *next;
    uint64_t number;
    char actor[64]; /* id of the session, or as surface.h says */
    enum access_role role;
    char view[SCENE_VIEW_ID]; /* when it was called */
    char *in_reply_to;        /* frame_id of a session's; NULL: of surface.h */
    char *key;                /* idempotency_key, or NULL */
    surface_done *done;
    void *data;
    int64_t due_ns;
    bool answered;
    struct cancel cancel; /* set when it was answered before its command was done with it */
};
void call_take(struct control *control, struct session *session, const cJSON *frame,
               int64_t received_ns);
void call_cancel_take(struct control *control, struct session *session, const cJSON *frame);
struct call *call_create(struct control *control, const struct actor *actor, uint64_t number,
                         int64_t timeout_ms);
/* Answers that the server stops if nothing has been answered. */
void call_finish(struct call *call);
void call_reply(struct control *control, struct call *call,
                cJSON *result); /* takes it; may be NULL */
void call_error(struct control *control, struct call *call, const char *code, const char *message,
                cJSON *details); /* takes details; may be NULL */
void call_cancel(struct control *control, uint64_t number);
/* The room stops: nobody waits for what is being done for calls. */
void call_stop(struct control *control);
void call_timers(struct control *control, int64_t now, int64_t *deadline);
/* The view that the caller looks at. */
struct view *call_view(struct control *control, const struct call *call);
/* Whose a change by this call is. */
void call_origin(const struct call *call, struct record_origin *origin);
/* Each takes `call` over. views.c */
void command_fork(struct control *control, struct call *call, const cJSON *kwargs);
void command_follow(struct control *control, struct call *call, const cJSON *kwargs);
/* command_data.c, command_open.c */
void command_probe(struct control *control, struct call *call, const cJSON *kwargs);
void command_range(struct control *control, struct call *call, const cJSON *kwargs, bool apply);
void command_add(struct control *control, struct call *call, const cJSON *kwargs);
void command_listdir(struct control *control, struct call *call, const cJSON *kwargs);
void command_load(struct control *control, struct call *call, const cJSON *kwargs);
/* command_scene.c */
void command_scene_save(struct control *control, struct call *call, const cJSON *kwargs);
void command_scene_list(struct control *control, struct call *call, const cJSON *kwargs);
void command_scene_load(struct control *control, struct call *call, const cJSON *kwargs);
void command_close(struct control *control, struct call *call, const cJSON *kwargs);
/* command_picture.c */
void command_screenshot(struct control *control, struct call *call, const cJSON *kwargs);
/* command_about.c */
void command_modules(struct control *control, struct call *call, const cJSON *kwargs);
void command_streams(struct control *control, struct call *call, const cJSON *kwargs);
void command_describe(struct control *control, struct call *call, const cJSON *kwargs);
/* command_modules.c */
void command_swap(struct control *control, struct call *call, const cJSON *kwargs);
void command_reload(struct control *control, struct call *call, const cJSON *kwargs);
void command_experiments(struct control *control, struct call *call, const cJSON *kwargs);
void command_experiment_start(struct control *control, struct call *call, const cJSON *kwargs);
void command_experiment_stop(struct control *control, struct call *call, const cJSON *kwargs);
/* Says no, and is done with the call. Takes details. */
void command_refuse(struct control *control, struct call *call, const char *code,
                    const char *message, cJSON *details);
/* Faults of data that is not shown any more. */
void notice_clear_data(struct control *control);

#endif
