/* SPDX-License-Identifier: BSD-3-Clause */
/* The context and the modules on it, and what happens when one of them fails. */
#include <epoxy/gl.h>
#include <string.h>

#include "module/services.h"
#include "oriel/host_gl.h"
#include "render/painter_internal.h"
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
    struct painter *painter = data;
    if (listed(painter->refused_scene, use->module->id))
        return error_set(err, "it failed while it ran");
    const struct oriel_scene_module *scene = use->vtable;
    oriel_result result = scene->create(use->host, use->config, &painter->scene_self);
    if (result == ORIEL_OK)
        return true;
    const char *why = services_failure();
    painter->scene_self = NULL;
    return *why ? error_set(err, "%s", why) : error_set(err, "create failed (result %d)", result);
}

bool stage_open(struct painter *painter, struct error *err)
{
    painter->egl = egl_create(painter->setup.device, err);
    if (!painter->egl)
        return false;
    const struct oriel_host_gl *gl = egl_host_gl(painter->egl);
    services_set_thread_interface(ORIEL_HOST_GL_V1, gl);
    if (!module_use_first(painter->setup.registry, MODULE_SCENE, "main", try_scene, painter,
                          &painter->scene_use, err) ||
        !taps_open(painter->setup.taps, painter->refused_capture, err)) {
        stage_close(painter);
        return false;
    }
    painter->scene = painter->scene_use.vtable;
    painter->invalid_calls = 0;
    painter->staged = true;
    if (!gl->software)
        glCreateQueries(GL_TIMESTAMP, 2, painter->queries);
    quality_init(&painter->quality, painter->setup.budget_ms, gl->software);
    view_set_scene(painter->view, painter->scene, painter->scene_self,
                   egl_max_texture_2d(painter->egl), egl_max_texture_3d(painter->egl));
    return true;
}

void stage_close(struct painter *painter)
{
    taps_close(painter->setup.taps);
    view_set_scene(painter->view, NULL, NULL, 0, 0);
    if (painter->scene_self)
        ((const struct oriel_scene_module *)painter->scene_use.vtable)
            ->destroy(painter->scene_self);
    module_use_close(&painter->scene_use);
    painter->scene_use = (struct module_use){0};
    painter->scene = NULL;
    painter->scene_self = NULL;
    if (painter->egl) {
        egl_target_destroy(&painter->target);
        if (painter->queries[0])
            glDeleteQueries(2, painter->queries);
        painter->queries[0] = painter->queries[1] = 0;
        painter->measuring = false;
        services_set_thread_interface(ORIEL_HOST_GL_V1, NULL);
        egl_destroy(painter->egl);
        painter->egl = NULL;
    }
    painter->staged = false;
}

void stage_fault(struct painter *painter, const char *text)
{
    int64_t now = clock_ns();
    stats_fault(painter->setup.stats);
    painter->faults = now - painter->fault_ns < FAULT_MEMORY_NS ? painter->faults + 1 : 1;
    painter->fault_ns = now;
    bool again = painter->faults <= MAX_FAULTS;
    painter->restage_ns = again ? now + (painter->faults - 1) * (NS_PER_S / 2) : INT64_MAX;
    struct error said;
    error_set(&said, "%s; %s", text, again ? "rendering starts again" : "rendering has stopped");
    log_error(LOG_RENDER, "%s", said.text);
    painter_notice(painter, RENDER_NOTICE_FAULT, said.text);
    stage_close(painter);
    painter->in_flight = painter->owed = false;

    pthread_mutex_lock(&painter->mutex);
    painter->still_error = said;
    pthread_cond_broadcast(&painter->answer);
    pthread_mutex_unlock(&painter->mutex);
}

bool stage_check(struct painter *painter, oriel_result result, const char *what, bool capture)
{
    if (result == ORIEL_OK || result == ORIEL_AGAIN)
        return true;
    const char *id = capture ? taps_module(painter->setup.taps) : painter->scene_use.module->id;
    const char *why = services_failure();
    struct error text;
    error_set(&text, "%s: %s failed (result %d)%s%s", id, what, result, *why ? ": " : "", why);
    bool fatal = result == ORIEL_FATAL ||
                 (result == ORIEL_INVALID && ++painter->invalid_calls >= MAX_INVALID);
    if (!fatal && result != ORIEL_DEVICE_LOST) {
        log_warn(LOG_RENDER, "%s", text.text);
        return true;
    }
    if (fatal)
        refuse(capture ? painter->refused_capture : painter->refused_scene, id);
    stage_fault(painter, text.text);
    return false;
}

bool stage_resize(struct painter *painter, uint32_t width, uint32_t height)
{
    if (painter->target.framebuffer && painter->target.width == width &&
        painter->target.height == height)
        return true;
    egl_target_destroy(&painter->target);
    painter->owed = false;
    struct error err;
    if (egl_target_create(&painter->target, width, height, &err))
        return true;
    stage_fault(painter, err.text);
    return false;
}
