/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <dlfcn.h>
#include <epoxy/egl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oriel/host_gl.h"
#include "scene/camera.h"

const char *rig_shaders, *rig_bounds = "auto";
const struct oriel_host_cuda *rig_cuda;

bool rig_hardware;

/* The EGL devices, as Oriel has it, then Mesa's surfaceless platform. */
static EGLDisplay open_display(EGLint number)
{
    EGLDeviceEXT devices[16];
    EGLint count = 0;
    if (epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_device_enumeration"))
        eglQueryDevicesEXT(16, devices, &count);
    if (number > count)
        return EGL_NO_DISPLAY;
    return number < count ? eglGetPlatformDisplayEXT(EGL_PLATFORM_DEVICE_EXT, devices[number], NULL)
                          : eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, NULL, NULL);
}

static bool open_context(EGLDisplay display)
{
    static const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION,
                                        4,
                                        EGL_CONTEXT_MINOR_VERSION,
                                        5,
                                        EGL_CONTEXT_OPENGL_PROFILE_MASK,
                                        EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                                        EGL_NONE};
    if (!eglInitialize(display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_API))
        return false;
    EGLContext context = eglCreateContext(display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, attributes);
    return context && eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context);
}

bool rig_context(void)
{
    static int state;
    if (state)
        return state > 0;
    state = -1;
    EGLDisplay display;
    for (EGLint i = 0; (display = open_display(i)) != EGL_NO_DISPLAY; i++) {
        if (!open_context(display))
            continue;
        print_message("renderer: %s\n", (const char *)glGetString(GL_RENDERER));
        state = 1;
        return true;
    }
    print_message("skipped: no EGL display with an OpenGL 4.5 core context\n");
    return false;
}

static oriel_result keep_failure(const struct oriel_host *host, oriel_result result,
                                 const char *text)
{
    struct rig *rig = host->data;
    snprintf(rig->failure, sizeof rig->failure, "%s", text);
    return result;
}

static void log_line(const struct oriel_host *host, uint32_t level, const char *text)
{
    struct rig *rig = host->data;
    snprintf(rig->logged, sizeof rig->logged, "%u %s", level, text);
    print_message("log %u: %s\n", level, text);
}

static int64_t now_ns(const struct oriel_host *host)
{
    (void)host;
    return 0;
}

static const void *get_interface(const struct oriel_host *host, const char *id)
{
    (void)host;
    static const struct oriel_host_gl hardware = {.size = sizeof hardware, .version = 45};
    if (strcmp(id, ORIEL_HOST_GL_V1) == 0)
        return rig_hardware ? &hardware : NULL;
    return strcmp(id, ORIEL_HOST_CUDA_V1) == 0 ? rig_cuda : NULL;
}

static void buffer_ref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    (void)host;
    atomic_fetch_add(&((struct rig_buffer *)(uintptr_t)buffer)->refs, 1);
}

static void buffer_unref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    (void)host;
    if (atomic_fetch_sub(&((struct rig_buffer *)(uintptr_t)buffer)->refs, 1) < 1)
        fail_msg("a buffer is given back that nobody holds");
}

static const struct oriel_scene_module *load(void)
{
    const char *folder = getenv("ORIEL_MODULE_PATH");
    assert_non_null(folder);
    char path[1024];
    snprintf(path, sizeof path, "%s/scene-napari.so", folder);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        fail_msg("%s", dlerror());
    const struct oriel_entry *entry = dlsym(library, ORIEL_ENTRY_SYMBOL);
    assert_non_null(entry);
    assert_true(entry->magic == ORIEL_MAGIC && entry->abi_major == ORIEL_ABI_MAJOR);
    const struct oriel_scene_module *module = entry->get_factory(ORIEL_SCENE_V1);
    assert_non_null(module);
    return module;
}

static const char *config_string(const struct oriel_config *config, const char *name)
{
    (void)config;
    if (strcmp(name, "shaders") == 0) {
        const char *wanted = getenv("ORIEL_TEST_SHADERS");
        return rig_shaders ? rig_shaders : wanted ? wanted : "auto";
    }
    if (strcmp(name, "bounds") == 0)
        return rig_bounds;
    if (strcmp(name, "workgroup") == 0)
        return "8x8";
    assert_string_equal(name, "depth_bits");
    return "16";
}

static int64_t config_int(const struct oriel_config *config, const char *name)
{
    if (strcmp(name, "bricks") == 0 || strcmp(name, "cuda") == 0)
        return 1;
    assert_string_equal(name, "warm_up");
    return *(const bool *)config->data;
}

void rig_init(struct rig *rig, uint32_t ndisplay, uint32_t width, uint32_t height)
{
    *rig = (struct rig){.width = width, .height = height};
    rig->module = load();
    rig->host = (struct oriel_host){.size = sizeof rig->host,
                                    .data = rig,
                                    .log = log_line,
                                    .fail = keep_failure,
                                    .now_ns = now_ns,
                                    .buffer_ref = buffer_ref,
                                    .buffer_unref = buffer_unref,
                                    .get_interface = get_interface};
    static bool warm = true; /* once is enough to know that it works */
    struct oriel_config config = {
        .size = sizeof config, .get_int = config_int, .get_string = config_string, .data = &warm};
    if (rig->module->create(&rig->host, &config, &rig->self) != ORIEL_OK)
        fail_msg("create: %s", rig->failure);
    warm = false;

    GLuint texture, framebuffer;
    glCreateTextures(GL_TEXTURE_2D, 1, &texture);
    glTextureStorage2D(texture, 1, GL_RGBA8, (GLsizei)width, (GLsizei)height);
    glCreateFramebuffers(1, &framebuffer);
    glNamedFramebufferTexture(framebuffer, GL_COLOR_ATTACHMENT0, texture, 0);
    rig->target = (struct oriel_target){.size = sizeof rig->target,
                                        .framebuffer = framebuffer,
                                        .texture = texture,
                                        .width = width,
                                        .height = height};
    rig->snapshot = (struct oriel_snapshot){.size = sizeof rig->snapshot,
                                            .layers = rig->layer_list,
                                            .ndisplay = ndisplay,
                                            .ndim = ndisplay,
                                            .order = {0, 1, 2},
                                            .width = width,
                                            .height = height,
                                            .background = {0, 0, 0, 1}};
    rig->view = (struct oriel_view){.size = sizeof rig->view,
                                    .width = width,
                                    .height = height,
                                    .ndisplay = ndisplay,
                                    .layers = rig->view_layers,
                                    .background = {0, 0, 0, 1},
                                    .resolution = 1,
                                    .step = 1};
}

void rig_finish(struct rig *rig)
{
    rig->module->destroy(rig->self);
    glDeleteFramebuffers(1, &rig->target.framebuffer);
    glDeleteTextures(1, &rig->target.texture);
    assert_int_equal(glGetError(), GL_NO_ERROR);
}

struct oriel_layer *rig_add(struct rig *rig, const struct oriel_colormap *map)
{
    uint32_t i = rig->snapshot.layer_count++;
    assert_true(i < RIG_LAYERS);
    rig->layers[i] = (struct oriel_layer){.size = sizeof rig->layers[i],
                                          .kind = ORIEL_LAYER_IMAGE,
                                          .key = i + 1,
                                          .id = "layer",
                                          .name = "layer",
                                          .ndim = rig->snapshot.ndim,
                                          .level_count = 1,
                                          .levels = &rig->levels[i],
                                          .scale = {1, 1, 1},
                                          .visible = 1,
                                          .blending = ORIEL_BLEND_TRANSLUCENT,
                                          .interpolation_2d = ORIEL_FILTER_NEAREST,
                                          .interpolation_3d = ORIEL_FILTER_LINEAR,
                                          .rendering = ORIEL_RENDER_MIP,
                                          .depiction = ORIEL_DEPICT_VOLUME,
                                          .opacity = 1,
                                          .gamma = 1,
                                          .attenuation = 0.05,
                                          .contrast_limits = {0, 1},
                                          .contrast_limits_range = {0, 1},
                                          .plane_thickness = 1,
                                          .plane_normal = {0, 0, 1},
                                          .colormap = map};
    rig->layer_list[i] = &rig->layers[i];
    rig->view_layers[i] = (struct oriel_view_layer){.layer = i + 1, .base = i + 1};
    rig->view.layer_count = rig->snapshot.layer_count;
    return &rig->layers[i];
}

struct oriel_slab rig_slab(const struct rig *rig, uint32_t layer, uint64_t id, uint32_t dtype,
                           const uint32_t shape[3], const void *data)
{
    uint32_t bytes = dtype == ORIEL_U8 ? 1 : dtype == ORIEL_U16 ? 2 : 4;
    struct oriel_slab slab = {.size = sizeof slab,
                              .flags = ORIEL_SLAB_COMPLETE,
                              .layer = rig->layers[layer].key,
                              .id = id,
                              .ndisplay = rig->snapshot.ndisplay,
                              .dtype = dtype,
                              .scale = {1, 1, 1},
                              .data = data,
                              .row_bytes = (uint64_t)shape[0] * bytes,
                              .slice_bytes = (uint64_t)shape[0] * shape[1] * bytes};
    for (int i = 0; i < 3; i++)
        slab.shape[i] = slab.extent[i] = shape[i];
    return slab;
}

void rig_upload(struct rig *rig, const struct oriel_slab *slab)
{
    if (rig->module->upload(rig->self, slab) != ORIEL_OK)
        fail_msg("upload: %s", rig->failure);
}

void rig_apply(struct rig *rig)
{
    rig->snapshot.revision++;
    if (rig->module->apply(rig->self, &rig->snapshot) != ORIEL_OK)
        fail_msg("apply: %s", rig->failure);
}

void rig_draw(struct rig *rig, uint8_t *rgba)
{
    rig->view.revision = rig->snapshot.revision;
    if (rig->module->draw(rig->self, &rig->view, &rig->target) != ORIEL_OK)
        fail_msg("draw: %s", rig->failure);
    assert_int_equal(glGetError(), GL_NO_ERROR);
    size_t row = (size_t)rig->width * 4;
    uint8_t *bottom_up = malloc(row * rig->height);
    assert_non_null(bottom_up);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, rig->target.framebuffer);
    glReadPixels(0, 0, (GLsizei)rig->width, (GLsizei)rig->height, GL_RGBA, GL_UNSIGNED_BYTE,
                 bottom_up);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, 0);
    for (uint32_t y = 0; y < rig->height; y++)
        memcpy(rgba + y * row, bottom_up + (rig->height - 1 - y) * row, row);
    free(bottom_up);
}

static void set_camera(struct rig *rig)
{
    camera_matrix(&rig->view.camera, rig->view.ndisplay, rig->width, rig->height,
                  rig->view.world_to_clip);
}

void rig_look(struct rig *rig, double x, double y, double zoom)
{
    rig->view.camera =
        (struct oriel_camera){.center = {x, y, 0}, .quat = {1, 0, 0, 0}, .zoom = zoom};
    set_camera(rig);
}

void rig_turn(struct rig *rig, const double center[3], const double angles[3], double zoom,
              double fov)
{
    rig->view.camera = (struct oriel_camera){.zoom = zoom, .fov = fov};
    memcpy(rig->view.camera.center, center, sizeof rig->view.camera.center);
    camera_from_angles(angles, rig->view.camera.quat);
    set_camera(rig);
}
