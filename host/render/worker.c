/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/worker_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

/* Handing over data may delay a picture by this much. */
#define UPLOAD_NS (4 * NS_PER_MS)
/* While captures are under way they are asked for this often. */
#define POLL_NS (NS_PER_MS / 2)
/* A costly picture at rest is not drawn again for every piece of data: at most this share of the time
 * goes into such pictures. */
#define REST_PAUSE 2

void worker_notice(struct worker *worker, enum render_notice_kind kind, const char *text)
{
    struct render_notice notice = {.kind = kind};
    snprintf(notice.text, sizeof notice.text, "%s", text);
    if (worker->setup.events.notice)
        worker->setup.events.notice(worker->setup.events.data, &notice);
}

bool worker_interrupted(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    bool interrupted = worker->quit || worker->mailbox;
    pthread_mutex_unlock(&worker->mutex);
    return interrupted;
}

static void plan(struct worker *worker, bool resting)
{
    int64_t begin = clock_ns();
    worker->dirty |= view_plan(worker->view, worker->snapshot, resting, begin);
    worker->rest_planned = resting;
    stats_stage(worker->setup.stats, STAGE_PLAN, clock_ns() - begin);
}

static bool apply(struct worker *worker)
{
    int64_t begin = clock_ns();
    const struct oriel_snapshot *scene = &worker->snapshot->scene;
    if (!stage_resize(worker, scene->width, scene->height))
        return false;
    oriel_result result = worker->scene->apply(worker->scene_self, scene);
    stats_stage(worker->setup.stats, STAGE_APPLY, clock_ns() - begin);
    return stage_check(worker, result, "apply", false);
}

static void accept(struct worker *worker, struct scene_snapshot *snapshot)
{
    struct scene_snapshot *old = worker->snapshot;
    bool same = old && old->scene.revision == snapshot->scene.revision;
    worker->snapshot = snapshot;
    worker->dirty |= !same;
    if (!same)
        worker->moved_ns = clock_ns();
    worker->rest_planned = false;
    if (worker->staged && apply(worker))
        plan(worker, worker->still_now);
    scene_snapshot_unref(old); /* the module had its layers until apply() */
}

static void restage(struct worker *worker)
{
    struct error err;
    if (!stage_open(worker, &err)) {
        stage_fault(worker, err.text);
        return;
    }
    worker_notice(worker, RENDER_NOTICE_READY, egl_host_gl(worker->egl)->renderer);
    worker->dirty = true;
    if (worker->snapshot && apply(worker))
        plan(worker, false);
}

static void answer_still(struct worker *worker)
{
    struct view_status status;
    view_get_status(worker->view, &status);
    if (!worker->still_now || !status.failed)
        return;
    pthread_mutex_lock(&worker->mutex);
    error_set(&worker->still_error, "%s", view_failure(worker->view));
    pthread_cond_broadcast(&worker->answer);
    pthread_mutex_unlock(&worker->mutex);
}

/* The time from which the next picture may be drawn; INT64_MAX: none is due. */
static int64_t picture_due(struct worker *worker, bool resting, int64_t now)
{
    if (worker->still_now) {
        struct view_status status;
        view_get_status(worker->view, &status);
        return status.coverage >= 1 && status.settled && (worker->dirty || worker->refine) ? now
                                                                                           : INT64_MAX;
    }
    int64_t paced = worker->begin_ns + worker->setup.frame_ns;
    if (worker->setup.animate)
        return paced;
    if (worker->dirty) {
        bool costly = worker->snapshot->scene.ndisplay == 3 && resting && worker->end_ns > worker->moved_ns;
        int64_t pause = costly ? (worker->end_ns - worker->begin_ns) * REST_PAUSE : 0;
        return worker->end_ns + pause > paced && pause ? worker->end_ns + pause : paced;
    }
    if (worker->refine)
        return worker->moved_ns + worker->setup.settle_ns > paced
                   ? worker->moved_ns + worker->setup.settle_ns
                   : paced;
    return INT64_MAX;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Does what can be done now; returns when there may be more to do. */
static int64_t work(struct worker *worker)
{
    if (!worker->staged) {
        if (clock_ns() < worker->restage_ns)
            return worker->restage_ns;
        restage(worker);
        return 0;
    }
    draw_collect_time(worker);
    int64_t deadline = INT64_MAX, now = clock_ns();
    bool news, wanted = taps_wanted(worker->setup.taps, &news);
    worker->dirty |= news;
    struct error err;
    if (!wanted)
        taps_prepare(worker->setup.taps, 0, 0, &err); /* instances that nobody needs go */
    if (!worker->snapshot)
        return INT64_MAX;

    int64_t rest_ns = worker->moved_ns + worker->setup.settle_ns;
    bool resting = worker->still_now || now >= rest_ns;
    if (view_stale(worker->view) || (resting && !worker->rest_planned))
        plan(worker, resting);
    if (!resting)
        deadline = rest_ns;

    bool more, changed;
    oriel_result result = view_upload(worker->view, now, now + UPLOAD_NS, &more, &changed);
    int64_t uploaded = clock_ns();
    if (uploaded - now > NS_PER_MS / 10)
        stats_stage(worker->setup.stats, STAGE_UPLOAD, uploaded - now);
    worker->dirty |= changed;
    if (!stage_check(worker, result, "upload", false))
        return 0;
    answer_still(worker);

    now = uploaded;
    int64_t due = wanted ? picture_due(worker, resting, now) : INT64_MAX;
    if (due <= now) {
        if (draw_picture(worker, !resting) != DRAWN)
            return 0; /* still dirty: what interrupted it comes first */
        worker->dirty = false;
        stats_loader(worker->setup.stats, worker->setup.loader);
        due = picture_due(worker, resting, clock_ns());
    }
    if (worker->owed && wanted && clock_ns() >= worker->end_ns + worker->setup.frame_ns) {
        struct oriel_target target = {.size = sizeof target,
                                      .framebuffer = worker->target.framebuffer,
                                      .texture = worker->target.texture,
                                      .width = worker->target.width,
                                      .height = worker->target.height};
        result = taps_grab(worker->setup.taps, &target, &worker->stamp, true, &worker->owed);
        worker->in_flight = true;
        worker->end_ns = clock_ns();
        if (!stage_check(worker, result, "grab", true))
            return 0;
    }
    if (worker->in_flight)
        worker->in_flight = taps_poll(worker->setup.taps, false);

    if (more || view_stale(worker->view))
        return 0;
    deadline = earlier(deadline, view_deadline(worker->view, now));
    if (wanted)
        deadline = earlier(deadline, due);
    if (worker->owed)
        deadline = earlier(deadline, worker->end_ns + worker->setup.frame_ns);
    if (worker->in_flight || worker->measuring)
        deadline = earlier(deadline, clock_ns() + POLL_NS);
    return deadline;
}

static void *run(void *data)
{
    struct worker *worker = data;
    struct error err = {""};
    bool started = stage_open(worker, &err);
    if (started) {
        snprintf(worker->renderer, sizeof worker->renderer, "%s", egl_host_gl(worker->egl)->renderer);
        snprintf(worker->scene_module, sizeof worker->scene_module, "%s", worker->scene_use.module->id);
    }
    pthread_mutex_lock(&worker->mutex);
    worker->started = true;
    worker->start_failed = !started;
    worker->start_error = err;
    pthread_cond_broadcast(&worker->answer);

    pthread_mutex_unlock(&worker->mutex);
    if (started)
        worker_notice(worker, RENDER_NOTICE_READY, worker->renderer);
    pthread_mutex_lock(&worker->mutex);

    int64_t deadline = 0;
    while (started && !worker->quit) {
        while (!worker->quit && !worker->mailbox && !worker->woken && clock_ns() < deadline)
            cond_wait_until(&worker->wake, &worker->mutex, deadline);
        struct scene_snapshot *snapshot = worker->mailbox;
        bool quit = worker->quit;
        worker->mailbox = NULL;
        worker->woken = false;
        worker->still_now = worker->still;
        pthread_mutex_unlock(&worker->mutex);
        if (snapshot)
            accept(worker, snapshot);
        if (!quit)
            deadline = work(worker);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    if (worker->staged)
        stage_close(worker);
    return NULL;
}

struct worker *worker_create(const struct worker_setup *setup, struct error *err)
{
    struct worker *worker = xcalloc(1, sizeof *worker);
    worker->setup = *setup;
    worker->created_ns = clock_ns();
    worker->view = view_create(setup->loader, &setup->policy, &setup->events);
    pthread_mutex_init(&worker->mutex, NULL);
    cond_init(&worker->wake);
    cond_init(&worker->answer);
    if (!thread_start(&worker->thread, "oriel-render", run, worker)) {
        error_set(err, "cannot start the render thread");
        view_destroy(worker->view);
        free(worker);
        return NULL;
    }
    pthread_mutex_lock(&worker->mutex);
    while (!worker->started)
        pthread_cond_wait(&worker->answer, &worker->mutex);
    bool failed = worker->start_failed;
    if (failed && err)
        *err = worker->start_error;
    pthread_mutex_unlock(&worker->mutex);
    if (!failed)
        return worker;
    worker_destroy(worker);
    return NULL;
}

void worker_destroy(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->quit = true;
    pthread_cond_broadcast(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    view_destroy(worker->view);
    scene_snapshot_unref(worker->snapshot);
    scene_snapshot_unref(worker->mailbox);
    pthread_cond_destroy(&worker->answer);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->mutex);
    free(worker);
}

void worker_post(struct worker *worker, struct scene_snapshot *snapshot)
{
    scene_snapshot_ref(snapshot);
    pthread_mutex_lock(&worker->mutex);
    struct scene_snapshot *old = worker->mailbox;
    worker->mailbox = snapshot;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    scene_snapshot_unref(old);
}

void worker_wake(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->woken = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
}

void worker_still_begin(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->still = true;
    worker->still_done = false;
    worker->still_error.text[0] = '\0';
    pthread_mutex_unlock(&worker->mutex);
}

void worker_still_done(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->still_done = true;
    pthread_cond_broadcast(&worker->answer);
    pthread_mutex_unlock(&worker->mutex);
}

bool worker_still_wait(struct worker *worker, struct error *err)
{
    pthread_mutex_lock(&worker->mutex);
    while (!worker->still_done && !*worker->still_error.text)
        pthread_cond_wait(&worker->answer, &worker->mutex);
    bool done = worker->still_done;
    if (!done && err)
        *err = worker->still_error;
    pthread_mutex_unlock(&worker->mutex);
    return done;
}

void worker_still_end(struct worker *worker)
{
    pthread_mutex_lock(&worker->mutex);
    worker->still = false;
    pthread_mutex_unlock(&worker->mutex);
}

const char *worker_renderer(const struct worker *worker)
{
    return worker->renderer;
}

const char *worker_scene_module(const struct worker *worker)
{
    return worker->scene_module;
}
