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

#define RECORD_OPTIONS                                                                             \
    "  --scene FILE         a scene file instead of DATA\n"                                        \
    "  --orbit              once around a volume\n"                                                \
    "  --pan                a figure of eight over a plane, with zoom\n"                           \
    "  --play               through time, or the first axis that has a slider\n"                   \
    "  --script FILE        lines of JSON: what is said before which frame; or a recording,\n"     \
    "                       whose inputs are said again\n"                                         \
    "  --frames N           how many (default: 120, or as the script); with URL at most\n"         \
    "  --seconds S          with URL: how long (default: 10)\n"                                    \
    "  --size WxH           canvas in pixels (default: the scene's, or canvas.width and height)\n" \
    "  --format NAME        i420 (default), nv12, i444 or p010\n"                                  \
    "  --fps N              pictures per second that it stands for (default: 30)\n"                \
    "  -o FILE.orec         where to\n"

int record_command(int argc, char **argv);

/* Through the rooms of the server, without a network: each frame complete and in full quality. */
bool record_scene(const struct config *config, const struct record_request *request,
                  struct error *err);
/* From a server that runs: what it sends to a client that asks for raw samples, and what it tells.
 */
bool record_live(const char *url, const struct record_request *request, struct error *err);

#endif
