/* SPDX-License-Identifier: BSD-3-Clause */
/* One picture: in what quality, in one go or in parts, and its stamp. */
#include <epoxy/gl.h>

#include "module/call.h"
#include "render/animate.h"
#include "render/painter_internal.h"
#include "scene/camera.h"
#include "util/clock.h"

/* How long input may wait for a part of a costly picture. */
#define PART_MS 25.0
/* No draw takes less. */
#define LEAST_MS 0.01
#define MAX_PARTS 128u
/* An encoder on the GPU is done with a picture by then; the next one is not due yet. */
#define LENT_NS (3 * NS_PER_MS)
/* Parts end where software renderers cut the work for their threads. */
#define TILE 64u
/* Side of what is drawn to try a scene module. */
#define TRIAL 16

static void fill_view(struct painter *painter, struct view *layers, struct oriel_view *view)
{
    const struct oriel_snapshot *scene = &painter->snapshot->scene;
    *view = (struct oriel_view){
        .size = sizeof *view,
        .revision = scene->revision,
        .width = painter->target.width,
        .height = painter->target.height,
        .ndisplay = scene->ndisplay,
        .camera = scene->camera,
    };
    for (int i = 0; i < 4; i++)
        view->background[i] = scene->background[i];
    view->layers = view_layers(layers, &view->layer_count);
    if (painter->setup.animate)
        animate_camera(&view->camera, view->ndisplay, view->width, view->height,
                       painter->setup.animate_dps,
                       (double)(painter->begin_ns - painter->created_ns) / NS_PER_S);
    camera_matrix(&view->camera, view->ndisplay, view->width, view->height, view->world_to_clip);
}

oriel_result draw_trial(struct painter *painter, struct view *layers, const struct module_use *use,
                        void *self)
{
    struct oriel_view view;
    const struct oriel_scene_module *scene = use->vtable;
    fill_view(painter, layers, &view);
    view.resolution = 1;
    view.step = 1;
    struct oriel_target target = {.size = sizeof target,
                                  .framebuffer = painter->target.framebuffer,
                                  .texture = painter->target.texture,
                                  .width = painter->target.width,
                                  .height = painter->target.height};
    glEnable(GL_SCISSOR_TEST);
    glScissor((GLint)target.width / 2, (GLint)target.height / 2, TRIAL, TRIAL);
    oriel_result result = MODULE_CALL(use, "draw", scene->draw(self, &view, &target));
    glDisable(GL_SCISSOR_TEST);
    return result;
}

static unsigned tiles(uint32_t pixels)
{
    return (pixels + TILE - 1) / TILE;
}

static oriel_result draw_part(struct painter *painter, const struct oriel_view *view,
                              const struct oriel_target *target)
{
    return MODULE_CALL(&painter->scene_use, "draw",
                       painter->scene->draw(painter->scene_self, view, target));
}

/* False when it was given up for newer input. */
static bool draw_parts(struct painter *painter, const struct oriel_view *view,
                       const struct oriel_target *target, unsigned parts, oriel_result *result)
{
    if (parts <= 1) {
        *result = draw_part(painter, view, target);
        return true;
    }
    unsigned down = tiles(target->height), across = tiles(target->width);
    unsigned rows = parts < down ? parts : down;
    unsigned columns = (parts + rows - 1) / rows < across ? (parts + rows - 1) / rows : across;
    bool finished = true;
    glEnable(GL_SCISSOR_TEST);
    for (unsigned i = 0; i < rows * columns && *result == ORIEL_OK && finished; i++) {
        unsigned row = i / columns, column = i % columns;
        unsigned x = across * column / columns * TILE, y = down * row / rows * TILE;
        unsigned right = across * (column + 1) / columns * TILE;
        unsigned top = down * (row + 1) / rows * TILE;
        glScissor((GLint)x, (GLint)y, (GLsizei)(right - x), (GLsizei)(top - y));
        *result = draw_part(painter, view, target);
        glFinish();
        finished = i + 1 == rows * columns || !painter_interrupted(painter);
    }
    glDisable(GL_SCISSOR_TEST);
    return finished;
}

void draw_collect_time(struct painter *painter)
{
    if (!painter->measuring)
        return;
    GLint available = 0;
    glGetQueryObjectiv(painter->queries[1], GL_QUERY_RESULT_AVAILABLE, &available);
    if (!available)
        return;
    GLuint64 begin = 0, end = 0;
    glGetQueryObjectui64v(painter->queries[0], GL_QUERY_RESULT, &begin);
    glGetQueryObjectui64v(painter->queries[1], GL_QUERY_RESULT, &end);
    painter->measuring = false;
    if (end <= begin || painter->measured_costs != painter->costs)
        return;
    /* Calls that took long compiled a shader, say, while the GPU had nothing to do. When they do so
     * again, it is what such a picture takes: work of the module, or waiting for a GPU behind. */
    int64_t calls = painter->measured_calls_ns, again = painter->former_calls_ns;
    painter->former_calls_ns = calls;
    again = again < calls ? again : calls;
    double ms = ((double)(end - begin) - (double)calls) / NS_PER_MS;
    ms = ms > (double)again / NS_PER_MS ? ms : (double)again / NS_PER_MS;
    ms = ms > LEAST_MS ? ms : LEAST_MS;
    if (painter->measured_quick)
        quality_measured(&painter->quality, painter->measured, ms);
    else
        quality_rested(&painter->quality, ms, true);
}

static struct oriel_stamp stamp_now(struct painter *painter, bool full)
{
    struct view_status status;
    view_get_status(painter->view, &status);
    bool complete = full && status.settled && status.coverage >= 1;
    return (struct oriel_stamp){
        .revision = painter->snapshot->scene.revision,
        .t_input_ns = painter->snapshot->t_input_ns,
        .t_begin_ns = painter->begin_ns,
        .flags = ORIEL_FRAME_BOTTOM_UP | (complete ? ORIEL_FRAME_COMPLETE : 0),
        .level = status.level,
        .level_count = status.level_count,
        .coverage = (float)status.coverage,
        .outstanding = status.outstanding,
    };
}

static void hash(uint64_t *sum, uint64_t value)
{
    *sum = (*sum ^ value) * UINT64_C(0x100000001b3); /* FNV */
}

/* Of what decides about the cost of a picture, apart from the camera. */
static uint64_t costs(const struct painter *painter, const struct oriel_view *view)
{
    const struct oriel_snapshot *scene = &painter->snapshot->scene;
    struct view_status status;
    view_get_status(painter->view, &status);
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    hash(&sum, scene->ndisplay);
    hash(&sum, view->width);
    hash(&sum, view->height);
    hash(&sum, status.level);
    for (uint32_t i = 0; i < scene->layer_count; i++) {
        const struct oriel_layer *layer = scene->layers[i];
        if (!layer->visible)
            continue;
        hash(&sum, layer->key);
        hash(&sum, layer->rendering);
        hash(&sum, layer->depiction);
        hash(&sum, layer->interpolation_3d);
        hash(&sum, i < view->layer_count && (view->layers[i].base || view->layers[i].detail));
    }
    return sum;
}

int64_t draw_take_back(struct painter *painter, int64_t now)
{
    int64_t due = painter->end_ns + LENT_NS;
    if (!painter->lent)
        return INT64_MAX;
    if (now < due)
        return due;
    painter->lent = false;
    glDeleteSync(glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0));
    glFlush();
    return INT64_MAX;
}

enum drawn draw_picture(struct painter *painter, bool moving)
{
    bool volume = painter->snapshot->scene.ndisplay == 3;
    bool software = egl_host_gl(painter->egl)->software;
    painter->begin_ns = clock_ns();
    painter->slot_ns += painter->setup.frame_ns;
    if (painter->slot_ns < painter->begin_ns)
        painter->slot_ns = painter->begin_ns;
    struct error err;
    if (!taps_prepare(painter->setup.taps, painter->target.width, painter->target.height, &err))
        painter_notice(painter, RENDER_NOTICE_FAULT, err.text);
    struct oriel_view view;
    fill_view(painter, painter->view, &view);
    uint64_t costly = costs(painter, &view);
    if (costly != painter->costs) {
        painter->costs = costly;
        painter->former_calls_ns = 0;
        quality_reset(&painter->quality);
    }
    /* Only full pictures at rest are interrupted, and never two in a row. */
    bool quick = volume && !painter->still_now &&
                 (moving || painter->abandoned || quality_unknown(&painter->quality));
    struct quality_step quality = {1, 1};
    if (quick)
        quality = quality_next(&painter->quality);
    bool full = quality.resolution >= 1 && quality.step <= 1;
    view.flags = full ? 0 : ORIEL_VIEW_INTERACTIVE;
    view.resolution = quality.resolution;
    view.step = quality.step;
    struct oriel_target target = {.size = sizeof target,
                                  .framebuffer = painter->target.framebuffer,
                                  .texture = painter->target.texture,
                                  .width = painter->target.width,
                                  .height = painter->target.height};
    unsigned parts = volume && !quick && !painter->still_now
                         ? quality_parts(&painter->quality, PART_MS, MAX_PARTS)
                         : 1;
    struct oriel_stamp stamp = stamp_now(painter, full);
    bool query = volume && !software && !painter->measuring && parts == 1;
    if (query)
        glQueryCounter(painter->queries[0], GL_TIMESTAMP);
    oriel_result result = ORIEL_OK;
    int64_t called_ns = clock_ns();
    painter->abandoned = !draw_parts(painter, &view, &target, parts, &result);
    painter->measured_calls_ns = query ? clock_ns() - called_ns : painter->measured_calls_ns;
    if (painter->abandoned) {
        stats_abandoned(painter->setup.stats);
        painter->end_ns = clock_ns();
        quality_rested(&painter->quality, (double)(painter->end_ns - painter->begin_ns) / NS_PER_MS,
                       false);
        return DRAWN_ABANDONED;
    }
    if (query) {
        glQueryCounter(painter->queries[1], GL_TIMESTAMP);
        painter->measuring = true;
        painter->measured = quality;
        painter->measured_quick = quick;
        painter->measured_costs = costly;
    }
    if (software || painter->setup.apart)
        glFinish(); /* software: it would happen in the read-back anyway; here it is measured */
    stamp.t_drawn_ns = stamp.pts_ns = painter->end_ns = clock_ns();
    int64_t took = painter->end_ns - painter->begin_ns;
    if (quick && software)
        quality_measured(&painter->quality, quality, (double)took / NS_PER_MS);
    else if (volume && (software || parts > 1))
        quality_rested(&painter->quality, (double)took / NS_PER_MS, true);
    stats_stage(painter->setup.stats, STAGE_DRAW, took);
    if (!stage_check(painter, result, "draw", false) || result != ORIEL_OK)
        return DRAWN_FAILED; /* what is there is no picture; it is drawn again */
    const char *fault = egl_fault(painter->egl);
    if (fault) {
        stage_fault(painter, fault);
        return DRAWN_FAILED;
    }

    stamp.seq = ++painter->seq;
    painter->stamp = stamp;
    painter->refine = !full;
    stats_frame(painter->setup.stats, target.width, target.height, stamp.level, stamp.level_count,
                stamp.coverage);
    result = taps_grab(painter->setup.taps, &target, &stamp, false, &painter->owed);
    painter->in_flight = true;
    painter->lent = taps_make(painter->setup.taps, ORIEL_DOMAIN_CUDA);
    if (!stage_check(painter, result, "grab", true) || result != ORIEL_OK)
        return DRAWN_FAILED;
    painter->failed_calls = 0;
    return DRAWN;
}
