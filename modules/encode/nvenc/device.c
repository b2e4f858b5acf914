/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <ffnvcodec/dynlink_loader.h>

#include "../common/encode.h"
#include "library.h"
#include "missing.h"
#include "oriel/host_cuda.h"
#include "oriel/host_gl.h"
#include "status.h"

/* CUDA devices whose primary context stays retained, a bit each. */
static atomic_uint_least64_t kept;

#define GL_WAIT_NS UINT64_C(2000000000)

static oriel_result cuda_failed(struct device *self, oriel_result otherwise, const char *call,
                                int code)
{
    return encode_fail(self->host, cuda_result(code, otherwise), "%s answers %s", call,
                       cuda_error_name(self->library->cuda, code));
}

/* --- CUDA --- */

static oriel_result retain_context(struct device *self, int gpu)
{
    const CudaFunctions *cuda = self->library->cuda;
    int count = 0, code = (int)cuda->cuDeviceGetCount(&count);
    if (code)
        return cuda_failed(self, ORIEL_UNSUPPORTED, "cuDeviceGetCount", code);
    if (gpu < 0)
        gpu = 0;
    if (gpu >= count || gpu > 63)
        return encode_fail(self->host, ORIEL_UNSUPPORTED,
                           "there is no GPU %d: the NVIDIA driver has %d", gpu, count);
    code = (int)cuda->cuDeviceGet(&self->device, gpu);
    if (code)
        return cuda_failed(self, ORIEL_UNSUPPORTED, "cuDeviceGet", code);
    char name[64] = "of unknown name";
    cuda->cuDeviceGetName(name, sizeof(name), self->device);
    snprintf(self->name, sizeof(self->name), "this GPU (%s)", name);
    oriel_result result = missing_check(self);
    if (result)
        return result;
    code = (int)cuda->cuDevicePrimaryCtxRetain(&self->context, self->device);
    if (code)
        return cuda_failed(self, ORIEL_UNSUPPORTED, "cuDevicePrimaryCtxRetain", code);
    self->retained = true;
    return ORIEL_OK;
}

static oriel_result open_cuda(struct device *self, int gpu)
{
    const struct oriel_host_cuda *shared =
        self->host->get_interface ? self->host->get_interface(self->host, ORIEL_HOST_CUDA_V1)
                                  : NULL;
    if (!shared && self->domain == ORIEL_DOMAIN_CUDA)
        return encode_fail(self->host, ORIEL_UNSUPPORTED,
                           "frames in CUDA memory, but the host has no CUDA device");
    bool other = self->domain == ORIEL_DOMAIN_CPU && gpu >= 0;
    if (!shared || other)
        return retain_context(self, gpu);
    self->context = (CUcontext)(uintptr_t)shared->context;
    self->device = shared->device;
    snprintf(self->name, sizeof(self->name), "this GPU (%s)",
             shared->name ? shared->name : "of unknown name");
    return missing_check(self);
}

/* --- OpenGL --- */

/* A context may share only with one of the same reset notification, which the host asks for where
 * it can. */
static EGLContext make_context(const struct oriel_host_gl_share *share)
{
    EGLDisplay display = (EGLDisplay)(uintptr_t)share->egl_display;
    EGLContext with = (EGLContext)(uintptr_t)share->egl_context;
    EGLContext context = EGL_NO_CONTEXT;
    for (int robust = 1; robust >= 0 && context == EGL_NO_CONTEXT; robust--) {
        const EGLint attributes[] = {
            EGL_CONTEXT_MAJOR_VERSION,
            (EGLint)(share->version / 10),
            EGL_CONTEXT_MINOR_VERSION,
            (EGLint)(share->version % 10),
            EGL_CONTEXT_OPENGL_PROFILE_MASK,
            EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
            robust ? EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY : EGL_NONE,
            EGL_LOSE_CONTEXT_ON_RESET,
            EGL_NONE,
        };
        context = eglCreateContext(display, EGL_NO_CONFIG_KHR, with, attributes);
    }
    return context;
}

static oriel_result open_gl(struct device *self)
{
    const struct oriel_host_gl_share *share =
        self->host->get_interface ? self->host->get_interface(self->host, ORIEL_HOST_GL_SHARE_V1)
                                  : NULL;
    if (!share)
        return encode_fail(self->host, ORIEL_UNSUPPORTED,
                           "frames in textures, but the host shares no OpenGL context");
    snprintf(self->name, sizeof(self->name), "the renderer's GPU");
    self->display = (void *)(uintptr_t)share->egl_display;
    oriel_result result = missing_check(self);
    if (result)
        return result;
    eglBindAPI(EGL_OPENGL_API);
    self->egl_context = make_context(share);
    if (!self->egl_context)
        return encode_fail(self->host, ORIEL_UNSUPPORTED,
                           "no OpenGL %u.%u context that shares with the renderer (EGL 0x%x)",
                           share->version / 10, share->version % 10, (unsigned)eglGetError());
    result = device_enter(self);
    if (result)
        return result;
    const char *renderer = (const char *)glGetString(GL_RENDERER);
    if (renderer)
        snprintf(self->name, sizeof(self->name), "this GPU (%s)", renderer);
    device_leave(self);
    return ORIEL_OK;
}

static oriel_result enter_gl(struct device *self)
{
    eglBindAPI(EGL_OPENGL_API);
    self->before_context = eglGetCurrentContext();
    self->before_display = eglGetCurrentDisplay();
    self->before_draw = eglGetCurrentSurface(EGL_DRAW);
    self->before_read = eglGetCurrentSurface(EGL_READ);
    if (eglMakeCurrent(self->display, EGL_NO_SURFACE, EGL_NO_SURFACE, self->egl_context))
        return ORIEL_OK;
    EGLint error = eglGetError();
    return encode_fail(self->host, error == EGL_CONTEXT_LOST ? ORIEL_DEVICE_LOST : ORIEL_FATAL,
                       "eglMakeCurrent of the encoder's context failed (EGL 0x%x)",
                       (unsigned)error);
}

oriel_result device_wait_gl(struct device *self, uint64_t sync)
{
    GLenum state =
        glClientWaitSync((GLsync)(uintptr_t)sync, GL_SYNC_FLUSH_COMMANDS_BIT, GL_WAIT_NS);
    if (state == GL_ALREADY_SIGNALED || state == GL_CONDITION_SATISFIED)
        return ORIEL_OK;
    if (state == GL_TIMEOUT_EXPIRED)
        return encode_fail(self->host, ORIEL_IO,
                           "the texture of a frame was not ready: two seconds have passed");
    return encode_fail(self->host, ORIEL_DEVICE_LOST,
                       "the fence of a texture is none that the encoder's context knows: the "
                       "renderer has begun anew");
}

/* --- either --- */

oriel_result device_open(struct device *self, const struct oriel_host *host,
                         const struct library *library, uint32_t domain, int gpu)
{
    *self = (struct device){.library = library, .host = host, .domain = domain};
    snprintf(self->name, sizeof(self->name), "this GPU");
    return domain == ORIEL_DOMAIN_GL ? open_gl(self) : open_cuda(self, gpu);
}

void device_keep(struct device *self)
{
    uint64_t bit = UINT64_C(1) << (self->device & 63);
    CUcontext same;
    if (self->retained && !(atomic_fetch_or(&kept, bit) & bit) &&
        self->library->cuda->cuDevicePrimaryCtxRetain(&same, self->device))
        atomic_fetch_and(&kept, ~bit);
}

void device_close(struct device *self, bool lost)
{
    uint64_t bit = UINT64_C(1) << (self->device & 63);
    if (self->retained)
        self->library->cuda->cuDevicePrimaryCtxRelease(self->device);
    if (self->retained && lost && atomic_fetch_and(&kept, ~bit) & bit)
        self->library->cuda->cuDevicePrimaryCtxRelease(self->device);
    if (self->egl_context)
        eglDestroyContext(self->display, self->egl_context);
    memset(self, 0, sizeof(*self));
}

oriel_result device_enter(struct device *self)
{
    if (self->domain == ORIEL_DOMAIN_GL)
        return enter_gl(self);
    int code = (int)self->library->cuda->cuCtxPushCurrent(self->context);
    return code ? cuda_failed(self, ORIEL_FATAL, "cuCtxPushCurrent", code) : ORIEL_OK;
}

void device_leave(struct device *self)
{
    if (self->domain != ORIEL_DOMAIN_GL) {
        CUcontext context;
        self->library->cuda->cuCtxPopCurrent(&context);
        return;
    }
    if (self->before_context)
        eglMakeCurrent(self->before_display, self->before_draw, self->before_read,
                       self->before_context);
    else
        eglMakeCurrent(self->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
}
