/* SPDX-License-Identifier: BSD-3-Clause */
/* The inputs of a recording, before they are made: what is said to the server before which frame.
 */
#ifndef AB_SCRIPT_H
#define AB_SCRIPT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "ab/record.h"

struct script {
    struct script_step {
        uint32_t frame; /* before which it is said */
        cJSON *what;    /* {"update": …} or {"call": …} */
    } * steps;          /* in order */
    uint32_t count;
    uint32_t frames; /* how long it is: one more than the last frame it names */
};

/* A file of lines as in docs/ab.md, or a recording, whose inputs are said again. */
bool script_read(struct script *script, const char *path, struct error *err);
/* One of the built-in motions, around what `view` (notify.view) shows. */
bool script_motion(struct script *script, const struct record_request *request, const cJSON *view,
                   uint32_t frames, struct error *err);
void script_finish(struct script *script);

#endif
