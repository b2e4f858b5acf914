/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/arms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"

/* --- who gets which --- */

static uint64_t add_text(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
    while (*text++);
    return hash;
}

/* FNV-1a, then the finish of MurmurHash3: alone, the upper bits of short texts are alike. */
static double share_of(const char *experiment, const char *client)
{
    uint64_t hash = add_text(add_text(UINT64_C(14695981039346656037), experiment), client);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    hash ^= hash >> 33;
    return (double)(hash >> 11) * 0x1p-53;
}

uint32_t arms_assign(const struct experiment_spec *spec, const char *client)
{
    double sum = 0, below = 0;
    uint32_t last = 0;
    for (uint32_t i = 0; i < spec->arm_count; i++)
        sum += spec->arms[i].weight;
    double at = share_of(spec->name, client) * sum;
    for (uint32_t i = 0; i < spec->arm_count; i++) {
        if (spec->arms[i].weight <= 0)
            continue;
        last = i;
        below += spec->arms[i].weight;
        if (at < below)
            break;
    }
    return last;
}

uint32_t arms_of_slice(uint64_t slice, uint32_t count)
{
    uint32_t at = (uint32_t)(slice % (2 * (uint64_t)count));
    return at < count ? at : 2 * count - 1 - at;
}

/* --- which one is not good enough --- */

void arm_watch_begin(struct arm_watch *watch, const struct experiment_guard *guard)
{
    *watch = (struct arm_watch){.ms = xcalloc(guard->frames, sizeof *watch->ms)};
}

void arm_watch_finish(struct arm_watch *watch)
{
    free(watch->ms);
    *watch = (struct arm_watch){0};
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Of those that were encoded; 0 where none was. */
static double p99(const struct arm_watch *watch)
{
    float *sorted = xcalloc(watch->count, sizeof *sorted);
    uint32_t count = 0;
    for (uint32_t i = 0; i < watch->count; i++) {
        if (watch->ms[i] >= 0)
            sorted[count++] = watch->ms[i];
    }
    qsort(sorted, count, sizeof *sorted, by_value);
    uint32_t rank = (count * 99 + 99) / 100; /* the nearest rank: ceil(0.99 n), from 1 */
    double value = count ? (double)sorted[rank - 1] : 0;
    free(sorted);
    return value;
}

static void push(struct arm_watch *watch, const struct experiment_guard *guard, float ms)
{
    bool full = watch->count == guard->frames;
    watch->dropped -= full && watch->ms[watch->at] < 0;
    watch->dropped += ms < 0;
    watch->count += !full;
    watch->ms[watch->at] = ms;
    watch->at = (watch->at + 1) % guard->frames;
}

bool arm_watch_encoded(struct arm_watch *watch, const struct experiment_guard *guard, double ms,
                       char *why, size_t room)
{
    push(watch, guard, ms > 0 ? (float)ms : 0);
    /* Only a slow one can raise the percentile over the limit. */
    if (guard->p99_ms <= 0 || ms <= guard->p99_ms || watch->count < guard->frames)
        return false;
    double value = p99(watch);
    if (value <= guard->p99_ms)
        return false;
    snprintf(why, room,
             "of its newest %" PRIu32 " frames, 1 in 100 took more than %.1f ms to be encoded; the "
             "limit is %g ms (guard.p99_ms)",
             watch->count, value, guard->p99_ms);
    return true;
}

bool arm_watch_dropped(struct arm_watch *watch, const struct experiment_guard *guard, char *why,
                       size_t room)
{
    push(watch, guard, -1);
    double share = (double)watch->dropped / guard->frames;
    if (watch->count < guard->frames || share <= guard->drops)
        return false;
    snprintf(why, room,
             "%" PRIu32 " of its newest %" PRIu32
             " frames were not encoded; the limit is %.4g %% (guard.drops)",
             watch->dropped, watch->count, 100 * guard->drops);
    return true;
}

bool arm_watch_error(struct arm_watch *watch, const struct experiment_guard *guard, char *why,
                     size_t room)
{
    if (++watch->errors < guard->errors)
        return false;
    snprintf(why, room, "its encoder has failed %" PRIu64 " time%s (guard.errors)", watch->errors,
             watch->errors == 1 ? "" : "s");
    return true;
}
