/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel ab record: frames and the inputs that led to them, into a file. */
#ifndef AB_RECORD_H
#define AB_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "util/error.h"

struct record_request {
    const char *data, *scene, *script, *target; /* NULL: not given */
    bool orbit, pan, play;
    uint32_t frames, width, height; /* 0: not given */
    uint32_t fourcc;
    double fps, seconds;
};

int record_command(int argc, char **argv);

/* Through the rooms of the server, without a network: each frame complete and in full quality. */
bool record_scene(const struct config *config, const struct record_request *request,
                  struct error *err);
/* From a server that runs: what it sends to a client that asks for raw samples, and what it tells.
 */
bool record_live(const char *url, const struct record_request *request, struct error *err);

#endif
