/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epoxy/gl.h>

#include "check/gl_state.h"
#include "check/fuzz.h"
#include "check/lives.h"
#include "check/scene_rig.h"

enum { WIDTH = 96, HEIGHT = 72 };
static const uint8_t elsewhere[4] = {255, 0, 255, 255};

static void kinds(struct check_run *run)
{
    const struct oriel_scene_module *module = run->vtable;
    uint32_t seen[64], count = 0;
    oriel_result result;
    for (; (result = module->kind(count, &seen[count])) == ORIEL_OK; count++) {
        if (seen[count] < ORIEL_LAYER_IMAGE || seen[count] > ORIEL_LAYER_SHAPES)
            check_fail(run, "kind(%u) is %u, which is no ORIEL_LAYER_*", count, seen[count]);
        for (uint32_t i = 0; i < count; i++)
            if (seen[i] == seen[count])
                check_fail(run,
                           "kind(%u) and kind(%u) are both %u: each is listed once, and past "
                           "the end is UNSUPPORTED",
                           i, count, seen[count]);
    }
    if (result != ORIEL_UNSUPPORTED)
        check_fail(run, "kind(%u) is %s: past the end is UNSUPPORTED", count,
                   check_result_name(result));
    if (!count)
        check_fail(run, "it lists no kind of layer");
    uint32_t ignored;
    for (uint32_t index = count; index < UINT32_MAX / 2; index = index * 3 + 1)
        if (module->kind(index, &ignored) != ORIEL_UNSUPPORTED)
            check_fail(run, "kind(%u) is there, and kind(%u) is not", index, count);
    check_note(run, "%u", count);
}

static void need_background(struct scene_rig *rig, const char *when)
{
    gl_target_fill(&rig->target, elsewhere);
    uint8_t *picture = scene_rig_picture(rig);
    if (!scene_rig_is_filled(rig, picture, scene_background))
        check_fail(rig->run, "a picture of %u dimensions, %ux%u, is not the background, %s",
                   rig->view.ndisplay, rig->target.width, rig->target.height, when);
    free(picture);
}

static void empty(struct check_run *run)
{
    static const uint32_t sizes[][2] = {{WIDTH, HEIGHT}, {1, 1}, {2, 1}, {1, 33}, {257, 3}};
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, ndisplay, 16, 16);
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            scene_rig_resize(&rig, sizes[i][0], sizes[i][1]);
            scene_rig_must_apply(&rig);
            need_background(&rig, "and no layer is there");
        }
        /* A layer without data; and data that is named and was never given. */
        rig.snapshot.layer_count = rig.view.layer_count = 1;
        rig.view_layer = (struct oriel_view_layer){.layer = rig.layer.key};
        scene_rig_must_apply(&rig);
        need_background(&rig, "and the layer has no data");
        rig.view_layer.base = 4711;
        rig.view_layer.detail = 4712;
        need_background(&rig, "and the slab was never uploaded: what it was not given is left out");
        rig.view_layer.layer = 4713;
        need_background(&rig, "and the layer is not in the snapshot");
        scene_rig_close(&rig);
    }
}

static void picture(struct check_run *run)
{
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, ndisplay, WIDTH, HEIGHT);
        gl_target_fill(&rig.target, elsewhere);
        uint8_t *first = scene_rig_show(&rig, ORIEL_U8);
        if (scene_rig_is_filled(&rig, first, scene_background))
            check_fail(run, "a layer of %u dimensions with data leaves no trace in the picture",
                       ndisplay);
        if (memcmp(first, elsewhere, 4) == 0)
            check_fail(run, "draw() leaves what was in the target: it draws the background");
        gl_target_fill(&rig.target, elsewhere);
        uint8_t *second = scene_rig_picture(&rig);
        if (!scene_rig_same(&rig, first, second))
            check_fail(run, "the same view of %u dimensions, drawn twice, gives two pictures",
                       ndisplay);
        scene_rig_must_apply(&rig);
        free(second);
        second = scene_rig_picture(&rig);
        if (!scene_rig_same(&rig, first, second))
            check_fail(run, "an apply() that changes nothing changes the picture of %u dimensions",
                       ndisplay);
        free(first);
        free(second);
        scene_rig_close(&rig);
    }
}

static void sizes(struct check_run *run)
{
    static const uint32_t all[][2] = {{1, 1}, {2, 3}, {1, 64}, {333, 1}, {97, 61}, {640, 480}};
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, ndisplay, WIDTH, HEIGHT);
        uint8_t *first = scene_rig_show(&rig, ORIEL_U8);
        for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
            scene_rig_resize(&rig, all[i][0], all[i][1]);
            scene_rig_must_apply(&rig);
            free(scene_rig_picture(&rig));
            rig.view.resolution = 0.25; /* less than all is wanted for now */
            rig.view.step = 2;
            rig.view.flags = ORIEL_VIEW_INTERACTIVE;
            free(scene_rig_picture(&rig));
            rig.view.resolution = rig.view.step = 1;
            rig.view.flags = 0;
        }
        scene_rig_resize(&rig, WIDTH, HEIGHT);
        scene_rig_must_apply(&rig);
        uint8_t *again = scene_rig_picture(&rig);
        if (!scene_rig_same(&rig, first, again))
            check_fail(run,
                       "a picture of %u dimensions is another one after pictures of other "
                       "sizes",
                       ndisplay);
        free(first);
        free(again);
        scene_rig_close(&rig);
    }
}

/* ---- data ---- */

/* The slab in four pieces, last first, with rows of any length. */
static void upload_pieces(struct scene_rig *rig, const struct oriel_slab *whole)
{
    uint32_t bytes = scene_rig_bytes(whole->dtype);
    uint64_t row = SCENE_SIDE * bytes + 3 * bytes, slice = SCENE_SIDE * row + 5 * bytes;
    uint8_t *apart = calloc(SCENE_SIDE, slice);
    if (!apart)
        check_fail(rig->run, "out of memory");
    for (uint32_t z = 0; z < whole->shape[2]; z++)
        for (uint32_t y = 0; y < SCENE_SIDE; y++)
            memcpy(apart + z * slice + y * row,
                   (const uint8_t *)whole->data + z * whole->slice_bytes + y * whole->row_bytes,
                   SCENE_SIDE * bytes);
    struct oriel_slab piece = *whole;
    piece.flags = 0;
    piece.data = NULL; /* only allocates */
    scene_rig_must_upload(rig, &piece);
    piece.row_bytes = row;
    piece.slice_bytes = slice;
    for (uint32_t k = 4; k-- > 0;) {
        static const uint32_t cut = 5;
        uint32_t at[2] = {k & 1 ? cut : 0, k & 2 ? cut : 0};
        for (int i = 0; i < 2; i++) {
            piece.offset[i] = at[i];
            piece.extent[i] = at[i] ? SCENE_SIDE - cut : cut;
        }
        piece.data = apart + at[1] * row + at[0] * bytes;
        piece.flags = k == 0 ? ORIEL_SLAB_COMPLETE : 0;
        scene_rig_must_upload(rig, &piece);
    }
    free(apart); /* the data is borrowed during the call */
}

static void upload(struct check_run *run)
{
    static const uint32_t dtypes[] = {ORIEL_U8, ORIEL_U16, ORIEL_F32};
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, ndisplay, WIDTH, HEIGHT);
        for (unsigned i = 0; i < 3; i++) {
            uint8_t *wanted = scene_rig_show(&rig, dtypes[i]);
            if (scene_rig_is_filled(&rig, wanted, scene_background))
                check_fail(run, "data of type %u leaves no trace in a picture of %u dimensions",
                           dtypes[i], ndisplay);
            struct oriel_slab slab = scene_rig_slab(&rig, dtypes[i]);
            upload_pieces(&rig, &slab);
            for (int way = 0; way < 2; way++) { /* what is drawn everywhere, and in detail */
                rig.view_layer = (struct oriel_view_layer){.layer = rig.layer.key};
                *(way ? &rig.view_layer.detail : &rig.view_layer.base) = slab.id;
                uint8_t *drawn = scene_rig_picture(&rig);
                if (!scene_rig_same(&rig, wanted, drawn))
                    check_fail(run,
                               "a slab of type %u and %u dimensions that came in pieces, the last "
                               "first, is drawn%s unlike one that came whole",
                               dtypes[i], ndisplay, way ? ", as detail," : "");
                free(drawn);
            }
            free(wanted);
        }
        scene_rig_close(&rig);
    }
}

static void evict(struct check_run *run)
{
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, ndisplay, WIDTH, HEIGHT);
        uint8_t *there = scene_rig_show(&rig, ORIEL_U8);
        check_doing(run, "evict() of a slab that it never had");
        rig.module->evict(rig.self, 0);
        rig.module->evict(rig.self, 987654321);
        gl_no_error(run, "evict()");
        uint8_t *still = scene_rig_picture(&rig);
        if (!scene_rig_same(&rig, there, still))
            check_fail(run, "evict() of an unknown slab changes the picture: unknown ids are fine");
        check_doing(run, "evict()");
        rig.module->evict(rig.self, rig.view_layer.base);
        gl_no_error(run, "evict()");
        need_background(&rig, "and its slab was evicted");
        free(scene_rig_show(&rig, ORIEL_U8)); /* another one takes its place */
        rig.snapshot.layer_count = 0;
        scene_rig_must_apply(&rig);
        need_background(&rig, "and the layer is gone from the snapshot");
        rig.snapshot.layer_count = 1;
        scene_rig_must_apply(&rig);
        need_background(&rig, "and the layer was gone, with its slabs, before it came again");
        free(there);
        free(still);
        scene_rig_close(&rig);
    }
}

/* Upload refuses what it cannot take; whatever else is unknown is left out or refused. */
static void unknown(struct check_run *run)
{
    struct scene_rig rig;
    scene_rig_open(&rig, run, 2, WIDTH, HEIGHT);
    uint8_t *good = scene_rig_show(&rig, ORIEL_U8);
    const struct oriel_layer layer = rig.layer;
    struct oriel_colormap map = *layer.colormap;
    map.interpolation = 999;
    static const char *const names[] = {
        "a kind",      "a blending",  "a filter for images",        "a filter for volumes",
        "a rendering", "a depiction", "a colormap's interpolation", "a type of its data"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        uint32_t *const fields[] = {&rig.layer.kind,
                                    &rig.layer.blending,
                                    &rig.layer.interpolation_2d,
                                    &rig.layer.interpolation_3d,
                                    &rig.layer.rendering,
                                    &rig.layer.depiction,
                                    NULL,
                                    &rig.layer.dtype};
        for (rig.view.ndisplay = 2; rig.view.ndisplay <= 3; rig.view.ndisplay++) {
            rig.layer = layer;
            if (fields[i])
                *fields[i] = 0x70000001;
            else
                rig.layer.colormap = &map;
            oriel_result result = scene_rig_apply(&rig);
            if (result == ORIEL_OK)
                result = scene_rig_draw(&rig);
            if (result != ORIEL_OK && result != ORIEL_UNSUPPORTED)
                check_fail(run, "a layer with %s that nobody knows is %s: OK or UNSUPPORTED",
                           names[i], check_result_name(result));
        }
    }
    rig.layer = layer;
    rig.view.ndisplay = 2;
    struct oriel_slab slab = scene_rig_slab(&rig, ORIEL_U8);
    slab.dtype = 999;
    oriel_result result = scene_rig_upload(&rig, &slab);
    if (result != ORIEL_UNSUPPORTED || !*check_failure())
        check_fail(run, "upload() of voxels of type 999 is %s: UNSUPPORTED, with a text",
                   check_result_name(result));
    rig.layer = layer;
    free(good);
    good = scene_rig_show(&rig, ORIEL_U8);
    uint8_t *again = scene_rig_show(&rig, ORIEL_U8);
    if (!scene_rig_same(&rig, good, again) || scene_rig_is_filled(&rig, good, scene_background))
        check_fail(run, "after values that nobody knows it does not draw as before");
    free(good);
    free(again);
    scene_rig_close(&rig);
}

/* ---- pictures ---- */

static void controls(struct check_run *run)
{
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, ndisplay, WIDTH, HEIGHT);
        uint8_t *plain = scene_rig_show(&rig, ORIEL_U8);
        rig.layer.opacity = 0;
        scene_rig_must_apply(&rig);
        need_background(&rig, "and the layer's opacity is 0");
        rig.layer.opacity = 1;
        rig.layer.visible = 0;
        scene_rig_must_apply(&rig);
        need_background(&rig, "and the layer is not visible");
        rig.layer.visible = 1;
        for (int way = 0; way < 3; way++) {
            static const char *const names[] = {"opacity", "contrast limits", "gamma"};
            rig.layer.opacity = way == 0 ? 0.5 : 1;
            rig.layer.contrast_limits[0] = way == 1 ? 100 : 0;
            rig.layer.gamma = way == 2 ? 2.5 : 1;
            scene_rig_must_apply(&rig);
            uint8_t *other = scene_rig_picture(&rig);
            if (scene_rig_same(&rig, plain, other))
                check_fail(run,
                           "another %s of the layer changes nothing in a picture of %u "
                           "dimensions",
                           names[way], ndisplay);
            free(other);
        }
        rig.layer.gamma = 1;
        scene_rig_must_apply(&rig);
        uint8_t *again = scene_rig_picture(&rig);
        if (!scene_rig_same(&rig, plain, again))
            check_fail(run, "controls that are back where they were give another picture");
        free(plain);
        free(again);
        scene_rig_close(&rig);
    }
}

static void scissor(struct check_run *run)
{
    const GLint x = 17, y = 20, width = 50, height = 31;
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++)
        for (int reduced = 0; reduced < 2; reduced++) {
            struct scene_rig rig;
            scene_rig_open(&rig, run, ndisplay, WIDTH, HEIGHT);
            free(scene_rig_show(&rig, ORIEL_U8));
            rig.view.resolution = reduced ? 0.5 : 1;
            uint8_t *whole = scene_rig_picture(&rig);
            gl_target_fill(&rig.target, elsewhere);
            glEnable(GL_SCISSOR_TEST);
            glScissor(x, y, width, height);
            uint8_t *part = scene_rig_picture(&rig);
            glDisable(GL_SCISSOR_TEST);
            glScissor(0, 0, WIDTH, HEIGHT);
            for (GLint j = 0; j < HEIGHT; j++)
                for (GLint i = 0; i < WIDTH; i++) {
                    bool inside = i >= x && i < x + width && j >= y && j < y + height;
                    size_t at = 4 * ((size_t)j * WIDTH + (size_t)i);
                    const uint8_t *want = inside ? whole + at : elsewhere;
                    if (memcmp(part + at, want, 4) == 0)
                        continue;
                    check_fail(run,
                               inside ? "with GL_SCISSOR_TEST the pixel %d, %d within the box is "
                                        "unlike that of the whole picture (%u dimensions)"
                                      : "with GL_SCISSOR_TEST the pixel %d, %d outside of the box "
                                        "is touched (%u dimensions)",
                               i, j, ndisplay);
                }
            free(whole);
            free(part);
            scene_rig_close(&rig);
        }
}

static void orientation(struct check_run *run)
{
    struct scene_rig rig;
    scene_rig_open(&rig, run, 2, WIDTH, HEIGHT);
    uint8_t *drawn = scene_rig_show(&rig, ORIEL_U8);
    if (!scene_rig_is_upright(drawn, WIDTH, HEIGHT, true))
        check_fail(run,
                   "the picture is upside down: world y goes down where world_to_clip says so, "
                   "and row 0 of the target is at the bottom");
    free(drawn);
    scene_rig_close(&rig);
}

/* ---- what it leaves behind ---- */

static void unchanged(struct check_run *run, const struct gl_state *before, const char *call)
{
    struct gl_state *after = gl_state_read();
    char text[256];
    if (!gl_state_same(before, after, text, sizeof text))
        check_fail(run, "%s left the GL state changed: %s", call, text);
    free(after);
}

static void watch_calls(struct scene_rig *rig, const struct gl_state *before)
{
    struct check_run *run = rig->run;
    const struct oriel_scene_module *module = rig->module;
    struct oriel_slab slab = scene_rig_slab(rig, ORIEL_U8);
    rig->snapshot.layer_count = rig->view.layer_count = 1;
    rig->view_layer = (struct oriel_view_layer){.layer = rig->layer.key, .base = slab.id};
    scene_rig_must_apply(rig);
    unchanged(run, before, "apply()");
    scene_rig_must_upload(rig, &slab);
    unchanged(run, before, "upload()");
    for (int reduced = 0; reduced < 2; reduced++) {
        rig->view.resolution = reduced ? 0.5 : 1;
        scene_rig_draw(rig);
        unchanged(run, before, "draw()");
    }
    uint8_t rgba[16 * 16 * 4];
    if (ORIEL_HAS(module, thumbnail)) {
        check_doing(run, "thumbnail()");
        module->thumbnail(rig->self, rig->layer.key, 16, 16, rgba);
        unchanged(run, before, "thumbnail()");
    }
    struct oriel_pick found = {.size = sizeof found};
    if (ORIEL_HAS(module, pick)) {
        check_doing(run, "pick()");
        module->pick(rig->self, &rig->view, 5.5, 5.5, &found);
        unchanged(run, before, "pick()");
    }
    check_doing(run, "evict()");
    module->evict(rig->self, slab.id);
    unchanged(run, before, "evict()");
}

static void gl_state(struct check_run *run)
{
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++)
        for (int unusual = 0; unusual < 2; unusual++) {
            gl_open(run);
            struct gl_unusual *odd = unusual ? gl_unusual_begin() : NULL;
            struct gl_state *before = gl_state_read();
            struct scene_rig rig;
            scene_rig_open(&rig, run, ndisplay, WIDTH, HEIGHT);
            unchanged(run, before, "create()");
            watch_calls(&rig, before);
            scene_rig_close(&rig);
            unchanged(run, before, "destroy()");
            free(before);
            if (odd)
                gl_unusual_end(odd);
        }
}

/* ---- other hosts ---- */

static void draw_on(struct check_run *run, enum check_host_kind host)
{
    struct scene_rig usual, other;
    scene_rig_open(&usual, run, 2, WIDTH, HEIGHT);
    uint8_t *wanted = scene_rig_show(&usual, ORIEL_U8);
    scene_rig_close(&usual);
    scene_rig_open_on(&other, run, host, 2, WIDTH, HEIGHT);
    uint8_t *drawn = scene_rig_show(&other, ORIEL_U8);
    if (!scene_rig_same(&other, wanted, drawn))
        check_fail(run, "it draws another picture than on the usual host");
    free(wanted);
    free(drawn);
    scene_rig_close(&other);
}

static void minimal_host(struct check_run *run)
{
    draw_on(run, CHECK_HOST_MINIMAL);
}

static void future_host(struct check_run *run)
{
    draw_on(run, CHECK_HOST_FUTURE);
}

/* ---- many ---- */

static void two_instances(struct check_run *run)
{
    struct scene_rig a, b;
    scene_rig_open(&a, run, 2, WIDTH, HEIGHT);
    uint8_t *alone = scene_rig_show(&a, ORIEL_U8);
    scene_rig_open(&b, run, 3, 64, 48); /* the same keys and ids of slabs */
    uint8_t *other = scene_rig_show(&b, ORIEL_U16);
    b.layer.contrast_limits[1] = 30000;
    for (int round = 0; round < 3; round++) {
        scene_rig_must_apply(&b);
        uint8_t *drawn = scene_rig_picture(&a);
        if (!scene_rig_same(&a, alone, drawn))
            check_fail(run, "beside another instance it draws another picture than alone");
        free(drawn);
        free(scene_rig_picture(&b));
    }
    b.layer.contrast_limits[1] = 65535;
    scene_rig_must_apply(&b);
    scene_rig_close(&a);
    uint8_t *drawn = scene_rig_picture(&b);
    if (!scene_rig_same(&b, other, drawn))
        check_fail(run, "after another instance was destroyed it draws another picture");
    free(drawn);
    free(alone);
    free(other);
    scene_rig_close(&b);
}

static void flat(struct check_run *run)
{
    struct gl_flat count = {.rounds = 60, .warm = 10, .most = 12 << 20};
    while (count.done < count.rounds) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, 2 + count.done % 2, 40, 30);
        if (count.done % 3) /* every third is let go at once */
            free(scene_rig_show(&rig, ORIEL_U8));
        scene_rig_close(&rig);
        gl_flat_round(run, &count);
    }
}

const struct check check_scene[] = {
    {"scene.kinds", "kind() lists each kind of layer once and is UNSUPPORTED past the end.",
     CHECK_SCENE, 10, kinds},
    {"scene.empty",
     "Without layers, or without data, the whole picture is the background, in every size.",
     CHECK_SCENE, 30, empty},
    {"scene.picture", "Data is seen, and the same view drawn twice gives the same pixels.",
     CHECK_SCENE, 30, picture},
    {"scene.orientation", "World coordinates lie where world_to_clip puts them.", CHECK_SCENE, 30,
     orientation},
    {"scene.sizes", "Targets of every size are drawn, 1x1 among them.", CHECK_SCENE, 60, sizes},
    {"scene.upload",
     "Slabs of U8, U16 and F32, in pieces of any order and any strides, are drawn as if they had "
     "come whole.",
     CHECK_SCENE, 60, upload},
    {"scene.evict",
     "evict() forgets a slab, unknown ids are fine, and a layer that goes takes its slabs along.",
     CHECK_SCENE, 30, evict},
    {"scene.unknown",
     "A value of an enumeration that nobody knows is left out or UNSUPPORTED, and ends nothing.",
     CHECK_SCENE, 30, unknown},
    {"scene.controls",
     "Opacity, visibility, contrast limits and gamma of a layer change the picture; opacity 0 is "
     "the background.",
     CHECK_SCENE, 30, controls},
    {"scene.scissor",
     "With GL_SCISSOR_TEST draw() touches nothing outside of the box and draws the same inside.",
     CHECK_SCENE, 60, scissor},
    {"scene.thumbnail",
     "thumbnail() fills its pixels, row 0 at the top, and refuses a layer that is not there.",
     CHECK_SCENE, 30, scene_check_thumbnail},
    {"scene.pick", "pick() finds the layer and the point in the world under a pixel, or layer 0.",
     CHECK_SCENE, 30, scene_check_pick},
    {"scene.draw_time", "draw_time() is AGAIN while it is unknown.", CHECK_SCENE, 30,
     scene_check_draw_time},
    {"scene.gl_state", "Every call leaves the GL state as it was.", CHECK_SCENE, 60, gl_state},
    {"scene.minimal_host",
     "It works, or says that it cannot, on a host without optional interfaces; a context is "
     "current.",
     CHECK_SCENE, 30, minimal_host},
    {"scene.future_host",
     "It works on a host of a later minor, and does not look behind the members that it knows.",
     CHECK_SCENE, 30, future_host},
    {"scene.two_instances", "Two instances in turn draw what one alone does.", CHECK_SCENE, 30,
     two_instances},
    {"scene.flat",
     "Instances made and destroyed leave no memory, descriptor, thread or OpenGL object behind.",
     CHECK_SCENE, 180, flat},
    {"scene.fuzz", FUZZ_WANTS, CHECK_SCENE, 60, fuzz_options},
    {"scene.interface", LIVES_INTERFACE_WANTS, CHECK_SCENE, 30, lives_interface},
    {"scene.manners", LIVES_MANNERS_WANTS, CHECK_SCENE, 30, lives_manners},
};
const size_t check_scene_count = sizeof check_scene / sizeof *check_scene;
