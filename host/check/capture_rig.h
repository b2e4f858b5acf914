/* SPDX-License-Identifier: BSD-3-Clause */
/* A capture module with something to capture. */
#ifndef CHECK_CAPTURE_RIG_H
#define CHECK_CAPTURE_RIG_H

#include "check/gl.h"
#include "oriel/capture.h"

enum { CAPTURE_FRAMES_MOST = 300 };

struct capture_rig {
    struct check_run *run;
    const struct oriel_capture *capture;
    struct check_host *host;
    const struct oriel_config *config;
    struct oriel_frame_sink sink;
    struct oriel_target target;
    uint8_t *rgba; /* its pixels, the bottom row first */
    void *self;
    const char *with;           /* what is special about the instance, or NULL */
    struct oriel_format format; /* of self */
    uint32_t held;              /* how many frames it was made for */
    bool calling;               /* grab() or poll() is running */
    uint64_t seq;               /* of the last stamp */
    const struct oriel_frame *frames[CAPTURE_FRAMES_MOST]; /* that came, each with a reference */
    unsigned count;
};

/* A context, a host, and nothing more. The rig stays where it is. */
void capture_rig_open(struct capture_rig *rig, struct check_run *run);
/* The index-th format in width × height, or in what size it has; false past the end. Fails where
 * the list is no list. */
bool capture_rig_format(struct capture_rig *rig, uint32_t index, uint32_t width, uint32_t height,
                        struct oriel_format *format);
/* The first format there is; skips where there is none. */
struct oriel_format capture_rig_first(struct capture_rig *rig, uint32_t width, uint32_t height);
/* Is it the first of its memory domain in the list? */
bool capture_rig_leads(struct capture_rig *rig, uint32_t index);

/* An instance and a target with a picture, both in the format's size. */
oriel_result capture_rig_try(struct capture_rig *rig, const struct oriel_format *format,
                             uint32_t frames_held);
void capture_rig_create(struct capture_rig *rig, const struct oriel_format *format,
                        uint32_t frames_held);
void capture_rig_draw(struct capture_rig *rig, unsigned picture);
void capture_rig_destroy(struct capture_rig *rig); /* the target as well; frames stay */

struct oriel_stamp capture_rig_stamp(struct capture_rig *rig);
/* The module's calls: what comes is kept, and looked at. */
oriel_result capture_rig_grab(struct capture_rig *rig, const struct oriel_target *target,
                              const struct oriel_stamp *stamp);
oriel_result capture_rig_poll(struct capture_rig *rig, uint32_t wait);
/* The frame of one picture, all done; fails where it does not come. */
const struct oriel_frame *capture_rig_one(struct capture_rig *rig);
void capture_rig_drop(struct capture_rig *rig); /* all frames */

#endif
