/* SPDX-License-Identifier: BSD-3-Clause */
/* Recordings (docs/ab.md): frames with their stamps, and the inputs that led to them. A line of
 * JSON before each block of samples, so that a file that was cut off is good up to there. */
#ifndef AB_RECORDING_H
#define AB_RECORDING_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "oriel/frame.h"
#include "util/error.h"

/* --- writing --- */

struct recorder;

/* `about` (taken) is what stands in the head beside the format and the rate. */
struct recorder *recorder_create(const char *path, const struct oriel_format *format, double fps,
                                 cJSON *about, struct error *err);
bool recorder_frame(struct recorder *recorder, const struct oriel_stamp *stamp,
                    const uint8_t *packed, struct error *err);
/* `what` (taken) is {"update": …}, {"call": …} or {"told": …}: docs/ab.md. */
bool recorder_input(struct recorder *recorder, int64_t t_ns, cJSON *what, struct error *err);
uint64_t recorder_frames(const struct recorder *recorder);
/* Says that it is whole. The recorder is gone either way; NULL is fine. */
bool recorder_close(struct recorder *recorder, struct error *err);
/* Leaves what there is, without saying so. NULL is fine. */
void recorder_abandon(struct recorder *recorder);

/* --- reading --- */

struct recording_input {
    uint64_t frame; /* the first that can show it */
    int64_t t_ns;
    cJSON *what;
};

/* Constant once it is open; frames may be read on any thread. */
struct recording {
    char *path;
    int fd;
    cJSON *head;
    struct oriel_format format; /* of CPU memory, all fields set */
    double fps;
    struct recorded_frame {
        struct oriel_stamp stamp;
        uint64_t at; /* bytes from the beginning of the file */
        uint32_t crc32;
    } * frames;
    uint64_t frame_count;
    struct recording_input *inputs;
    uint64_t input_count;
    char cut[256]; /* "" for a whole one, else which frame is cut off or wrong */
};

/* The frames before the first that is cut off or wrong; NULL with the reason where there are none.
 */
struct recording *recording_open(const char *path, struct error *err);
void recording_close(struct recording *recording); /* NULL is fine */
/* frame_bytes() of it. False where the file has changed or the samples are not what was written. */
bool recording_read(const struct recording *recording, uint64_t frame, uint8_t *packed,
                    struct error *err);

#endif
