/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/times.h"

#include <pthread.h>

#define ROOM 256u /* the oldest makes room */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    uint64_t key;
    unsigned octave;
    double ms_per_pixel;
} kept[ROOM];
static uint64_t count; /* ever kept; the newest is at (count - 1) % ROOM */

static double pixels(uint32_t width, uint32_t height)
{
    return (double)width * height;
}

static unsigned octave_of(uint32_t width, uint32_t height)
{
    unsigned octave = 0;
    for (uint64_t n = (uint64_t)width * height; n > 1; n /= 2)
        octave++;
    return octave;
}

bool times_find(uint64_t key, uint32_t width, uint32_t height, double *ms)
{
    unsigned octave = octave_of(width, height);
    bool found = false;
    pthread_mutex_lock(&lock);
    for (uint64_t i = 0; i < count && i < ROOM && !found; i++) {
        found = kept[i].key == key && kept[i].octave == octave;
        if (found)
            *ms = kept[i].ms_per_pixel * pixels(width, height);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void times_keep(uint64_t key, uint32_t width, uint32_t height, double ms)
{
    pthread_mutex_lock(&lock);
    uint64_t i = count++ % ROOM;
    kept[i].key = key;
    kept[i].octave = octave_of(width, height);
    kept[i].ms_per_pixel = ms / pixels(width, height);
    pthread_mutex_unlock(&lock);
}

void times_forget(void)
{
    pthread_mutex_lock(&lock);
    count = 0;
    pthread_mutex_unlock(&lock);
}
