/* SPDX-License-Identifier: BSD-3-Clause */
/* The encoder of a branch: which of the list, why not the others, and when those are asked again.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "module/call.h"
#include "pixel/arm.h"
#include "pixel/room.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"

#define LONGEST_PAUSE_NS (3600 * NS_PER_S)
#define MEASURE_NS                                                                                 \
    (120 * NS_PER_MS) /* after which no further encoder is measured for one choice                 \
                       */

/* One choice. */
struct pick {
    struct branch *branch;
    struct rungs *rungs;
    uint32_t codec, width, height;
    double interval_ms;
    enum ladder_prefer prefer;
    int current; /* the rung that the branch has or had, or -1 */
    int wished;  /* … and the one that is taken if it works, or -1 */
    bool beside; /* the branch's instance goes on until another one works */
    struct ladder_rung known[MAX_LADDER];
    struct verdict verdicts[MAX_LADDER];
    int64_t begin_ns;
    int64_t again_ns; /* when the first of those that are out only for now may be asked */
};

static struct rungs *rungs_of(const struct branch *branch)
{
    if (branch->arm)
        return &branch->arm->rungs;
    return branch->still ? branch->stream->stills : branch->stream->ladder;
}

static void begin(struct pick *pick, struct branch *branch, uint32_t codec, uint32_t width,
                  uint32_t height)
{
    struct stream *stream = branch->stream;
    *pick = (struct pick){.branch = branch,
                          .rungs = rungs_of(branch),
                          .codec = codec,
                          .width = width,
                          .height = height,
                          .interval_ms = 1e3 / stream->fps,
                          .prefer = branch->still ? LADDER_ORDER : stream->prefer,
                          .current = -1,
                          .wished = -1,
                          .begin_ns = clock_ns(),
                          .again_ns = INT64_MAX};
    int64_t now = pick->begin_ns;
    pthread_mutex_lock(&stream->lock);
    for (uint32_t i = 0; i < pick->rungs->count; i++) {
        struct rung *rung = &pick->rungs->at[i];
        pick->verdicts[i].ms = -1;
        pick->verdicts[i].id = rung->id;
        if (strcmp(rung->id, pick->rungs->wished) == 0)
            pick->wished = (int)i;
        if (strcmp(rung->id, branch->encoder) == 0)
            pick->current = (int)i;
        rung->failed = rung->failed && now < rung->retry_ns;
        if (!rung->failed)
            continue;
        pick->known[i].out = true;
        snprintf(pick->verdicts[i].why, sizeof pick->verdicts[i].why,
                 "%.80s: it failed while it ran: %s", rung->id, rung->why);
        if (rung->retry_ns < pick->again_ns)
            pick->again_ns = rung->retry_ns;
    }
    pthread_mutex_unlock(&stream->lock);
}

/* Under the lock. The pause grows while the encoder does not work for longer than it. */
static void set_back(const struct stream *stream, struct rung *rung, int64_t now)
{
    bool well = rung->taken_ns && now - rung->taken_ns > rung->pause_ns;
    if (!rung->pause_ns || well)
        rung->pause_ns = stream->retry_ns;
    else if (now >= rung->retry_ns)
        rung->pause_ns *= 2;
    if (rung->pause_ns > LONGEST_PAUSE_NS)
        rung->pause_ns = LONGEST_PAUSE_NS;
    rung->retry_ns = now + rung->pause_ns;
    rung->taken_ns = 0;
}

/* The module said no. At another time it may not, and certainly where it has worked before: then a
 * session or memory is what is missing, whatever it calls that. */
static void refuse(struct pick *pick, int i, oriel_result result, const struct error *why)
{
    struct rung *rung = &pick->rungs->at[i];
    pick->known[i].out = true;
    snprintf(pick->verdicts[i].why, sizeof pick->verdicts[i].why, "%.*s",
             (int)sizeof pick->verdicts[i].why - 1, why->text);
    bool worked = pick->verdicts[i].ms >= 0;
    if (!worked && (result == ORIEL_UNSUPPORTED || result == ORIEL_INVALID))
        return;
    int64_t now = clock_ns();
    pthread_mutex_lock(&pick->branch->stream->lock);
    if (now >= rung->retry_ns)
        set_back(pick->branch->stream, rung, now);
    if (rung->retry_ns < pick->again_ns)
        pick->again_ns = rung->retry_ns;
    pthread_mutex_unlock(&pick->branch->stream->lock);
}

static struct instance_wish wish_for(const struct pick *pick, int i, const char *label)
{
    const struct stream *stream = pick->branch->stream;
    return (struct instance_wish){.registry = stream->registry,
                                  .render = stream->render,
                                  .id = pick->rungs->at[i].id,
                                  .label = label,
                                  .config = pick->branch->arm ? pick->branch->arm->config : NULL,
                                  .codec = pick->codec,
                                  .width = pick->width,
                                  .height = pick->height,
                                  .fps = stream->fps,
                                  .packet = fanout_packet,
                                  .data = pick->branch,
                                  .instead_of = pick->beside ? NULL : &pick->branch->instance};
}

static void name_for(const struct pick *pick, int i, char *label, size_t room)
{
    snprintf(label, room, "%s#%s", pick->rungs->at[i].id, pick->branch->label);
}

static void examine(struct pick *pick, int i, bool time)
{
    char label[96];
    struct error why = {""};
    struct instance_facts facts;
    name_for(pick, i, label, sizeof label);
    struct instance_wish wish = wish_for(pick, i, label);
    oriel_result result =
        instance_examine(&wish, time ? LADDER_SHARE * pick->interval_ms : 0, &facts, &why);
    if (result != ORIEL_OK) {
        refuse(pick, i, result, &why);
        return;
    }
    const struct codec *codec = codec_find(facts.codec);
    pick->known[i] = (struct ladder_rung){
        .known = true, .codec = facts.codec, .video = !codec->intra, .timed = time, .ms = facts.ms};
    pick->verdicts[i].ms = facts.ms;
    if (facts.ms < 0)
        return;
    char labels[128] = "";
    metrics_label(labels, sizeof labels, "encoder", wish.id);
    metric_set(metrics_gauge(pick->branch->stream->all_metrics, "oriel_encoder_probe_seconds",
                             labels, "What a test picture took an encoder, measured last."),
               facts.ms * 1e-3);
}

/* A rung that the branch has not got is out, or its instance is open. */
struct opened {
    struct stream *stream;
    struct instance *instance;
    struct stream_info info; /* its codec is 0 where no picture could be made up */
};

static void on_tried(void *data, const struct oriel_packet *packet)
{
    struct opened *opened = data;
    fanout_describe(opened->stream, packet, &opened->info);
}

static bool open_rung(struct pick *pick, int i, struct opened *opened)
{
    char label[96];
    struct error why = {""};
    *opened = (struct opened){.stream = pick->branch->stream};
    name_for(pick, i, label, sizeof label);
    struct instance_wish wish = wish_for(pick, i, label);
    wish.tried = on_tried;
    wish.tried_data = opened;
    struct instance *there = pick->beside || i != pick->current ? NULL : pick->branch->instance;
    if (there && instance_resize(there, &wish)) {
        opened->instance = there; /* its first packet says how to decode */
        return true;
    }
    oriel_result result = instance_open(&opened->instance, &wish, &why);
    if (result != ORIEL_OK)
        refuse(pick, i, result, &why);
    return result == ORIEL_OK;
}

/* There is one to take already, and the search has taken its time; who wants the quickest waits for
 * it. */
static bool late(const struct pick *pick)
{
    bool one = false;
    if (pick->prefer == LADDER_LATENCY)
        return false;
    for (uint32_t i = 0; i < pick->rungs->count; i++)
        one |= pick->known[i].timed && !pick->known[i].out;
    return one && clock_ns() - pick->begin_ns > MEASURE_NS;
}

/* For this time: the next one knows the others already. */
static void leave_out(struct pick *pick, int i)
{
    int64_t again_ns = clock_ns() + pick->branch->stream->retry_ns;
    if (again_ns < pick->again_ns)
        pick->again_ns = again_ns;
    pick->known[i].out = true;
    snprintf(pick->verdicts[i].why, sizeof pick->verdicts[i].why,
             "%.80s: not measured, the others took too long", pick->rungs->at[i].id);
}

/* The choice itself: the rung, open where it is not `keep`, or -1. */
static int climb(struct pick *pick, int keep, struct opened *opened)
{
    int wished = pick->wished;
    if (wished >= 0 && !pick->known[wished].out &&
        (wished == keep || open_rung(pick, wished, opened)))
        return wished;
    for (;;) {
        int ask;
        bool time;
        int i = ladder_choose(pick->known, pick->rungs->count, pick->prefer, pick->interval_ms,
                              pick->current, &ask, &time);
        if (ask >= 0 && time && late(pick))
            leave_out(pick, ask);
        else if (ask >= 0)
            examine(pick, ask, time);
        else if (i < 0 || i == keep || open_rung(pick, i, opened))
            return i;
    }
}

/* Why those were not taken that were looked at, beside the ones that said it themselves. */
static void explain(struct pick *pick, int taken)
{
    for (uint32_t i = 0; i < pick->rungs->count; i++) {
        struct verdict *verdict = &pick->verdicts[i];
        verdict->taken = (int)i == taken;
        if (verdict->taken || *verdict->why || verdict->ms < 0)
            continue;
        if (pick->prefer == LADDER_BANDWIDTH && (int)i < taken)
            snprintf(verdict->why, sizeof verdict->why,
                     "%.80s: %.1f ms a picture, with %.1f ms from one to the next",
                     pick->rungs->at[i].id, verdict->ms, pick->interval_ms);
        else
            snprintf(verdict->why, sizeof verdict->why, "%.80s: %.1f ms a picture",
                     pick->rungs->at[i].id, verdict->ms);
    }
}

/* A reason behind the encoder's name, with which most begin. */
static const char *behind_name(const struct pick *pick, uint32_t i)
{
    const char *why = pick->verdicts[i].why, *id = pick->rungs->at[i].id;
    size_t n = strlen(id);
    return strncmp(why, id, n) == 0 && strncmp(why + n, ": ", 2) == 0 ? why + n : why;
}

/* Encoders with the same reason are named together. */
static void join(const struct pick *pick, char *text, size_t room)
{
    bool told[MAX_LADDER] = {false};
    *text = '\0';
    FILE *out = fmemopen(text, room, "w");
    CHECK(out);
    for (uint32_t i = 0; i < pick->rungs->count; i++) {
        const char *why = behind_name(pick, i);
        if (!*why || told[i])
            continue;
        fputs(ftell(out) ? "; " : "", out);
        if (why != pick->verdicts[i].why)
            fputs(pick->rungs->at[i].id, out);
        for (uint32_t k = i + 1; k < pick->rungs->count; k++) {
            if (why == pick->verdicts[i].why || strcmp(behind_name(pick, k), why) != 0)
                continue;
            told[k] = true;
            fprintf(out, ", %s", pick->rungs->at[k].id);
        }
        fputs(why, out);
    }
    fclose(out);
    text[room - 1] = '\0';
}

/* Times become N: each measurement would make a label, and so a series, of its own. */
static void untimed(const char *from, char *to)
{
    while (*from) {
        size_t digits = strspn(from, "0123456789.");
        if (digits && strncmp(from + digits, " ms", 3) == 0) {
            *to++ = 'N';
            from += digits;
        } else {
            do
                *to++ = *from++;
            while (digits && --digits);
        }
    }
    *to = '\0';
}

static void publish(const struct branch *branch)
{
    struct stream *stream = branch->stream;
    const struct codec *codec = codec_find(branch->codec);
    char labels[512] = "", view[sizeof stream->prefix], reason[sizeof branch->reason];
    snprintf(view, sizeof view, "%.*s", (int)strcspn(stream->prefix, "/"), stream->prefix);
    metrics_label(labels, sizeof labels, "view", *view ? view : "main");
    metrics_label(labels, sizeof labels, "branch", branch->label);
    metrics_label(labels, sizeof labels, "encoder", *branch->encoder ? branch->encoder : "none");
    metrics_label(labels, sizeof labels, "codec", codec ? codec->name : "none");
    untimed(branch->reason, reason);
    metrics_label(labels, sizeof labels, "reason", reason);
    metrics_info_set(stream->all_metrics, branch->encoder_info, labels);
}

static void take(struct pick *pick, int i, struct opened *opened)
{
    struct branch *branch = pick->branch;
    struct stream *stream = branch->stream;
    struct instance *old = branch->instance, *new = opened->instance;
    char time[32] = "";
    pthread_mutex_lock(&stream->lock);
    branch->instance = new;
    branch->codec = new->codec;
    branch->key_wanted = true;
    branch->last_key_ns = INT64_MIN / 2; /* its first picture does not wait */
    snprintf(branch->encoder, sizeof branch->encoder, "%s", pick->rungs->at[i].id);
    snprintf(branch->chain, sizeof branch->chain, "%s", new->chain);
    join(pick, branch->reason, sizeof branch->reason);
    memcpy(branch->verdicts, pick->verdicts, sizeof branch->verdicts);
    pick->rungs->at[i].taken_ns = clock_ns();
    pthread_mutex_unlock(&stream->lock);
    publish(branch);
    if (old != new)
        instance_close(old);
    branch->failures = 0;
    if (opened->info.codec)
        fanout_configure(branch, &opened->info);
    if (pick->verdicts[i].ms >= 0)
        snprintf(time, sizeof time, ", %.1f ms a picture", pick->verdicts[i].ms);
    log_info(LOG_PIXEL, "%s%s: %s%s, %" PRIu32 "x%" PRIu32 "%s%s%s", stream->prefix, branch->label,
             new->chain, old == new ? " goes on" : "", pick->width, pick->height, time,
             *branch->reason ? "; not " : "", branch->reason);
}

bool branch_open(struct branch *branch, uint32_t codec, uint32_t width, uint32_t height,
                 struct error *err)
{
    bool goes_on;
    branch_close(branch);
    return branch_resize(branch, codec, width, height, &goes_on, err);
}

bool branch_resize(struct branch *branch, uint32_t codec, uint32_t width, uint32_t height,
                   bool *goes_on, struct error *err)
{
    struct stream *stream = branch->stream;
    struct pick pick;
    struct opened opened;
    begin(&pick, branch, codec, width, height);
    int i = climb(&pick, -1, &opened);
    explain(&pick, i);
    branch->upgrade_ns = pick.again_ns;
    *goes_on = i >= 0 && opened.instance == branch->instance;
    if (i >= 0) {
        take(&pick, i, &opened);
        return true;
    }
    branch_close(branch);
    pthread_mutex_lock(&stream->lock);
    branch->encoder[0] = branch->chain[0] = '\0';
    join(&pick, branch->reason, sizeof branch->reason);
    memcpy(branch->verdicts, pick.verdicts, sizeof branch->verdicts);
    pthread_mutex_unlock(&stream->lock);
    publish(branch);
    const char *reasons = branch->reason;
    if (branch->arm)
        return error_set(err, "%s", reasons);
    const struct codec *known = codec_find(codec);
    return error_set(err, "%s: none works%s%s: %s",
                     branch->still ? "modules.still" : "modules.encoder", known ? " for " : "",
                     known ? known->name : "", *reasons ? reasons : "the list is empty");
}

bool branch_upgrade(struct branch *branch, uint32_t codec)
{
    const struct oriel_format *format = &branch->instance->format;
    struct pick pick;
    struct opened opened;
    begin(&pick, branch, codec, format->width, format->height);
    pick.beside = true;
    int i = climb(&pick, pick.current, &opened);
    explain(&pick, i);
    branch->upgrade_ns = pick.again_ns;
    if (i < 0 || i == pick.current) { /* the one there is goes on */
        if (i == pick.current) {
            pthread_mutex_lock(&branch->stream->lock);
            join(&pick, branch->reason, sizeof branch->reason);
            memcpy(branch->verdicts, pick.verdicts, sizeof branch->verdicts);
            pthread_mutex_unlock(&branch->stream->lock);
            publish(branch);
        }
        return false;
    }
    take(&pick, i, &opened);
    return true;
}

void branch_set_back(struct branch *branch, const char *why)
{
    struct stream *stream = branch->stream;
    struct rungs *rungs = rungs_of(branch);
    int64_t now = clock_ns();
    pthread_mutex_lock(&stream->lock);
    for (uint32_t i = 0; i < rungs->count; i++) {
        struct rung *rung = &rungs->at[i];
        if (strcmp(rung->id, branch->encoder) != 0)
            continue;
        set_back(stream, rung, now);
        rung->failed = true;
        snprintf(rung->why, sizeof rung->why, "%.*s", (int)sizeof rung->why - 1, why);
    }
    pthread_mutex_unlock(&stream->lock);
}

/* --- beside the branch's thread --- */

struct successor {
    struct pick pick;
    struct opened opened;
    int taken;
};

struct successor *successor_create(struct branch *branch, const char *id, bool anew,
                                   struct error *err)
{
    struct stream *stream = branch->stream;
    struct successor *self = xcalloc(1, sizeof *self);
    struct pick *pick = &self->pick;
    pthread_mutex_lock(&stream->lock);
    uint32_t width = stream->width, height = stream->height;
    uint32_t codec = branch->main || branch->still ? 0 : branch->codec;
    pthread_mutex_unlock(&stream->lock);
    begin(pick, branch, codec, width, height);
    pick->beside = true;
    self->taken = -1;
    err->text[0] = '\0';
    if (!id)
        self->taken = climb(pick, anew ? -1 : pick->current, &self->opened);
    for (uint32_t i = 0; id && i < pick->rungs->count; i++) {
        if (strcmp(pick->rungs->at[i].id, id) != 0)
            continue;
        pick->known[i].out = false; /* it is asked for: what was before does not count */
        pick->verdicts[i].why[0] = '\0';
        if (open_rung(pick, (int)i, &self->opened))
            self->taken = (int)i;
        else
            error_set(err, "%s", pick->verdicts[i].why);
    }
    explain(pick, self->taken);
    if (self->opened.instance)
        return self;
    if (!id && self->taken < 0) {
        char why[512];
        join(pick, why, sizeof why);
        error_set(err, "none works: %s", why);
    }
    free(self);
    return NULL;
}

void successor_take_over(struct branch *branch, struct successor *self)
{
    struct instance *old = branch->instance;
    if (old)
        instance_drain(old); /* what it still has comes before the new one's key */
    branch->instance = NULL;
    branch->upgrade_ns = self->pick.again_ns;
    take(&self->pick, self->taken, &self->opened);
    self->opened.instance = old;
}

const struct oriel_format *successor_format(const struct successor *self)
{
    return &self->opened.instance->format;
}

void successor_destroy(struct successor *self)
{
    if (self)
        instance_close(self->opened.instance);
    free(self);
}
