/* SPDX-License-Identifier: BSD-3-Clause */
#include "mix.h"

#include <stdio.h>
#include <string.h>

#include "ctl/memory.h"

uint64_t dice_roll(struct dice *dice)
{
    /* xorshift64*, Vigna 2016 */
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return dice->state * UINT64_C(2685821657736338717);
}

double dice_unit(struct dice *dice)
{
    return (double)(dice_roll(dice) >> 11) / 9007199254740992.0;
}

int dice_below(struct dice *dice, int end)
{
    return (int)(dice_unit(dice) * end);
}

static double between(struct dice *dice, double low, double high)
{
    return low + (high - low) * dice_unit(dice);
}

static cJSON *number(double value)
{
    return must(cJSON_CreateNumber(value));
}

static cJSON *pick(struct dice *dice, const char *const *names)
{
    int count = 0;
    while (names[count])
        count++;
    return must(cJSON_CreateString(names[dice_below(dice, count)]));
}

static cJSON *object(const char *first, double a, const char *second, double b)
{
    cJSON *out = must(cJSON_CreateObject());
    cJSON_AddNumberToObject(out, first, a);
    if (second)
        cJSON_AddNumberToObject(out, second, b);
    return out;
}

static cJSON *doubles(const double *v, int n)
{
    return must(cJSON_CreateDoubleArray(v, n));
}

static int ndisplay_of(const struct mirror *mirror)
{
    const cJSON *from = mirror->view ? mirror->view : mirror->dims;
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(from, "ndisplay");
    return n ? n->valueint : 2;
}

/* --- values, one function for each sort of key --- */

typedef cJSON *(*value_fn)(struct dice *dice, const struct mirror *mirror);

static cJSON *unit(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return number(dice_unit(dice));
}

static cJSON *gamma_value(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return number(between(dice, 0.2, 2));
}

static cJSON *boolean(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return must(cJSON_CreateBool(dice_below(dice, 2)));
}

static cJSON *limits(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    double low = between(dice, 0, 1000);
    return doubles((double[]){low, low + between(dice, 1, 3000)}, 2);
}

static cJSON *threshold(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return number(between(dice, 0, 3000));
}

static cJSON *blending(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return pick(dice, (const char *const[]){"opaque", "translucent", "additive", "minimum", NULL});
}

static cJSON *filter(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return pick(dice, (const char *const[]){"nearest", "linear", "cubic", "spline36", NULL});
}

static cJSON *rendering(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return pick(dice, (const char *const[]){"mip", "attenuated_mip", "average", "iso", NULL});
}

static cJSON *render_mode(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return pick(dice, (const char *const[]){"mip", "translucent", "iso", NULL});
}

static cJSON *depiction(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return pick(dice, (const char *const[]){"volume", "plane", NULL});
}

static cJSON *colormap(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return pick(dice, (const char *const[]){"gray", "viridis", "magma", "green", "blue", NULL});
}

static cJSON *name(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    char text[32];
    snprintf(text, sizeof text, "name %d", dice_below(dice, 8));
    return must(cJSON_CreateString(text));
}

static cJSON *axis_index(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return number(dice_below(dice, 12)); /* beyond the end, now and then: clamped */
}

static cJSON *axis_delta(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return number(dice_below(dice, 2) ? 1 : -1);
}

static cJSON *zoom(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    cJSON *out = object("factor", dice_below(dice, 2) ? 1.1 : 1 / 1.1, NULL, 0);
    cJSON_AddItemToObject(out, "anchor_px",
                          doubles((double[]){dice_below(dice, 300), dice_below(dice, 300)}, 2));
    return out;
}

static cJSON *pan(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return object("dx_px", between(dice, -9, 9), "dy_px", between(dice, -9, 9));
}

static cJSON *orbit(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return object("d_az_deg", between(dice, -5, 5), "d_el_deg", between(dice, -5, 5));
}

static cJSON *camera_set(struct dice *dice, const struct mirror *mirror)
{
    cJSON *out = object("zoom", between(dice, 1, 20), NULL, 0);
    double v[] = {between(dice, 0, 40), between(dice, 0, 40), between(dice, 0, 8)};
    cJSON_AddItemToObject(out, "center", doubles(v, ndisplay_of(mirror)));
    return out;
}

static cJSON *camera_reset(struct dice *dice, const struct mirror *mirror)
{
    (void)dice;
    (void)mirror;
    cJSON *out = must(cJSON_CreateObject());
    cJSON_AddStringToObject(out, "reason", "load");
    return out;
}

static cJSON *pose(struct dice *dice, const struct mirror *mirror)
{
    int ndisplay = ndisplay_of(mirror);
    double center[] = {between(dice, 0, 40), between(dice, 0, 40), ndisplay == 3 ? 3 : 0};
    double turned[] = {0.8, 0.6, 0, 0}, straight[] = {1, 0, 0, 0};
    cJSON *out = object("ndisplay", ndisplay, "zoom", between(dice, 1, 20));
    cJSON_AddItemToObject(out, "center", doubles(center, 3));
    cJSON_AddItemToObject(out, "quat", doubles(ndisplay == 3 ? turned : straight, 4));
    cJSON_AddNumberToObject(out, "fov", 0);
    return out;
}

static cJSON *ndisplay(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return number(2 + (dice_below(dice, 3) == 0));
}

static cJSON *order(struct dice *dice, const struct mirror *mirror)
{
    const cJSON *now = cJSON_GetObjectItemCaseSensitive(mirror->view, "order");
    int n = cJSON_GetArraySize(now), out[16];
    for (int i = 0; i < n && i < 16; i++)
        out[i] = i;
    if (n > 2 && n <= 16 && dice_below(dice, 3) == 0) { /* home two times in three */
        out[n - 1] = n - 2;
        out[n - 2] = n - 1;
    }
    return must(cJSON_CreateIntArray(out, n < 16 ? n : 16));
}

static cJSON *background(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return doubles((double[]){dice_unit(dice), dice_unit(dice), 0, 1}, 4);
}

static cJSON *canvas(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    cJSON *out = must(cJSON_CreateObject());
    int size[] = {160 + 2 * dice_below(dice, 80), 120 + 2 * dice_below(dice, 60)};
    cJSON_AddItemToObject(out, "size", cJSON_CreateIntArray(size, 2));
    return out;
}

static cJSON *nothing(struct dice *dice, const struct mirror *mirror)
{
    (void)dice;
    (void)mirror;
    return must(cJSON_CreateObject());
}

static cJSON *play(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    if (dice_below(dice, 2))
        return must(cJSON_CreateNull());
    cJSON *out = object("fps", 5, NULL, 0);
    cJSON_AddStringToObject(out, "axis", "t");
    cJSON_AddStringToObject(out, "mode", "loop");
    return out;
}

static cJSON *level(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return dice_below(dice, 2) ? must(cJSON_CreateString("auto")) : number(dice_below(dice, 3));
}

static cJSON *sample_step(struct dice *dice, const struct mirror *mirror)
{
    (void)mirror;
    return number(between(dice, 0.5, 2));
}

enum target { LAYER, AXIS, MAIN };

static const struct kind {
    const char *scope, *key;
    enum target target;
    enum act act;
    value_fn value;
    int weight, longest; /* how often, and the most updates of a run */
    bool extension;      /* not in the base protocol */
} kinds[] = {
    {"layer", "opacity", LAYER, ACT_CONTROL, unit, 60, 12, false},
    {"layer", "gamma", LAYER, ACT_CONTROL, gamma_value, 50, 12, false},
    {"layer", "contrast_limits", LAYER, ACT_CONTROL, limits, 60, 12, false},
    {"layer", "contrast_limits_range", LAYER, ACT_CONTROL, limits, 20, 2, true},
    {"layer", "attenuation", LAYER, ACT_CONTROL, unit, 30, 8, false},
    {"layer", "iso_threshold", LAYER, ACT_CONTROL, threshold, 30, 8, false},
    {"layer", "visible", LAYER, ACT_CONTROL, boolean, 30, 2, false},
    {"layer", "blending", LAYER, ACT_CONTROL, blending, 30, 2, false},
    {"layer", "colormap", LAYER, ACT_CONTROL, colormap, 40, 3, false},
    {"layer", "rendering", LAYER, ACT_CONTROL, rendering, 30, 2, false},
    {"layer", "depiction", LAYER, ACT_CONTROL, depiction, 15, 2, true},
    {"layer", "interpolation", LAYER, ACT_OTHER, filter, 20, 2, false},
    {"layer", "interpolation2d", LAYER, ACT_CONTROL, filter, 15, 2, true},
    {"layer", "interpolation3d", LAYER, ACT_CONTROL, filter, 15, 2, true},
    {"layer", "name", LAYER, ACT_NAME, name, 10, 1, true},
    {"volume", "render_mode", MAIN, ACT_OTHER, render_mode, 10, 1, false},
    {"volume", "contrast_limits", MAIN, ACT_OTHER, limits, 15, 6, false},
    {"volume", "colormap", MAIN, ACT_OTHER, colormap, 10, 1, false},
    {"volume", "opacity", MAIN, ACT_OTHER, unit, 10, 6, false},
    {"volume", "sample_step", MAIN, ACT_OTHER, sample_step, 5, 2, false},
    {"dims", "index", AXIS, ACT_OTHER, axis_index, 80, 10, false},
    {"dims", "step", AXIS, ACT_OTHER, axis_delta, 70, 10, false},
    {"camera", "zoom", MAIN, ACT_OTHER, zoom, 50, 8, false},
    {"camera", "pan", MAIN, ACT_OTHER, pan, 60, 12, false},
    {"camera", "orbit", MAIN, ACT_OTHER, orbit, 30, 12, false},
    {"camera", "set", MAIN, ACT_OTHER, camera_set, 20, 2, false},
    {"camera", "reset", MAIN, ACT_OTHER, camera_reset, 10, 1, false},
    {"view", "pose", MAIN, ACT_POSE, pose, 90, 15, true},
    {"view", "ndisplay", MAIN, ACT_OTHER, ndisplay, 15, 1, false},
    {"view", "order", MAIN, ACT_OTHER, order, 10, 1, true},
    {"view", "background", MAIN, ACT_OTHER, background, 10, 3, true},
    {"view", "canvas", MAIN, ACT_OTHER, canvas, 8, 1, true},
    {"view", "reset", MAIN, ACT_OTHER, nothing, 8, 1, true},
    {"view", "play", MAIN, ACT_OTHER, play, 8, 1, true},
    {"multiscale", "level", MAIN, ACT_OTHER, level, 8, 1, false},
};
#define KINDS ((int)(sizeof kinds / sizeof *kinds))

static int any_kind(struct dice *dice, bool classic)
{
    int sum = 0;
    for (int i = 0; i < KINDS; i++)
        sum += classic && kinds[i].extension ? 0 : kinds[i].weight;
    int left = dice_below(dice, sum);
    for (int i = 0; i < KINDS; i++) {
        left -= classic && kinds[i].extension ? 0 : kinds[i].weight;
        if (left < 0)
            return i;
    }
    return 0;
}

static void any_target(struct run *run, struct dice *dice, const struct mirror *mirror)
{
    static const char *const axes[] = {"t", "z", "y", "x"};
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(mirror->scene, "layers");
    int count = cJSON_GetArraySize(layers);
    const cJSON *layer = count ? cJSON_GetArrayItem(layers, dice_below(dice, count)) : NULL;
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(layer, "layer_id");
    const char *target = "main";
    if (kinds[run->kind].target == AXIS)
        target = axes[dice_below(dice, 4)];
    if (kinds[run->kind].target == LAYER)
        target = cJSON_IsString(id) ? id->valuestring : "layer-0";
    snprintf(run->layer, sizeof run->layer, "%s", target);
}

struct change mix_next(struct run *run, struct dice *dice, const struct mirror *mirror,
                       bool classic, uint64_t rev)
{
    if (run->done == run->length) {
        run->kind = any_kind(dice, classic);
        run->done = 0;
        run->length = 1 + dice_below(dice, kinds[run->kind].longest);
        snprintf(run->id, sizeof run->id, "drag-%08x", (unsigned)dice_roll(dice));
        any_target(run, dice, mirror);
    }
    const struct kind *kind = &kinds[run->kind];
    run->done++;
    struct change change = {.act = kind->act,
                            .scope = kind->scope,
                            .key = kind->key,
                            .phase = run->done == run->length ? "end"
                                     : run->done == 1         ? "start"
                                                              : "update",
                            .value = kind->value(dice, mirror)};
    snprintf(change.target, sizeof change.target, "%s", run->layer);
    if (kind->act == ACT_POSE)
        cJSON_AddNumberToObject(change.value, "rev", (double)rev);
    return change;
}

void mix_stop(struct run *run)
{
    run->done = run->length = 0;
}
