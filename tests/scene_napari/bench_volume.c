/* SPDX-License-Identifier: BSD-3-Clause */
/* What a volume costs, by the shaders that draw it: GPU time by timer queries and time until
 * glFinish, medians over a turning view; and how far the pictures of fragment and compute shaders
 * agree. The module is taken from ORIEL_MODULE_PATH. */
#include <dlfcn.h>
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oriel/scene_module.h"
#include "scene/camera.h"

#define PIECE 16 /* slices uploaded at a time */

struct options {
    uint32_t size; /* voxels along a side */
    uint32_t width, height;
    const char *mode, *content, *path, *bricks, *group;
    int frames;
    double zoom; /* pixels for a voxel; 0: the volume fits */
    double fov;
    double high; /* upper contrast limit */
};

/* One instance of the module with its volume. */
struct drawer {
    const char *path, *group;
    bool bricks;
    void *self;
    struct oriel_host host;
    struct oriel_view view;
    struct oriel_view_layer shown;
    struct oriel_layer layer;
    const struct oriel_layer *layers[1];
    struct oriel_snapshot snapshot;
};

static const struct oriel_scene_module *module;
static struct oriel_target target;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_volume: %s: %s\n", what, why);
    exit(1);
}

static void open_context(void)
{
    EGLDeviceEXT devices[16];
    EGLint count = 0;
    eglQueryDevicesEXT(16, devices, &count);
    for (EGLint i = 0; i <= count; i++) { /* Mesa's surfaceless platform last */
        EGLDisplay display =
            i < count ? eglGetPlatformDisplayEXT(EGL_PLATFORM_DEVICE_EXT, devices[i], NULL)
                      : eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, NULL, NULL);
        static const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION,
                                            4,
                                            EGL_CONTEXT_MINOR_VERSION,
                                            5,
                                            EGL_CONTEXT_OPENGL_PROFILE_MASK,
                                            EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                                            EGL_NONE};
        if (!display || !eglInitialize(display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_API))
            continue;
        EGLContext context =
            eglCreateContext(display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, attributes);
        if (context && eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context))
            return;
    }
    die("OpenGL", "no EGL device has a 4.5 core context");
}

static void load_module(void)
{
    const char *folder = getenv("ORIEL_MODULE_PATH");
    char path[1024];
    snprintf(path, sizeof path, "%s/scene-napari.so", folder ? folder : ".");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        die("the module", dlerror());
    const struct oriel_entry *entry = dlsym(library, ORIEL_ENTRY_SYMBOL);
    module = entry ? entry->get_factory(ORIEL_SCENE_V1) : NULL;
    if (!module)
        die(path, "is no scene module");
}

static oriel_result fail(const struct oriel_host *host, oriel_result result, const char *text)
{
    (void)host;
    fprintf(stderr, "%s\n", text);
    return result;
}

static void log_line(const struct oriel_host *host, uint32_t level, const char *text)
{
    (void)host;
    (void)level;
    printf("%s\n", text);
}

static int64_t now_ns(const struct oriel_host *host)
{
    (void)host;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static const void *get_interface(const struct oriel_host *host, const char *id)
{
    (void)host;
    (void)id;
    return NULL;
}

/* What is not set here has its default. */
static const struct oriel_option *find_option(const char *name)
{
    for (uint32_t i = 0; i < module->options->count; i++)
        if (strcmp(module->options->options[i].name, name) == 0)
            return &module->options->options[i];
    die(name, "is no option of the module");
    return NULL;
}

static const char *get_string(const struct oriel_config *config, const char *name)
{
    const struct drawer *d = config->data;
    return strcmp(name, "shaders") == 0     ? d->path
           : strcmp(name, "workgroup") == 0 ? d->group
                                            : find_option(name)->default_value;
}

static int64_t get_int(const struct oriel_config *config, const char *name)
{
    const struct drawer *d = config->data;
    if (strcmp(name, "bricks") == 0)
        return d->bricks;
    const char *value = find_option(name)->default_value;
    return strcmp(value, "true") == 0 ? 1 : atoll(value);
}

/* A value between 0 and 1 for each place. */
static double random_at(uint64_t i)
{
    i = (i ^ i >> 31) * UINT64_C(0x7fb5d329728ea185);
    i = (i ^ i >> 27) * UINT64_C(0x81dadef4bc2dd44d);
    return (double)((i ^ i >> 33) >> 11) * 0x1p-53;
}

/* Twice as long along each axis, of one with half the side; that one is freed. */
static uint16_t *repeat(uint16_t *half, size_t n)
{
    size_t k = 0, h = n / 2;
    uint16_t *data = malloc(n * n * n * sizeof *data);
    if (!data)
        die("memory", "too little for the volume");
    for (size_t z = 0; z < n; z++)
        for (size_t y = 0; y < n; y++)
            for (int i = 0; i < 2; i++, k += h)
                memcpy(data + k, half + (z % h * h + y % h) * h, h * sizeof *data);
    free(half);
    return data;
}

/* smooth: waves. noisy: cells of different brightness on a dim ground, with a camera's noise.
 * noise: nothing but noise, where nothing can be left out. Large ones repeat a smaller one. */
static uint16_t *make_volume(const struct options *o, uint32_t n)
{
    if (n > 512 && n % 2 == 0)
        return repeat(make_volume(o, n / 2), n);
    uint16_t *data = malloc((size_t)n * n * n * sizeof *data);
    if (!data)
        die("memory", "too little for the volume");
    double pitch = n / 8.0;
    size_t k = 0;
    for (uint32_t z = 0; z < n; z++)
        for (uint32_t y = 0; y < n; y++)
            for (uint32_t x = 0; x < n; x++, k++) {
                double noise = random_at(3 * k) + random_at(3 * k + 1) + random_at(3 * k + 2) - 1.5;
                if (strcmp(o->content, "noise") == 0) {
                    data[k] = (uint16_t)(20000.0 + 10000.0 * noise);
                    continue;
                }
                if (strcmp(o->content, "smooth") == 0) {
                    double s = 40.0 / n;
                    data[k] = (uint16_t)(30000.0 + 9900.0 * (sin(x * s) + cos(y * s) + sin(z * s)));
                    continue;
                }
                uint32_t cx = (uint32_t)(x / pitch), cy = (uint32_t)(y / pitch),
                         cz = (uint32_t)(z / pitch);
                uint64_t cell = ((uint64_t)cz * 8 + cy) * 8 + cx;
                double dx = x / pitch - cx - 0.35 - 0.3 * random_at(7 * cell + 1);
                double dy = y / pitch - cy - 0.35 - 0.3 * random_at(7 * cell + 2);
                double dz = z / pitch - cz - 0.35 - 0.3 * random_at(7 * cell + 3);
                double bright = 30000.0 * random_at(7 * cell + 4);
                double radius = 0.1 + 0.2 * random_at(7 * cell + 5);
                double body = exp(-(dx * dx + dy * dy + dz * dz) / (radius * radius));
                double mean = 2000.0 + bright * body;
                data[k] = (uint16_t)(mean + 12.0 * sqrt(mean) * noise);
            }
    return data;
}

static uint32_t mode_of(const char *name)
{
    static const char *const names[] = {
        "mip", "minip", "attenuated_mip", "average", "additive", "translucent", "iso"};
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return ORIEL_RENDER_MIP + i;
    die(name, "is no rendering mode");
    return 0;
}

static void open_drawer(struct drawer *d, const struct options *o, const uint16_t *data)
{
    static const float colors[] = {0, 0, 0.3F, 1, 1, 0.8F, 0.2F, 1}, controls[] = {0, 1};
    static const struct oriel_colormap map = {.name = "ramp",
                                              .colors = colors,
                                              .controls = controls,
                                              .count = 2,
                                              .interpolation = ORIEL_LUT_LINEAR};
    static const struct oriel_level level = {.scale = {1, 1, 1}};
    d->host = (struct oriel_host){.size = sizeof d->host,
                                  .log = log_line,
                                  .fail = fail,
                                  .now_ns = now_ns,
                                  .get_interface = get_interface};
    struct oriel_config config = {
        .size = sizeof config, .get_int = get_int, .get_string = get_string, .data = d};
    if (module->create(&d->host, &config, &d->self) != ORIEL_OK)
        die("the module", "cannot be created");
    d->layer = (struct oriel_layer){.size = sizeof d->layer,
                                    .kind = ORIEL_LAYER_IMAGE,
                                    .key = 1,
                                    .id = "volume",
                                    .name = "volume",
                                    .ndim = 3,
                                    .level_count = 1,
                                    .levels = &level,
                                    .scale = {1, 1, 1},
                                    .visible = 1,
                                    .blending = ORIEL_BLEND_TRANSLUCENT,
                                    .interpolation_3d = ORIEL_FILTER_LINEAR,
                                    .rendering = mode_of(o->mode),
                                    .opacity = 1,
                                    .gamma = 1,
                                    .attenuation = 0.05,
                                    .contrast_limits = {0, o->high},
                                    .contrast_limits_range = {0, 65535},
                                    .iso_threshold = 20000,
                                    .colormap = &map};
    d->layers[0] = &d->layer;
    d->snapshot = (struct oriel_snapshot){.size = sizeof d->snapshot,
                                          .revision = 1,
                                          .layers = d->layers,
                                          .layer_count = 1,
                                          .ndisplay = 3,
                                          .ndim = 3,
                                          .order = {0, 1, 2},
                                          .width = o->width,
                                          .height = o->height};
    d->shown = (struct oriel_view_layer){.layer = 1, .base = 1};
    d->view = (struct oriel_view){.size = sizeof d->view,
                                  .width = o->width,
                                  .height = o->height,
                                  .ndisplay = 3,
                                  .layers = &d->shown,
                                  .layer_count = 1,
                                  .background = {0, 0, 0, 1},
                                  .resolution = 1,
                                  .step = 1};
    if (module->apply(d->self, &d->snapshot) != ORIEL_OK)
        die("the scene", "is not taken");
    for (uint32_t z = 0; z < o->size; z += PIECE) {
        uint32_t depth = o->size - z < PIECE ? o->size - z : PIECE;
        const uint64_t row = 2ull * o->size;
        struct oriel_slab slab = {.size = sizeof slab,
                                  .flags = z + depth == o->size ? ORIEL_SLAB_COMPLETE : 0,
                                  .layer = 1,
                                  .id = 1,
                                  .ndisplay = 3,
                                  .dtype = ORIEL_U16,
                                  .shape = {o->size, o->size, o->size},
                                  .scale = {1, 1, 1},
                                  .offset = {0, 0, z},
                                  .extent = {o->size, o->size, depth},
                                  .data = data + (size_t)z * o->size * o->size,
                                  .row_bytes = row,
                                  .slice_bytes = row * o->size};
        if (module->upload(d->self, &slab) != ORIEL_OK)
            die("the volume", "is not taken");
    }
    glFinish();
}

static void turn(struct drawer *d, const struct options *o, int frame)
{
    const double angles[3] = {20 + 1.1 * frame, -35 + 1.7 * frame, 10}, middle = o->size / 2.0;
    struct oriel_camera *camera = &d->view.camera;
    uint32_t side = o->width < o->height ? o->width : o->height;
    *camera = (struct oriel_camera){.center = {middle, middle, middle},
                                    .zoom = o->zoom > 0 ? o->zoom : 0.6 * side / o->size,
                                    .fov = o->fov};
    camera_from_angles(angles, camera->quat);
    camera_matrix(camera, 3, o->width, o->height, d->view.world_to_clip);
}

static void draw(struct drawer *d)
{
    if (module->draw(d->self, &d->view, &target) != ORIEL_OK)
        die("draw", "failed");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

/* Prints a line, and leaves the last picture in `rgba`. */
static void measure(struct drawer *d, const struct options *o, uint8_t *rgba)
{
    double *gpu = calloc((size_t)o->frames, sizeof *gpu);
    double *wall = calloc((size_t)o->frames, sizeof *wall);
    GLuint queries[2];
    glGenQueries(2, queries);
    for (int i = -3; i < o->frames; i++) {
        turn(d, o, i);
        glFinish();
        int64_t begin = now_ns(NULL);
        glQueryCounter(queries[0], GL_TIMESTAMP);
        draw(d);
        glQueryCounter(queries[1], GL_TIMESTAMP);
        glFinish();
        int64_t end = now_ns(NULL);
        GLuint64 from, to;
        glGetQueryObjectui64v(queries[0], GL_QUERY_RESULT, &from);
        glGetQueryObjectui64v(queries[1], GL_QUERY_RESULT, &to);
        if (i >= 0) {
            gpu[i] = (double)(to - from) / 1e6;
            wall[i] = (double)(end - begin) / 1e6;
        }
    }
    glDeleteQueries(2, queries);
    size_t pixels = (size_t)o->width * o->height, hit = 0;
    glBindFramebuffer(GL_READ_FRAMEBUFFER, target.framebuffer);
    glReadPixels(0, 0, (GLsizei)o->width, (GLsizei)o->height, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
    for (size_t i = 0; i < pixels; i++)
        hit += rgba[4 * i] || rgba[4 * i + 1] || rgba[4 * i + 2];
    printf("%-9s %-6s %-6s %9.3f %9.3f %8.3f\n", d->path, d->bricks ? "on" : "off",
           strcmp(d->path, "compute") == 0 ? d->group : "-", median(gpu, o->frames),
           median(wall, o->frames), (double)hit / (double)pixels);
    fflush(stdout);
    free(gpu);
    free(wall);
}

static void compare(const uint8_t *a, const uint8_t *b, size_t pixels)
{
    size_t differ = 0, far = 0;
    for (size_t i = 0; i < pixels; i++) {
        int worst = 0;
        for (size_t c = 0; c < 4; c++) {
            int d = abs(a[4 * i + c] - b[4 * i + c]);
            worst = d > worst ? d : worst;
        }
        differ += worst > 0;
        far += worst > 1;
    }
    printf("  against the first line: %zu pixels differ, %zu by more than one level\n", differ,
           far);
}

static void parse(int argc, char **argv, struct options *o)
{
    static const struct option long_options[] = {
        {"size", 1, NULL, 's'},    {"canvas", 1, NULL, 'c'}, {"mode", 1, NULL, 'm'},
        {"content", 1, NULL, 't'}, {"path", 1, NULL, 'p'},   {"bricks", 1, NULL, 'b'},
        {"group", 1, NULL, 'g'},   {"frames", 1, NULL, 'n'}, {"zoom", 1, NULL, 'z'},
        {"fov", 1, NULL, 'f'},     {"high", 1, NULL, 'h'},   {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (c) {
        case 's':
            o->size = (uint32_t)atoi(optarg);
            break;
        case 'c':
            sscanf(optarg, "%ux%u", &o->width, &o->height);
            break;
        case 'm':
            o->mode = optarg;
            break;
        case 't':
            o->content = optarg;
            break;
        case 'p':
            o->path = optarg;
            break;
        case 'b':
            o->bricks = optarg;
            break;
        case 'g':
            o->group = optarg;
            break;
        case 'n':
            o->frames = atoi(optarg);
            break;
        case 'z':
            o->zoom = atof(optarg);
            break;
        case 'f':
            o->fov = atof(optarg);
            break;
        case 'h':
            o->high = atof(optarg);
            break;
        default:
            fprintf(stderr, "bench_volume [--size 512] [--canvas 1920x1080] [--mode mip|minip|…]\n"
                            "  [--content noisy|noise|smooth] [--path fragment|compute|both]\n"
                            "  [--bricks on|off|both] [--group 8x8,16x8,…] [--frames 30]\n"
                            "  [--zoom PIXELS_PER_VOXEL] [--fov DEGREES] [--high UPPER_LIMIT]\n");
            exit(2);
        }
    }
    if (!o->size || !o->width || !o->height || o->frames < 1)
        die("options", "sizes and frames are at least 1");
}

int main(int argc, char **argv)
{
    struct options o = {.size = 512,
                        .width = 1920,
                        .height = 1080,
                        .mode = "mip",
                        .content = "noisy",
                        .path = "both",
                        .bricks = "both",
                        .group = "8x8",
                        .frames = 30,
                        .high = 65535};
    parse(argc, argv, &o);
    open_context();
    load_module();
    GLuint texture, framebuffer;
    glCreateTextures(GL_TEXTURE_2D, 1, &texture);
    glTextureStorage2D(texture, 1, GL_RGBA8, (GLsizei)o.width, (GLsizei)o.height);
    glCreateFramebuffers(1, &framebuffer);
    glNamedFramebufferTexture(framebuffer, GL_COLOR_ATTACHMENT0, texture, 0);
    target = (struct oriel_target){.size = sizeof target,
                                   .framebuffer = framebuffer,
                                   .texture = texture,
                                   .width = o.width,
                                   .height = o.height};
    printf("%s\n%u³ %s, %s, %u×%u, %d frames\n", (const char *)glGetString(GL_RENDERER), o.size,
           o.content, o.mode, o.width, o.height, o.frames);
    uint16_t *data = make_volume(&o, o.size);
    size_t pixels = (size_t)o.width * o.height;
    uint8_t *first = malloc(pixels * 4), *rgba = malloc(pixels * 4);
    if (!first || !rgba)
        die("memory", "too little for the pictures");
    printf("%-9s %-6s %-6s %9s %9s %8s\n", "shaders", "bricks", "group", "gpu ms", "wall ms",
           "hit");
    bool any = false;
    static const char *const paths[] = {"fragment", "compute"};
    for (int p = 0; p < 2; p++) {
        if (strcmp(o.path, "both") != 0 && strcmp(o.path, paths[p]) != 0)
            continue;
        char groups[256];
        snprintf(groups, sizeof groups, "%s", p ? o.group : "8x8");
        for (char *group = strtok(groups, ","); group; group = strtok(NULL, ","))
            for (int bricks = 0; bricks < 2; bricks++) {
                if (strcmp(o.bricks, bricks ? "off" : "on") == 0)
                    continue;
                struct drawer d = {.path = paths[p], .group = group, .bricks = bricks};
                open_drawer(&d, &o, data);
                measure(&d, &o, any ? rgba : first);
                if (any)
                    compare(first, rgba, pixels);
                any = true;
                module->destroy(d.self);
            }
    }
    free(data);
    free(first);
    free(rgba);
    return 0;
}
