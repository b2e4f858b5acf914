/* SPDX-License-Identifier: BSD-3-Clause */
/* The context and the modules on it, and what happens when one of them fails. */
#include <epoxy/gl.h>
#include <string.h>

#include "module/services.h"
#include "oriel/host_gl.h"
#include "render/worker_internal.h"
#include "util/clock.h"
#include "util/log.h"

/* Faults further apart than this do not count as a series. */
#define FAULT_MEMORY_NS (60 * NS_PER_S)
#define MAX_FAULTS 5u
#define MAX_INVALID 3u

static bool listed(const char *const *ids, const char *id)
{
    for (; *ids; ids++) {
        if (strcmp(*ids, id) == 0)
            return true;
    }
    return false;
}

static void refuse(const char **ids, const char *id)
{
    for (unsigned i = 0; i < MAX_REFUSED; i++) {
        if (!ids[i]) {
            ids[i] = id;
            return;
        }
    }
}

static bool try_scene(struct module_use *use, void *data, struct error *err)
{
    struct worker *worker = data;
    if (listed(worker->refused_scene, use->module->id))
        return error_set(err, "it failed while it ran");
    const struct oriel_scene_module *scene = use->vtable;
    oriel_result result = scene->create(use->host, use->config, &worker->scene_self);
    if (result == ORIEL_OK)
        return true;
    const char *why = services_failure();
    worker->scene_self = NULL;
    return *why ? error_set(err, "%s", why) : error_set(err, "create failed (result %d)", result);
}

bool stage_open(struct worker *worker, struct error *err)
{
    worker->egl = egl_create(worker->setup.device, err);
    if (!worker->egl)
        return false;
    const struct oriel_host_gl *gl = egl_host_gl(worker->egl);
    services_set_interface(ORIEL_HOST_GL_V1, gl);
    if (!module_use_first(worker->setup.registry, MODULE_SCENE, "main", try_scene, worker,
                          &worker->scene_use, err) ||
        !taps_open(worker->setup.taps, worker->refused_capture, err)) {
        stage_close(worker);
        return false;
    }
    worker->scene = worker->scene_use.vtable;
    worker->invalid_calls = 0;
    worker->staged = true;
    if (!gl->software)
        glCreateQueries(GL_TIMESTAMP, 2, worker->queries);
    quality_init(&worker->quality, worker->setup.budget_ms, gl->software);
    view_set_scene(worker->view, worker->scene, worker->scene_self, egl_max_texture_2d(worker->egl),
                   egl_max_texture_3d(worker->egl));
    return true;
}

void stage_close(struct worker *worker)
{
    taps_close(worker->setup.taps);
    view_set_scene(worker->view, NULL, NULL, 0, 0);
    if (worker->scene_self)
        ((const struct oriel_scene_module *)worker->scene_use.vtable)->destroy(worker->scene_self);
    module_use_close(&worker->scene_use);
    worker->scene_use = (struct module_use){0};
    worker->scene = NULL;
    worker->scene_self = NULL;
    if (worker->egl) {
        egl_target_destroy(&worker->target);
        if (worker->queries[0])
            glDeleteQueries(2, worker->queries);
        worker->queries[0] = worker->queries[1] = 0;
        worker->measuring = false;
        services_set_interface(ORIEL_HOST_GL_V1, NULL);
        egl_destroy(worker->egl);
        worker->egl = NULL;
    }
    worker->staged = false;
}

void stage_fault(struct worker *worker, const char *text)
{
    int64_t now = clock_ns();
    stats_fault(worker->setup.stats);
    worker->faults = now - worker->fault_ns < FAULT_MEMORY_NS ? worker->faults + 1 : 1;
    worker->fault_ns = now;
    bool again = worker->faults <= MAX_FAULTS;
    worker->restage_ns = again ? now + (worker->faults - 1) * (NS_PER_S / 2) : INT64_MAX;
    struct error said;
    error_set(&said, "%s; %s", text, again ? "rendering starts again" : "rendering has stopped");
    log_error(LOG_RENDER, "%s", said.text);
    worker_notice(worker, RENDER_NOTICE_FAULT, said.text);
    stage_close(worker);
    worker->in_flight = worker->owed = false;

    pthread_mutex_lock(&worker->mutex);
    worker->still_error = said;
    pthread_cond_broadcast(&worker->answer);
    pthread_mutex_unlock(&worker->mutex);
}

bool stage_check(struct worker *worker, oriel_result result, const char *what, bool capture)
{
    if (result == ORIEL_OK || result == ORIEL_AGAIN)
        return true;
    const char *id = capture ? taps_module(worker->setup.taps) : worker->scene_use.module->id;
    const char *why = services_failure();
    struct error text;
    error_set(&text, "%s: %s failed (result %d)%s%s", id, what, result, *why ? ": " : "", why);
    bool fatal = result == ORIEL_FATAL ||
                 (result == ORIEL_INVALID && ++worker->invalid_calls >= MAX_INVALID);
    if (!fatal && result != ORIEL_DEVICE_LOST) {
        log_warn(LOG_RENDER, "%s", text.text);
        return true;
    }
    if (fatal)
        refuse(capture ? worker->refused_capture : worker->refused_scene, id);
    stage_fault(worker, text.text);
    return false;
}

bool stage_resize(struct worker *worker, uint32_t width, uint32_t height)
{
    if (worker->target.framebuffer && worker->target.width == width && worker->target.height == height)
        return true;
    egl_target_destroy(&worker->target);
    worker->owed = false;
    struct error err;
    if (egl_target_create(&worker->target, width, height, &err))
        return true;
    stage_fault(worker, err.text);
    return false;
}
