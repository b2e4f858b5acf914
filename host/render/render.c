/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/render.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "module/registry.h"
#include "module/services.h"
#include "render/device.h"
#include "render/painter.h"
#include "render/pool.h"
#include "util/cancel.h"
#include "util/check.h"
#include "util/clock.h"

struct render {
    struct render_pool *pool;
    struct stats *stats;
    struct taps *taps;
    struct painter *painter;
};

static struct plan_policy policy_of(const struct config *config)
{
    return (struct plan_policy){
        .threshold_in = config_float(config, "lod.threshold_in"),
        .threshold_out = config_float(config, "lod.threshold_out"),
        .fine_threshold = config_float(config, "lod.fine_threshold"),
        .hysteresis = config_float(config, "lod.hysteresis"),
        .cooldown_ns = config_int(config, "lod.cooldown_ms") * NS_PER_MS,
        .lock = (int32_t)config_int(config, "lod.lock"),
        .max_slice_bytes = (uint64_t)config_int(config, "data.max_slice_bytes"),
        .max_volume_bytes = (uint64_t)config_int(config, "data.max_volume_bytes"),
        .max_volume_voxels = (uint64_t)config_int(config, "data.max_volume_voxels"),
    };
}

/* With pictures of this size, or, when it is 0, of the scene's. */
static struct render *create(struct render_pool *pool, const char *view,
                             const struct render_events *events, uint32_t width, uint32_t height,
                             struct error *err)
{
    const struct config *config = render_pool_config(pool);
    struct registry *registry = render_pool_registry(pool);
    struct render *render = xcalloc(1, sizeof *render);
    render->pool = pool;
    render->stats = stats_create(render_pool_metrics(pool), strcmp(view, "main") != 0);
    render->taps = taps_create(registry, render->stats);
    double fps = config_float(config, "stream.fps");
    int64_t device;
    if (!device_select(config_string(config, "render.device"), &device, err)) {
        render_destroy(render);
        return NULL;
    }
    struct painter_setup setup = {
        .label = view,
        .registry = registry,
        .loader = render_pool_loader(pool),
        .taps = render->taps,
        .stats = render->stats,
        .events = events ? *events : (struct render_events){0},
        .policy = policy_of(config),
        .device = device,
        .frame_ns = (int64_t)((double)NS_PER_S / (fps > 0 ? fps : 60)),
        .settle_ns = config_int(config, "render.settle_ms") * NS_PER_MS,
        .budget_ms = (double)config_int(config, "render.budget_ms"),
        .width = width,
        .height = height,
        .apart = config_bool(config, "debug.apart"),
        .animate = width == 0 && config_bool(config, "render.animate"),
        .animate_dps = config_float(config, "render.animate_dps"),
    };
    render->painter = painter_create(&setup, err);
    if (!render->painter) {
        render_destroy(render);
        return NULL;
    }
    return render;
}

struct render *render_create(struct render_pool *pool, const char *view,
                             const struct render_events *events, struct error *err)
{
    return create(pool, view, events, 0, 0, err);
}

void render_destroy(struct render *render)
{
    if (!render)
        return;
    painter_destroy(render->painter);
    taps_destroy(render->taps);
    stats_destroy(render->stats);
    free(render);
}

uint32_t render_formats(const struct render *render, struct oriel_format *formats, uint32_t room)
{
    return taps_formats(render->taps, formats, room);
}

const char *render_renderer(const struct render *render)
{
    return painter_renderer(render->painter);
}

const char *render_capture_id(const struct render *render, const struct oriel_format *format)
{
    return taps_maker(render->taps, format);
}

const char *render_scene_id(const struct render *render)
{
    return painter_scene_module(render->painter);
}

bool render_swap_scene(struct render *render, const char *id, struct error *err)
{
    return painter_swap_scene(render->painter, id, err);
}

const struct oriel_host_gl_share *render_gl_share(const struct render *render)
{
    return painter_gl_share(render->painter);
}

void render_expect(struct render *render)
{
    painter_expect(render->painter);
}

void render_post(struct render *render, struct scene_snapshot *snapshot)
{
    painter_post(render->painter, snapshot);
}

uint32_t render_tap_add(struct render *render, const struct render_tap *tap)
{
    uint32_t id = taps_add(render->taps, tap);
    painter_wake(render->painter);
    return id;
}

void render_tap_remove(struct render *render, uint32_t tap)
{
    taps_remove(render->taps, tap);
    painter_wake(render->painter); /* its instance may go */
}

struct still {
    struct render *render;
    uint64_t revision;
    uint32_t width, height;
    /* The one; a reference, the render thread's until the tap is removed. */
    const struct oriel_frame *frame;
};

static void take_still(void *data, const struct oriel_frame *frame)
{
    struct still *still = data;
    if (still->frame || frame->stamp.revision != still->revision ||
        frame->format.width != still->width || frame->format.height != still->height)
        return;
    still->frame = frame_ref(frame);
    painter_still_done(still->render->painter);
}

/* Its samples, row 0 at the top, once they are there. */
static bool read_still(const struct still *still, uint8_t *rgba, struct error *err)
{
    const struct oriel_frame *frame = still->frame;
    if (!frame_wait(frame, err))
        return false;
    const struct oriel_plane *plane = &frame->planes[0];
    const uint8_t *pixels = (const uint8_t *)(uintptr_t)plane->handle + plane->offset;
    bool bottom_up = frame->stamp.flags & ORIEL_FRAME_BOTTOM_UP;
    for (uint32_t y = 0; y < still->height; y++) {
        uint32_t from = bottom_up ? still->height - 1 - y : y;
        memcpy(rgba + (size_t)y * still->width * 4, pixels + (size_t)from * plane->stride,
               (size_t)still->width * 4);
    }
    return true;
}

static void refuse_still(void *data, const char *why)
{
    const struct still *still = data;
    painter_still_fail(still->render->painter, why);
}

static bool draw_still(struct render *render, struct still *still, struct scene_snapshot *snapshot,
                       int64_t deadline_ns, struct cancel *cancel, uint8_t *rgba, struct error *err)
{
    still->render = render;
    still->revision = snapshot->scene.revision;
    struct render_tap tap = {.complete_only = true,
                             .frames_held = 1,
                             .frame = take_still,
                             .refused = refuse_still,
                             .data = still};
    struct oriel_format formats[RENDER_MAX_FORMATS];
    uint32_t f = 0, count = render_formats(render, formats, RENDER_MAX_FORMATS);
    while (f < count &&
           !(formats[f].domain == ORIEL_DOMAIN_CPU && formats[f].fourcc == ORIEL_FMT_RGBA))
        f++;
    if (f == count)
        return error_set(err, "no capture module makes RGBA pictures");
    tap.format = formats[f];
    painter_still_begin(render->painter);
    render_post(render, snapshot);
    uint32_t id = render_tap_add(render, &tap);
    bool done = painter_still_wait(render->painter, deadline_ns, cancel, err);
    render_tap_remove(render, id);
    painter_still_end(render->painter);
    done = done && read_still(still, rgba, err);
    frame_unref(still->frame);
    return done;
}

bool render_still(struct render *render, struct scene_snapshot *snapshot, uint8_t *rgba,
                  struct error *err)
{
    struct still still = {.width = snapshot->scene.width, .height = snapshot->scene.height};
    return draw_still(render, &still, snapshot, INT64_MAX, NULL, rgba, err);
}

bool render_screenshot(struct render_pool *pool, struct scene_snapshot *snapshot, uint32_t width,
                       uint32_t height, int64_t timeout_ns, struct cancel *cancel, uint8_t *rgba,
                       struct error *err)
{
    int64_t deadline_ns = clock_ns() + timeout_ns;
    int64_t most = config_int(render_pool_config(pool), "canvas.max");
    if (width < 1 || height < 1 || width > most || height > most)
        return error_set(err, "a picture of %u x %u: each side may be 1 to %lld pixels", width,
                         height, (long long)most);
    if (cancel_is_set(cancel))
        return error_set(err, "nobody waits for the picture any more");
    struct render *render = create(pool, "screenshot", NULL, width, height, err);
    if (!render)
        return false;
    struct still still = {.width = width, .height = height};
    bool done = draw_still(render, &still, snapshot, deadline_ns, cancel, rgba, err);
    render_destroy(render);
    return done;
}

char *render_stats_json(struct render *render)
{
    return stats_json(render->stats, render_pool_loader(render->pool), render_renderer(render),
                      render_scene_id(render), render_capture_id(render, NULL));
}
