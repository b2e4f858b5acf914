/* SPDX-License-Identifier: BSD-3-Clause */
/* encode/nvenc with a host that has a CUDA device and an OpenGL context to share, and pictures in
 * each of the three memories. The driver is what the loader finds: the stand-ins of tests/standin,
 * or a machine's own. */
#ifndef TEST_ENCODE_NVENC_RIG_H
#define TEST_ENCODE_NVENC_RIG_H

#include <stdbool.h>

#include "harness.h"
#include "picture.h"
#include "standin/standin.h"

extern const struct oriel_encoder *nvenc; /* NULL: not in this build */
extern struct standin fake_cuda, fake_nvenc;

/* A group's setup and teardown. */
int gpu_start(void **state);
int gpu_stop(void **state);
/* Skip the test, with a printed reason, without what they name. */
void need_engine(void);
void need_standin(void);
void need_gl(void);
/* No fault so far in either stand-in; nothing alive in the driver when `all_gone`. */
void expect_clean(bool all_gone);

/* As rig_create, with the host's interfaces. A refusal leaves only rig_drop to be called. */
/* standin.fail, whose name is a macro of CMocka's. */
void inject(const struct standin *standin, const char *call, uint32_t nth, int code);

/* The host has neither device nor context from now on, or has them again. */
void hide_device(bool hidden);
/* Its number is another one from now on, as if it were another GPU: what was learned of the one
 * before is not said of it. */
void another_gpu(void);

oriel_result nvenc_open(struct rig *rig, const char *set, const struct oriel_format *format);
void rig_drop(struct rig *rig);
/* It opens, or the test fails with the reason. */
void nvenc_must_open(struct rig *rig, const char *set, const struct oriel_format *format);

/* A picture as the module gets it, and its samples (8 bit, I444 or NV12) in CPU memory. */
struct shot {
    struct oriel_frame *host;
    struct oriel_frame frame;
    uint32_t texture;
};
/* As the pool would: `pool` names it. */
void shot_take(struct shot *shot, const struct oriel_format *format, unsigned t, void *pool);
void shot_fill(struct shot *shot, unsigned t);
void shot_free(struct shot *shot);

struct oriel_format nvenc_format(uint32_t domain, uint32_t fourcc, uint32_t width, uint32_t height);

#endif
