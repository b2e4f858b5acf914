/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/times.h"

#include <pthread.h>

#include "util/clock.h"

#define ROOM 256u /* the oldest makes room */
#define FRESH_NS (300 * NS_PER_S)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    uint64_t key;
    unsigned octave;
    double ms_per_pixel;
    int64_t kept_ns;
} kept[ROOM];
static uint64_t count; /* places ever taken; the newest is at (count - 1) % ROOM */

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

/* Under the lock: the place of a key and size, or ROOM. */
static uint64_t find(uint64_t key, uint32_t width, uint32_t height)
{
    unsigned octave = octave_of(width, height);
    for (uint64_t i = 0; i < count && i < ROOM; i++) {
        if (kept[i].key == key && kept[i].octave == octave)
            return i;
    }
    return ROOM;
}

bool times_find(uint64_t key, uint32_t width, uint32_t height, double enough_ms, int64_t now_ns,
                double *ms)
{
    pthread_mutex_lock(&lock);
    uint64_t i = find(key, width, height);
    bool found = i < ROOM;
    if (found) {
        *ms = kept[i].ms_per_pixel * pixels(width, height);
        found = *ms <= enough_ms || now_ns - kept[i].kept_ns < FRESH_NS;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void times_keep(uint64_t key, uint32_t width, uint32_t height, double ms, int64_t now_ns)
{
    pthread_mutex_lock(&lock);
    uint64_t i = find(key, width, height);
    if (i == ROOM)
        i = count++ % ROOM;
    kept[i].key = key;
    kept[i].octave = octave_of(width, height);
    kept[i].ms_per_pixel = ms / pixels(width, height);
    kept[i].kept_ns = now_ns;
    pthread_mutex_unlock(&lock);
}

void times_forget(void)
{
    pthread_mutex_lock(&lock);
    count = 0;
    pthread_mutex_unlock(&lock);
}
