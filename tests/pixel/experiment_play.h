/* SPDX-License-Identifier: BSD-3-Clause */
/* An experiment named x of two arms, "one" with encode/a and "two" with encode/b. */
#ifndef TESTS_PIXEL_PLAY_H
#define TESTS_PIXEL_PLAY_H

#include "experiment_rows.h"
#include "fixture.h"

/* A query of who decodes all, and tells its name. */
#define EXT "ext=1&codecs=h264,vp9,jpeg&client="

/* `rest`: of its object, without the arms. */
void play_begin(struct fixture *f, const char *rest);
/* … and draws until both get frames: their threads come when they come. */
void play_begin_both(struct fixture *f, const char *rest);
/* … and until the second has done what it had. */
void play_begin_at_rest(struct fixture *f, const char *rest);
void play_end(struct fixture *f);
/* Frames that come to every peer before the next, on a machine that is not busy. */
void play_draw(int count);
/* What experiments.list says of an arm; `text` is somewhere in it. */
double play_number(struct fixture *f, const char *label, const char *key);
bool play_arm_is(struct fixture *f, const char *label, const char *key, const char *text);
uint64_t play_newest(struct peer *peer); /* frame that came last; 0: none */

/* The rest of an object: rows go to a new file, … */
const char *play_rows_in(char out[128]);
void play_rows(struct table *table);
int play_forget_rows(void **state); /* … which goes with the next one, or when the group ends */

#endif
