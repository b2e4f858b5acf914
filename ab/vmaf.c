/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/vmaf.h"

#include <dlfcn.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"

#define MODEL "vmaf_v0.6.1"
enum { PIX_FMT_420 = 1, PIX_FMT_444 = 3, LOG_NONE = 0 };

/* The layouts of libvmaf 2 and 3. Only what begins a picture is read; newer ones are longer. */
struct vmaf_configuration {
    int log_level;
    unsigned threads, subsample;
    uint64_t cpu_mask, gpu_mask;
};
struct vmaf_model_config {
    const char *name;
    uint64_t flags;
};
struct vmaf_picture {
    int pix_fmt;
    unsigned bits;
    unsigned width[3], height[3];
    ptrdiff_t stride[3];
    void *data[3];
    void *rest[16];
};

static struct {
    const char *(*version)(void);
    int (*init)(void **context, struct vmaf_configuration configuration);
    int (*close)(void *context);
    int (*model_load)(void **model, struct vmaf_model_config *config, const char *version);
    void (*model_destroy)(void *model);
    int (*use_features)(void *context, void *model);
    int (*picture_alloc)(struct vmaf_picture *picture, int pix_fmt, unsigned bits, unsigned width,
                         unsigned height);
    int (*picture_unref)(struct vmaf_picture *picture);
    int (*read)(void *context, struct vmaf_picture *source, struct vmaf_picture *shown,
                unsigned index);
    int (*score_at)(void *context, void *model, double *score, unsigned index);
} library;

struct vmaf {
    void *context, *model;
    int pix_fmt;
    unsigned added;
    bool flushed;
};

static const char *load(void)
{
    static const struct {
        const char *name;
        void *to;
    } functions[] = {
        {"vmaf_version", &library.version},
        {"vmaf_init", &library.init},
        {"vmaf_close", &library.close},
        {"vmaf_model_load", &library.model_load},
        {"vmaf_model_destroy", &library.model_destroy},
        {"vmaf_use_features_from_model", &library.use_features},
        {"vmaf_picture_alloc", &library.picture_alloc},
        {"vmaf_picture_unref", &library.picture_unref},
        {"vmaf_read_pictures", &library.read},
        {"vmaf_score_at_index", &library.score_at},
    };
    static const char *const names[] = {"libvmaf.so.3", "libvmaf.so.1", "libvmaf.so"};
    void *handle = NULL;
    for (size_t i = 0; !handle && i < sizeof names / sizeof *names; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle)
        return "not measured: libvmaf was not found";
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(handle, functions[i].name);
        if (!found)
            return "not measured: the libvmaf here is not of version 2 or 3";
        memcpy(functions[i].to, &found, sizeof found);
    }
    char major = library.version()[0];
    return major == '2' || major == '3' ? NULL
                                        : "not measured: the libvmaf here is not of version 2 or 3";
}

struct vmaf *vmaf_open(const struct oriel_format *format, const char **about)
{
    static const char *missing;
    static char name[96];
    static bool loaded;
    if (!loaded)
        missing = load();
    loaded = true;
    *about = missing;
    if (missing)
        return NULL;
    snprintf(name, sizeof name, "libvmaf %s, model " MODEL, library.version());
    *about = name;
    struct vmaf *vmaf = xcalloc(1, sizeof *vmaf);
    vmaf->pix_fmt = format->fourcc == ORIEL_FMT_I444 ? PIX_FMT_444 : PIX_FMT_420;
    struct vmaf_configuration configuration = {.log_level = LOG_NONE};
    struct vmaf_model_config config = {.name = "vmaf"};
    if (library.init(&vmaf->context, configuration) == 0 &&
        library.model_load(&vmaf->model, &config, MODEL) == 0 &&
        library.use_features(vmaf->context, vmaf->model) == 0)
        return vmaf;
    *about = missing = "not measured: libvmaf does not load its model " MODEL;
    vmaf_close(vmaf);
    return NULL;
}

void vmaf_close(struct vmaf *vmaf)
{
    if (!vmaf)
        return;
    if (vmaf->model)
        library.model_destroy(vmaf->model);
    if (vmaf->context)
        library.close(vmaf->context);
    free(vmaf);
}

static bool copy(const struct vmaf *vmaf, struct vmaf_picture *to, const struct picture *from)
{
    if (library.picture_alloc(to, vmaf->pix_fmt, from->depth, from->width[0], from->height[0]))
        return false;
    for (int p = 0; p < 3; p++)
        for (uint32_t y = 0; y < from->height[p] && y < to->height[p]; y++)
            memcpy((uint8_t *)to->data[p] + (ptrdiff_t)y * to->stride[p],
                   from->plane[p] + (size_t)y * from->stride[p],
                   (size_t)(from->width[p] < to->width[p] ? from->width[p] : to->width[p]) *
                       (from->depth > 8 ? 2 : 1));
    return true;
}

bool vmaf_add(struct vmaf *vmaf, const struct picture *source, const struct picture *shown)
{
    if (!vmaf)
        return true;
    struct vmaf_picture a = {0}, b = {0};
    if (!copy(vmaf, &a, source))
        return false;
    if (!copy(vmaf, &b, shown)) {
        library.picture_unref(&a);
        return false;
    }
    return library.read(vmaf->context, &a, &b, vmaf->added++) == 0;
}

double vmaf_score(struct vmaf *vmaf, uint32_t index)
{
    double score;
    if (!vmaf || index >= vmaf->added)
        return NAN;
    if (!vmaf->flushed)
        library.read(vmaf->context, NULL, NULL, 0);
    vmaf->flushed = true;
    return library.score_at(vmaf->context, vmaf->model, &score, index) == 0 ? score : NAN;
}
