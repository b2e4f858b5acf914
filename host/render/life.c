/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of the render thread: it starts, works, and ends. When a module ends it, it takes down
 * what belongs to it on its way out, and another thread takes its place. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "render/painter_internal.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

/* The thread wakes for captures that take a tenth of a millisecond: Linux' usual 50 µs of grace for
 * timers would be most of it. */
#define TIMER_SLACK_NS 1000ul
/* With fewer, waiting awake takes the time from those that are waited for. */
#define SPARE_CORES 4u
/* Between two attempts to start a thread. */
#define START_PAUSE_NS (1 * NS_PER_S)

/* Under the mutex, which is given up meanwhile: who posts does not wait for it. */
static void stay_awake(struct painter *painter)
{
    int64_t until = painter->expected_ns;
    painter->expected_ns = 0;
    pthread_mutex_unlock(&painter->mutex);
    while (!painter->mailbox && clock_ns() < until)
        sched_yield();
    while (pthread_mutex_trylock(&painter->mutex) != 0) /* who posts is about to let go of it */
        sched_yield();
}

static void work_until_quit(struct painter *painter)
{
    int64_t deadline = 0;
    pthread_mutex_lock(&painter->mutex);
    while (!painter->quit) {
        while (!painter->quit && !painter->mailbox && !painter->woken && clock_ns() < deadline) {
            if (painter->expected_ns)
                stay_awake(painter);
            else
                cond_wait_until(&painter->wake, &painter->mutex, deadline);
        }
        struct scene_snapshot *snapshot = painter->mailbox;
        bool quit = painter->quit;
        painter->mailbox = NULL;
        if (snapshot)
            painter->expected_ns = 0;
        painter->woken = false;
        painter->still_now = painter->still;
        pthread_mutex_unlock(&painter->mutex);
        if (snapshot)
            painter_accept(painter, snapshot);
        if (!quit)
            deadline = painter_work(painter);
        pthread_mutex_lock(&painter->mutex);
    }
    pthread_mutex_unlock(&painter->mutex);
}

static bool start(struct painter *painter)
{
    struct error err = {""};
    bool good = stage_open(painter, &err);
    if (good) {
        snprintf(painter->renderer, sizeof painter->renderer, "%s",
                 egl_host_gl(painter->egl)->renderer);
        painter->scene_module = painter->scene_use.module->id;
    }
    pthread_mutex_lock(&painter->mutex);
    painter->started = true;
    painter->start_failed = !good;
    painter->start_error = err;
    pthread_cond_broadcast(&painter->answer);
    pthread_mutex_unlock(&painter->mutex);
    if (good)
        painter_notice(painter, RENDER_NOTICE_READY, painter->renderer);
    return good;
}

static void *run_again(void *data);

/* The last thing a thread does that a module has ended. */
static void succeed(void *data)
{
    struct painter *painter = data;
    pthread_mutex_lock(&painter->mutex);
    painter->before = painter->thread;
    if (!painter->started) {
        painter->started = painter->start_failed = true;
        pthread_cond_broadcast(&painter->answer);
    } else {
        pthread_t next; /* not known after a failure, while this one can still be joined */
        bool started = false;
        while (!painter->quit &&
               !(started = thread_start(&next, "oriel-render", run_again, painter))) {
            log_error(LOG_RENDER, "cannot start the render thread again");
            cond_wait_until(&painter->wake, &painter->mutex, clock_ns() + START_PAUSE_NS);
        }
        if (started)
            painter->thread = next;
    }
    pthread_mutex_unlock(&painter->mutex);
}

static void take_down(void *data)
{
    stage_lost(data);
}

static void run(struct painter *painter, bool first)
{
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0ul, 0ul, 0ul);
    pthread_cleanup_push(succeed, painter);
    pthread_cleanup_push(take_down, painter);
    if (!first || start(painter))
        work_until_quit(painter);
    stage_close(painter);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
}

static void *run_first(void *data)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    run(data, true);
    return NULL;
}

static void *run_again(void *data)
{
    struct painter *painter = data;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_mutex_lock(&painter->mutex);
    pthread_t before = painter->before;
    pthread_mutex_unlock(&painter->mutex);
    pthread_join(before, NULL);
    run(painter, false);
    return NULL;
}

static void wake(void *data)
{
    painter_wake(data);
}

static void painter_free(struct painter *painter)
{
    view_destroy(painter->view);
    lane_destroy(painter->lane);
    shown_destroy(painter->former);
    shown_destroy(painter->shown);
    scene_snapshot_unref(painter->mailbox);
    for (size_t i = 0; i < painter->lost_count; i++)
        module_use_close(&painter->lost[i]);
    free(painter->lost);
    for (struct shared *shared = painter->shared, *before; shared; shared = before) {
        before = shared->before;
        free(shared);
    }
    pthread_cond_destroy(&painter->answer);
    pthread_cond_destroy(&painter->wake);
    pthread_mutex_destroy(&painter->mutex);
    free(painter);
}

struct painter *painter_create(const struct painter_setup *setup, struct error *err)
{
    struct painter *painter = xcalloc(1, sizeof *painter);
    painter->setup = *setup;
    snprintf(painter->label, sizeof painter->label, "%s", setup->label);
    painter->setup.label = painter->label;
    painter->created_ns = clock_ns();
    painter->spare_cores = thread_cores() >= SPARE_CORES;
    pthread_mutex_init(&painter->mutex, NULL);
    cond_init(&painter->wake);
    cond_init(&painter->answer);
    painter->lane = lane_create(setup->loader, wake, painter);
    painter->view = view_create(setup->loader, painter->lane, &setup->policy, &setup->events);
    pthread_mutex_lock(&painter->mutex);
    if (!thread_start(&painter->thread, "oriel-render", run_first, painter)) {
        pthread_mutex_unlock(&painter->mutex);
        error_set(err, "cannot start the render thread");
        painter_free(painter);
        return NULL;
    }
    while (!painter->started)
        pthread_cond_wait(&painter->answer, &painter->mutex);
    bool failed = painter->start_failed;
    if (failed && err)
        *err = painter->start_error;
    pthread_mutex_unlock(&painter->mutex);
    if (!failed)
        return painter;
    painter_destroy(painter);
    return NULL;
}

void painter_destroy(struct painter *painter)
{
    if (!painter)
        return;
    pthread_mutex_lock(&painter->mutex);
    painter->quit = true;
    pthread_t last = painter->thread; /* no other follows it */
    pthread_cond_broadcast(&painter->wake);
    pthread_mutex_unlock(&painter->mutex);
    pthread_join(last, NULL);
    painter_free(painter);
}
