/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/gl.h"

#include <dlfcn.h>
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <stdlib.h>
#include <string.h>

#include "check/gl_state.h"
#include "cuda/cuda.h"
#include "module/services.h"
#include "oriel/host_cuda.h"
#include "oriel/host_gl.h"
#include "render/egl.h"
#include "util/check.h"

/* One for the process: a test is a process, or the tests of one share it. */
static struct egl *egl;
static const struct oriel_host_cuda *cuda;
static struct error no_cuda;

static void join_cuda(void)
{
    const struct oriel_host_gl *gl = egl_host_gl(egl);
    struct cuda_hint hint = {.ordinal = egl_cuda_ordinal(egl)};
    struct cuda_about about;
    memcpy(hint.uuid, gl->device_uuid, sizeof hint.uuid);
    if (!cuda_join(&hint, &about, &no_cuda))
        return;
    struct oriel_host *services = services_create("check");
    cuda = services->get_interface(services, ORIEL_HOST_CUDA_V1);
    services_destroy(services);
}

static bool begin(struct error *err)
{
    if (egl) {
        gl_enter();
        return true;
    }
    egl = egl_create(-1, err);
    if (egl)
        join_cuda();
    return egl;
}

void gl_open(struct check_run *run)
{
    struct error err = {""};
    if (!begin(&err))
        check_skip(run, "%s", err.text);
}

struct check_host *gl_host(struct check_run *run, enum check_host_kind kind)
{
    gl_open(run);
    struct check_host *host = check_host_new(run, kind);
    check_host_offer(host, ORIEL_HOST_GL_V1, egl_host_gl(egl));
    if (cuda)
        check_host_offer(host, ORIEL_HOST_CUDA_V1, cuda);
    return host;
}

const char *gl_cuda_absent(struct check_run *run)
{
    gl_open(run);
    return cuda ? NULL : no_cuda.text;
}

bool gl_offer_cuda(struct check_host *host, struct error *why)
{
    if (!begin(why))
        return false;
    gl_leave();
    if (!cuda)
        return error_set(why, "%s", no_cuda.text);
    check_host_offer(host, ORIEL_HOST_CUDA_V1, cuda);
    return true;
}

/* ---- the few functions of CUDA's driver that a test needs ---- */

static bool driver_find(const char *name, void *function)
{
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbol = library ? dlsym(library, name) : NULL;
    memcpy(function, &symbol, sizeof symbol); /* POSIX lets it be a function */
    return symbol;
}

void *gl_cuda_context(void)
{
    int (*get)(void **context);
    void *context = NULL;
    return driver_find("cuCtxGetCurrent", &get) && get(&context) == 0 ? context : NULL;
}

bool gl_cuda_event(struct oriel_fence *fence)
{
    int (*create)(void **event, unsigned flags), (*record)(void *event, void *stream);
    int (*push)(void *context), (*pop)(void **context);
    void *event = NULL, *popped;
    if (!cuda || !driver_find("cuEventCreate", &create) || !driver_find("cuEventRecord", &record) ||
        !driver_find("cuCtxPushCurrent_v2", &push) || !driver_find("cuCtxPopCurrent_v2", &pop) ||
        push((void *)(uintptr_t)cuda->context))
        return false;
    bool made = create(&event, 2 /* CU_EVENT_DISABLE_TIMING */) == 0 && record(event, NULL) == 0;
    pop(&popped);
    *fence = (struct oriel_fence){.handle = (uintptr_t)event, .kind = ORIEL_FENCE_CUDA_EVENT};
    return made;
}

/* ---- which context is current ---- */

static void make_current(void *context)
{
    EGLDisplay display = (EGLDisplay)(uintptr_t)egl_host_gl(egl)->egl_display;
    CHECK(eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context));
}

void gl_leave(void)
{
    make_current(EGL_NO_CONTEXT);
}

void gl_enter(void)
{
    make_current((EGLContext)(uintptr_t)egl_host_gl(egl)->egl_context);
}

void gl_no_error(struct check_run *run, const char *what)
{
    if (eglGetCurrentContext() != (EGLContext)(uintptr_t)egl_host_gl(egl)->egl_context)
        check_fail(run,
                   "another OpenGL context, or none, is current after %s: the host's is to "
                   "stay current",
                   what);
    GLenum error = glGetError();
    if (error != GL_NO_ERROR)
        check_fail(run, "glGetError() is 0x%x after %s: a module looks at the errors that it makes",
                   error, what);
}

/* ---- targets ---- */

struct oriel_target gl_target(struct check_run *run, uint32_t width, uint32_t height)
{
    struct oriel_target target = {.size = sizeof target, .width = width, .height = height};
    GLuint depth;
    glCreateTextures(GL_TEXTURE_2D, 1, &target.texture);
    glTextureStorage2D(target.texture, 1, GL_RGBA8, (GLsizei)width, (GLsizei)height);
    glCreateRenderbuffers(1, &depth);
    glNamedRenderbufferStorage(depth, GL_DEPTH_COMPONENT24, (GLsizei)width, (GLsizei)height);
    glCreateFramebuffers(1, &target.framebuffer);
    glNamedFramebufferTexture(target.framebuffer, GL_COLOR_ATTACHMENT0, target.texture, 0);
    glNamedFramebufferRenderbuffer(target.framebuffer, GL_DEPTH_ATTACHMENT, GL_RENDERBUFFER, depth);
    if (glCheckNamedFramebufferStatus(target.framebuffer, GL_FRAMEBUFFER) !=
        GL_FRAMEBUFFER_COMPLETE)
        check_skip(run, "this OpenGL has no framebuffer of %ux%u", width, height);
    return target;
}

void gl_target_free(struct oriel_target *target)
{
    GLint depth = 0;
    glGetNamedFramebufferAttachmentParameteriv(target->framebuffer, GL_DEPTH_ATTACHMENT,
                                               GL_FRAMEBUFFER_ATTACHMENT_OBJECT_NAME, &depth);
    GLuint name = (GLuint)depth;
    glDeleteRenderbuffers(1, &name);
    glDeleteFramebuffers(1, &target->framebuffer);
    glDeleteTextures(1, &target->texture);
}

void gl_target_fill(const struct oriel_target *target, const uint8_t rgba[4])
{
    glClearTexImage(target->texture, 0, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
}

void gl_target_picture(const struct oriel_target *target, unsigned number)
{
    uint8_t *rgba = xcalloc((size_t)target->width * target->height, 4), *at = rgba;
    for (uint32_t y = 0; y < target->height; y++)
        for (uint32_t x = 0; x < target->width; x++, at += 4) {
            uint64_t block = (uint64_t)number * 1000003 + (y / 8) * 4099 + x / 8;
            uint64_t noise = check_random(&block);
            for (int c = 0; c < 3; c++) /* every other one is a corner of the cube of colours */
                at[c] = noise & 1              ? (uint8_t)(noise >> (8 * (c + 1)))
                        : noise >> (c + 1) & 1 ? 255
                                               : 0;
            at[3] = 255;
        }
    glTextureSubImage2D(target->texture, 0, 0, 0, (GLsizei)target->width, (GLsizei)target->height,
                        GL_RGBA, GL_UNSIGNED_BYTE, rgba);
    free(rgba);
}

uint8_t *gl_target_read(const struct oriel_target *target)
{
    uint8_t *rgba = xcalloc((size_t)target->width * target->height, 4);
    GLint before;
    glGetIntegerv(GL_READ_FRAMEBUFFER_BINDING, &before);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, target->framebuffer);
    glReadPixels(0, 0, (GLsizei)target->width, (GLsizei)target->height, GL_RGBA, GL_UNSIGNED_BYTE,
                 rgba);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, (GLuint)before);
    return rgba;
}

/* ---- what grows ---- */

void gl_flat_round(struct check_run *run, struct gl_flat *flat)
{
    if (++flat->done != flat->warm && flat->done < flat->rounds)
        return;
    struct gl_objects objects;
    gl_objects_count(&objects);
    if (flat->done == flat->warm) {
        flat->before = check_use_now();
        memcpy(flat->objects, objects.counts, sizeof objects.counts);
        return;
    }
    for (unsigned i = 0; i < GL_KINDS; i++) {
        if (objects.counts[i] > flat->objects[i])
            check_fail(run,
                       "OpenGL %s: %u after %u instances, %u after %u: destroy() gives everything "
                       "back",
                       gl_objects_name(i), flat->objects[i], flat->warm, objects.counts[i],
                       flat->done);
    }
    check_flat(run, &flat->before, flat->done - flat->warm, "create()", "destroy()", flat->most, 0);
    check_note(run, "%u instances: %.1f MB more", flat->done - flat->warm,
               ((double)check_rss() - (double)flat->before.rss) / 1e6);
}
