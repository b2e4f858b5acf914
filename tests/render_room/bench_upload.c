/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast chunks in the cache become textures: the room's view and the real scene module, beside
 * what the bus gives to page-locked memory in the same run, in one copy and in copies of a chunk.
 *
 *     bench_upload [side [chunk [dtype]]]     512, then 32, 64 and 128; <u2, |u1, <f4 or <i2
 */
#include <dlfcn.h>
#include <epoxy/gl.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "control/control.h"
#include "cuda/cuda.h"
#include "cuda/pinned.h"
#include "metrics/metrics.h"
#include "module/registry.h"
#include "module/services.h"
#include "oriel/host_cuda.h"
#include "render/dataset.h"
#include "render/egl.h"
#include "render/pool.h"
#include "render/slab.h"
#include "render/view.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"

#define ROUNDS 5
#define SLICE_NS (4 * NS_PER_MS) /* as the painter's */
#define BUS_BYTES (UINT64_C(256) << 20)

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_upload: %s: %s\n", what, why);
    exit(1);
}

/* ---- data: one chunk under all names ---- */

struct data {
    char folder[64];
    uint64_t side, chunk, bytes; /* of the volume */
    const char *dtype;
};

static uint64_t value_bytes(const char *dtype)
{
    return (uint64_t)(dtype[2] - '0');
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        die(path, strerror(errno));
}

static uint64_t chunks_of(const struct data *data)
{
    return (data->side + data->chunk - 1) / data->chunk;
}

static void chunk_name(const struct data *data, uint64_t i, char path[160])
{
    uint64_t n = chunks_of(data);
    snprintf(path, 160, "%s/%u.%u.%u", data->folder, (unsigned)(i / n / n), (unsigned)(i / n % n),
             (unsigned)(i % n));
}

static void data_write(struct data *data)
{
    strcpy(data->folder, "/tmp/oriel-bench-XXXXXX");
    if (!mkdtemp(data->folder))
        die(data->folder, strerror(errno));
    char path[160], first[160], text[512];
    int n =
        snprintf(text, sizeof text,
                 "{\"zarr_format\": 2, \"shape\": [%u, %u, %u], \"chunks\": [%u, %u, %u], "
                 "\"dtype\": \"%s\", \"compressor\": null, \"fill_value\": 0, \"order\": "
                 "\"C\", \"filters\": null}",
                 (unsigned)data->side, (unsigned)data->side, (unsigned)data->side,
                 (unsigned)data->chunk, (unsigned)data->chunk, (unsigned)data->chunk, data->dtype);
    snprintf(path, sizeof path, "%s/.zarray", data->folder);
    write_file(path, text, (size_t)n);
    uint64_t size = data->chunk * data->chunk * data->chunk * value_bytes(data->dtype);
    uint8_t *values = malloc(size);
    if (!values)
        die("a chunk", "out of memory");
    for (uint64_t i = 0; i < size; i++)
        values[i] = (uint8_t)((i * 2654435761u) >> 13 & 0x3f); /* finite as floats */
    chunk_name(data, 0, first);
    write_file(first, values, size);
    free(values);
    uint64_t count = chunks_of(data) * chunks_of(data) * chunks_of(data);
    for (uint64_t i = 1; i < count; i++) {
        chunk_name(data, i, path);
        if (link(first, path) != 0)
            die(path, strerror(errno));
    }
    data->bytes = data->side * data->side * data->side * value_bytes(data->dtype);
}

static void data_remove(const struct data *data)
{
    char path[160];
    uint64_t count = chunks_of(data) * chunks_of(data) * chunks_of(data);
    for (uint64_t i = 0; i < count; i++) {
        chunk_name(data, i, path);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/.zarray", data->folder);
    unlink(path);
    rmdir(data->folder);
}

/* ---- the bus ---- */

static const struct oriel_host_cuda *cuda_device(void)
{
    struct oriel_host *host = services_create("bench");
    const struct oriel_host_cuda *cuda = host->get_interface(host, ORIEL_HOST_CUDA_V1);
    services_destroy(host);
    return cuda;
}

static void *symbol(const char *name)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *address = library ? dlsym(library, name) : NULL;
    if (!address)
        die("libcuda.so.1", name);
    return address;
}

#define CALL(name, type, ...)                                                                      \
    do {                                                                                           \
        int(*call_) type;                                                                          \
        void *address_ = symbol(name);                                                             \
        memcpy(&call_, &address_, sizeof address_);                                                \
        if (call_(__VA_ARGS__) != 0)                                                               \
            die(name, "failed");                                                                   \
    } while (0)

/* Bytes in a second from page-locked memory to the GPU's, in copies of `piece` bytes; 0 without
 * CUDA. */
static double bus_rate(size_t piece)
{
    const struct oriel_host_cuda *cuda = cuda_device();
    struct error err;
    void *context = cuda ? (void *)(uintptr_t)cuda->context : NULL, *host;
    unsigned long long device;
    if (!cuda)
        return 0;
    host = pinned_alloc(BUS_BYTES, &err);
    if (!host)
        die("page-locked memory", err.text);
    CALL("cuCtxPushCurrent_v2", (void *), context);
    int (*call_copy)(unsigned long long, const void *, size_t, void *);
    void *address = symbol("cuMemcpyHtoDAsync_v2");
    memcpy(&call_copy, &address, sizeof address);
    CALL("cuMemAlloc_v2", (unsigned long long *, size_t), &device, BUS_BYTES);
    double best = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t begin = clock_ns();
        for (size_t at = 0; at + piece <= BUS_BYTES; at += piece)
            call_copy(device + at, (char *)host + at, piece, NULL);
        CALL("cuCtxSynchronize", (void), );
        double rate = (double)BUS_BYTES / (double)(clock_ns() - begin) * 1e9;
        best = rate > best ? rate : best;
    }
    CALL("cuMemFree_v2", (unsigned long long), device);
    CALL("cuCtxPopCurrent_v2", (void **), &context);
    pinned_free(host);
    return best;
}

/* ---- the room ---- */

struct room {
    struct config *config;
    struct metrics *metrics;
    struct registry *registry;
    struct render_pool *pool;
    struct control *control;
    struct scene_snapshot *snapshot;
    struct loader *loader;
    struct plan_policy policy;
    double locked; /* share of the blocks that are page-locked */
};

static void room_open(struct room *room, const struct data *data, bool cuda)
{
    static const char scene[] = "{\"oriel_scene\": 1, \"canvas\": {\"size\": [64, 64]},"
                                " \"dims\": {\"ndisplay\": 3},"
                                " \"camera\": {\"model\": \"napari\", \"center\": [%u, %u, %u],"
                                " \"zoom\": 0.05, \"angles\": [10, 20, 30]},"
                                " \"layers\": [{\"type\": \"image\", \"source\": {\"uri\": \"%s\"},"
                                " \"controls\": {\"contrast_limits\": [0, 255]}}]}";
    struct error err = {""};
    char cache[64], path[160], text[768];
    snprintf(cache, sizeof cache, "data.cache_mb=%u", (unsigned)(2 * (data->bytes >> 20) + 256));
    const char *sets[] = {cache, "data.pinned_mb=65536", "data.max_volume_bytes=0",
                          cuda ? "scene/napari.cuda=true" : "scene/napari.cuda=false"};
    *room = (struct room){
        .config = config_create(&(struct config_inputs){.sets = sets, .set_count = 4}, &err)};
    room->metrics = metrics_create();
    room->registry = room->config ? registry_create(room->config, &err) : NULL;
    room->pool = room->registry
                     ? render_pool_create(room->config, room->registry, room->metrics, &err)
                     : NULL;
    room->control =
        room->pool ? control_create(room->config, room->registry, room->metrics, &err) : NULL;
    if (!room->control)
        die("the room", err.text);
    unsigned middle = (unsigned)data->side / 2;
    int n = snprintf(text, sizeof text, scene, middle, middle, middle, data->folder);
    snprintf(path, sizeof path, "%s.json", data->folder);
    write_file(path, text, (size_t)n);
    if (!control_open_scene(room->control, path, &err))
        die("the scene", err.text);
    unlink(path);
    room->snapshot = control_snapshot(room->control);
    room->loader = render_pool_loader(room->pool);
    room->policy = (struct plan_policy){
        .threshold_in = 1.05, .threshold_out = 1.35, .fine_threshold = 1.05, .lock = -1};
}

static void room_close(struct room *room)
{
    scene_snapshot_unref(room->snapshot);
    control_destroy(room->control);
    render_pool_destroy(room->pool);
    registry_destroy(room->registry);
    metrics_destroy(room->metrics);
    config_destroy(room->config);
}

/* Page-locked memory has been made ahead of the blocks, as it is where a program has run a while.
 */
static void wait_for_pages(struct loader *loader)
{
    struct loader_stats stats;
    uint64_t before = 0;
    if (!pinned_possible())
        return;
    for (int still = 0; still < 1000; still++) {
        loader_get_stats(loader, &stats);
        if (stats.locked_bytes - stats.locked_used > UINT64_C(64) << 20)
            return;
        still = stats.locked_bytes > before ? 0 : still;
        before = stats.locked_bytes;
        usleep(1000);
    }
}

static void fill_cache(struct room *room, const struct egl *egl)
{
    struct plan plan;
    struct plan_memory memory = {0};
    struct plan_policy policy = room->policy;
    policy.max_texture_2d = egl_max_texture_2d(egl);
    policy.max_texture_3d = egl_max_texture_3d(egl);
    const struct oriel_source_info *info = dataset_info(room->snapshot->bindings[0].dataset);
    plan_layer(room->snapshot, 0, info, &policy, true, 0, &memory, &plan);
    struct slab *slab = slab_create(plan.has_detail ? &plan.detail : &plan.base, 1, 1);
    size_t locked = 0;
    loader_lock_pages(room->loader);
    for (size_t i = 0; i < slab->piece_count; i++) {
        struct want want;
        struct error err;
        if (i % 8 == 0)
            wait_for_pages(room->loader);
        slab_want(slab, i, &want);
        struct block *block = loader_load(room->loader, &want, &err);
        if (!block)
            die("a chunk", err.text);
        locked += block->locked;
        loader_release(room->loader, block);
    }
    room->locked = (double)locked / (double)slab->piece_count;
    slab_destroy(slab);
}

/* ---- one upload ---- */

static void wake(void *data)
{
    sem_post(data);
}

static bool try_scene(struct module_use *use, void *self, struct error *err)
{
    const struct oriel_scene_module *scene = use->vtable;
    if (scene->create(use->host, use->config, self) == ORIEL_OK)
        return true;
    return error_set(err, "%s", services_failure());
}

struct upload {
    double seconds;
    double begun; /* until the first chunk was on its way: plan, list of wants, texture */
    double stall; /* the longest that the render thread was kept */
    unsigned turns;
};

static struct upload upload_once(struct room *room, const struct egl *egl,
                                 const struct egl_target *to)
{
    struct module_use use = {0};
    void *self = NULL;
    struct error err = {""};
    if (!module_use_first(room->registry, MODULE_SCENE, "bench", try_scene, &self, &use, &err))
        die("the scene module", err.text);
    const struct oriel_scene_module *scene = use.vtable;
    sem_t news;
    sem_init(&news, 0, 0);
    struct lane *lane = lane_create(room->loader, wake, &news);
    struct view *view = view_create(room->loader, lane, &room->policy, &(struct render_events){0});
    view_set_scene(view, &use, self, egl_max_texture_2d(egl), egl_max_texture_3d(egl));
    if (scene->apply(self, &room->snapshot->scene) != ORIEL_OK)
        die("apply", services_failure());
    glFinish();

    struct upload upload = {0};
    int64_t begin = clock_ns();
    view_plan(view, room->snapshot, true, begin);
    for (;;) {
        bool more, changed;
        int64_t now = clock_ns(), until = upload.turns ? now + SLICE_NS : now;
        view_want(view);
        if (view_upload(view, now, until, &more, &changed) != ORIEL_OK)
            die("upload", services_failure());
        double took = (double)(clock_ns() - now) / NS_PER_S;
        if (!upload.turns)
            upload.begun = (double)(clock_ns() - begin) / NS_PER_S;
        upload.stall = took > upload.stall ? took : upload.stall;
        upload.turns++;
        struct view_status status;
        view_get_status(view, &status);
        if (status.failed)
            die("upload", view_failure(view));
        if (status.coverage >= 1 && status.outstanding == 0)
            break;
        if (!more)
            sem_wait(&news);
    }
    /* A small coarse picture makes OpenGL wait for what CUDA copies. */
    struct oriel_view picture = {
        .size = sizeof picture,
        .flags = ORIEL_VIEW_INTERACTIVE,
        .width = to->width,
        .height = to->height,
        .ndisplay = 3,
        .camera = room->snapshot->scene.camera,
        .world_to_clip = {1e-3, 0, 0, 0, 0, 1e-3, 0, 0, 0, 0, 1e-4, 0, 0, 0, 0, 1},
        .resolution = 1,
        .step = 3};
    picture.layers = view_layers(view, &picture.layer_count);
    struct oriel_target target = {.size = sizeof target,
                                  .framebuffer = to->framebuffer,
                                  .texture = to->texture,
                                  .width = to->width,
                                  .height = to->height};
    if (scene->draw(self, &picture, &target) != ORIEL_OK)
        die("draw", services_failure());
    glFinish();
    upload.seconds = (double)(clock_ns() - begin) / NS_PER_S;

    scene->destroy(self);
    module_use_close(&use);
    view_destroy(view);
    lane_destroy(lane);
    sem_destroy(&news);
    return upload;
}

static int by_time(const void *a, const void *b)
{
    const struct upload *x = a, *y = b;
    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

static void measure(const struct data *data, const struct egl *egl, const struct egl_target *target,
                    bool cuda, double bus)
{
    struct room room;
    struct upload all[ROUNDS];
    double stall = 0;
    room_open(&room, data, cuda);
    fill_cache(&room, egl);
    for (int i = 0; i < ROUNDS; i++) {
        all[i] = upload_once(&room, egl, target);
        stall = all[i].stall > stall ? all[i].stall : stall;
    }
    qsort(all, ROUNDS, sizeof *all, by_time);
    const struct upload *middle = &all[ROUNDS / 2];
    double rate = (double)data->bytes / middle->seconds;
    printf("%5u %5u  %s  %-6s %8.1f ms %7.2f GB/s", (unsigned)data->side, (unsigned)data->chunk,
           data->dtype, cuda ? "cuda" : "opengl", middle->seconds * 1e3, rate * 1e-9);
    if (bus > 0)
        printf(" %4.0f %% of the bus, %.0f %% of what it gives such pieces", 100 * rate / bus,
               100 * rate /
                   bus_rate(data->chunk * data->chunk * data->chunk * value_bytes(data->dtype)));
    double chunks = (double)(chunks_of(data) * chunks_of(data) * chunks_of(data));
    if (chunks > 1) {
        double rest = (double)data->bytes * (1 - 1 / chunks);
        rate = rest / (middle->seconds - middle->begun);
        printf("; after the first chunk (%.1f ms) %.2f GB/s", middle->begun * 1e3, rate * 1e-9);
        if (bus > 0)
            printf(" %4.0f %%", 100 * rate / bus);
    }
    printf("; longest turn %.1f ms of %u, %.0f %% page-locked\n", stall * 1e3, middle->turns,
           100 * room.locked);
    fflush(stdout);
    room_close(&room);
}

static uint64_t number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || value < 1 || value > 4096)
        die(text, "is no number from 1 to 4096");
    return value;
}

int main(int argc, char **argv)
{
    static const uint64_t chunks[] = {32, 64, 128};
    uint64_t side = argc > 1 ? number(argv[1]) : 512;
    const char *dtype = argc > 3 ? argv[3] : "<u2";
    if (argc > 4 || strlen(dtype) != 3 || !strchr("1248", dtype[2]))
        die(argc > 3 ? argv[3] : "arguments", "bench_upload [side [chunk [dtype]]]");
    log_set_level(LOG_MODULE, LOG_WARN);
    log_set_level(LOG_RENDER, LOG_WARN);
    struct error err = {""};
    struct egl *egl = egl_create(-1, &err);
    struct egl_target target;
    if (!egl || !egl_target_create(&target, 64, 64, &err))
        die("OpenGL", err.text);
    const struct oriel_host_gl *gl = egl_host_gl(egl);
    services_set_thread_interface(ORIEL_HOST_GL_V1, gl);
    struct cuda_hint hint = {.ordinal = egl_cuda_ordinal(egl)};
    memcpy(hint.uuid, gl->device_uuid, sizeof hint.uuid);
    struct cuda_about about;
    bool cuda = cuda_join(&hint, &about, &err);
    double bus = cuda ? bus_rate(BUS_BYTES) : 0;
    printf("%s; %s%s\n", gl->renderer, cuda ? "CUDA: " : "no CUDA: ", cuda ? about.name : err.text);
    if (cuda)
        printf("the bus, from page-locked memory: %.1f GB/s\n", bus * 1e-9);
    for (size_t i = 0; i < (argc > 2 ? 1 : sizeof chunks / sizeof *chunks); i++) {
        struct data data = {
            .side = side, .chunk = argc > 2 ? number(argv[2]) : chunks[i], .dtype = dtype};
        data_write(&data);
        if (cuda)
            measure(&data, egl, &target, true, bus);
        measure(&data, egl, &target, false, bus);
        data_remove(&data);
    }
    services_set_thread_interface(ORIEL_HOST_GL_V1, NULL);
    egl_target_destroy(&target);
    egl_destroy(egl);
    return 0;
}
