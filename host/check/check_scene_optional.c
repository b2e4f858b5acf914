/* SPDX-License-Identifier: BSD-3-Clause */
/* What a scene module may have and need not. */
#include <epoxy/gl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check/scene_rig.h"

enum { WIDTH = 96, HEIGHT = 72 };

void scene_check_thumbnail(struct check_run *run)
{
    const struct oriel_scene_module *module = run->vtable;
    if (!ORIEL_HAS(module, thumbnail))
        check_skip(run, "it has no thumbnail()");
    enum { W = 40, H = 24 };
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, ndisplay, WIDTH, HEIGHT);
        uint8_t rgba[W * H * 4 + 16];
        memset(rgba, 0xa5, sizeof rgba);
        free(scene_rig_show(&rig, ORIEL_U8));
        check_doing(run, "thumbnail() of a layer of %u dimensions", ndisplay);
        oriel_result result = module->thumbnail(rig.self, rig.layer.key, W, H, rgba);
        if (result != ORIEL_OK)
            check_fail(run, "thumbnail() of a layer that was just drawn is %s (%s)",
                       check_result_name(result), check_failure());
        gl_no_error(run, "thumbnail()");
        for (size_t i = W * H * 4; i < sizeof rgba; i++)
            if (rgba[i] != 0xa5)
                check_fail(run, "thumbnail() writes behind its %u bytes", W * H * 4);
        if (ndisplay == 2 && !scene_rig_is_upright(rgba, W, H, false))
            check_fail(run, "the thumbnail is empty or upside down: row 0 is at the top");
        check_doing(run, "thumbnail() of a layer that is not there");
        if (module->thumbnail(rig.self, 4711, W, H, rgba) == ORIEL_OK)
            check_fail(run, "thumbnail() of a layer that is not there is OK");
        scene_rig_close(&rig);
    }
}

void scene_check_pick(struct check_run *run)
{
    const struct oriel_scene_module *module = run->vtable;
    if (!ORIEL_HAS(module, pick))
        check_skip(run, "it has no pick()");
    struct scene_rig rig;
    scene_rig_open(&rig, run, 2, WIDTH, HEIGHT);
    free(scene_rig_show(&rig, ORIEL_U8));
    struct oriel_pick found = {.size = sizeof found};
    check_doing(run, "pick() in the middle");
    oriel_result result =
        module->pick(rig.self, &rig.view, WIDTH / 2.0 + 0.5, HEIGHT / 2.0 + 0.5, &found);
    if (result == ORIEL_UNSUPPORTED)
        check_skip(run, "pick() is UNSUPPORTED: %s", check_failure());
    double zoom = rig.view.camera.zoom;
    double wanted[2] = {rig.view.camera.center[0] + 0.5 / zoom,
                        rig.view.camera.center[1] + 0.5 / zoom};
    if (result != ORIEL_OK || found.layer != rig.layer.key)
        check_fail(run, "pick() in the middle of a layer is %s and finds layer %llu, not %llu",
                   check_result_name(result), (unsigned long long)found.layer,
                   (unsigned long long)rig.layer.key);
    if (fabs(found.position[0] - wanted[0]) > 1 || fabs(found.position[1] - wanted[1]) > 1)
        check_fail(run, "pick() finds the world point %.2f, %.2f where %.2f, %.2f lies",
                   found.position[0], found.position[1], wanted[0], wanted[1]);
    found = (struct oriel_pick){.size = sizeof found};
    check_doing(run, "pick() beside the layer");
    result = module->pick(rig.self, &rig.view, 0.5, 0.5, &found);
    if (result != ORIEL_OK || found.layer != 0)
        check_fail(run, "pick() beside all layers is %s and finds layer %llu: layer 0 is nothing",
                   check_result_name(result), (unsigned long long)found.layer);
    scene_rig_close(&rig);
}

void scene_check_draw_time(struct check_run *run)
{
    const struct oriel_scene_module *module = run->vtable;
    if (!ORIEL_HAS(module, draw_time))
        check_skip(run, "it has no draw_time()");
    struct scene_rig rig;
    scene_rig_open(&rig, run, 2, WIDTH, HEIGHT);
    int64_t ns = -1;
    check_doing(run, "draw_time() before the first picture");
    if (module->draw_time(rig.self, &ns) == ORIEL_OK)
        check_fail(run, "draw_time() is OK before the first draw(): AGAIN while it is unknown");
    free(scene_rig_show(&rig, ORIEL_U8));
    glFinish();
    check_doing(run, "draw_time()");
    oriel_result result = module->draw_time(rig.self, &ns);
    if (result != ORIEL_OK && result != ORIEL_AGAIN)
        check_fail(run, "draw_time() is %s: OK, or AGAIN while it is unknown",
                   check_result_name(result));
    if (result == ORIEL_OK && (ns < 0 || ns > INT64_C(60000000000)))
        check_fail(run, "draw_time() is %lld ns", (long long)ns);
    gl_no_error(run, "draw_time()");
    scene_rig_close(&rig);
}
