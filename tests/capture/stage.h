/* SPDX-License-Identifier: BSD-3-Clause */
/* A host with an OpenGL context and nothing else, for one capture module. */
#ifndef TEST_CAPTURE_STAGE_H
#define TEST_CAPTURE_STAGE_H

#include <epoxy/gl.h>
#include <stdbool.h>

#include "oriel/capture.h"
#include "oriel/host_cuda.h"
#include "oriel/host_gl.h"

struct stage {
    const struct oriel_capture *capture;
    struct oriel_host host;
    struct oriel_host_gl gl;
    struct oriel_config config;
    struct oriel_frame_sink sink;
    const void *cuda;    /* "oriel.host.cuda/1" or NULL */
    const char *convert; /* option */
    char failure[512];
    const struct oriel_frame *got[16]; /* kept with a reference */
    unsigned count;
    void *display, *context;
};

/* False, with a printed reason, without that module or an OpenGL 4.5. The stage stays where it is.
 */
bool stage_open(struct stage *stage, const char *module);
void stage_close(struct stage *stage);

/* Another context, current nowhere; NULL: none. */
void *stage_context(const struct stage *stage, void *share);

/* A framebuffer with a texture of these RGBA bytes, row 0 at the bottom; NULL: whatever is there.
 */
struct oriel_target target_create(uint32_t width, uint32_t height, const uint8_t *rgba);
void target_destroy(struct oriel_target *target);

/* Until the samples of a frame in CPU memory are there; no context has to be current. */
void stage_wait(const struct oriel_frame *frame);
void stage_drop_frames(struct stage *stage);

#endif
