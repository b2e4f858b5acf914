/* SPDX-License-Identifier: BSD-3-Clause */
/* How long an encoder took the last time, over the instances of this server: one that is asked
 * again after it has failed, and hangs, is known to hang before anybody misses pictures. */
#ifndef REMOTE_USUAL_H
#define REMOTE_USUAL_H

#include <stdint.h>

enum usual_what { USUAL_START, USUAL_FIRST_PICTURE, USUAL_COUNT };

/* ms for so many samples, at least 1; 0: it never came so far. [any-thread] */
int64_t usual_ms(const char *module, enum usual_what what, uint64_t samples);
void usual_note(const char *module, enum usual_what what, uint64_t samples, int64_t ms);

#endif
