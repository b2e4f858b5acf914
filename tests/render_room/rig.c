/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <epoxy/gl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "module/registry.h"
#include "module/services.h"
#include "oriel/host_gl.h"
#include "util/check.h"
#include "util/clock.h"

struct fake_source fake_source;
struct fake_scene fake_scene;
struct fake_capture fake_capture;

void rig_sleep_ms(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

bool rig_wait(atomic_int *value, int least)
{
    for (int i = 0; i < 2000 && atomic_load(value) < least; i++)
        rig_sleep_ms(1);
    return atomic_load(value) >= least;
}

/* ---- source ---- */

void fake_source_set(uint32_t dtype, uint32_t ndim, const uint64_t *shape, const uint64_t *chunk,
                     uint32_t levels, uint32_t halve)
{
    memset(&fake_source, 0, sizeof fake_source);
    atomic_store(&fake_source.fail_level, -1);
    for (uint32_t a = 0; a < ndim; a++)
        fake_source.axes[a] = (struct oriel_axis){&"tczyx"[5 - ndim + a], "", ""};
    for (uint32_t l = 0; l < levels; l++) {
        struct oriel_source_level *level = &fake_source.levels[l];
        level->path = level->codecs = "";
        for (uint32_t a = 0; a < ndim; a++) {
            uint64_t factor = a >= halve ? UINT64_C(1) << l : 1;
            level->shape[a] = shape[a] / factor ? shape[a] / factor : 1;
            level->chunk[a] = chunk[a];
            level->scale[a] = (double)factor;
            level->translate[a] = ((double)factor - 1) / 2;
        }
    }
    fake_source.info = (struct oriel_source_info){.size = sizeof fake_source.info,
                                                  .ndim = ndim,
                                                  .kind = "fake",
                                                  .format = "fake",
                                                  .name = "",
                                                  .dtype = dtype,
                                                  .level_count = levels,
                                                  .axes = fake_source.axes,
                                                  .levels = fake_source.levels,
                                                  .channel_axis = -1};
}

uint32_t fake_value(uint32_t level, uint32_t ndim, const uint64_t *index)
{
    uint32_t value = level * 17 + 1;
    for (uint32_t a = 0; a < ndim; a++)
        value = value * 31 + (uint32_t)index[a];
    return value;
}

uint16_t fake_half(uint32_t value)
{
    return (uint16_t)(value * 2654435761u >> 16);
}

static void store(uint32_t dtype, void *out, uint64_t i, uint32_t value)
{
    switch (dtype) {
    case ORIEL_U8:
        ((uint8_t *)out)[i] = (uint8_t)value;
        break;
    case ORIEL_U16:
        ((uint16_t *)out)[i] = (uint16_t)value;
        break;
    case ORIEL_F16:
        ((uint16_t *)out)[i] = fake_half(value);
        break;
    case ORIEL_I16:
        ((int16_t *)out)[i] = (int16_t)value;
        break;
    case ORIEL_F32:
        ((float *)out)[i] = (float)(value & 0xffff);
        break;
    case ORIEL_F64:
        ((double *)out)[i] = (double)(value & 0xffff);
        break;
    default:
        CHECK(!"a dtype the fake has not");
    }
}

static const struct oriel_host *source_host;

static uint32_t source_probe(const struct oriel_host *host, const char *uri)
{
    (void)host;
    return strcmp(uri, "fake") == 0 ? 100 : 0;
}

static oriel_result source_open(const struct oriel_host *host, const struct oriel_config *config,
                                const char *uri, void **self)
{
    (void)config;
    source_host = host;
    if (strcmp(uri, "fake") != 0) {
        char text[256];
        snprintf(text, sizeof text, "%s: not \"fake\"", uri);
        return (host->fail)(host, ORIEL_UNSUPPORTED, text); /* fail is a macro of CMocka */
    }
    *self = &fake_source;
    return ORIEL_OK;
}

static void source_close(void *self)
{
    (void)self;
}

static oriel_result source_describe(void *self, const struct oriel_source_info **info)
{
    *info = &((struct fake_source *)self)->info;
    return ORIEL_OK;
}

static bool fails(const struct oriel_read *read, uint32_t ndim)
{
    if ((int)read->level != atomic_load(&fake_source.fail_level))
        return false;
    for (uint32_t a = 0; a < ndim; a++) {
        if (read->origin[a] != atomic_load(&fake_source.fail_origin[a]))
            return false;
    }
    return atomic_fetch_sub(&fake_source.fail_times, 1) > 0;
}

static oriel_result source_read(void *self, struct oriel_read *read)
{
    (void)self;
    uint32_t ndim = fake_source.info.ndim;
    int running = atomic_fetch_add(&fake_source.running, 1) + 1;
    int most = atomic_load(&fake_source.running_most);
    while (running > most &&
           !atomic_compare_exchange_weak(&fake_source.running_most, &most, running))
        ;
    atomic_fetch_add(&fake_source.reads, 1);
    oriel_result result = ORIEL_OK;
    for (int ms = atomic_load(&fake_source.delay_ms); ms > 0 && result == ORIEL_OK; ms--) {
        rig_sleep_ms(1);
        if (read->cancel && __atomic_load_n(read->cancel, __ATOMIC_RELAXED))
            result = ORIEL_CANCELLED;
    }
    if (result == ORIEL_CANCELLED)
        atomic_fetch_add(&fake_source.cancelled, 1);
    else if (fails(read, ndim))
        result = source_host->fail(source_host, ORIEL_IO, "fake/broken: is broken");
    uint64_t count = 1;
    for (uint32_t a = 0; a < ndim; a++)
        count *= read->shape[a];
    CHECK(count * dtype_bytes(fake_source.info.dtype) == read->out_bytes);
    for (uint64_t i = 0; i < count && result == ORIEL_OK; i++) {
        uint64_t index[ORIEL_MAX_AXES], rest = i;
        for (uint32_t a = ndim; a-- > 0; rest /= read->shape[a])
            index[a] = read->origin[a] + rest % read->shape[a];
        store(fake_source.info.dtype, read->out, i, fake_value(read->level, ndim, index));
    }
    atomic_fetch_sub(&fake_source.running, 1);
    return result;
}

static const struct oriel_source source = {.size = sizeof source,
                                           .probe = source_probe,
                                           .open = source_open,
                                           .close = source_close,
                                           .describe = source_describe,
                                           .read = source_read};

/* ---- scene module ---- */

static struct {
    uint64_t id, layer;
} slabs[FAKE_SLABS]; /* the render thread's */

void fake_scene_reset(void)
{
    memset(&fake_scene, 0, sizeof fake_scene);
    memset(&fake_capture, 0, sizeof fake_capture);
    memset(slabs, 0, sizeof slabs);
}

static void maybe_end(atomic_int *end_in, atomic_int *end_then, atomic_int *lost, int call)
{
    if (atomic_load(end_in) != call)
        return;
    atomic_store(end_in, atomic_exchange(end_then, CALL_NONE));
    atomic_fetch_add(lost, 1);
    pthread_exit(NULL);
}

static void scene_may_end(int call)
{
    maybe_end(&fake_scene.end_in, &fake_scene.end_then, &fake_scene.lost, call);
}

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
    CHECK(gl);
    atomic_store(&fake_scene.software, gl->software);
    memset(slabs, 0, sizeof slabs);
    atomic_store(&fake_scene.slabs, 0);
    atomic_fetch_add(&fake_scene.creates, 1);
    scene_may_end(CALL_CREATE);
    *self = &fake_scene;
    return ORIEL_OK;
}

static void scene_destroy(void *self)
{
    (void)self;
    scene_may_end(CALL_DESTROY);
    atomic_fetch_add(&fake_scene.destroys, 1);
}

static oriel_result scene_apply(void *self, const struct oriel_snapshot *snapshot)
{
    (void)self, (void)snapshot;
    scene_may_end(CALL_APPLY);
    atomic_fetch_add(&fake_scene.applies, 1);
    return ORIEL_OK;
}

static oriel_result scene_upload(void *self, const struct oriel_slab *slab)
{
    (void)self;
    scene_may_end(CALL_UPLOAD);
    if (atomic_load(&fake_scene.fail_uploads) > 0) {
        atomic_fetch_sub(&fake_scene.fail_uploads, 1);
        return ORIEL_IO;
    }
    if (atomic_load(&fake_scene.nomem) > 0) {
        atomic_fetch_sub(&fake_scene.nomem, 1);
        return ORIEL_NOMEM;
    }
    for (unsigned d = 0; d < 3; d++)
        CHECK(slab->extent[d] > 0 && slab->offset[d] + slab->extent[d] <= slab->shape[d]);
    CHECK(slab->data && slab->id);
    unsigned place = FAKE_SLABS;
    for (unsigned i = 0; i < FAKE_SLABS; i++) {
        if (slabs[i].id == slab->id) {
            place = i;
            break;
        }
        if (!slabs[i].id && place == FAKE_SLABS)
            place = i;
    }
    CHECK(place < FAKE_SLABS);
    if (slabs[place].id != slab->id)
        atomic_fetch_add(&fake_scene.slabs, 1);
    slabs[place].id = slab->id;
    slabs[place].layer = slab->layer;
    atomic_fetch_add(&fake_scene.uploads, 1);
    return ORIEL_OK;
}

static void scene_evict(void *self, uint64_t id)
{
    (void)self;
    scene_may_end(CALL_EVICT);
    for (unsigned i = 0; i < FAKE_SLABS; i++) {
        if (slabs[i].id == id) {
            slabs[i].id = 0;
            atomic_fetch_sub(&fake_scene.slabs, 1);
        }
    }
    atomic_fetch_add(&fake_scene.evicts, 1);
}

static bool knows(uint64_t id)
{
    for (unsigned i = 0; i < FAKE_SLABS; i++) {
        if (slabs[i].id == id)
            return true;
    }
    return id == 0;
}

static oriel_result scene_draw(void *self, const struct oriel_view *view,
                               const struct oriel_target *target)
{
    (void)self;
    scene_may_end(CALL_DRAW);
    atomic_fetch_add(&fake_scene.draws, 1);
    if (atomic_load(&fake_scene.fail_draws) > 0) {
        atomic_fetch_sub(&fake_scene.fail_draws, 1);
        return atomic_load(&fake_scene.fail_with);
    }
    for (uint32_t i = 0; i < view->layer_count; i++)
        CHECK(knows(view->layers[i].base) && knows(view->layers[i].detail));
    double ms = atomic_load(&fake_scene.draw_ms) * view->resolution * view->resolution / view->step;
    if (glIsEnabled(GL_SCISSOR_TEST)) {
        GLint box[4];
        glGetIntegerv(GL_SCISSOR_BOX, box);
        int right = box[0] + box[2], top = box[1] + box[3], w = (int)target->width,
            h = (int)target->height;
        ms *= (double)((right < w ? right : w) - box[0]) / w * ((top < h ? top : h) - box[1]) / h;
        atomic_fetch_add(&fake_scene.bands, 1);
    }
    rig_sleep_ms((int)ms);
    const float color[4] = {(float)(view->revision % 256) / 255, 0.5f, 0, 1};
    glClearNamedFramebufferfv(target->framebuffer, GL_COLOR, 0, color);
    if (atomic_load(&fake_scene.last_revision) != view->revision)
        atomic_store(&fake_scene.reads, atomic_load(&fake_source.reads));
    atomic_store(&fake_scene.last_flags, view->flags);
    atomic_store(&fake_scene.last_resolution, view->resolution);
    atomic_store(&fake_scene.last_revision, view->revision);
    atomic_store(&fake_scene.last_base, view->layer_count ? view->layers[0].base : 0);
    atomic_store(&fake_scene.last_detail, view->layer_count ? view->layers[0].detail : 0);
    return atomic_exchange(&fake_scene.fail_draw, 0);
}

static const struct oriel_scene_module scene_module = {.size = sizeof scene_module,
                                                       .kind = scene_kind,
                                                       .create = scene_create,
                                                       .destroy = scene_destroy,
                                                       .apply = scene_apply,
                                                       .upload = scene_upload,
                                                       .evict = scene_evict,
                                                       .draw = scene_draw};

/* ---- capture module ---- */

struct fake_grabber {
    const struct oriel_frame_sink *sink;
    struct oriel_format format;
    struct oriel_frame frame;
    bool waiting;
    uint8_t *pixels;
};

static oriel_result capture_format(const struct oriel_host *host, uint32_t index,
                                   struct oriel_format *format)
{
    (void)host;
    if (index > (atomic_load(&fake_capture.cuda) ? 2 : 1))
        return ORIEL_UNSUPPORTED;
    *format = (struct oriel_format){.domain = index > 1 ? ORIEL_DOMAIN_CUDA : ORIEL_DOMAIN_CPU,
                                    .fourcc = index ? ORIEL_FMT_NV12 : ORIEL_FMT_RGBA,
                                    .primaries = index == 1 ? 0 : ORIEL_PRIMARIES_BT709, /* open */
                                    .transfer = index == 1 ? 0 : ORIEL_TRANSFER_SRGB,
                                    .matrix = index ? ORIEL_MATRIX_BT709 : ORIEL_MATRIX_IDENTITY,
                                    .full_range = !index};
    return ORIEL_OK;
}

static oriel_result capture_create(const struct oriel_host *host, const struct oriel_config *config,
                                   const struct oriel_format *format, uint32_t frames_held,
                                   const struct oriel_frame_sink *sink, void **self)
{
    (void)host, (void)config;
    CHECK(frames_held > 0 && format->width > 0 && format->height > 0);
    struct fake_grabber *grabber = xcalloc(1, sizeof *grabber);
    grabber->sink = sink;
    grabber->format = *format;
    grabber->pixels = xcalloc(format->width * 4, format->height);
    atomic_fetch_add(&fake_capture.creates, 1);
    *self = grabber;
    return ORIEL_OK;
}

static void grabber_free(struct fake_grabber *grabber)
{
    free(grabber->pixels);
    free(grabber);
}

static void capture_destroy(void *self)
{
    grabber_free(self);
    atomic_fetch_add(&fake_capture.destroys, 1);
}

static void capture_may_end(struct fake_grabber *grabber, int call)
{
    if (atomic_load(&fake_capture.end_in) == call)
        grabber_free(grabber); /* nobody will call it again */
    maybe_end(&fake_capture.end_in, &fake_capture.end_then, &fake_capture.lost, call);
}

static void hand_on(struct fake_grabber *grabber)
{
    grabber->waiting = false;
    grabber->frame.stamp.t_captured_ns = clock_ns();
    grabber->sink->frame(grabber->sink, &grabber->frame);
}

static oriel_result capture_grab(void *self, const struct oriel_target *target,
                                 const struct oriel_stamp *stamp)
{
    struct fake_grabber *grabber = self;
    capture_may_end(grabber, CALL_GRAB);
    atomic_fetch_add(&fake_capture.grabs, 1);
    if (atomic_load(&fake_capture.busy) > 0) {
        atomic_fetch_sub(&fake_capture.busy, 1);
        return ORIEL_AGAIN;
    }
    CHECK(target->width == grabber->format.width && target->height == grabber->format.height);
    GLint bound;
    glGetIntegerv(GL_READ_FRAMEBUFFER_BINDING, &bound);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, target->framebuffer);
    glReadPixels(0, 0, (GLint)target->width, (GLint)target->height, GL_RGBA, GL_UNSIGNED_BYTE,
                 grabber->pixels);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, (GLuint)bound);
    grabber->frame =
        (struct oriel_frame){.size = sizeof grabber->frame,
                             .plane_count = 1,
                             .format = grabber->format,
                             .stamp = *stamp,
                             .planes = {{.handle = (uint64_t)(uintptr_t)grabber->pixels,
                                         .stride = target->width * 4,
                                         .rows = target->height}}};
    grabber->waiting = true;
    if (!atomic_load(&fake_capture.late))
        hand_on(grabber);
    return ORIEL_OK;
}

static oriel_result capture_poll(void *self, uint32_t wait)
{
    struct fake_grabber *grabber = self;
    (void)wait;
    capture_may_end(grabber, CALL_POLL);
    atomic_fetch_add(&fake_capture.polls, 1);
    if (grabber->waiting)
        hand_on(grabber);
    return ORIEL_OK;
}

static const struct oriel_capture capture = {.size = sizeof capture,
                                             .output_format = capture_format,
                                             .create = capture_create,
                                             .destroy = capture_destroy,
                                             .grab = capture_grab,
                                             .poll = capture_poll};

/* ---- the registry ---- */

static const struct module modules[MODULE_KIND_COUNT] = {
    [MODULE_CAPTURE] = {.id = "capture/fake"},
    [MODULE_SCENE] = {.id = "scene/fake"},
    [MODULE_SOURCE] = {.id = "source/fake"},
};
static const void *const tables[MODULE_KIND_COUNT] = {
    [MODULE_CAPTURE] = &capture, [MODULE_SCENE] = &scene_module, [MODULE_SOURCE] = &source};

size_t registry_wanted(const struct registry *registry, enum module_kind kind,
                       const char *const **ids)
{
    (void)registry;
    *ids = &modules[kind].id;
    return 1;
}

bool module_use_open(struct registry *registry, enum module_kind kind, const char *id,
                     const char *label, struct module_use *use, struct error *err)
{
    (void)registry, (void)id, (void)err;
    *use = (struct module_use){
        .module = &modules[kind], .vtable = tables[kind], .host = services_create(label)};
    return true;
}

void module_use_close(struct module_use *use)
{
    if (use->host)
        services_destroy(use->host);
    *use = (struct module_use){0};
}

bool module_use_first(struct registry *registry, enum module_kind kind, const char *label,
                      bool (*try_use)(struct module_use *use, void *data, struct error *err),
                      void *data, struct module_use *use, struct error *err)
{
    module_use_open(registry, kind, modules[kind].id, label, use, err);
    if (try_use(use, data, err))
        return true;
    module_use_close(use);
    return false;
}

/* ---- snapshots ---- */

struct made {
    struct scene_snapshot snapshot;
    atomic_uint refs;
    struct layer_binding binding;
    struct oriel_layer layer;
    const struct oriel_layer *layers[1];
    struct oriel_level levels[8];
};

struct scene_snapshot *scene_snapshot_ref(struct scene_snapshot *snapshot)
{
    atomic_fetch_add(&((struct made *)snapshot)->refs, 1);
    return snapshot;
}

void scene_snapshot_unref(struct scene_snapshot *snapshot)
{
    struct made *made = (struct made *)snapshot;
    if (!made || atomic_fetch_sub(&made->refs, 1) > 1)
        return;
    dataset_unref(made->binding.dataset);
    free(made);
}

struct oriel_layer *rig_layer(struct scene_snapshot *snapshot)
{
    return &((struct made *)snapshot)->layer;
}

struct scene_snapshot *rig_snapshot(struct dataset *dataset, uint64_t revision, uint32_t ndisplay,
                                    uint32_t width, uint32_t height)
{
    const struct oriel_source_info *info = dataset_info(dataset);
    struct made *made = xcalloc(1, sizeof *made);
    atomic_init(&made->refs, 1);
    made->binding = (struct layer_binding){
        .dataset = dataset_ref(dataset), .axis_count = info->ndim, .level = -1};
    made->layer = (struct oriel_layer){.size = sizeof made->layer,
                                       .kind = ORIEL_LAYER_IMAGE,
                                       .key = 1,
                                       .id = "layer-1",
                                       .name = "fake",
                                       .ndim = info->ndim,
                                       .dtype = info->dtype,
                                       .level_count = info->level_count,
                                       .levels = made->levels,
                                       .visible = 1,
                                       .opacity = 1,
                                       .gamma = 1};
    struct oriel_snapshot *scene = &made->snapshot.scene;
    *scene = (struct oriel_snapshot){.size = sizeof *scene,
                                     .layer_count = 1,
                                     .revision = revision,
                                     .layers = made->layers,
                                     .ndisplay = ndisplay,
                                     .ndim = info->ndim,
                                     .width = width,
                                     .height = height,
                                     .camera = {.quat = {1, 0, 0, 0}, .zoom = 1}};
    made->layers[0] = &made->layer;
    for (uint32_t a = 0; a < info->ndim; a++) {
        made->binding.layer_axis[a] = (int32_t)a;
        made->binding.count[a] = info->levels[0].shape[a];
        made->layer.scale[a] = 1;
        scene->order[a] = a;
        for (uint32_t l = 0; l < info->level_count; l++) {
            made->levels[l].shape[a] = info->levels[l].shape[a];
            made->levels[l].chunk[a] = info->levels[l].chunk[a];
            made->levels[l].scale[a] = info->levels[l].scale[a];
            made->levels[l].translate[a] = info->levels[l].translate[a];
        }
    }
    for (uint32_t d = 0; d < ndisplay && d < info->ndim; d++)
        scene->camera.center[d] = (double)(info->levels[0].shape[info->ndim - 1 - d] - 1) / 2;
    made->snapshot.bindings = &made->binding;
    made->snapshot.level = -1;
    made->snapshot.t_input_ns = clock_ns();
    made->snapshot.pose_revision = revision;
    made->snapshot.sample_step = 1;
    return &made->snapshot;
}

struct dataset *rig_open(void)
{
    struct error err = {""};
    struct dataset *dataset = dataset_open(NULL, "fake", &err);
    CHECK(dataset);
    return dataset;
}
