/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/egl.h"

#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"
#include "util/clock.h"

#define MAX_DEVICES 64
struct egl {
    EGLDisplay display;
    EGLContext context;
    GLint max_2d, max_3d;
    bool robust; /* a lost device is reported */
    char renderer[256];
    struct oriel_host_gl gl;
};

static const char *egl_error_name(EGLint code)
{
    switch (code) {
    case EGL_NOT_INITIALIZED:
        return "EGL_NOT_INITIALIZED";
    case EGL_BAD_ACCESS:
        return "EGL_BAD_ACCESS";
    case EGL_BAD_ALLOC:
        return "EGL_BAD_ALLOC";
    case EGL_BAD_ATTRIBUTE:
        return "EGL_BAD_ATTRIBUTE";
    case EGL_BAD_CONFIG:
        return "EGL_BAD_CONFIG";
    case EGL_BAD_DISPLAY:
        return "EGL_BAD_DISPLAY";
    case EGL_BAD_MATCH:
        return "EGL_BAD_MATCH";
    case EGL_BAD_PARAMETER:
        return "EGL_BAD_PARAMETER";
    default:
        return "no error code";
    }
}

static void tried(struct error *all, const char *what, const char *result)
{
    size_t used = strlen(all->text);
    snprintf(all->text + used, sizeof all->text - used, "%s%s: %s", used ? "; " : "", what, result);
}

static void *get_proc_address(const char *name)
{
    void (*function)(void) = eglGetProcAddress(name);
    void *address; /* POSIX: pointers to functions and to objects are alike */
    memcpy(&address, &function, sizeof address);
    return address;
}

static bool context_create(struct egl *egl, struct error *why)
{
    bool robustness = epoxy_egl_version(egl->display) >= 15;
    for (int attempt = robustness ? 0 : 1; attempt < 2 && !egl->context; attempt++) {
        const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION,
                                     4,
                                     EGL_CONTEXT_MINOR_VERSION,
                                     5,
                                     EGL_CONTEXT_OPENGL_PROFILE_MASK,
                                     EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                                     attempt == 0 ? EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY
                                                  : EGL_NONE,
                                     EGL_LOSE_CONTEXT_ON_RESET,
                                     EGL_NONE};
        egl->context =
            eglCreateContext(egl->display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, attributes);
        egl->robust = attempt == 0 && egl->context;
    }
    if (!egl->context)
        return error_set(why, "no OpenGL 4.5 core context (%s)", egl_error_name(eglGetError()));
    if (!eglMakeCurrent(egl->display, EGL_NO_SURFACE, EGL_NO_SURFACE, egl->context))
        return error_set(why, "eglMakeCurrent without a surface failed (%s)",
                         egl_error_name(eglGetError()));
    return true;
}

static struct egl *open_display(EGLDisplay display, uint32_t device, struct error *why)
{
    if (display == EGL_NO_DISPLAY || !eglInitialize(display, NULL, NULL)) {
        error_set(why, "no display (%s)", egl_error_name(eglGetError()));
        return NULL;
    }
    if (!epoxy_has_egl_extension(display, "EGL_KHR_surfaceless_context") ||
        !(epoxy_has_egl_extension(display, "EGL_KHR_no_config_context") ||
          epoxy_has_egl_extension(display, "EGL_MESA_configless_context"))) {
        error_set(why, "EGL_KHR_surfaceless_context or EGL_KHR_no_config_context is missing");
        return NULL;
    }
    if (!eglBindAPI(EGL_OPENGL_API)) {
        error_set(why, "this EGL has no desktop OpenGL");
        return NULL;
    }
    struct egl *egl = xcalloc(1, sizeof *egl);
    egl->display = display;
    if (!context_create(egl, why)) {
        egl_destroy(egl);
        return NULL;
    }
    glGetIntegerv(GL_MAX_TEXTURE_SIZE, &egl->max_2d);
    glGetIntegerv(GL_MAX_3D_TEXTURE_SIZE, &egl->max_3d);
    const char *renderer = (const char *)glGetString(GL_RENDERER);
    snprintf(egl->renderer, sizeof egl->renderer, "%s", renderer ? renderer : "unknown");
    egl->gl = (struct oriel_host_gl){
        .size = sizeof egl->gl,
        .version = 45,
        .device_index = device,
        .renderer = egl->renderer,
        .egl_display = (uint64_t)(uintptr_t)egl->display,
        .egl_context = (uint64_t)(uintptr_t)egl->context,
        .get_proc_address = get_proc_address,
        .software = strstr(egl->renderer, "llvmpipe") || strstr(egl->renderer, "softpipe") ||
                    strstr(egl->renderer, "swrast") || strstr(egl->renderer, "SwiftShader"),
    };
    if (epoxy_has_gl_extension("GL_EXT_memory_object"))
        glGetUnsignedBytei_vEXT(GL_DEVICE_UUID_EXT, 0, egl->gl.device_uuid);
    while (glGetError() != GL_NO_ERROR)
        ;
    return egl;
}

static bool software_device(EGLDeviceEXT device)
{
    const char *extensions = eglQueryDeviceStringEXT(device, EGL_EXTENSIONS);
    return extensions && strstr(extensions, "EGL_MESA_device_software");
}

static struct egl *open_device(EGLDeviceEXT device, uint32_t index, struct error *all)
{
    struct error why = {""};
    struct egl *egl =
        open_display(eglGetPlatformDisplayEXT(EGL_PLATFORM_DEVICE_EXT, device, NULL), index, &why);
    char what[32];
    snprintf(what, sizeof what, "EGL device %u", index);
    if (!egl)
        tried(all, what, why.text);
    else if (software_device(device))
        egl->gl.software = 1;
    return egl;
}

static EGLint list_devices(EGLDeviceEXT *devices, struct error *all)
{
    EGLint count = 0;
    bool enumerates = epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_platform_device") &&
                      (epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_device_enumeration") ||
                       epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_device_base"));
    if (!enumerates)
        tried(all, "EGL devices", "EGL_EXT_platform_device is missing");
    else if (!eglQueryDevicesEXT(MAX_DEVICES, devices, &count) || count == 0)
        tried(all, "EGL devices", "there is none");
    return count;
}

uint32_t egl_device_count(void)
{
    struct error ignored = {""};
    EGLDeviceEXT devices[MAX_DEVICES];
    return (uint32_t)list_devices(devices, &ignored);
}

struct egl *egl_create(int64_t wanted, struct error *err)
{
    struct error all = {""};
    EGLDeviceEXT devices[MAX_DEVICES];
    EGLint count = list_devices(devices, &all);

    struct egl *egl = NULL;
    if (wanted >= 0) {
        if (wanted < count)
            egl = open_device(devices[wanted], (uint32_t)wanted, &all);
        else
            error_set(&all, "render.device is %lld, but there are %d EGL devices",
                      (long long)wanted, count);
    } else {
        for (EGLint i = 0; i < count && !egl; i++) {
            if (!software_device(devices[i]))
                egl = open_device(devices[i], (uint32_t)i, &all);
        }
        for (EGLint i = 0; i < count && !egl; i++) {
            if (software_device(devices[i]))
                egl = open_device(devices[i], (uint32_t)i, &all);
        }
        if (!egl && epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_MESA_platform_surfaceless")) {
            struct error why = {""};
            egl = open_display(
                eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL),
                UINT32_MAX, &why);
            if (!egl)
                tried(&all, "Mesa's surfaceless platform", why.text);
        }
    }
    if (!egl)
        error_set(err, "no headless OpenGL: %s", all.text);
    return egl;
}

void egl_destroy(struct egl *egl)
{
    if (!egl)
        return;
    if (egl->context) {
        eglMakeCurrent(egl->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        eglDestroyContext(egl->display, egl->context);
    }
    eglReleaseThread();
    free(egl);
}

const struct oriel_host_gl *egl_host_gl(const struct egl *egl)
{
    return &egl->gl;
}

int32_t egl_cuda_ordinal(const struct egl *egl)
{
    EGLAttrib device, ordinal;
    if (!epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_device_query") &&
        !epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_EXT_device_base"))
        return -1;
    if (!eglQueryDisplayAttribEXT(egl->display, EGL_DEVICE_EXT, &device))
        return -1;
    EGLDeviceEXT handle = (EGLDeviceEXT)device;
    const char *extensions = eglQueryDeviceStringEXT(handle, EGL_EXTENSIONS);
    if (!extensions || !strstr(extensions, "EGL_NV_device_cuda") ||
        !eglQueryDeviceAttribEXT(handle, EGL_CUDA_DEVICE_NV, &ordinal))
        return -1;
    return (int32_t)ordinal;
}

uint32_t egl_max_texture_2d(const struct egl *egl)
{
    return (uint32_t)egl->max_2d;
}

uint32_t egl_max_texture_3d(const struct egl *egl)
{
    return (uint32_t)egl->max_3d;
}

const char *egl_fault(struct egl *egl)
{
    if (egl->robust && glGetGraphicsResetStatus() != GL_NO_ERROR)
        return "the graphics device was reset";
    const char *fault = NULL;
    for (int i = 0; i < 16; i++) { /* a lost context may report errors without end */
        GLenum code = glGetError();
        if (code == GL_NO_ERROR)
            break;
        if (code == GL_OUT_OF_MEMORY)
            fault = "OpenGL is out of memory";
        else if (code == GL_CONTEXT_LOST)
            fault = "the OpenGL context was lost";
    }
    return fault;
}

bool egl_target_create(struct egl_target *target, uint32_t width, uint32_t height,
                       struct error *err)
{
    *target = (struct egl_target){.width = width, .height = height};
    GLint w = (GLint)width, h = (GLint)height;
    glCreateTextures(GL_TEXTURE_2D, 1, &target->texture);
    glTextureStorage2D(target->texture, 1, GL_RGBA8, w, h);
    glTextureParameteri(target->texture, GL_TEXTURE_MIN_FILTER, GL_LINEAR);
    glTextureParameteri(target->texture, GL_TEXTURE_WRAP_S, GL_CLAMP_TO_EDGE);
    glTextureParameteri(target->texture, GL_TEXTURE_WRAP_T, GL_CLAMP_TO_EDGE);
    glCreateRenderbuffers(1, &target->depth);
    glNamedRenderbufferStorage(target->depth, GL_DEPTH_COMPONENT24, w, h);
    glCreateFramebuffers(1, &target->framebuffer);
    glNamedFramebufferTexture(target->framebuffer, GL_COLOR_ATTACHMENT0, target->texture, 0);
    glNamedFramebufferRenderbuffer(target->framebuffer, GL_DEPTH_ATTACHMENT, GL_RENDERBUFFER,
                                   target->depth);
    GLenum status = glCheckNamedFramebufferStatus(target->framebuffer, GL_FRAMEBUFFER);
    if (status == GL_FRAMEBUFFER_COMPLETE)
        return true;
    egl_target_destroy(target);
    return error_set(err, "cannot make a %u x %u canvas (framebuffer status 0x%x)", width, height,
                     status);
}

void egl_target_destroy(struct egl_target *target)
{
    if (target->framebuffer)
        glDeleteFramebuffers(1, &target->framebuffer);
    if (target->depth)
        glDeleteRenderbuffers(1, &target->depth);
    if (target->texture)
        glDeleteTextures(1, &target->texture);
    *target = (struct egl_target){0};
}
