/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of sources: values. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check/source_rig.h"
#include "check/source_tests.h"
#include "util/check.h"
#include "util/clock.h"

#define MOST (UINT64_C(4) << 20)
#define GUARD 64u
#define POISON 0xA5

typedef unsigned long long ull;

/* Memory for a box between two guards. */
static uint8_t *guarded(uint64_t bytes)
{
    uint8_t *memory = malloc((size_t)bytes + 2 * GUARD);
    CHECK(memory);
    memset(memory, POISON, (size_t)bytes + 2 * GUARD);
    return memory + GUARD;
}

static void release(struct check_run *run, uint8_t *out, uint64_t bytes)
{
    for (unsigned i = 0; i < GUARD; i++) {
        if (out[bytes + i] != POISON || out[-1 - (int)i] != POISON)
            check_fail(run, "read() wrote beyond the %llu bytes of `out`", (ull)bytes);
    }
    free(out - GUARD);
}

static void must_read(const struct source_rig *rig, const struct box *box, uint8_t *out)
{
    check_failure();
    oriel_result result = source_read(rig, box, out, NULL);
    if (result != ORIEL_OK)
        check_fail(rig->run, "read() of a box inside level %u answered %s (%s)", box->level,
                   check_result_name(result), check_failure());
}

/* Copies a part out of the whole that holds it. */
static void cut(const struct source_rig *rig, const struct box *whole, const uint8_t *values,
                const struct box *part, uint8_t *out)
{
    uint32_t ndim = rig->info->ndim, unit = source_dtype_bytes(rig->info->dtype);
    uint64_t index[ORIEL_MAX_AXES] = {0}, row = ndim ? part->shape[ndim - 1] * unit : unit;
    uint64_t bytes = source_bytes(rig, part);
    for (uint64_t at = 0; at < bytes; at += row) {
        uint64_t from = 0;
        for (uint32_t i = 0; i < ndim; i++)
            from = from * whole->shape[i] + part->origin[i] - whole->origin[i] + index[i];
        memcpy(out + at, values + from * unit, (size_t)row);
        for (uint32_t i = ndim > 1 ? ndim - 1 : 0; i-- > 0;) {
            if (++index[i] < part->shape[i])
                break;
            index[i] = 0;
        }
    }
}

/* A random box inside another. */
static struct box inside(const struct source_rig *rig, const struct box *whole, uint64_t *state)
{
    struct box part = {.level = whole->level};
    for (uint32_t i = 0; i < rig->info->ndim; i++) {
        part.shape[i] = 1 + check_random(state) % whole->shape[i];
        part.origin[i] =
            whole->origin[i] + check_random(state) % (whole->shape[i] - part.shape[i] + 1);
    }
    return part;
}

/* A collection has no values of its own. */
static struct source_rig *open_values(struct check_run *run)
{
    struct source_rig *rig = source_open(run, CHECK_HOST_USUAL, false);
    if (!rig->info->dtype || !rig->info->level_count)
        check_skip(run, "what --data names is a collection without values of its own");
    if (!source_dtype_bytes(rig->info->dtype))
        check_skip(run, "source.describe failed, which it needs");
    return rig;
}

void source_reads(struct check_run *run)
{
    struct source_rig *rig = open_values(run);
    uint64_t state = run->seed;
    for (uint32_t level = 0; level < rig->info->level_count; level++) {
        struct box whole = source_box(rig, level, MOST);
        uint64_t bytes = source_bytes(rig, &whole);
        uint8_t *values = guarded(bytes), *again = guarded(bytes);
        check_doing(run, "read() of level %u", level);
        must_read(rig, &whole, values);
        must_read(rig, &whole, again);
        if (memcmp(values, again, (size_t)bytes) != 0)
            check_fail(run, "read() of the same box of level %u gives other values each time",
                       level);
        for (int i = 0; i < 12; i++) {
            struct box part = inside(rig, &whole, &state);
            uint64_t size = source_bytes(rig, &part);
            uint8_t *out = guarded(size), *wanted = guarded(size);
            must_read(rig, &part, out);
            cut(rig, &whole, values, &part, wanted);
            if (memcmp(out, wanted, (size_t)size) != 0)
                check_fail(run,
                           "a small box of level %u has other values than the same place of a "
                           "large one (--seed %llu); values are dense, in C order",
                           level, (ull)run->seed);
            release(run, out, size);
            release(run, wanted, size);
        }
        release(run, values, bytes);
        release(run, again, bytes);
    }
    check_note(run, "%u levels", rig->info->level_count);
    source_close(rig);
}

/* ---- what leaves the array ---- */

static void refuse(const struct source_rig *rig, struct oriel_read *read, const char *what)
{
    struct check_run *run = rig->run;
    check_doing(run, "read() with %s", what);
    check_failure();
    oriel_result result = rig->source->read(rig->self, read);
    const char *why = check_failure();
    if (result == ORIEL_OK)
        check_fail(run, "read() with %s answered OK; it is INVALID", what);
    if (result != ORIEL_INVALID)
        check_fail(run,
                   "read() with %s answered %s (%s); it is INVALID, as the caller broke the "
                   "contract",
                   what, check_result_name(result), why);
    if (!why[0])
        check_fail(run, "read() with %s answered INVALID without a text by host->fail()", what);
}

void source_wrong_regions(struct check_run *run)
{
    struct source_rig *rig = open_values(run);
    const struct oriel_source_info *info = rig->info;
    struct box box = source_box(rig, 0, 4096);
    uint64_t bytes = source_bytes(rig, &box);
    uint8_t *out = guarded(bytes);
    struct oriel_read good = {.size = sizeof good, .out = out, .out_bytes = bytes}, read;
    memcpy(good.origin, box.origin, sizeof good.origin);
    memcpy(good.shape, box.shape, sizeof good.shape);
    read = good;
    read.level = info->level_count;
    refuse(rig, &read, "a level that is not there");
    read = good;
    read.level = UINT32_MAX;
    refuse(rig, &read, "level 4294967295");
    read = good;
    read.out_bytes--;
    refuse(rig, &read, "an `out` that is a byte too short");
    read = good;
    read.out_bytes = bytes * 2;
    refuse(rig, &read, "an `out` of twice the box");
    for (uint32_t i = 0; i < info->ndim; i++) {
        read = good;
        read.origin[i] = info->levels[0].shape[i] - box.shape[i] + 1;
        refuse(rig, &read, "a box that leaves the array by one");
        read = good;
        read.origin[i] = UINT64_MAX - box.shape[i] + 1;
        refuse(rig, &read, "an origin whose end wraps around to 0");
        read = good;
        read.shape[i] = UINT64_MAX / 2;
        refuse(rig, &read, "a shape of 2^63 - 1 values");
    }
    for (uint64_t i = 0; i < bytes; i++) {
        if (out[i] != POISON)
            check_fail(run, "read() of a box that it refused wrote into `out`");
    }
    read = good;
    check_doing(run, "read() after refused ones");
    if (rig->source->read(rig->self, &read) != ORIEL_OK)
        check_fail(run, "after refused boxes read() of a good one fails: %s", check_failure());
    release(run, out, bytes);
    source_close(rig);
}

/* ---- cancel ---- */

struct canceller {
    uint32_t flag;
};

static void *cancel_soon(void *data)
{
    struct canceller *canceller = data;
    nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    __atomic_store_n(&canceller->flag, 1, __ATOMIC_RELEASE);
    return NULL;
}

void source_cancel(struct check_run *run)
{
    struct source_rig *rig = open_values(run);
    struct box box = source_box(rig, 0, MOST * 4);
    uint64_t bytes = source_bytes(rig, &box);
    uint8_t *out = guarded(bytes);
    uint32_t cancelled = 1;
    struct canceller soon = {0};
    pthread_t thread;
    check_doing(run, "read() that is cancelled already");
    oriel_result result = source_read(rig, &box, out, &cancelled);
    if (result != ORIEL_CANCELLED && result != ORIEL_OK)
        check_fail(run,
                   "read() with `cancel` set answered %s (%s); it is CANCELLED, or OK where "
                   "the values are there",
                   check_result_name(result), check_failure());
    if (pthread_create(&thread, NULL, cancel_soon, &soon) != 0)
        check_skip(run, "no thread could be started");
    check_doing(run, "read() that is cancelled meanwhile");
    int64_t limit = 0;
    while (!limit) {
        result = source_read(rig, &box, out, &soon.flag);
        limit = __atomic_load_n(&soon.flag, __ATOMIC_ACQUIRE);
        if (result != ORIEL_CANCELLED && result != ORIEL_OK)
            break;
    }
    pthread_join(thread, NULL);
    if (result != ORIEL_CANCELLED && result != ORIEL_OK)
        check_fail(run, "read() that was cancelled while it ran answered %s (%s); it is CANCELLED",
                   check_result_name(result), check_failure());
    check_doing(run, "read() after cancelled ones");
    must_read(rig, &box, out);
    release(run, out, bytes);
    source_close(rig);
}

/* ---- many at a time ---- */

enum { READERS = 6, READS = 8 };

struct reader {
    const struct source_rig *rig;
    const struct box *whole;
    const uint8_t *values;
    uint64_t state;
    oriel_result result;
    bool differs;
};

static void *read_often(void *data)
{
    struct reader *reader = data;
    for (int i = 0; i < READS && reader->result == ORIEL_OK && !reader->differs; i++) {
        struct box part = inside(reader->rig, reader->whole, &reader->state);
        uint64_t bytes = source_bytes(reader->rig, &part);
        uint8_t *out = malloc((size_t)bytes), *wanted = malloc((size_t)bytes);
        CHECK(out && wanted);
        reader->result = source_read(reader->rig, &part, out, NULL);
        cut(reader->rig, reader->whole, reader->values, &part, wanted);
        reader->differs = reader->result == ORIEL_OK && memcmp(out, wanted, (size_t)bytes) != 0;
        free(out);
        free(wanted);
    }
    return NULL;
}

void source_threads(struct check_run *run)
{
    struct source_rig *rig = open_values(run);
    struct reader readers[READERS];
    pthread_t threads[READERS];
    struct box whole = source_box(rig, 0, MOST);
    uint64_t bytes = source_bytes(rig, &whole);
    uint8_t *values = guarded(bytes);
    must_read(rig, &whole, values);
    check_doing(run, "read() on %d threads at once", READERS);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){rig, &whole, values, run->seed + (uint64_t)i, ORIEL_OK, false};
        if (pthread_create(&threads[i], NULL, read_often, &readers[i]) != 0)
            check_skip(run, "no thread could be started");
    }
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < READERS; i++) {
        if (readers[i].result != ORIEL_OK)
            check_fail(run, "read() on %d threads at once answered %s; alone it is OK", READERS,
                       check_result_name(readers[i].result));
        if (readers[i].differs)
            check_fail(run,
                       "read() on %d threads at once gives other values than alone; several "
                       "threads read at a time",
                       READERS);
    }
    release(run, values, bytes);
    source_close(rig);
}
