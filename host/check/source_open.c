/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of sources: probe, open, describe, close. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/files.h"
#include "check/source_rig.h"
#include "check/source_tests.h"
#include "util/check.h"
#include "util/clock.h"

typedef unsigned long long ull;

/* ---- probe ---- */

static uint32_t probe(struct source_rig *rig, const char *uri)
{
    check_doing(rig->run, "probe(\"%s\")", uri);
    uint32_t score = rig->source->probe(&rig->host->host, uri);
    if (score > 100)
        check_fail(rig->run, "probe(\"%s\") answers %u; it is 0 to 100", uri, score);
    if (score != rig->source->probe(&rig->host->host, uri))
        check_fail(rig->run, "probe(\"%s\") answers another score when it is asked again", uri);
    return score;
}

void source_probe(struct check_run *run)
{
    static const char *const odd[] = {
        "",       "/",       ".",       "nothing://x", "/nowhere/at/all",
        "%00%ff", "http://", "file://", "/dev/null",   "/proc/self/mem"};
    struct source_rig *rig = source_new(run, CHECK_HOST_USUAL);
    unsigned fds = check_fds();
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        if (probe(rig, odd[i]) == 100)
            check_fail(run, "probe(\"%s\") is certain (100) that it can open it", odd[i]);
    }
    if (run->data && !probe(rig, run->data))
        check_fail(run, "probe() says 0, not mine, to \"%s\", which --data names", run->data);
    if (check_fds() != fds)
        check_fail(run, "probe() left %d descriptors open", (int)(check_fds() - fds));
}

/* ---- what is no dataset ---- */

static void refuse(struct source_rig *rig, const char *uri, const char *name, const char *what)
{
    void *self;
    char why[1024];
    unsigned fds = check_fds(), threads = check_threads();
    oriel_result result = source_try(rig, uri, &self, why);
    if (result == ORIEL_OK)
        check_fail(rig->run, "open() of %s answered OK; it is refused with a text that names it",
                   what);
    if (result != ORIEL_IO && result != ORIEL_UNSUPPORTED)
        check_fail(rig->run, "open() of %s answered %s (%s); it is IO, or UNSUPPORTED", what,
                   check_result_name(result), why);
    if (!strstr(why, name))
        check_fail(rig->run, "open() of %s says \"%s\", which does not name the file (%s)", what,
                   why, name);
    if (!check_settled(rig->run, threads, fds, 200))
        check_fail(rig->run, "open() of %s, which it refused, left a descriptor or a thread", what);
}

static const char *extension(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    return dot ? dot : "";
}

static void write_file(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "we");
    CHECK(file);
    CHECK(fwrite(data, 1, bytes, file) == bytes);
    CHECK(fclose(file) == 0);
}

void source_missing(struct check_run *run)
{
    struct source_rig *rig = source_new(run, CHECK_HOST_USUAL);
    const char *folder = run->scratch;
    char *path = xasprintf("%s/not-there%s", folder, run->data ? extension(run->data) : "");
    refuse(rig, path, "not-there", "a file that is not there");
    free(path);
    path = xasprintf("%s/empty%s", folder, run->data ? extension(run->data) : "");
    write_file(path, "", 0);
    refuse(rig, path, "empty", "an empty file");
    unlink(path);
    free(path);
    path = xasprintf("%s/noise%s", folder, run->data ? extension(run->data) : "");
    uint8_t noise[4096];
    uint64_t state = run->seed;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)check_random(&state);
    write_file(path, noise, sizeof noise);
    refuse(rig, path, "noise", "a file of random bytes");
    free(path);
}

/* Opens what may be broken: refused with a text that names something in it, or opened and read
 * without a crash. True when it was refused. */
static bool survive(struct source_rig *rig, const char *path, const char *what)
{
    void *self;
    char why[1024];
    oriel_result result = source_try(rig, path, &self, why);
    if (result != ORIEL_OK) {
        const char *slash = strrchr(path, '/');
        if (!strstr(why, slash ? slash + 1 : path) && !strchr(why, '/'))
            check_fail(rig->run, "open() of %s says \"%s\", which names no file", what, why);
        return true;
    }
    struct source_rig broken = *rig;
    broken.self = self;
    check_doing(rig->run, "describe() of %s", what);
    if (rig->source->describe(self, &broken.info) == ORIEL_OK && broken.info &&
        broken.info->level_count && source_dtype_bytes(broken.info->dtype)) {
        struct box box = source_box(&broken, 0, 1 << 20);
        uint64_t bytes = source_bytes(&broken, &box);
        void *out = bytes && bytes <= 1 << 20 ? malloc((size_t)bytes) : NULL;
        check_doing(rig->run, "read() of %s", what);
        check_failure();
        result = out ? source_read(&broken, &box, out, NULL) : ORIEL_OK;
        const char *text = check_failure();
        if (result != ORIEL_OK && !text[0])
            check_fail(rig->run, "read() of %s answered %s without a text by host->fail()", what,
                       check_result_name(result));
        free(out);
    }
    check_doing(rig->run, "close() of %s", what);
    rig->source->close(self);
    return false;
}

/* One file of a copy of --data is made wrong; the copy is opened. */
struct damage {
    struct source_rig *rig;
    const char *copy;
    uint64_t state;
    unsigned tried, refused;
    int64_t end; /* of the time for it */
};

static void damage_file(void *data, const char *path)
{
    struct damage *damage = data;
    size_t bytes;
    uint8_t *whole = files_read(path, &bytes);
    if (!whole || !bytes || (damage->tried && clock_ns() > damage->end)) {
        free(whole);
        return;
    }
    const char *slash = strrchr(path, '/');
    for (int way = 0; way < 5; way++) {
        static const char *const ways[] = {"empty", "cut to half", "short of its last byte",
                                           "with bytes changed at its head",
                                           "with bytes changed anywhere"};
        uint8_t *wrong = malloc(bytes);
        CHECK(wrong);
        memcpy(wrong, whole, bytes);
        for (int i = 0; i < 4 && way >= 3; i++) {
            size_t among = way == 3 && bytes > 64 ? 64 : bytes;
            wrong[check_random(&damage->state) % among] = (uint8_t)check_random(&damage->state);
        }
        size_t left = way == 0 ? 0 : way == 1 ? bytes / 2 : way == 2 ? bytes - 1 : bytes;
        write_file(path, wrong, left);
        char *what = xasprintf("a copy of --data whose %s is %s (--seed %llu)", slash + 1,
                               ways[way], (ull)damage->rig->run->seed);
        damage->refused += survive(damage->rig, damage->copy, what);
        damage->tried++;
        free(what);
        free(wrong);
    }
    write_file(path, whole, bytes);
    free(whole);
}

void source_bad_files(struct check_run *run)
{
    if (!run->data)
        check_skip(run, "it needs something to open: give --data PATH");
    if (files_bytes(run->data) > (uint64_t)64 << 20)
        check_skip(run, "%s is larger than 64 MB: give --data something smaller", run->data);
    const char *folder = run->scratch;
    char *copy = xasprintf("%s/copy%s", folder, extension(run->data));
    if (!files_copy(run->data, copy))
        check_skip(run, "%s could not be copied to %s", run->data, folder);
    struct damage damage = {.rig = source_new(run, CHECK_HOST_USUAL),
                            .copy = copy,
                            .state = run->seed,
                            .end = clock_ns() + 3 * run->patience * NS_PER_S};
    files_each(copy, damage_file, &damage);
    if (damage.tried && !damage.refused && damage.tried <= 5)
        check_fail(run, "it opened its file empty, cut to half and with another head, each without "
                        "a word; a file that is short or lies is refused as IO with a text that "
                        "names it");
    check_note(run, "%u files made wrong, %u refused", damage.tried, damage.refused);
    free(copy);
}

/* ---- describe ---- */

static void texts(struct check_run *run, const struct oriel_source_info *info)
{
    if (!info->kind || !info->kind[0] || !info->format || !info->name)
        check_fail(run,
                   "describe() leaves kind, format or name NULL; texts are \"\" where unknown");
    for (uint32_t i = 0; i < info->ndim; i++) {
        const struct oriel_axis *axis = &info->axes[i];
        if (!axis->name || !axis->type || !axis->unit)
            check_fail(run, "describe() leaves a text of axis %u NULL; it is \"\" where unknown",
                       i);
        bool known = !axis->type[0] || strcmp(axis->type, "space") == 0 ||
                     strcmp(axis->type, "time") == 0 || strcmp(axis->type, "channel") == 0;
        if (!known)
            check_fail(run, "axis %u has the type \"%s\"; it is space, time, channel or \"\"", i,
                       axis->type);
    }
    for (uint32_t i = 0; i < info->warning_count; i++) {
        if (!info->warnings || !info->warnings[i])
            check_fail(run, "describe() counts %u warnings and has not all of them",
                       info->warning_count);
    }
}

static void levels(struct check_run *run, const struct oriel_source_info *info)
{
    for (uint32_t k = 0; k < info->level_count; k++) {
        const struct oriel_source_level *level = &info->levels[k];
        if (!level->path || !level->codecs)
            check_fail(run, "describe() leaves path or codecs of level %u NULL; \"\" for none", k);
        for (uint32_t i = 0; i < info->ndim; i++) {
            if (!level->shape[i] || !level->chunk[i])
                check_fail(run,
                           "level %u has %llu values and chunks of %llu along axis %u; "
                           "neither is 0",
                           k, (ull)level->shape[i], (ull)level->chunk[i], i);
            if (!isfinite(level->scale[i]) || level->scale[i] == 0 ||
                !isfinite(level->translate[i]))
                check_fail(run,
                           "level %u has scale %g and translate %g along axis %u; world = "
                           "index * scale + translate",
                           k, level->scale[i], level->translate[i], i);
            if (k && level->shape[i] > info->levels[k - 1].shape[i])
                check_fail(run,
                           "level %u is larger than level %u along axis %u; level 0 is the "
                           "finest",
                           k, k - 1, i);
        }
    }
}

static void channels(struct check_run *run, const struct oriel_source_info *info)
{
    if (info->channel_axis < -1 || info->channel_axis >= (int32_t)info->ndim)
        check_fail(run, "channel_axis is %d of %u axes; -1 for none", info->channel_axis,
                   info->ndim);
    if (info->channel_count && !info->channels)
        check_fail(run, "describe() counts %u channels and has no list", info->channel_count);
    for (uint32_t i = 0; i < info->channel_count; i++) {
        const struct oriel_source_channel *channel = &info->channels[i];
        if (!channel->label)
            check_fail(run, "describe() leaves the label of channel %u NULL; \"\" for none", i);
        if (channel->has_window && !(channel->window[0] <= channel->window[1]))
            check_fail(run, "the window of channel %u is %g to %g", i, channel->window[0],
                       channel->window[1]);
        if (channel->has_color && channel->color > 0xFFFFFF)
            check_fail(run, "the colour of channel %u is 0x%x; it is 0xRRGGBB", i, channel->color);
    }
}

void source_describe(struct check_run *run)
{
    struct source_rig *rig = source_open(run, CHECK_HOST_USUAL, true);
    const struct oriel_source_info *info = rig->info, *again = NULL;
    if (info->ndim > ORIEL_MAX_AXES || (info->ndim && !info->axes))
        check_fail(run, "describe() tells of %u axes; at most %u, with a list", info->ndim,
                   ORIEL_MAX_AXES);
    if ((info->dtype || info->level_count) && !source_dtype_bytes(info->dtype))
        check_fail(run, "describe() tells dtype %u, which is none of ORIEL_U8 to ORIEL_BOOL",
                   info->dtype);
    if (info->dtype && (!info->level_count || !info->levels))
        check_fail(run, "describe() tells a dtype and no levels");
    if (!info->dtype && !info->image_count)
        check_fail(run, "describe() tells neither values (a dtype) nor images of a collection");
    texts(run, info);
    levels(run, info);
    channels(run, info);
    if (rig->source->describe(rig->self, &again) != ORIEL_OK ||
        again->level_count != info->level_count || again->ndim != info->ndim)
        check_fail(run, "describe() tells something else when it is asked again");
    check_note(run, "%s, %u axes, %u levels", info->kind, info->ndim, info->level_count);
    source_close(rig);
}

/* ---- life ---- */

void source_close_idle(struct check_run *run)
{
    enum { WARM = 20, FEWEST = 100, MOST = 1000, RSS_NOISE = 8 << 20, HEAP_NOISE = 32 << 10 };
    struct source_rig *rig = source_open(run, CHECK_HOST_USUAL, false);
    struct check_use before = {0};
    unsigned lives = 0;
    char why[1024];
    source_close(rig);
    int64_t end = clock_ns() + 2 * run->patience * NS_PER_S;
    for (; lives < WARM + FEWEST || (lives < MOST && clock_ns() < end); lives++) {
        void *self;
        if (lives == WARM)
            before = check_use_now();
        if (source_try(rig, run->data, &self, why) != ORIEL_OK)
            check_fail(run, "open() number %u fails (%s); the ones before it were closed",
                       lives + 2, why);
        check_doing(run, "close() of a dataset that nobody read");
        rig->source->close(self);
    }
    check_flat(run, &before, lives - WARM, "open()", "close()", RSS_NOISE, HEAP_NOISE);
    check_note(run, "%u times", lives);
}

static void run_with(struct check_run *run, enum check_host_kind kind)
{
    source_close(source_open(run, CHECK_HOST_USUAL, false));
    struct source_rig *rig = source_open(run, kind, true);
    if (source_dtype_bytes(rig->info->dtype) && rig->info->level_count) {
        struct box box = source_box(rig, 0, 4096);
        void *out = malloc((size_t)source_bytes(rig, &box));
        CHECK(out);
        check_doing(run, "read()");
        if (source_read(rig, &box, out, NULL) != ORIEL_OK)
            check_fail(run, "read() fails on such a host: %s", check_failure());
        free(out);
    }
    source_close(rig);
}

void source_minimal_host(struct check_run *run)
{
    run_with(run, CHECK_HOST_MINIMAL);
}

void source_future_host(struct check_run *run)
{
    run_with(run, CHECK_HOST_FUTURE);
}
