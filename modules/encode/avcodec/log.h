/* SPDX-License-Identifier: BSD-3-Clause */
/* FFmpeg's log, which is one for the process, as lines of the instance that is calling. */
#ifndef AVCODEC_LOG_H
#define AVCODEC_LOG_H

#include <stdbool.h>

#include "oriel/module.h"

struct log {
    const struct oriel_host *host;
    bool running;   /* warnings are of single pictures */
    int level;      /* of what was said */
    char said[192]; /* the last of the gravest lines since log_enter(): why a call failed */
};

/* From here to log_leave() what FFmpeg says on this thread goes to `log`. What its own threads say
 * goes where it went before. */
void log_enter(struct log *log);
void log_leave(void);
void log_forget(struct log *log); /* what was said */

/* "avcodec_open2: Invalid argument (what FFmpeg said)": why a call failed. */
const char *log_reason(const struct log *log, const char *call, int error, char *text, int room);

/* FFmpeg's own way again, before this module is unloaded. */
void log_restore(void);

#endif
