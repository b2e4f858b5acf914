/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "check/capture_rig.h"
#include "check/encoder_rig.h"
#include "check/scene_rig.h"
#include "check/settings.h"
#include "check/source_rig.h"
#include "check/transport_rig.h"
#include "util/check.h"
#include "util/clock.h"

typedef unsigned long long ull;

/* What the rounds have in common, made before the first. */
struct fuzz {
    struct check_run *run;
    const struct oriel_option_table *table;
    char with[300]; /* " (--seed 7) and key=value" */
    struct rig *encoder;
    struct capture_rig capture;
    struct oriel_format format;
    struct check_host *host;
    struct source_rig *source;
};

/* ---- a round of each kind: an instance with these values, and what it is for ---- */

static oriel_result encoder(struct fuzz *fuzz, const char *const *settings)
{
    struct rig *rig = fuzz->encoder;
    char why[1024];
    snprintf(rig->with, sizeof rig->with, "%s", fuzz->with);
    oriel_result result = rig_create(rig, &fuzz->format, settings, why);
    if (result == ORIEL_OK) {
        rig_run(rig, 1, 3);
        rig_destroy(rig);
    }
    return result;
}

static oriel_result capture(struct fuzz *fuzz, const char *const *settings)
{
    struct capture_rig *rig = &fuzz->capture;
    rig->config = check_config(fuzz->run, fuzz->table, settings);
    rig->with = fuzz->with;
    rig->target = gl_target(fuzz->run, fuzz->format.width, fuzz->format.height);
    capture_rig_draw(rig, 1);
    oriel_result result = capture_rig_try(rig, &fuzz->format, 2);
    if (result == ORIEL_OK)
        capture_rig_one(rig);
    capture_rig_destroy(rig);
    capture_rig_drop(rig);
    return result;
}

static oriel_result scene(struct fuzz *fuzz, const char *const *settings)
{
    const struct oriel_scene_module *module = fuzz->run->vtable;
    const struct oriel_config *config = check_config(fuzz->run, fuzz->table, settings);
    struct oriel_snapshot empty = {.size = sizeof empty, .width = 8, .height = 8, .ndisplay = 2};
    void *self = NULL;
    oriel_result result = module->create(&fuzz->host->host, config, &self);
    if (result == ORIEL_OK) {
        module->apply(self, &empty);
        module->destroy(self);
    }
    return result;
}

static oriel_result source(struct fuzz *fuzz, const char *const *settings)
{
    struct source_rig *rig = fuzz->source;
    const struct oriel_source_info *info;
    void *self = NULL;
    oriel_result result = rig->source->open(
        &rig->host->host, check_config(fuzz->run, fuzz->table, settings), fuzz->run->data, &self);
    if (result == ORIEL_OK) {
        rig->source->describe(self, &info);
        rig->source->close(self);
    }
    return result;
}

static oriel_result transport(struct fuzz *fuzz, const char *const *settings)
{
    static struct transport_rig rig; /* a late callback finds it */
    oriel_result result = transport_rig_try(&rig, fuzz->run, settings);
    if (result == ORIEL_OK)
        rig.transport->destroy(rig.self);
    return result;
}

typedef oriel_result round_of(struct fuzz *fuzz, const char *const *settings);

/* Makes what the rounds need; NULL where there is no option. */
static round_of *begin(struct fuzz *fuzz)
{
    struct check_run *run = fuzz->run;
    switch (run->kind) {
    case MODULE_ENCODER:
        fuzz->table = ((const struct oriel_encoder *)run->vtable)->options;
        fuzz->format = rig_first(run);
        fuzz->encoder = rig_new(run, CHECK_HOST_USUAL);
        return encoder;
    case MODULE_CAPTURE:
        capture_rig_open(&fuzz->capture, run);
        fuzz->table = fuzz->capture.capture->options;
        fuzz->format = capture_rig_first(&fuzz->capture, 96, 64);
        return capture;
    case MODULE_SCENE:
        fuzz->host = gl_host(run, CHECK_HOST_USUAL);
        fuzz->table = ((const struct oriel_scene_module *)run->vtable)->options;
        return scene;
    case MODULE_SOURCE:
        source_close(source_open(run, CHECK_HOST_USUAL, false));
        fuzz->source = source_new(run, CHECK_HOST_USUAL);
        fuzz->table = fuzz->source->source->options;
        return source;
    default:
        fuzz->table = ((const struct oriel_transport *)run->vtable)->options;
        return transport;
    }
}

void fuzz_options(struct check_run *run)
{
    enum { ROUNDS = 60 };
    struct fuzz fuzz = {.run = run};
    round_of *play = begin(&fuzz);
    if (!fuzz.table || !fuzz.table->count)
        check_skip(run, "it has no options");
    /* Texts of a transport are addresses and files, which are not for a test to choose. */
    uint32_t without = run->kind == MODULE_TRANSPORT ? 1u << ORIEL_OPT_STRING : 0;
    struct settings settings = {0};
    int64_t end = clock_ns() + 3 * run->patience * NS_PER_S;
    unsigned round = 0, refused = 0;
    for (; round < ROUNDS && (round < 4 || clock_ns() < end); round++) {
        ull seed = run->seed + round; /* so that a round can be had alone */
        settings_random(&settings, fuzz.table, without, seed);
        size_t at = (size_t)snprintf(fuzz.with, sizeof fuzz.with, " (--seed %llu) and", seed);
        settings_join(&settings, fuzz.with + at, sizeof fuzz.with - at);
        check_doing(run, "an instance%s", fuzz.with);
        check_failure();
        oriel_result result = play(&fuzz, (const char *const *)settings.list);
        const char *why = check_failure();
        if (result != ORIEL_OK && run->kind != MODULE_ENCODER && !why[0])
            check_fail(run,
                       "an instance%s: create() answered %s without a text by host->fail(), which "
                       "is to say why",
                       fuzz.with, check_result_name(result));
        check_blamed(run);
        refused += result != ORIEL_OK;
    }
    settings_clear(&settings);
    check_note(run, "%u rounds of --seed %llu, %u refused", round, (ull)run->seed, refused);
}
