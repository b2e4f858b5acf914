/* SPDX-License-Identifier: BSD-3-Clause */
/* One video file: pictures in, fragments out. A fragment is written when it is whole, so that what
 * is on the disk can be played up to there whatever happens next. One thread. */
#ifndef RECORD_FILM_H
#define RECORD_FILM_H

#include "../common/picture.h"

enum film_container { FILM_MP4, FILM_MATROSKA };

struct film;

struct film_events {
    /* A picture is in the file: that many bytes at that offset. In the order of film_add(). */
    void (*written)(void *data, uint64_t at, uint64_t bytes);
    void *data;
};

/* Makes the file, which must not be there. `why`: the reason of a failure. */
struct film *film_create(const char *path, enum film_container container,
                         const AVCodecParameters *par, bool bottom_up,
                         const struct film_events *events, char why[256]);
bool film_add(struct film *film, const struct picture *picture, char why[256]);
/* What has come is in the file. */
bool film_flush(struct film *film, char why[256]);
uint64_t film_bytes(const struct film *film); /* with what waits to be written */
size_t film_waiting(const struct film *film); /* pictures that are in no fragment yet */
/* Ends the file, with what makes it quick to search, and forgets it. */
bool film_close(struct film *film, char why[256]);

#endif
