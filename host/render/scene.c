/* SPDX-License-Identifier: BSD-3-Clause */
/* Another scene module takes over while the one in use draws: the heir gets every snapshot and all
 * data that is wanted, from the cache, and the picture when it has as much of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "module/call.h"
#include "module/services.h"
#include "render/painter_internal.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

/* What it may take of a turn in which the module in use hands over data as well. */
#define UPLOAD_NS (4 * NS_PER_MS)
/* After this it takes over with less than the module in use has, as long as no layer is missing. */
#define PATIENCE_NS (5 * NS_PER_S)
/* … and after this it never will. */
#define LIMIT_NS (20 * NS_PER_S)

struct scene_order {
    const char *id;
    bool done;
    struct error err;
};

struct heir {
    struct module_use use;
    void *self;
    struct lane *lane;
    struct view *view;
    bool calling; /* its module */
    bool applied;
    int64_t since_ns;
};

/* --- who asks --- */

bool painter_swap_scene(struct painter *painter, const char *id, struct error *err)
{
    struct scene_order order = {.id = id, .err = {""}};
    pthread_mutex_lock(&painter->mutex);
    painter->order = &order; /* cppcheck-suppress autoVariables ; not there any more on return */
    painter->woken = true;
    pthread_cond_signal(&painter->wake);
    while (painter->order == &order)
        pthread_cond_wait(&painter->answer, &painter->mutex);
    pthread_mutex_unlock(&painter->mutex);
    return order.done || error_set(err, "%s", order.err.text);
}

/* --- the render thread --- */

static const struct scene_order *ordered(struct painter *painter)
{
    pthread_mutex_lock(&painter->mutex);
    const struct scene_order *order = painter->order;
    pthread_mutex_unlock(&painter->mutex);
    return order;
}

/* `why` NULL: done. */
static void answer(struct painter *painter, const char *why)
{
    pthread_mutex_lock(&painter->mutex);
    if (painter->order) {
        painter->order->done = !why;
        error_set(&painter->order->err, "%s", why ? why : "");
        painter->order = NULL;
    }
    pthread_cond_broadcast(&painter->answer);
    pthread_mutex_unlock(&painter->mutex);
}

static void wake(void *data)
{
    painter_wake(data);
}

static void heir_destroy(struct painter *painter)
{
    struct heir *heir = painter->heir;
    const struct oriel_scene_module *scene = heir->use.vtable;
    void *self = heir->self;
    heir->self = NULL; /* no second time, should it end the thread */
    view_destroy(heir->view);
    heir->view = NULL;
    lane_destroy(heir->lane);
    heir->lane = NULL;
    heir->calling = true;
    if (self)
        MODULE_CALL(&heir->use, "destroy", scene->destroy(self));
    heir->calling = false;
    module_use_close(&heir->use);
    free(heir);
    painter->heir = NULL;
}

/* The one in use goes on. */
static void refuse(struct painter *painter, const char *what, oriel_result result)
{
    const char *said = services_failure();
    struct error why;
    error_set(&why, "%s: %s failed (result %d)%s%s", painter->heir->use.module->id, what, result,
              *said ? ": " : "", said);
    heir_destroy(painter);
    painter->dirty = true; /* a trial may have touched the picture */
    answer(painter, why.text);
    if (result == ORIEL_DEVICE_LOST)
        stage_fault(painter, why.text);
}

static void heir_create(struct painter *painter, const char *id, int64_t now)
{
    struct error err = {""};
    struct heir *heir = xcalloc(1, sizeof *heir);
    char label[128];
    snprintf(label, sizeof label, "%s#%s", id, painter->label);
    if (!module_use_open(painter->setup.registry, MODULE_SCENE, id, label, &heir->use, &err)) {
        free(heir);
        answer(painter, err.text);
        return;
    }
    painter->heir = heir;
    heir->since_ns = now;
    const struct oriel_scene_module *scene = heir->use.vtable;
    heir->calling = true;
    oriel_result result = MODULE_CALL(&heir->use, "create",
                                      scene->create(heir->use.host, heir->use.config, &heir->self));
    heir->calling = false;
    if (result != ORIEL_OK) {
        heir->self = NULL;
        refuse(painter, "create", result);
        return;
    }
    heir->lane = lane_create(painter->setup.loader, wake, painter);
    heir->view = view_create(painter->setup.loader, heir->lane, &painter->setup.policy,
                             &(struct render_events){0});
    view_set_scene(heir->view, &heir->use, heir->self, egl_max_texture_2d(painter->egl),
                   egl_max_texture_3d(painter->egl));
}

void heir_accept(struct painter *painter)
{
    struct heir *heir = painter->heir;
    if (!heir || !painter->snapshot)
        return;
    const struct oriel_scene_module *scene = heir->use.vtable;
    heir->calling = true;
    oriel_result result =
        MODULE_CALL(&heir->use, "apply", scene->apply(heir->self, &painter->snapshot->scene));
    heir->calling = false;
    heir->applied = result == ORIEL_OK;
    if (result == ORIEL_OK)
        view_plan(heir->view, painter->snapshot, painter->rest_planned, clock_ns());
    else
        refuse(painter, "apply", result);
}

/* It would show as much, or, after some time, something for each layer. */
static bool is_complete(struct painter *painter, int64_t now)
{
    struct view_status own, theirs;
    view_get_status(painter->heir->view, &own);
    view_get_status(painter->view, &theirs);
    if (own.coverage >= theirs.coverage && own.level <= theirs.level)
        return true;
    if (now < painter->heir->since_ns + PATIENCE_NS)
        return false;
    uint32_t count, other;
    const struct oriel_view_layer *old = view_layers(painter->view, &other),
                                  *new = view_layers(painter->heir->view, &count);
    bool all = count == other;
    for (uint32_t i = 0; all && i < count; i++)
        all = new[i].base || new[i].detail || !(old[i].base || old[i].detail);
    return all;
}

static void take_over(struct painter *painter)
{
    struct heir *heir = painter->heir, old = {.use = painter->scene_use,
                                              .self = painter->scene_self,
                                              .lane = painter->lane,
                                              .view = painter->view};
    painter->scene_use = heir->use;
    painter->scene = painter->scene_use.vtable;
    painter->scene_self = heir->self;
    painter->scene_module = painter->scene_use.module->id;
    painter->lane = heir->lane;
    painter->view = heir->view;
    view_settle(painter->view, &painter->scene_use, &painter->setup.events);
    painter->invalid_calls = painter->failed_calls = 0;
    painter->dirty = true;
    stage_forgive(painter);
    int64_t since_ns = heir->since_ns;
    *heir = old; /* goes as an heir that was refused does */
    log_info(LOG_RENDER, "%s: %s draws in the place of %s, after %.0f ms", painter->label,
             painter->scene_module, heir->use.module->id,
             (double)(clock_ns() - since_ns) / NS_PER_MS);
    answer(painter, NULL);
    heir_destroy(painter);
}

/* Data first, so that the trial is of what will be drawn. True: it is there. */
static bool hand_over(struct painter *painter, int64_t now, bool *more)
{
    struct heir *heir = painter->heir;
    bool changed;
    if (view_stale(heir->view))
        view_plan(heir->view, painter->snapshot, painter->rest_planned, now);
    view_want(heir->view);
    heir->calling = true;
    oriel_result result = view_upload(heir->view, now, now + UPLOAD_NS, more, &changed);
    heir->calling = false;
    if (result == ORIEL_OK || result == ORIEL_AGAIN)
        return true;
    refuse(painter, "upload", result);
    return false;
}

int64_t heir_work(struct painter *painter, int64_t now)
{
    const struct scene_order *order = ordered(painter);
    if (!painter->heir && order)
        heir_create(painter, order->id, now);
    if (!painter->heir)
        return INT64_MAX;
    if (!painter->snapshot) {
        take_over(painter);
        return INT64_MAX;
    }
    if (!painter->heir->applied)
        heir_accept(painter);
    bool more = false;
    if (!painter->heir || !hand_over(painter, clock_ns(), &more))
        return 0;
    if (is_complete(painter, now)) {
        struct heir *heir = painter->heir;
        heir->calling = true;
        oriel_result result = painter->target.framebuffer
                                  ? draw_trial(painter, heir->view, &heir->use, heir->self)
                                  : ORIEL_OK;
        heir->calling = false;
        if (result == ORIEL_OK)
            take_over(painter);
        else if (result != ORIEL_AGAIN)
            refuse(painter, "draw", result);
        return 0;
    }
    int64_t limit = painter->heir->since_ns + LIMIT_NS;
    if (now >= limit) {
        struct error why;
        error_set(&why, "%s: it did not get the data of the picture within %g s",
                  painter->heir->use.module->id, (double)LIMIT_NS / NS_PER_S);
        heir_destroy(painter);
        answer(painter, why.text);
        return 0;
    }
    int64_t patience = painter->heir->since_ns + PATIENCE_NS;
    int64_t deadline = view_deadline(painter->heir->view, now);
    int64_t next = patience > now ? patience : limit;
    return more || view_stale(painter->heir->view) ? 0 : deadline < next ? deadline : next;
}

void heir_close(struct painter *painter, const char *why)
{
    if (painter->heir)
        heir_destroy(painter);
    pthread_mutex_lock(&painter->mutex);
    bool quit = painter->quit;
    pthread_mutex_unlock(&painter->mutex);
    if (ordered(painter))
        answer(painter, quit ? "the view ends" : why);
}

const char *heir_lost(struct painter *painter)
{
    struct heir *heir = painter->heir;
    if (!heir || !heir->calling)
        return NULL;
    const char *id = heir->use.module->id;
    painter->lost = xrealloc(painter->lost, (painter->lost_count + 1) * sizeof *painter->lost);
    painter->lost[painter->lost_count++] = heir->use;
    heir->use = (struct module_use){0};
    heir->self = NULL;
    if (heir->view)
        view_set_scene(heir->view, NULL, NULL, 0, 0);
    view_destroy(heir->view);
    lane_destroy(heir->lane);
    free(heir);
    painter->heir = NULL;
    return id;
}
