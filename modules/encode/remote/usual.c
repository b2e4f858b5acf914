/* SPDX-License-Identifier: BSD-3-Clause */
#include "usual.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "wire.h"

#define KEPT 16u /* encoders; one that is pushed out begins anew */

static struct {
    pthread_mutex_t lock;
    uint32_t next;
    struct {
        char module[REMOTE_TEXT];
        struct {
            uint64_t samples;
            int64_t ms;
        } took[USUAL_COUNT];
    } at[KEPT];
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* KEPT: it is not there. Under the lock. */
static uint32_t find(const char *module)
{
    uint32_t i = 0;
    while (i < KEPT && strcmp(all.at[i].module, module) != 0)
        i++;
    return i;
}

int64_t usual_ms(const char *module, enum usual_what what, uint64_t samples)
{
    int64_t ms = 0;
    pthread_mutex_lock(&all.lock);
    uint32_t i = find(module);
    if (i < KEPT && all.at[i].took[what].ms) {
        uint64_t then = all.at[i].took[what].samples;
        ms = all.at[i].took[what].ms;
        if (samples > then && then)
            ms = (int64_t)((double)ms * (double)samples / (double)then);
    }
    pthread_mutex_unlock(&all.lock);
    return ms;
}

void usual_note(const char *module, enum usual_what what, uint64_t samples, int64_t ms)
{
    pthread_mutex_lock(&all.lock);
    uint32_t i = find(module);
    if (i == KEPT) {
        i = all.next;
        all.next = (all.next + 1) % KEPT;
        memset(&all.at[i], 0, sizeof(all.at[i]));
        snprintf(all.at[i].module, sizeof(all.at[i].module), "%s", module);
    }
    all.at[i].took[what].samples = samples;
    all.at[i].took[what].ms = ms > 0 ? ms : 1;
    pthread_mutex_unlock(&all.lock);
}
