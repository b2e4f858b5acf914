/* SPDX-License-Identifier: BSD-3-Clause */
/* One picture: in what quality, in one go or in bands, and its stamp. */
#include <epoxy/gl.h>

#include "render/animate.h"
#include "render/worker_internal.h"
#include "scene/camera.h"
#include "util/clock.h"

/* How long input may wait for a band of a costly picture. */
#define BAND_MS 10.0
#define MAX_BANDS 64u

static void fill_view(struct worker *worker, struct quality_step quality, struct oriel_view *view)
{
    const struct oriel_snapshot *scene = &worker->snapshot->scene;
    bool full = quality.resolution >= 1 && quality.step <= 1;
    *view = (struct oriel_view){
        .size = sizeof *view,
        .flags = full ? 0 : ORIEL_VIEW_INTERACTIVE,
        .revision = scene->revision,
        .width = worker->target.width,
        .height = worker->target.height,
        .ndisplay = scene->ndisplay,
        .camera = scene->camera,
        .resolution = quality.resolution,
        .step = quality.step,
    };
    for (int i = 0; i < 4; i++)
        view->background[i] = scene->background[i];
    view->layers = view_layers(worker->view, &view->layer_count);
    if (worker->setup.animate)
        animate_camera(&view->camera, view->ndisplay, view->width, view->height,
                       worker->setup.animate_dps,
                       (double)(worker->begin_ns - worker->created_ns) / NS_PER_S);
    camera_matrix(&view->camera, view->ndisplay, view->width, view->height, view->world_to_clip);
}

/* False when it was given up for newer input. */
static bool draw_bands(struct worker *worker, const struct oriel_view *view,
                       const struct oriel_target *target, unsigned bands, oriel_result *result)
{
    if (bands <= 1) {
        *result = worker->scene->draw(worker->scene_self, view, target);
        return true;
    }
    bool finished = true;
    glEnable(GL_SCISSOR_TEST);
    for (unsigned b = 0; b < bands && *result == ORIEL_OK && finished; b++) {
        GLint from = (GLint)((uint64_t)target->height * b / bands);
        GLint to = (GLint)((uint64_t)target->height * (b + 1) / bands);
        glScissor(0, from, (GLint)target->width, to - from);
        *result = worker->scene->draw(worker->scene_self, view, target);
        glFinish();
        finished = b + 1 == bands || !worker_interrupted(worker);
    }
    glDisable(GL_SCISSOR_TEST);
    return finished;
}

void draw_collect_time(struct worker *worker)
{
    if (!worker->measuring)
        return;
    GLint available = 0;
    glGetQueryObjectiv(worker->queries[1], GL_QUERY_RESULT_AVAILABLE, &available);
    if (!available)
        return;
    GLuint64 begin = 0, end = 0;
    glGetQueryObjectui64v(worker->queries[0], GL_QUERY_RESULT, &begin);
    glGetQueryObjectui64v(worker->queries[1], GL_QUERY_RESULT, &end);
    worker->measuring = false;
    if (end > begin)
        quality_measured(&worker->quality, worker->measured, (double)(end - begin) / NS_PER_MS);
}

static struct oriel_stamp stamp_now(struct worker *worker, bool full)
{
    struct view_status status;
    view_get_status(worker->view, &status);
    bool complete = full && status.settled && status.coverage >= 1;
    return (struct oriel_stamp){
        .revision = worker->snapshot->scene.revision,
        .t_input_ns = worker->snapshot->t_input_ns,
        .t_begin_ns = worker->begin_ns,
        .flags = ORIEL_FRAME_BOTTOM_UP | (complete ? ORIEL_FRAME_COMPLETE : 0),
        .level = status.level,
        .level_count = status.level_count,
        .coverage = (float)status.coverage,
        .outstanding = status.outstanding,
    };
}

enum drawn draw_picture(struct worker *worker, bool moving)
{
    bool volume = worker->snapshot->scene.ndisplay == 3;
    bool software = egl_host_gl(worker->egl)->software;
    worker->begin_ns = clock_ns();
    struct quality_step quality = {1, 1};
    if (volume && moving)
        quality = quality_next(&worker->quality);
    bool full = quality.resolution >= 1 && quality.step <= 1;

    struct error err;
    if (!taps_prepare(worker->setup.taps, worker->target.width, worker->target.height, &err))
        worker_notice(worker, RENDER_NOTICE_FAULT, err.text);
    struct oriel_view view;
    fill_view(worker, quality, &view);
    struct oriel_target target = {.size = sizeof target,
                                  .framebuffer = worker->target.framebuffer,
                                  .texture = worker->target.texture,
                                  .width = worker->target.width,
                                  .height = worker->target.height};
    unsigned bands = volume && full && !worker->still_now
                         ? quality_bands(&worker->quality, BAND_MS, MAX_BANDS)
                         : 1;
    struct oriel_stamp stamp = stamp_now(worker, full);
    bool query = volume && !software && !worker->measuring && bands == 1;
    if (query)
        glQueryCounter(worker->queries[0], GL_TIMESTAMP);
    oriel_result result = ORIEL_OK;
    if (!draw_bands(worker, &view, &target, bands, &result)) {
        stats_abandoned(worker->setup.stats);
        worker->end_ns = clock_ns();
        return DRAWN_ABANDONED;
    }
    if (query) {
        glQueryCounter(worker->queries[1], GL_TIMESTAMP);
        worker->measuring = true;
        worker->measured = quality;
    }
    if (software)
        glFinish(); /* it would happen in the read-back anyway; here it is measured */
    stamp.t_drawn_ns = stamp.pts_ns = worker->end_ns = clock_ns();
    int64_t took = worker->end_ns - worker->begin_ns;
    if (volume && (software || bands > 1))
        quality_measured(&worker->quality, quality, (double)took / NS_PER_MS);
    stats_stage(worker->setup.stats, STAGE_DRAW, took);
    if (!stage_check(worker, result, "draw", false))
        return DRAWN_FAILED;
    const char *fault = egl_fault(worker->egl);
    if (fault) {
        stage_fault(worker, fault);
        return DRAWN_FAILED;
    }

    stamp.seq = ++worker->seq;
    worker->stamp = stamp;
    worker->refine = !full;
    stats_frame(worker->setup.stats, target.width, target.height, stamp.level, stamp.level_count,
                stamp.coverage);
    result = taps_grab(worker->setup.taps, &target, &stamp, false, &worker->owed);
    worker->in_flight = true;
    return stage_check(worker, result, "grab", true) ? DRAWN : DRAWN_FAILED;
}
