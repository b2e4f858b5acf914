/* SPDX-License-Identifier: BSD-3-Clause */
#include "keeper.h"

#include <epoxy/gl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct keeper {
    struct keeper *next;
    uint32_t users;
    EGLDisplay display;
    EGLContext beside;  /* the render context; may be gone */
    EGLContext context; /* current on the thread that has `visited` locked, or nowhere */
    bool lost;          /* the GPU was reset, which OpenGL tells once; under `visited` */
    GLuint mark;        /* a buffer whose label nothing else has, to know the share group by */
    char label[64];
    pthread_mutex_t visited;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list and the counts */
static struct keeper *keepers;
static uint64_t made;

/* Another reset strategy than the other's is refused, and an older EGL has none. */
static EGLContext context_beside(EGLDisplay display, EGLContext other)
{
    EGLContext context = EGL_NO_CONTEXT;
    EGLenum api = eglQueryAPI();
    if (!eglBindAPI(EGL_OPENGL_API))
        return EGL_NO_CONTEXT;
    for (int robust = epoxy_egl_version(display) >= 15; robust >= 0 && !context; robust--) {
        const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION,
                                     4,
                                     EGL_CONTEXT_MINOR_VERSION,
                                     5,
                                     EGL_CONTEXT_OPENGL_PROFILE_MASK,
                                     EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                                     robust ? EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY
                                            : EGL_NONE,
                                     EGL_LOSE_CONTEXT_ON_RESET,
                                     EGL_NONE};
        context = eglCreateContext(display, EGL_NO_CONFIG_KHR, other, attributes);
    }
    eglBindAPI(api);
    return context;
}

bool keeper_enter(struct keeper *self, struct keeper_visit *visit)
{
    pthread_mutex_lock(&self->visited);
    *visit = (struct keeper_visit){.display = eglGetCurrentDisplay(),
                                   .context = eglGetCurrentContext(),
                                   .draw = eglGetCurrentSurface(EGL_DRAW),
                                   .read = eglGetCurrentSurface(EGL_READ),
                                   .api = eglQueryAPI()};
    eglBindAPI(EGL_OPENGL_API);
    if (eglMakeCurrent(self->display, EGL_NO_SURFACE, EGL_NO_SURFACE, self->context)) {
        self->lost |= glGetGraphicsResetStatus() != GL_NO_ERROR;
        if (!self->lost)
            return true;
        keeper_leave(self, visit);
        return false;
    }
    eglBindAPI(visit->api);
    pthread_mutex_unlock(&self->visited);
    return false;
}

void keeper_leave(struct keeper *self, const struct keeper_visit *visit)
{
    if (visit->context)
        eglMakeCurrent(visit->display, visit->draw, visit->read, visit->context);
    else
        eglMakeCurrent(self->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    eglBindAPI(visit->api);
    pthread_mutex_unlock(&self->visited);
}

/* The context that is current shares with the keeper: a context's address may come again. */
static bool shares(const struct keeper *self)
{
    char label[sizeof(self->label)] = "";
    if (!glIsBuffer(self->mark))
        return false;
    glGetObjectLabel(GL_BUFFER, self->mark, sizeof(label), NULL, label);
    return strcmp(label, self->label) == 0;
}

static void destroy(struct keeper *self)
{
    struct keeper_visit visit;
    if (keeper_enter(self, &visit)) {
        glDeleteBuffers(1, &self->mark);
        keeper_leave(self, &visit);
    }
    eglDestroyContext(self->display, self->context); /* takes along what is still there */
    pthread_mutex_destroy(&self->visited);
    free(self);
}

static struct keeper *create(EGLDisplay display, EGLContext beside)
{
    struct keeper *self = calloc(1, sizeof(*self));
    struct keeper_visit visit;
    if (!self)
        return NULL;
    *self = (struct keeper){.users = 1, .display = display, .beside = beside};
    self->context = beside ? context_beside(display, beside) : EGL_NO_CONTEXT;
    if (!self->context) {
        free(self);
        return NULL;
    }
    pthread_mutex_init(&self->visited, NULL);
    snprintf(self->label, sizeof(self->label), "capture/gl keeper %llu",
             (unsigned long long)++made);
    if (keeper_enter(self, &visit)) {
        glCreateBuffers(1, &self->mark);
        glObjectLabel(GL_BUFFER, self->mark, -1, self->label);
        keeper_leave(self, &visit);
        if (shares(self))
            return self;
    }
    destroy(self);
    return NULL;
}

struct keeper *keeper_get(const struct oriel_host_gl *gl, const char **why)
{
    EGLDisplay display = (EGLDisplay)(uintptr_t)gl->egl_display;
    EGLContext beside = (EGLContext)(uintptr_t)gl->egl_context;
    *why = NULL;
    pthread_mutex_lock(&lock);
    struct keeper *self = keepers;
    while (self && !(self->display == display && self->beside == beside && shares(self)))
        self = self->next;
    if (self) {
        self->users++;
    } else if ((self = create(display, beside))) {
        self->next = keepers;
        keepers = self;
    } else {
        *why = "no second OpenGL context to share with";
    }
    pthread_mutex_unlock(&lock);
    return self;
}

void keeper_release(struct keeper *self)
{
    if (!self)
        return;
    pthread_mutex_lock(&lock);
    bool last = --self->users == 0;
    struct keeper **at = &keepers;
    while (last && *at != self)
        at = &(*at)->next;
    if (last)
        *at = self->next;
    pthread_mutex_unlock(&lock);
    if (last)
        destroy(self);
}
