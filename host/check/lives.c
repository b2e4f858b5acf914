/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/lives.h"

#include <stdlib.h>
#include <unistd.h>

#include "check/capture_rig.h"
#include "check/encoder_rig.h"
#include "check/manners.h"
#include "check/scene_rig.h"
#include "check/source_rig.h"
#include "check/transport_rig.h"
#include "util/check.h"

typedef const void *get_interface(void *self, const char *id);

/* Looks at an instance amid its life. */
typedef void look(struct check_run *run, get_interface *get, void *self);

static void nothing(struct check_run *run, get_interface *get, void *self)
{
    (void)run, (void)get, (void)self;
}

/* ---- a life of each kind ---- */

static void encoder(struct check_run *run, look *meet)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    meet(run, rig->encoder->get_interface, rig->self);
    rig_run(rig, 1, 8);
    rig_destroy(rig);
}

static void capture(struct check_run *run, look *meet)
{
    struct capture_rig rig;
    capture_rig_open(&rig, run);
    struct oriel_format format = capture_rig_first(&rig, 96, 64);
    capture_rig_create(&rig, &format, 2);
    meet(run, rig.capture->get_interface, rig.self);
    for (int i = 0; i < 8; i++) {
        capture_rig_one(&rig);
        capture_rig_drop(&rig);
    }
    capture_rig_destroy(&rig);
}

static void scene(struct check_run *run, look *meet)
{
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct scene_rig rig;
        scene_rig_open(&rig, run, ndisplay, 96, 64);
        meet(run, rig.module->get_interface, rig.self);
        free(scene_rig_show(&rig, ORIEL_U8));
        scene_rig_close(&rig);
    }
}

static void source(struct check_run *run, look *meet)
{
    struct source_rig *rig = source_open(run, CHECK_HOST_USUAL, false);
    meet(run, rig->source->get_interface, rig->self);
    for (uint32_t level = 0; source_dtype_bytes(rig->info->dtype) && level < rig->info->level_count;
         level++) {
        struct box box = source_box(rig, level, 1 << 16);
        void *out = xcalloc(1, (size_t)source_bytes(rig, &box));
        check_doing(run, "read() of level %u", level);
        source_read(rig, &box, out, NULL);
        free(out);
    }
    source_close(rig);
}

static void transport(struct check_run *run, look *meet)
{
    static struct transport_rig rig; /* a late callback finds it */
    char why[400];
    transport_rig_start(&rig, run, CHECK_HOST_USUAL);
    meet(run, rig.transport->get_interface, rig.self);
    if (rig.endpoint_count && transport_rig_is_web(&rig, why, sizeof why))
        transport_rig_expect_served(&rig, "a first one");
    else if (rig.endpoint_count)
        close(transport_rig_dial(&rig, &rig.endpoints[0]));
    transport_rig_close(&rig);
}

static void live(struct check_run *run, look *meet)
{
    switch (run->kind) {
    case MODULE_ENCODER:
        encoder(run, meet);
        return;
    case MODULE_CAPTURE:
        capture(run, meet);
        return;
    case MODULE_SCENE:
        scene(run, meet);
        return;
    case MODULE_SOURCE:
        source(run, meet);
        return;
    default:
        transport(run, meet);
    }
}

/* ---- what is looked at ---- */

static void ask(struct check_run *run, get_interface *get, void *self)
{
    static const char *const ids[] = {"org.example.unknown/1", "", "oriel.encoder/1x"};
    for (size_t i = 0; get && i < sizeof ids / sizeof ids[0]; i++) {
        check_doing(run, "get_interface(\"%s\")", ids[i]);
        if (get(self, ids[i]))
            check_fail(run,
                       "get_interface(\"%s\") answers something; an interface that the "
                       "instance does not have is NULL",
                       ids[i]);
    }
}

void lives_interface(struct check_run *run)
{
    live(run, ask);
}

void lives_manners(struct check_run *run)
{
    if (run->kind == MODULE_CAPTURE || run->kind == MODULE_SCENE)
        gl_open(run); /* what OpenGL does to the process is not the module's */
    if (run->kind == MODULE_ENCODER)
        picture_watch(); /* our own handler */
    struct manners *before = manners_look();
    live(run, nothing);
    manners_compare(run, before);
    free(before);
}
