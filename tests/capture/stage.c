/* SPDX-License-Identifier: BSD-3-Clause */
#include "stage.h"

#include <dlfcn.h>
#include <epoxy/egl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void host_log(const struct oriel_host *host, uint32_t level, const char *text)
{
    (void)host;
    print_message("  [%u] %s\n", level, text);
}

static oriel_result host_fail(const struct oriel_host *host, oriel_result result, const char *text)
{
    struct stage *stage = host->data;
    snprintf(stage->failure, sizeof(stage->failure), "%s", text);
    return result;
}

static int64_t host_now(const struct oriel_host *host)
{
    (void)host;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void host_ref(const struct oriel_host *host, const struct oriel_frame *frame)
{
    (void)host;
    __atomic_fetch_add((uintptr_t *)(uintptr_t)&frame->host_count, 1, __ATOMIC_RELAXED);
}

static void host_unref(const struct oriel_host *host, const struct oriel_frame *frame,
                       const struct oriel_fence *done)
{
    (void)host;
    uintptr_t left =
        __atomic_sub_fetch((uintptr_t *)(uintptr_t)&frame->host_count, 1, __ATOMIC_ACQ_REL);
    assert_true(left < 1000);
    if (left == 0)
        frame->release(frame, done);
}

static const void *host_interface(const struct oriel_host *host, const char *id)
{
    struct stage *stage = host->data;
    if (strcmp(id, ORIEL_HOST_CUDA_V1) == 0)
        return stage->cuda;
    return strcmp(id, ORIEL_HOST_GL_V1) == 0 && stage->gl.size ? &stage->gl : NULL;
}

static const char *config_string(const struct oriel_config *config, const char *name)
{
    struct stage *stage = config->data;
    assert_string_equal(name, "convert");
    return stage->convert;
}

static void keep_frame(const struct oriel_frame_sink *sink, const struct oriel_frame *frame)
{
    struct stage *stage = sink->data;
    assert_true(stage->count < 16);
    host_ref(&stage->host, frame);
    stage->got[stage->count++] = frame;
}

static void *get_proc(const char *name)
{
    union {
        void (*function)(void);
        void *object;
    } address = {eglGetProcAddress(name)};
    return address.object;
}

static EGLDisplay any_display(void)
{
    EGLDeviceEXT device;
    EGLint count = 0, major, minor;
    if (epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_device_enumeration") &&
        eglQueryDevicesEXT(1, &device, &count) && count) {
        EGLDisplay display = eglGetPlatformDisplayEXT(EGL_PLATFORM_DEVICE_EXT, device, NULL);
        if (display && eglInitialize(display, &major, &minor))
            return display;
    }
    EGLDisplay display =
        eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    return display && eglInitialize(display, &major, &minor) ? display : EGL_NO_DISPLAY;
}

void *stage_context(const struct stage *stage, void *share)
{
    static const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION,
                                        4,
                                        EGL_CONTEXT_MINOR_VERSION,
                                        5,
                                        EGL_CONTEXT_OPENGL_PROFILE_MASK,
                                        EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                                        EGL_NONE};
    if (!stage->display || !eglBindAPI(EGL_OPENGL_API))
        return NULL;
    return eglCreateContext(stage->display, EGL_NO_CONFIG_KHR, share, attributes);
}

static bool open_context(struct stage *stage)
{
    stage->display = any_display();
    stage->context = stage_context(stage, NULL);
    return stage->context &&
           eglMakeCurrent(stage->display, EGL_NO_SURFACE, EGL_NO_SURFACE, stage->context);
}

bool stage_open(struct stage *stage, const char *module)
{
    memset(stage, 0, sizeof(*stage));
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.so", getenv("ORIEL_MODULE_PATH"), module);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle || !open_context(stage)) {
        print_message("%s is left out: %s\n", module, handle ? "no OpenGL 4.5 here" : dlerror());
        return false;
    }
    const struct oriel_entry *entry = dlsym(handle, ORIEL_ENTRY_SYMBOL);
    stage->capture = entry->get_factory(ORIEL_CAPTURE_V1);
    assert_non_null(stage->capture);
    stage->convert = "auto";
    const char *renderer = (const char *)glGetString(GL_RENDERER);
    print_message("renderer: %s\n", renderer);
    stage->gl = (struct oriel_host_gl){.size = sizeof(stage->gl),
                                       .version = 45,
                                       .software = strstr(renderer, "llvmpipe") != NULL,
                                       .renderer = renderer,
                                       .egl_display = (uintptr_t)stage->display,
                                       .egl_context = (uintptr_t)stage->context,
                                       .get_proc_address = get_proc};
    stage->host = (struct oriel_host){.size = sizeof(stage->host),
                                      .data = stage,
                                      .log = host_log,
                                      .fail = host_fail,
                                      .now_ns = host_now,
                                      .frame_ref = host_ref,
                                      .frame_unref = host_unref,
                                      .get_interface = host_interface};
    stage->config = (struct oriel_config){
        .size = sizeof(stage->config), .get_string = config_string, .data = stage};
    stage->sink =
        (struct oriel_frame_sink){.size = sizeof(stage->sink), .frame = keep_frame, .data = stage};
    return true;
}

void stage_close(struct stage *stage)
{
    if (stage->context) {
        eglMakeCurrent(stage->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        eglDestroyContext(stage->display, stage->context);
        /* Not terminated: the driver stays loaded, so that a leak checker can name what it keeps.
         */
    }
}

void stage_drop_frames(struct stage *stage)
{
    while (stage->count)
        host_unref(&stage->host, stage->got[--stage->count], NULL);
}

void stage_wait(const struct oriel_frame *frame)
{
    if (frame->ready.kind == ORIEL_FENCE_NONE)
        return;
    assert_int_equal(frame->ready.kind, ORIEL_FENCE_FLAG);
    const uint32_t *flag = (const uint32_t *)(uintptr_t)frame->ready.handle;
    for (int i = 0; i < 5000 && !__atomic_load_n(flag, __ATOMIC_ACQUIRE); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(__atomic_load_n(flag, __ATOMIC_ACQUIRE), 1);
}

struct oriel_target target_create(uint32_t width, uint32_t height, const uint8_t *rgba)
{
    struct oriel_target target = {.size = sizeof(target), .width = width, .height = height};
    glCreateTextures(GL_TEXTURE_2D, 1, &target.texture);
    glTextureStorage2D(target.texture, 1, GL_RGBA8, (GLsizei)width, (GLsizei)height);
    if (rgba)
        glTextureSubImage2D(target.texture, 0, 0, 0, (GLsizei)width, (GLsizei)height, GL_RGBA,
                            GL_UNSIGNED_BYTE, rgba);
    glCreateFramebuffers(1, &target.framebuffer);
    glNamedFramebufferTexture(target.framebuffer, GL_COLOR_ATTACHMENT0, target.texture, 0);
    assert_int_equal(glCheckNamedFramebufferStatus(target.framebuffer, GL_FRAMEBUFFER),
                     GL_FRAMEBUFFER_COMPLETE);
    return target;
}

void target_destroy(struct oriel_target *target)
{
    glDeleteFramebuffers(1, &target->framebuffer);
    glDeleteTextures(1, &target->texture);
}
