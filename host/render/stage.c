/* SPDX-License-Identifier: BSD-3-Clause */
/* The context and the modules on it, and what happens when one of them fails. */
#include <epoxy/gl.h>
#include <stdio.h>
#include <string.h>

#include "cuda/cuda.h"
#include "module/call.h"
#include "module/services.h"
#include "oriel/host_gl.h"
#include "render/device.h"
#include "render/painter_internal.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"

/* A fault that comes later after a start begins a new series. */
#define FAULT_MEMORY_NS (60 * NS_PER_S)
/* In a series the pauses before a start are 0, 0.5, 1, 2, 4, … seconds, up to this. */
#define MAX_PAUSE_NS (60 * NS_PER_S)
#define MAX_INVALID 3u
#define MAX_FAILED 3u

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
    oriel_result result =
        MODULE_CALL(use, "create", scene->create(use->host, use->config, &painter->scene_self));
    if (result == ORIEL_OK)
        return true;
    const char *why = services_failure();
    painter->scene_self = NULL;
    return *why ? error_set(err, "%s", why) : error_set(err, "create failed (result %d)", result);
}

/* Encoders ask on their own threads, at any time: what they were given stays until the painter
 * goes, whatever becomes of the context. */
static void offer_share(struct painter *painter, const struct oriel_host_gl *gl)
{
    struct shared *shared = xcalloc(1, sizeof *shared);
    shared->gl = (struct oriel_host_gl_share){.size = sizeof shared->gl,
                                              .version = gl->version,
                                              .egl_display = gl->egl_display,
                                              .egl_context = gl->egl_context};
    pthread_mutex_lock(&painter->mutex);
    shared->before = painter->shared;
    painter->shared = shared;
    painter->sharing = true;
    pthread_mutex_unlock(&painter->mutex);
    if (strcmp(painter->label, "main") == 0)
        services_set_interface(ORIEL_HOST_GL_SHARE_V1, &shared->gl);
}

static void withdraw_share(struct painter *painter)
{
    if (strcmp(painter->label, "main") == 0)
        services_set_interface(ORIEL_HOST_GL_SHARE_V1, NULL);
    pthread_mutex_lock(&painter->mutex);
    painter->sharing = false;
    pthread_mutex_unlock(&painter->mutex);
}

const struct oriel_host_gl_share *painter_gl_share(struct painter *painter)
{
    pthread_mutex_lock(&painter->mutex);
    const struct shared *shared = painter->sharing ? painter->shared : NULL;
    pthread_mutex_unlock(&painter->mutex);
    return shared ? &shared->gl : NULL;
}

/* The GPU's CUDA side, for modules that ask for "oriel.host.cuda/1". */
static void join_cuda(struct painter *painter)
{
    const struct oriel_host_gl *gl = egl_host_gl(painter->egl);
    struct cuda_hint hint = {.ordinal = egl_cuda_ordinal(painter->egl)};
    memcpy(hint.uuid, gl->device_uuid, sizeof hint.uuid);
    struct cuda_about about;
    struct error why = {""};
    bool joined = cuda_join(&hint, &about, &why);
    char device[32] = "Mesa's surfaceless platform", uuid[DEVICE_UUID_TEXT];
    if (gl->device_index != UINT32_MAX)
        snprintf(device, sizeof device, "EGL device %u", gl->device_index);
    device_uuid_text(joined ? about.uuid : gl->device_uuid, uuid);
    if (joined)
        log_info(LOG_RENDER, "%s: %s, %s: %s; CUDA device %d, %s", painter->label, device,
                 gl->renderer, uuid, about.ordinal, about.name);
    else
        log_info(LOG_RENDER, "%s: %s, %s; no CUDA: %s", painter->label, device, gl->renderer,
                 why.text);
}

bool stage_open(struct painter *painter, struct error *err)
{
    painter->egl = egl_create(painter->setup.device, err);
    if (!painter->egl)
        return false;
    const struct oriel_host_gl *gl = egl_host_gl(painter->egl);
    services_set_thread_interface(ORIEL_HOST_GL_V1, gl);
    join_cuda(painter);
    offer_share(painter, gl);
    if (!module_use_first(painter->setup.registry, MODULE_SCENE, painter->label, try_scene, painter,
                          &painter->scene_use, err) ||
        !taps_open(painter->setup.taps, painter->label, painter->refused_capture, err)) {
        stage_close(painter);
        return false;
    }
    painter->scene = painter->scene_use.vtable;
    painter->scene_module = painter->scene_use.module->id;
    painter->invalid_calls = painter->failed_calls = 0;
    painter->staged = true;
    if (!gl->software)
        glCreateQueries(GL_TIMESTAMP, 2, painter->queries);
    quality_init(&painter->quality, painter->setup.budget_ms, gl->software);
    view_set_scene(painter->view, &painter->scene_use, painter->scene_self,
                   egl_max_texture_2d(painter->egl), egl_max_texture_3d(painter->egl));
    return true;
}

void stage_close(struct painter *painter)
{
    heir_close(painter, "the renderer begins anew");
    taps_close(painter->setup.taps);
    view_set_scene(painter->view, NULL, NULL, 0, 0);
    void *scene = painter->scene_self;
    painter->scene_self = NULL; /* no second time, should it end the thread */
    const struct oriel_scene_module *vtable = painter->scene_use.vtable;
    if (scene)
        MODULE_CALL(&painter->scene_use, "destroy", vtable->destroy(scene));
    module_use_close(&painter->scene_use);
    painter->scene = NULL;
    if (painter->egl) {
        egl_target_destroy(&painter->target);
        if (painter->queries[0])
            glDeleteQueries(2, painter->queries);
        painter->queries[0] = painter->queries[1] = 0;
        painter->measuring = false;
        withdraw_share(painter);
        services_set_thread_interface(ORIEL_HOST_GL_V1, NULL);
        egl_destroy(painter->egl);
        painter->egl = NULL;
    }
    painter->staged = false;
    painter->in_flight = painter->owed = false;
}

static int64_t pause_after(unsigned faults)
{
    if (faults <= 1)
        return 0;
    unsigned doublings = faults - 2 < 16 ? faults - 2 : 16;
    int64_t pause = (NS_PER_S / 2) << doublings;
    return pause < MAX_PAUSE_NS ? pause : MAX_PAUSE_NS;
}

void stage_fault(struct painter *painter, const char *text)
{
    int64_t now = clock_ns();
    stats_fault(painter->setup.stats);
    painter->faults = now < painter->restage_ns + FAULT_MEMORY_NS ? painter->faults + 1 : 1;
    int64_t pause = pause_after(painter->faults);
    painter->restage_ns = now + pause;
    struct error said;
    if (pause)
        error_set(&said, "%s; rendering starts again in %g s", text, (double)pause / NS_PER_S);
    else
        error_set(&said, "%s; rendering starts again", text);
    log_error(LOG_RENDER, "%s", said.text);
    painter_notice(painter, RENDER_NOTICE_FAULT, said.text);
    painter_still_fail(painter, said.text);
    stage_close(painter);
}

void stage_lost(struct painter *painter)
{
    const struct module *module = painter->scene_use.module;
    const char *id = module ? module->id : "something";
    const char *heir = heir_lost(painter);
    if (heir) {
        id = heir;
    } else if (taps_lost(painter->setup.taps)) {
        id = taps_module(painter->setup.taps);
    } else if (module) {
        painter->lost = xrealloc(painter->lost, (painter->lost_count + 1) * sizeof *painter->lost);
        painter->lost[painter->lost_count++] = painter->scene_use;
        painter->scene_use = (struct module_use){0};
        painter->scene_self = NULL;
    }
    struct error text;
    error_set(&text, "%s has ended the render thread", id);
    pthread_mutex_lock(&painter->mutex);
    bool goes_on = painter->started && !painter->quit;
    painter->start_error = text;
    pthread_mutex_unlock(&painter->mutex);
    if (goes_on)
        stage_fault(painter, text.text);
    else
        stage_close(painter);
}

void stage_forgive(struct painter *painter)
{
    memset(painter->refused_scene, 0, sizeof painter->refused_scene);
    memset(painter->refused_capture, 0, sizeof painter->refused_capture);
}

bool stage_check(struct painter *painter, oriel_result result, const char *what, bool capture)
{
    if (result == ORIEL_OK || result == ORIEL_AGAIN)
        return true;
    const char *id = capture ? taps_module(painter->setup.taps) : painter->scene_use.module->id;
    const char *why = services_failure();
    struct error text;
    if (result == ORIEL_DEVICE_LOST)
        error_set(&text, "%s: the device is lost%s%s", id, *why ? ": " : "", why);
    else
        error_set(&text, "%s: %s failed (result %d)%s%s", id, what, result, *why ? ": " : "", why);
    bool fatal = result == ORIEL_FATAL ||
                 (result == ORIEL_INVALID && ++painter->invalid_calls >= MAX_INVALID);
    if (!fatal && result != ORIEL_DEVICE_LOST && ++painter->failed_calls < MAX_FAILED) {
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
