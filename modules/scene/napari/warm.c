/* SPDX-License-Identifier: BSD-3-Clause */
/* What is drawn before there is a scene: to find out which shaders draw volumes faster, and small
 * pictures of what every scene starts with, in each type of voxels. A driver translates a program
 * when it first draws with a combination of state; that takes tens of milliseconds, which no frame
 * should wait for. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "napari.h"

#define TRIAL_CANVAS 512 /* pixels: enough to keep a large GPU busy */
#define TRIAL_SIDE 128   /* voxels */
#define TRIALS 3

static const float colors[8] = {0, 0, 0, 1, 1, 1, 1, 1};
static const float controls[2] = {0, 1};
static const struct oriel_colormap gray = {.name = "gray",
                                           .colors = colors,
                                           .controls = controls,
                                           .count = 2,
                                           .interpolation = ORIEL_LUT_LINEAR};
static const struct oriel_layer layer = {.size = sizeof layer,
                                         .kind = ORIEL_LAYER_IMAGE,
                                         .key = 1,
                                         .visible = 1,
                                         .blending = ORIEL_BLEND_TRANSLUCENT,
                                         .interpolation_2d = ORIEL_FILTER_NEAREST,
                                         .interpolation_3d = ORIEL_FILTER_LINEAR,
                                         .rendering = ORIEL_RENDER_MIP,
                                         .depiction = ORIEL_DEPICT_VOLUME,
                                         .opacity = 1,
                                         .gamma = 1,
                                         .contrast_limits = {0, 1},
                                         .colormap = &gray};
static const struct oriel_view_layer shown = {.layer = 1, .base = 1};

static oriel_result begin(struct scene *scene, uint32_t ndisplay, uint32_t size, GLuint *texture)
{
    static const struct oriel_layer *const layers[] = {&layer};
    const struct oriel_snapshot snapshot = {.size = sizeof snapshot,
                                            .layer_count = 1,
                                            .layers = layers,
                                            .ndisplay = ndisplay,
                                            .ndim = ndisplay,
                                            .order = {0, 1, 2}};
    glCreateTextures(GL_TEXTURE_2D, 1, texture);
    glTextureStorage2D(*texture, 1, GL_RGBA8, (GLsizei)size, (GLsizei)size);
    oriel_result result = layers_apply(scene, &snapshot);
    return result == ORIEL_OK ? scene_attach(scene, scene->framebuffer, *texture, size, size)
                              : result;
}

static void end(struct scene *scene, GLuint texture)
{
    while (scene->slab_count)
        slab_drop(scene, &scene->slabs[0]);
    for (uint32_t i = 0; i < scene->layer_count; i++)
        layer_finish(&scene->layers[i]);
    scene->layer_count = 0;
    scene->snapshot = NULL;
    glNamedFramebufferTexture(scene->framebuffer, GL_COLOR_ATTACHMENT0, 0, 0);
    glDeleteTextures(1, &texture);
}

static struct oriel_slab slab_of(uint32_t ndisplay, uint32_t dtype, uint32_t side)
{
    struct oriel_slab slab = {.size = sizeof slab,
                              .layer = layer.key,
                              .id = shown.base,
                              .ndisplay = ndisplay,
                              .dtype = dtype,
                              .scale = {1, 1, 1},
                              .row_bytes = 4ull * side,
                              .slice_bytes = 4ull * side * side};
    for (uint32_t i = 0; i < 3; i++)
        slab.shape[i] = slab.extent[i] = i < ndisplay ? side : 1;
    return slab;
}

/* Milliseconds, or -1. */
static double time_trial(struct scene *scene, GLuint texture, bool compute)
{
    /* Turned, so that rays are along no axis. */
    static const double to_clip[16] = {0.0066,  0.0023, 0.0038, 0, 0,     0.0069, -0.004, 0,
                                       -0.0045, 0.0033, 0.0055, 0, -0.14, -0.80,  -0.34,  1};
    struct pass pass = {
        .width = TRIAL_CANVAS, .height = TRIAL_CANVAS, .world_to_clip = to_clip, .step = 1.0};
    scene->compute = compute;
    double best = -1.0;
    for (int i = 0; i <= TRIALS; i++) { /* the first waits for the driver */
        glFinish();
        glQueryCounter(scene->timestamps[0], GL_TIMESTAMP);
        if (scene_draw_volumes(scene, &shown, 1, &pass, scene->framebuffer, texture) != ORIEL_OK)
            return -1.0;
        glQueryCounter(scene->timestamps[1], GL_TIMESTAMP);
        GLuint64 from, to;
        glGetQueryObjectui64v(scene->timestamps[0], GL_QUERY_RESULT, &from);
        glGetQueryObjectui64v(scene->timestamps[1], GL_QUERY_RESULT, &to);
        double ms = (double)(to - from) / 1e6;
        if (i > 0 && (best < 0.0 || ms < best))
            best = ms;
    }
    return best;
}

/* What trials took on this renderer, milliseconds, below 0 where they failed. A process measures
 * once: each screenshot makes a scene of its own. */
struct trials {
    char renderer[128];
    double compute, fragment;
};

static oriel_result run_trials(struct scene *scene, struct trials *trials)
{
    GLuint texture;
    oriel_result result = begin(scene, 3, TRIAL_CANVAS, &texture);
    /* Without ORIEL_SLAB_COMPLETE every sample is taken. */
    const struct oriel_slab slab = slab_of(3, ORIEL_U16, TRIAL_SIDE);
    if (result == ORIEL_OK)
        result = slab_upload(scene, &slab);
    if (result == ORIEL_OK) {
        trials->compute = time_trial(scene, texture, true);
        trials->fragment = time_trial(scene, texture, false);
        if (trials->compute < 0.0 && trials->fragment < 0.0)
            result = ORIEL_FATAL; /* the reason has been told */
    }
    end(scene, texture);
    return result;
}

static oriel_result compare(struct scene *scene)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct trials known;
    const char *renderer = (const char *)glGetString(GL_RENDERER);
    pthread_mutex_lock(&lock);
    struct trials trials = {.compute = -1.0, .fragment = -1.0};
    snprintf(trials.renderer, sizeof trials.renderer, "%s", renderer ? renderer : "");
    oriel_result result = ORIEL_OK;
    bool fresh = strcmp(known.renderer, trials.renderer) != 0;
    if (fresh)
        result = run_trials(scene, &trials);
    if (fresh && result == ORIEL_OK)
        known = trials;
    trials = known;
    pthread_mutex_unlock(&lock);
    if (result != ORIEL_OK)
        return result;
    double compute = trials.compute, fragment = trials.fragment;
    scene->compute = compute >= 0.0 && (fragment < 0.0 || compute < fragment);
    char text[96];
    snprintf(text, sizeof text, "shaders: %s (a volume %.2f ms, %s %.2f ms)",
             scene->compute ? "compute" : "fragment", scene->compute ? compute : fragment,
             scene->compute ? "fragment" : "compute", scene->compute ? fragment : compute);
    scene->host->log(scene->host, fresh ? ORIEL_LOG_INFO : ORIEL_LOG_DEBUG, text);
    return ORIEL_OK;
}

oriel_result choose_shaders(struct scene *scene, const char *wanted)
{
    static atomic_bool told;
    if (strcmp(wanted, "auto") == 0 && !scene->software)
        return compare(scene);
    scene->compute = strcmp(wanted, "compute") == 0;
    if (strcmp(wanted, "auto") == 0)
        scene->host->log(scene->host,
                         atomic_exchange(&told, true) ? ORIEL_LOG_DEBUG : ORIEL_LOG_INFO,
                         "shaders: fragment (a software renderer, not measured)");
    return ORIEL_OK;
}

static oriel_result draw_one(struct scene *scene, uint32_t ndisplay, uint32_t dtype, uint32_t side)
{
    static const uint8_t voxels[8 * 8 * 8 * 4];
    static const double to_clip[16] = {0.2, 0, 0, 0, 0, 0.2, 0, 0, 0, 0, 0.1, 0, -0.8, -0.8, 0, 1};
    enum { SIZE = 8 };
    GLuint texture;
    oriel_result result = begin(scene, ndisplay, SIZE, &texture);
    struct oriel_slab piece = slab_of(ndisplay, dtype, side);
    piece.data = voxels;
    struct pass pass = {.width = SIZE, .height = SIZE, .world_to_clip = to_clip, .step = 1.0};
    for (int complete = 0; complete < 2 && result == ORIEL_OK; complete++) {
        piece.flags = complete ? ORIEL_SLAB_COMPLETE : 0u;
        pass.coarse = !complete;
        piece.extent[0] = complete ? side : 1;
        result = slab_upload(scene, &piece);
        if (result == ORIEL_OK)
            result = ndisplay == 2
                         ? scene_draw_images(scene, &shown, 1, &pass, scene->framebuffer, texture)
                         : scene_draw_volumes(scene, &shown, 1, &pass, scene->framebuffer, texture);
    }
    end(scene, texture);
    return result;
}

oriel_result warm_up(struct scene *scene)
{
    static const uint32_t dtypes[] = {ORIEL_U8, ORIEL_U16, ORIEL_F32};
    oriel_result result = ORIEL_OK;
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++)
        for (uint32_t i = 0; i < 3 && result == ORIEL_OK; i++)
            /* llvmpipe tells powers of two from other sizes; volumes seldom are one in all axes. */
            for (uint32_t side = 7; side <= (ndisplay == 2 ? 8u : 7u) && result == ORIEL_OK; side++)
                result = draw_one(scene, ndisplay, dtypes[i], side);
    return result == ORIEL_OK && !program_get(scene, PROGRAM_UPSCALE) ? ORIEL_FATAL : result;
}
