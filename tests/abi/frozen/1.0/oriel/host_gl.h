/* SPDX-License-Identifier: BSD-3-Clause */
/* Optional host interface "oriel.host.gl/1": the render thread's OpenGL. Present for modules that
 * are called with the role [render]. */
#ifndef ORIEL_HOST_GL_H
#define ORIEL_HOST_GL_H

#include "oriel/abi.h"

#define ORIEL_HOST_GL_V1 "oriel.host.gl/1"

struct oriel_host_gl {
    uint32_t size;
    uint32_t version; /* 45 for OpenGL 4.5 core */
    /* 1: a software renderer, where reading back is a memcpy and the CPU converts colours faster
     * than a shader. */
    uint32_t software;
    uint32_t device_index;   /* of eglQueryDevicesEXT; UINT32_MAX without a device platform */
    const char *renderer;    /* GL_RENDERER */
    uint64_t egl_display;    /* EGLDisplay; not to be terminated */
    uint64_t egl_context;    /* EGLContext */
    uint8_t device_uuid[16]; /* zero where unknown */
    /* Any GL or EGL function by name. [render] */
    void *(*get_proc_address)(const char *name);
};

/* Optional host interface "oriel.host.gl.share/1": what an encoder needs to make a context of its
 * own, on its own thread, that sees the textures and buffers of frames in ORIEL_DOMAIN_GL. Present
 * while a renderer runs. */
#define ORIEL_HOST_GL_SHARE_V1 "oriel.host.gl.share/1"

struct oriel_host_gl_share {
    uint32_t size;
    uint32_t version;     /* as in oriel_host_gl */
    uint64_t egl_display; /* EGLDisplay; not to be terminated */
    uint64_t egl_context; /* EGLContext to share with: eglCreateContext's share_context */
};

#endif
