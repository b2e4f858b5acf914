/* SPDX-License-Identifier: BSD-3-Clause */
/* Views: the shared one, and forks of it that belong to one session each. The rooms of a fork are
 * made and ended on the worker, since both take their time; until they have ended its name is not
 * given away again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "scene/json.h"
#include "util/check.h"
#include "util/log.h"

void view_init(struct view *view, const char *id)
{
    *view = (struct view){.due_ns = INT64_MAX, .play.next_ns = INT64_MAX};
    snprintf(view->id, sizeof view->id, "%s", id);
    view->faults = cJSON_CreateArray();
}

void view_finish(struct view *view)
{
    while (view->layers) {
        struct view_layer *next = view->layers->next;
        free(view->layers);
        view->layers = next;
    }
    cJSON_Delete(view->faults);
    free(view->last_dims);
    free(view->last_status);
}

struct view *view_find(struct control *control, const char *id)
{
    struct view *view = &control->main;
    while (view && strcmp(view->id, id) != 0)
        view = view->next;
    return view;
}

static void unlink_from(struct view **list, const struct view *view)
{
    while (*list != view)
        list = &(*list)->next;
    *list = view->next;
}

/* --- the end of a view --- */

struct end_job {
    struct job job;
    struct control *control;
    struct view *view;
};

static void forget(struct control *control, struct view *view)
{
    unlink_from(&control->aside, view);
    view_finish(view);
    free(view);
}

static void end_run(struct job *job)
{
    struct end_job *self = (struct end_job *)job;
    const struct control_rooms *rooms = &self->control->rooms;
    routes_wait(self->control->routes, self->view->id);
    rooms->close_view(rooms->data, self->view->id);
    self->view->render = NULL;
}

static void end_drop(struct job *job)
{
    struct end_job *self = (struct end_job *)job;
    if (self->view->render)
        end_run(job);
    forget(self->control, self->view);
    free(self);
}

static void end_done(struct control *control, struct job *job)
{
    (void)control;
    end_drop(job);
}

/* Of a view whose rooms work and that is in no list. */
static void end(struct control *control, struct view *view)
{
    view->ending = true;
    view->next = control->aside;
    control->aside = view;
    routes_remove_view(control->routes, view->id);
    struct end_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = end_run, .done = end_done, .drop = end_drop, .kind = JOB_VIEW};
    self->control = control;
    self->view = view;
    if (control->started)
        worker_add(control->worker, &self->job);
    else
        end_drop(&self->job);
}

void view_follow(struct control *control, struct session *session)
{
    struct view *fork = session->view;
    if (fork == &control->main)
        return;
    session->view = &control->main;
    routes_set_session(control->routes, session->id, SCENE_MAIN);
    if (session->rev && control->main.stream)
        stream_note_intent(control->main.stream, session->id, session->rev,
                           record_revision(control->scene->record));
    log_info(LOG_CONTROL, "view %s of %s ends", fork->id, session->peer);
    unlink_from(&control->main.next, fork);
    notice_view_ends(control, fork);
    scene_view_remove(control->scene, fork->id, NULL);
    end(control, fork);
    session_fit_canvas(control, &control->main, session->id);
}

void views_start(struct control *control)
{
    const char *id;
    for (size_t i = 0; (id = scene_view_id(control->scene, i));) {
        char gone[SCENE_VIEW_ID];
        snprintf(gone, sizeof gone, "%s", id);
        if (strcmp(gone, SCENE_MAIN) == 0)
            i++;
        else
            scene_view_remove(control->scene, gone, NULL);
    }
}

void views_stop(struct control *control)
{
    for (struct session *s = control->sessions; s; s = s->next)
        s->view = &control->main;
    while (control->main.next) {
        struct view *view = control->main.next;
        control->main.next = view->next;
        end(control, view);
    }
}

/* --- its beginning --- */

struct fork_job {
    struct job job;
    struct control *control;
    struct call *call;
    struct view *view; /* in control->aside; NULL: it is shown now, or ends */
    struct error err;
};

static void fork_run(struct job *job)
{
    struct fork_job *self = (struct fork_job *)job;
    struct view *view = self->view;
    const struct control_rooms *rooms = &self->control->rooms;
    struct render *render;
    struct stream *stream;
    if (!rooms->open_view(rooms->data, view->id, &render, &stream, &self->err))
        return;
    view->render = render;
    view->stream = stream;
}

static void fork_drop(struct job *job)
{
    struct fork_job *self = (struct fork_job *)job;
    struct view *view = self->view;
    if (view && view->render) {
        unlink_from(&self->control->aside, view);
        end(self->control, view);
    } else if (view) {
        forget(self->control, view);
    }
    call_finish(self->call);
    free(self);
}

/* The session looks at its own view from now on, which begins as what it has seen. */
static void enter(struct control *control, struct session *session, struct view *view,
                  const struct record_origin *origin)
{
    unlink_from(&control->aside, view);
    view->next = control->main.next;
    control->main.next = view;
    scene_view_fork(control->scene, SCENE_MAIN, view->id, origin);
    session->view = view;
    session_fit_canvas(control, view, session->id);
    session_fit_canvas(control, &control->main, session->id);
    routes_add_view(control->routes, view->id, view->stream);
    routes_set_session(control->routes, session->id, view->id);
    if (control->main.stream)
        stream_session_closed(control->main.stream, session->id);
    uint64_t revision = record_revision(control->scene->record);
    if (session->rev)
        stream_note_intent(view->stream, session->id, session->rev, revision);
    view->told_dims = view->told_pose = revision;
    play_changed(control, view, origin->received_ns);
    notice_view_begins(control, view);
    log_info(LOG_CONTROL, "%s has a view of its own, %s", session->peer, view->id);
}

static void reply_view(struct control *control, struct call *call, const struct view *view)
{
    cJSON *result = cJSON_CreateObject();
    json_put_string(result, "view", view->id);
    call_reply(control, call, result);
}

static void fork_done(struct control *control, struct job *job)
{
    struct fork_job *self = (struct fork_job *)job;
    struct session *session = session_find(control, self->call->actor);
    if (!self->view->render) {
        log_warn(LOG_CONTROL, "no view of its own: %s", self->err.text);
        call_error(control, self->call, "view.failed", self->err.text, NULL);
    } else if (session && session->view != &control->main) {
        reply_view(control, self->call, session->view); /* it asked twice */
    } else if (session && !self->call->answered) {
        struct record_origin origin;
        call_origin(self->call, &origin);
        enter(control, session, self->view, &origin);
        self->view = NULL;
        reply_view(control, self->call, session->view);
        notify_view_entered(control, session);
    }
    fork_drop(job);
}

/* The lowest free name. */
static void name_view(struct control *control, char id[SCENE_VIEW_ID])
{
    bool taken = true;
    for (unsigned n = 1; taken; n++) {
        snprintf(id, SCENE_VIEW_ID, "v%u", n);
        taken = view_find(control, id);
        for (const struct view *v = control->aside; v && !taken; v = v->next)
            taken = strcmp(v->id, id) == 0;
    }
}

/* False when there may be no more; `text` says so. */
static bool room_for_one(const struct control *control, char *text, size_t size)
{
    int64_t most = config_int(control->config, "view.forks"), open = 0;
    for (const struct view *v = control->main.next; v; v = v->next)
        open++;
    for (const struct view *v = control->aside; v; v = v->next)
        open++;
    if (most == 0 || !control->rooms.open_view)
        snprintf(text, size, "every page shows the shared view here (view.forks is 0)");
    else if (open == 1)
        snprintf(text, size,
                 "1 view of its own is open already, or is just ending, which is the most here "
                 "(view.forks); it ends when its page follows the shared view or closes");
    else
        snprintf(text, size,
                 "%d views of their own are open already, or are just ending, which is the most "
                 "here (view.forks); one ends when its page follows the shared view or closes",
                 (int)open);
    return control->rooms.open_view && open < most;
}

/* The session that calls, if it can have a view of its own; else NULL, and the call is done with.
 */
static struct session *viewing(struct control *control, struct call *call)
{
    struct session *session = session_find(control, call->actor);
    if (session && session->class == SPEC_ORIEL)
        return session;
    call_error(control, call, "command.forbidden",
               "views are for sessions that say \"oriel\" in their hello; this is none", NULL);
    call_finish(call);
    return NULL;
}

void command_fork(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    char text[200];
    struct session *session = viewing(control, call);
    if (!session)
        return;
    if (session->view != &control->main) {
        reply_view(control, call, session->view);
        call_finish(call);
        return;
    }
    if (!room_for_one(control, text, sizeof text)) {
        call_error(control, call, "view.limit", text, NULL);
        call_finish(call);
        return;
    }
    char id[SCENE_VIEW_ID];
    name_view(control, id);
    struct fork_job *self = xcalloc(1, sizeof *self);
    self->job = (struct job){.run = fork_run,
                             .done = fork_done,
                             .drop = fork_drop,
                             .kind = JOB_VIEW,
                             .cancel = &call->cancel};
    self->control = control;
    self->call = call;
    self->view = xcalloc(1, sizeof *self->view);
    view_init(self->view, id);
    self->view->next = control->aside;
    control->aside = self->view;
    worker_add(control->worker, &self->job);
}

void command_follow(struct control *control, struct call *call, const cJSON *kwargs)
{
    (void)kwargs;
    struct session *session = viewing(control, call);
    if (!session)
        return;
    bool had = session->view != &control->main;
    view_follow(control, session);
    reply_view(control, call, session->view);
    if (had)
        notify_view_entered(control, session);
    call_finish(call);
}
