/* SPDX-License-Identifier: BSD-3-Clause */
/* A scene module that draws a plain colour and fails on command: each draw looks for the file that
 * $ORIEL_ENDING_SCENE names, removes it, and does what it says. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oriel/host_gl.h"
#include "oriel/scene_module.h"

enum { GL_COLOR = 0x1800 };

struct scene {
    void (*clear)(unsigned framebuffer, unsigned buffer, int index, const float *value);
};
/* An instance whose thread has ended is never destroyed: no memory may be lost with it. */
static struct scene scenes[64];
static atomic_uint created;

static oriel_result scene_kind(uint32_t index, uint32_t *kind)
{
    *kind = ORIEL_LAYER_IMAGE;
    return index ? ORIEL_UNSUPPORTED : ORIEL_OK;
}

static oriel_result scene_create(const struct oriel_host *host, const struct oriel_config *config,
                                 void **self)
{
    (void)config;
    const struct oriel_host_gl *gl = host->get_interface(host, ORIEL_HOST_GL_V1);
    if (!gl)
        return host->fail(host, ORIEL_UNSUPPORTED, "there is no OpenGL on this thread");
    unsigned index = atomic_fetch_add(&created, 1);
    if (index >= sizeof scenes / sizeof *scenes)
        return ORIEL_NOMEM;
    struct scene *scene = &scenes[index];
    void *address = gl->get_proc_address("glClearNamedFramebufferfv");
    memcpy(&scene->clear, &address, sizeof address);
    *self = scene;
    return ORIEL_OK;
}

static void scene_destroy(void *self)
{
    (void)self;
}

static oriel_result scene_apply(void *self, const struct oriel_snapshot *snapshot)
{
    (void)self, (void)snapshot;
    return ORIEL_OK;
}

static oriel_result scene_upload(void *self, const struct oriel_slab *slab)
{
    (void)self, (void)slab;
    return ORIEL_OK;
}

static void scene_evict(void *self, uint64_t slab)
{
    (void)self, (void)slab;
}

static oriel_result ordered(void)
{
    static const struct {
        const char *word;
        oriel_result result;
    } orders[] = {{"lost", ORIEL_DEVICE_LOST}, {"fatal", ORIEL_FATAL}};
    const char *path = getenv("ORIEL_ENDING_SCENE");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        return ORIEL_OK;
    char word[16] = "";
    if (!fgets(word, sizeof word, file))
        word[0] = '\0';
    fclose(file);
    unlink(path);
    if (strcmp(word, "exit") == 0)
        pthread_exit(NULL);
    while (strcmp(word, "hang") == 0)
        sleep(1);
    for (unsigned i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (strcmp(word, orders[i].word) == 0)
            return orders[i].result;
    }
    return ORIEL_OK;
}

static oriel_result scene_draw(void *self, const struct oriel_view *view,
                               const struct oriel_target *target)
{
    (void)view;
    struct scene *scene = self;
    oriel_result result = ordered();
    const float colour[4] = {1, 0, 0, 1};
    if (result == ORIEL_OK)
        scene->clear(target->framebuffer, GL_COLOR, 0, colour);
    return result;
}

static const struct oriel_scene_module scene_module = {.size = sizeof scene_module,
                                                       .kind = scene_kind,
                                                       .create = scene_create,
                                                       .destroy = scene_destroy,
                                                       .apply = scene_apply,
                                                       .upload = scene_upload,
                                                       .evict = scene_evict,
                                                       .draw = scene_draw};

static const void *get_factory(const char *interface_id)
{
    return strcmp(interface_id, ORIEL_SCENE_V1) == 0 ? &scene_module : NULL;
}

static const struct oriel_module_info info = {
    .size = sizeof info,
    .id = "scene/ending",
    .version = "1.0.0",
    .vendor = "tests",
    .license = "BSD-3-Clause",
    .description = "Draws red until it is told to fail.",
};

ORIEL_MODULE(&info, NULL, NULL, get_factory);
