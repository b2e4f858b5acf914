/* SPDX-License-Identifier: BSD-3-Clause */
/* What the render thread does in a turn, and what others ask of it. */
#include "render/painter_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "module/call.h"
#include "util/cancel.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/thread.h"

/* How long the thread stays awake for a snapshot whose input is being taken in, which takes about
 * 0.05 ms; to wake it up afterwards would take as long again. */
#define EXPECT_NS (NS_PER_MS / 5)
/* Handing over data may delay a picture by this much. */
#define UPLOAD_NS (4 * NS_PER_MS)
/* Captures under way are waited for at first, so long at a time: input that comes meanwhile waits
 * no longer than that. Later they are asked for again after a share of the time they have taken,
 * within these bounds. */
#define WAIT_US 100
#define AWAIT_NS (2 * NS_PER_MS)
#define POLL_SHARE 16
#define POLL_LEAST_NS (NS_PER_MS / 25)
#define POLL_MOST_NS (NS_PER_MS / 2)
/* A costly picture at rest is not drawn again for every piece of data: at most this share of the
 * time goes into such pictures. */
#define REST_PAUSE 2

void painter_notice(struct painter *painter, enum render_notice_kind kind, const char *text)
{
    struct render_notice notice = {.kind = kind};
    snprintf(notice.text, sizeof notice.text, "%s", text);
    if (painter->setup.events.notice)
        painter->setup.events.notice(painter->setup.events.data, &notice);
}

bool painter_interrupted(struct painter *painter)
{
    pthread_mutex_lock(&painter->mutex);
    bool interrupted = painter->quit || painter->mailbox;
    pthread_mutex_unlock(&painter->mutex);
    return interrupted;
}

static void plan(struct painter *painter, bool resting)
{
    int64_t begin = clock_ns();
    painter->dirty |= view_plan(painter->view, painter->snapshot, resting, begin);
    painter->rest_planned = resting;
    stats_stage(painter->setup.stats, STAGE_PLAN, clock_ns() - begin);
}

static bool apply(struct painter *painter)
{
    int64_t begin = clock_ns();
    const struct oriel_snapshot *scene = &painter->snapshot->scene;
    if (!stage_resize(painter, scene->width, scene->height))
        return false;
    oriel_result result = MODULE_CALL(&painter->scene_use, "apply",
                                      painter->scene->apply(painter->scene_self, scene));
    stats_stage(painter->setup.stats, STAGE_APPLY, clock_ns() - begin);
    return stage_check(painter, result, "apply", false);
}

/* As the scene says, or with all that its canvas shows on one of another size. */
static struct shown *shown_create(const struct painter_setup *setup, struct scene_snapshot *source)
{
    struct shown *shown = xcalloc(1, sizeof *shown);
    shown->source = source;
    shown->snapshot = *source;
    struct oriel_snapshot *scene = &shown->snapshot.scene;
    if (setup->width && setup->height && scene->width && scene->height) {
        double across = (double)setup->width / scene->width;
        double down = (double)setup->height / scene->height;
        scene->camera.zoom *= across < down ? across : down;
        scene->width = setup->width;
        scene->height = setup->height;
    }
    return shown;
}

void shown_destroy(struct shown *shown)
{
    if (shown)
        scene_snapshot_unref(shown->source);
    free(shown);
}

void painter_accept(struct painter *painter, struct scene_snapshot *snapshot)
{
    struct shown *old = painter->shown;
    bool same = old && old->snapshot.scene.revision == snapshot->scene.revision;
    shown_destroy(painter->former);
    painter->former = old; /* the module has its layers until apply() */
    painter->shown = shown_create(&painter->setup, snapshot);
    painter->snapshot = &painter->shown->snapshot;
    painter->dirty |= !same;
    if (!same)
        painter->moved_ns = clock_ns();
    painter->rest_planned = false;
    if (painter->staged && apply(painter))
        plan(painter, painter->still_now);
    heir_accept(painter);
    painter->former = NULL;
    shown_destroy(old);
}

static void restage(struct painter *painter)
{
    struct error err;
    if (!stage_open(painter, &err)) {
        stage_forgive(painter);
        stage_fault(painter, err.text);
        return;
    }
    painter->dirty = true;
    if (painter->snapshot) {
        if (!apply(painter))
            return;
        plan(painter, false);
    }
    painter_notice(painter, RENDER_NOTICE_READY, egl_host_gl(painter->egl)->renderer);
}

static void answer_still(struct painter *painter)
{
    struct view_status status;
    view_get_status(painter->view, &status);
    if (!painter->still_now || !status.failed)
        return;
    pthread_mutex_lock(&painter->mutex);
    error_set(&painter->still_error, "%s", view_failure(painter->view));
    pthread_cond_broadcast(&painter->answer);
    pthread_mutex_unlock(&painter->mutex);
}

/* The time from which the next picture may be drawn; INT64_MAX: none is due. */
static int64_t picture_due(struct painter *painter, bool resting, int64_t now)
{
    if (painter->still_now) {
        struct view_status status;
        view_get_status(painter->view, &status);
        return status.coverage >= 1 && status.settled && (painter->dirty || painter->refine)
                   ? now
                   : INT64_MAX;
    }
    /* Turns are frame_ns apart on average. One may be taken as early as the one before it was late:
     * else inputs that come exactly at the rate would all wait as long as the unluckiest did. */
    int64_t paced = painter->slot_ns;
    if (painter->setup.animate)
        return paced;
    if (painter->dirty) {
        bool costly = painter->snapshot->scene.ndisplay == 3 && resting &&
                      painter->end_ns > painter->moved_ns;
        int64_t pause = costly ? (painter->end_ns - painter->begin_ns) * REST_PAUSE : 0;
        return painter->end_ns + pause > paced && pause ? painter->end_ns + pause : paced;
    }
    if (painter->refine)
        return painter->moved_ns + painter->setup.settle_ns > paced
                   ? painter->moved_ns + painter->setup.settle_ns
                   : paced;
    return INT64_MAX;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_poll(const struct painter *painter, int64_t now)
{
    int64_t pause = painter->in_flight ? (now - painter->end_ns) / POLL_SHARE : POLL_MOST_NS;
    if (pause < POLL_LEAST_NS)
        pause = POLL_LEAST_NS;
    return now + (pause < POLL_MOST_NS ? pause : POLL_MOST_NS);
}

/* False: that went wrong, and everything begins anew. */
static bool poll_captures(struct painter *painter, uint32_t wait_us)
{
    oriel_result result = taps_poll(painter->setup.taps, wait_us, &painter->in_flight);
    return stage_check(painter, result, "poll", true);
}

/* Does what can be done now; returns when there may be more to do. */
int64_t painter_work(struct painter *painter)
{
    if (!painter->staged) {
        if (clock_ns() < painter->restage_ns)
            return painter->restage_ns;
        restage(painter);
        return 0;
    }
    draw_collect_time(painter);
    int64_t deadline = INT64_MAX, now = clock_ns();
    bool news, wanted = taps_wanted(painter->setup.taps, &news);
    painter->dirty |= news;
    struct error err;
    if (!wanted) { /* instances that nobody needs go */
        taps_prepare(painter->setup.taps, 0, 0, &err);
        painter->owed = false;
    }
    int64_t heir_ns = heir_work(painter, now);
    if (!painter->staged)
        return 0;
    if (!painter->snapshot)
        return heir_ns;

    int64_t rest_ns = painter->moved_ns + painter->setup.settle_ns;
    bool resting = painter->still_now || now >= rest_ns;
    if (view_stale(painter->view) || (resting && !painter->rest_planned))
        plan(painter, resting);
    if (!resting)
        deadline = rest_ns;

    /* On a GPU the picture comes first: it is as quick as finding out what is wanted. */
    if (egl_host_gl(painter->egl)->software)
        view_want(painter->view);
    bool more, changed;
    oriel_result result = view_upload(painter->view, now, now + UPLOAD_NS, &more, &changed);
    int64_t uploaded = clock_ns();
    if (uploaded - now > NS_PER_MS / 10)
        stats_stage(painter->setup.stats, STAGE_UPLOAD, uploaded - now);
    painter->dirty |= changed;
    if (!stage_check(painter, result, "upload", false))
        return 0;
    answer_still(painter);

    now = uploaded;
    int64_t due = wanted ? picture_due(painter, resting, now) : INT64_MAX;
    bool draws = due <= now, drawn = draws && draw_picture(painter, !resting) == DRAWN;
    view_want(painter->view);
    if (draws && !drawn)
        return 0; /* still dirty: what interrupted it comes first */
    if (drawn) {
        painter->dirty = false;
        stats_loader(painter->setup.stats, painter->setup.loader);
        due = picture_due(painter, resting, clock_ns());
    }
    if (painter->owed && clock_ns() >= painter->end_ns + painter->setup.frame_ns) {
        struct oriel_target target = {.size = sizeof target,
                                      .framebuffer = painter->target.framebuffer,
                                      .texture = painter->target.texture,
                                      .width = painter->target.width,
                                      .height = painter->target.height};
        result = taps_grab(painter->setup.taps, &target, &painter->stamp, true, &painter->owed);
        painter->in_flight = true;
        painter->lent = taps_make(painter->setup.taps, ORIEL_DOMAIN_CUDA);
        painter->end_ns = clock_ns();
        if (!stage_check(painter, result, "grab", true))
            return 0;
        painter->dirty |= result != ORIEL_OK;
    }
    if (painter->in_flight && !poll_captures(painter, 0))
        return 0;

    if (more || view_stale(painter->view))
        return 0;
    deadline = earlier(earlier(deadline, heir_ns), view_deadline(painter->view, now));
    if (wanted)
        deadline = earlier(deadline, due);
    if (painter->owed)
        deadline = earlier(deadline, painter->end_ns + painter->setup.frame_ns);
    now = clock_ns();
    deadline = earlier(deadline, draw_take_back(painter, now));
    if (painter->in_flight && now - painter->end_ns < AWAIT_NS && now + WAIT_US * 1000 < deadline) {
        bool fine = poll_captures(painter, WAIT_US);
        return painter->in_flight || !fine ? 0 : deadline;
    }
    if (painter->in_flight || painter->measuring)
        deadline = earlier(deadline, next_poll(painter, now));
    return deadline;
}

void painter_post(struct painter *painter, struct scene_snapshot *snapshot)
{
    scene_snapshot_ref(snapshot);
    pthread_mutex_lock(&painter->mutex);
    struct scene_snapshot *old = painter->mailbox;
    painter->mailbox = snapshot;
    pthread_cond_signal(&painter->wake);
    pthread_mutex_unlock(&painter->mutex);
    scene_snapshot_unref(old);
}

void painter_expect(struct painter *painter)
{
    if (!painter->spare_cores)
        return;
    pthread_mutex_lock(&painter->mutex);
    painter->expected_ns = clock_ns() + EXPECT_NS;
    pthread_cond_signal(&painter->wake);
    pthread_mutex_unlock(&painter->mutex);
}

void painter_wake(struct painter *painter)
{
    pthread_mutex_lock(&painter->mutex);
    painter->woken = true;
    pthread_cond_signal(&painter->wake);
    pthread_mutex_unlock(&painter->mutex);
}

void painter_still_begin(struct painter *painter)
{
    pthread_mutex_lock(&painter->mutex);
    painter->still = true;
    painter->still_done = painter->still_cancelled = false;
    painter->still_error.text[0] = '\0';
    pthread_mutex_unlock(&painter->mutex);
}

void painter_still_done(struct painter *painter)
{
    pthread_mutex_lock(&painter->mutex);
    painter->still_done = true;
    pthread_cond_broadcast(&painter->answer);
    pthread_mutex_unlock(&painter->mutex);
}

void painter_still_fail(struct painter *painter, const char *why)
{
    pthread_mutex_lock(&painter->mutex);
    error_set(&painter->still_error, "%s", why);
    pthread_cond_broadcast(&painter->answer);
    pthread_mutex_unlock(&painter->mutex);
}

static void still_cancelled(void *data)
{
    struct painter *painter = data;
    pthread_mutex_lock(&painter->mutex);
    painter->still_cancelled = true;
    pthread_cond_broadcast(&painter->answer);
    pthread_mutex_unlock(&painter->mutex);
}

bool painter_still_wait(struct painter *painter, int64_t deadline_ns, struct cancel *cancel,
                        struct error *err)
{
    cancel_watch(cancel, still_cancelled, painter);
    pthread_mutex_lock(&painter->mutex);
    bool in_time = true;
    while (!painter->still_done && !painter->still_cancelled && !*painter->still_error.text &&
           in_time)
        in_time = cond_wait_until(&painter->answer, &painter->mutex, deadline_ns);
    bool done = painter->still_done;
    if (!done && *painter->still_error.text)
        error_set(err, "%s", painter->still_error.text);
    else if (!done)
        error_set(err, painter->still_cancelled ? "nobody waits for the picture any more"
                                                : "the picture was not complete in time");
    pthread_mutex_unlock(&painter->mutex);
    cancel_unwatch(cancel);
    return done;
}

void painter_still_end(struct painter *painter)
{
    pthread_mutex_lock(&painter->mutex);
    painter->still = false;
    pthread_mutex_unlock(&painter->mutex);
}

const char *painter_renderer(const struct painter *painter)
{
    return painter->renderer;
}

const char *painter_scene_module(const struct painter *painter)
{
    const char *id = painter->scene_module;
    return id ? id : "";
}
