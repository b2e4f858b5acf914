/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of an experiment. Whose turn it is, is decided when a frame comes; its own thread ends
 * it and looks after rows that wait for reports. */
#include "pixel/experiment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "pixel/arm.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

#define LOOK_NS (500 * NS_PER_MS) /* from one look at waiting rows to the next */
/* The arms get a frame one after the other, with another format a little later. */
#define OWN_FRAME_NS (100 * NS_PER_MS)

/* --- whose turn it is; under the lock --- */

static bool one_for_all(const struct experiment *experiment)
{
    return experiment->spec.mode != EXPERIMENT_SPLIT;
}

bool arm_is_on(const struct arm *arm)
{
    const struct experiment *experiment = arm->experiment;
    enum experiment_mode mode = experiment->spec.mode;
    if (arm->state != ARM_WORKS)
        return false;
    if (experiment->state != EXPERIMENT_RUNS)
        return arm->index == 0;
    return mode == EXPERIMENT_SPLIT || mode == EXPERIMENT_SHADOW ||
           arm->index == experiment->current;
}

bool arm_is_watched(const struct arm *arm)
{
    const struct experiment *experiment = arm->experiment;
    bool all = experiment->state == EXPERIMENT_RUNS;
    if (arm->state != ARM_WORKS)
        return false;
    for (const struct client *client = experiment->stream->clients; client; client = client->next) {
        if (client->visible && client->branch &&
            (all ? client->branch->arm != NULL : client->branch == arm->branch))
            return true;
    }
    return false;
}

static bool can_see(const struct arm *arm, const struct client *client)
{
    return arm->branch && arm->state == ARM_WORKS && client->wish.rows != ROWS_TOP_FIRST &&
           client_wish_has(&client->wish, arm->branch->codec);
}

struct branch *experiment_place(struct stream *stream, const struct client *client)
{
    struct experiment *experiment = stream->experiment;
    if (!experiment)
        return NULL;
    uint32_t index = experiment->current;
    if (experiment->state != EXPERIMENT_RUNS)
        index = 0;
    else if (!one_for_all(experiment)) /* notify.stream says the same to all without a query */
        index = client->wish.ext ? arms_assign(&experiment->spec, client->id) : 0;
    if (!can_see(&experiment->arms[index], client))
        index = 0;
    return can_see(&experiment->arms[index], client) ? experiment->arms[index].branch : NULL;
}

const struct branch *experiment_classic(struct stream *stream)
{
    const struct client classic = {.wish = {.codecs = {ORIEL_CODEC_H264}, .codec_count = 1}};
    return experiment_place(stream, &classic);
}

void client_move(struct client *client, struct branch *to)
{
    bool there = client->branch;
    if (client->branch == to)
        return;
    if (!client->waiting_key)
        client->former = client->branch;
    else if (client->former == to)
        client->former = NULL;
    client->former_until = 0;
    client->branch = to;
    client->waiting_key = true;
    client->configured = 0;
    if (to->arm && client->frame_seq > to->arm->since_seq) { /* it sees no older one again */
        to->arm->since_seq = client->frame_seq;
        to->arm->since_ns = clock_ns();
    }
    to->last_key_ns = INT64_MIN / 2; /* its key does not wait */
    to->tell |= there && !client->wish.ext;
    pthread_cond_signal(&to->wake);
    for (uint32_t i = 0; to->arm && i < to->arm->experiment->spec.arm_count; i++) {
        struct branch *other = to->arm->experiment->arms[i].branch;
        if (other && other != to)
            pthread_cond_signal(&other->wake); /* which get what this one gets */
    }
}

static void move_clients(struct experiment *experiment)
{
    for (struct client *client = experiment->stream->clients; client; client = client->next) {
        struct branch *to = client->branch ? experiment_place(experiment->stream, client) : NULL;
        if (to)
            client_move(client, to);
    }
}

static uint32_t whose(const struct experiment *experiment, uint64_t seq, int64_t now)
{
    const struct experiment_spec *spec = &experiment->spec;
    double seconds = (double)(now - experiment->begin_ns) * 1e-9;
    uint32_t index = 0;
    if (spec->mode == EXPERIMENT_INTERLEAVE)
        index = arms_of_slice((uint64_t)(seconds / spec->slice_s), spec->arm_count);
    else if (spec->mode == EXPERIMENT_SWITCH)
        index = spec->switch_frames ? seq >= experiment->first_seq + spec->switch_frames
                                    : seconds >= spec->switch_s;
    return experiment->arms[index].state == ARM_WORKS ? index : 0;
}

void experiment_turn(struct arm *arm, const struct oriel_frame *frame, int64_t now)
{
    struct experiment *experiment = arm->experiment;
    if (experiment->state != EXPERIMENT_RUNS)
        return;
    if (!experiment->first_seq)
        experiment->first_seq = frame->stamp.seq;
    if (experiment->drowsy) {
        experiment->drowsy = false;
        pthread_cond_signal(&experiment->wake);
    }
    uint32_t index = whose(experiment, frame->stamp.seq, now);
    if (index == experiment->current)
        return;
    experiment->current = index;
    experiment->arms[index].since_seq = frame->stamp.seq;
    experiment->arms[index].since_ns = now;
    move_clients(experiment);
}

int64_t arm_waits_until(const struct arm *arm, int64_t now)
{
    int64_t until = arm->since_ns + OWN_FRAME_NS;
    return arm->newest_seq >= arm->since_seq || now >= until ? INT64_MIN : until;
}

/* --- arms --- */

void arm_open(struct arm *arm)
{
    struct branch *branch = arm->branch;
    struct stream *stream = branch->stream;
    struct error err = {""};
    pthread_mutex_lock(&stream->lock);
    uint32_t width = stream->width, height = stream->height;
    pthread_mutex_unlock(&stream->lock);
    bool fine = branch_open(branch, 0, width, height, &err);
    pthread_mutex_lock(&stream->lock);
    arm->state = fine ? ARM_WORKS : ARM_STOPPED;
    branch->dead = !fine;
    snprintf(arm->why, sizeof arm->why, "%s", err.text);
    pthread_cond_broadcast(&stream->obeyed);
    pthread_mutex_unlock(&stream->lock);
}

void arm_down(struct arm *arm, const char *why)
{
    struct experiment *experiment = arm->experiment;
    struct stream *stream = experiment->stream;
    struct branch *branch = arm->branch;
    char text[1024];
    pthread_mutex_lock(&stream->lock);
    if (arm->state != ARM_WORKS) {
        pthread_mutex_unlock(&stream->lock);
        return;
    }
    arm->state = ARM_STOPPED;
    branch->dead = true;
    snprintf(arm->why, sizeof arm->why, "%s", why);
    if (experiment->current == arm->index)
        experiment->current = 0;
    experiment->news = true;
    pthread_cond_signal(&experiment->wake);
    pthread_cond_signal(&branch->wake);
    pthread_mutex_unlock(&stream->lock);
    metric_set(arm->metrics.stopped, 1);
    snprintf(text, sizeof text, "experiment %s: arm %s (%s) is stopped: %s", experiment->spec.name,
             arm->spec->label, arm->spec->module, why);
    log_warn(LOG_PIXEL, "%s", text);
    if (stream->events.fault)
        stream->events.fault(stream->events.data, text);
    stream_evict(branch);
}

static void take_away(struct arm *arm)
{
    struct branch *branch = arm->branch;
    if (!branch)
        return;
    struct stream *stream = branch->stream;
    pthread_mutex_lock(&stream->lock);
    arm->state = ARM_STOPPED;
    branch->dead = true;
    pthread_mutex_unlock(&stream->lock);
    stream_evict(branch);
    branch_stop(branch);
    pthread_mutex_lock(&stream->lock);
    uint32_t i = 0;
    while (stream->branches[i] != branch)
        i++;
    stream->branch_count--;
    memmove(&stream->branches[i], &stream->branches[i + 1],
            (stream->branch_count - i) * sizeof *stream->branches);
    for (struct client *client = stream->clients; client; client = client->next) {
        if (client->former == branch)
            client->former = NULL;
    }
    arm->branch = NULL;
    pthread_mutex_unlock(&stream->lock);
    branch_destroy(branch);
}

/* --- its thread --- */

static void record(struct experiment *experiment, int recording)
{
    pthread_mutex_lock(&experiment->book);
    experiment->recording = recording;
    pthread_mutex_unlock(&experiment->book);
}

static void finish(struct experiment *experiment)
{
    struct stream *stream = experiment->stream;
    struct arm *arms = experiment->arms;
    pthread_mutex_lock(&stream->lock);
    experiment->state = EXPERIMENT_ENDED;
    bool first = arms[0].state == ARM_WORKS;
    for (uint32_t i = 0; i < experiment->spec.arm_count; i++) {
        const struct branch *branch = arms[i].branch;
        if (branch->pending)
            book_drop(&arms[i], &branch->pending->stamp, DROP_STOPPED);
    }
    record(experiment, BOOK_CLOSING);
    move_clients(experiment);
    pthread_mutex_unlock(&stream->lock);
    for (uint32_t i = 0; i < experiment->spec.arm_count; i++) {
        if (i > 0 || !first)
            take_away(&arms[i]);
    }
    for (uint32_t i = 0; i < experiment->spec.arm_count; i++)
        book_flush(&arms[i], true);
    record(experiment, BOOK_SHUT);
    struct rows *rows = experiment->rows;
    if (rows) {
        pthread_mutex_lock(&experiment->book);
        experiment->rows = NULL;
        pthread_mutex_unlock(&experiment->book);
        rows_close(rows, &experiment->written, &experiment->lost);
        metric_set(experiment->rows_lost, (double)experiment->lost);
    }
    metric_set(experiment->running, 0);
    log_info(LOG_PIXEL, "experiment %s ends: %s; %s%s", experiment->spec.name, experiment->why,
             first ? "the stream goes on with arm " : "the stream goes on as configured",
             first ? arms[0].spec->label : "");
}

/* Which of them have passed a limit, without the stream's lock. True: rows wait. */
static bool look(struct experiment *experiment)
{
    bool waiting = false;
    for (uint32_t i = 0; i < experiment->spec.arm_count; i++) {
        struct arm *arm = &experiment->arms[i];
        char why[sizeof arm->tripped];
        waiting |= book_flush(arm, false);
        pthread_mutex_lock(&experiment->book);
        memcpy(why, arm->tripped, sizeof why);
        pthread_mutex_unlock(&experiment->book);
        if (*why)
            arm_down(arm, why);
    }
    if (experiment->rows) {
        uint64_t written, lost;
        rows_count(experiment->rows, &written, &lost);
        metric_set(experiment->rows_lost, (double)lost);
    }
    return waiting;
}

/* Under the lock. */
static void say_why(struct experiment *experiment, const char *why)
{
    if (experiment->state != EXPERIMENT_RUNS)
        return;
    snprintf(experiment->why, sizeof experiment->why, "%s", why);
    experiment->state = EXPERIMENT_ENDS;
}

static void *run(void *data)
{
    struct experiment *experiment = data;
    struct stream *stream = experiment->stream;
    pthread_mutex_lock(&stream->lock);
    while (experiment->state == EXPERIMENT_RUNS) {
        experiment->news = false;
        pthread_mutex_unlock(&stream->lock);
        bool waiting = look(experiment);
        pthread_mutex_lock(&stream->lock);
        int64_t now = clock_ns(), until = waiting ? now + LOOK_NS : INT64_MAX;
        if (experiment->arms[0].state == ARM_STOPPED)
            say_why(experiment, "its first arm was stopped");
        else if (now >= experiment->end_ns)
            say_why(experiment, "its time is over");
        if (experiment->state != EXPERIMENT_RUNS || experiment->news)
            continue;
        experiment->drowsy = !waiting;
        cond_wait_until(&experiment->wake, &stream->lock,
                        until < experiment->end_ns ? until : experiment->end_ns);
    }
    pthread_mutex_unlock(&stream->lock);
    finish(experiment);
    pthread_mutex_lock(&stream->lock);
    experiment->done = true;
    pthread_cond_broadcast(&stream->obeyed);
    pthread_mutex_unlock(&stream->lock);
    return NULL;
}

/* --- its begin --- */

static void make_metrics(struct arm *arm)
{
    const struct experiment *experiment = arm->experiment;
    struct metrics *m = experiment->stream->all_metrics;
    char labels[128] = "", more[192];
    metrics_label(labels, sizeof labels, "experiment", experiment->spec.name);
    metrics_label(labels, sizeof labels, "arm", arm->spec->label);
    arm->metrics.frames = metrics_counter(m, "oriel_experiment_frames_total", labels,
                                          "Pictures that an arm has encoded.");
    arm->metrics.bytes = metrics_counter(m, "oriel_experiment_bytes_total", labels,
                                         "Bytes that an arm has encoded.");
    arm->metrics.keys = metrics_counter(m, "oriel_experiment_keys_total", labels,
                                        "Key pictures that an arm has encoded.");
    arm->metrics.errors = metrics_counter(m, "oriel_experiment_errors_total", labels,
                                          "Failures of an arm's encoder.");
    arm->metrics.stopped = metrics_gauge(m, "oriel_experiment_arm_stopped", labels,
                                         "1: the arm has passed a limit, or works no more.");
    metric_set(arm->metrics.stopped, 0);
    for (int i = 0; i < DROP_KINDS; i++) {
        strcpy(more, labels);
        metrics_label(more, sizeof more, "reason", arm_drop_name((enum arm_drop)i));
        arm->metrics.drops[i] = metrics_counter(m, "oriel_experiment_drops_total", more,
                                                "Frames that an arm has not encoded, by reason.");
    }
    struct {
        struct metric **metric;
        const char *label, *value, *name, *help;
    } const times[] = {
        {&arm->metrics.wait, "stage", "wait", "oriel_experiment_stage_seconds",
         "Time a stage took in an arm that is seen."},
        {&arm->metrics.encode, "stage", "encode", "oriel_experiment_stage_seconds", ""},
        {&arm->metrics.total, "stage", "total", "oriel_experiment_stage_seconds", ""},
        {&arm->metrics.decode, "time", "decode", "oriel_experiment_client_seconds",
         "Times at the clients of an arm."},
        {&arm->metrics.present, "time", "present", "oriel_experiment_client_seconds", ""},
        {&arm->metrics.back, "time", "back", "oriel_experiment_client_seconds", ""},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        strcpy(more, labels);
        metrics_label(more, sizeof more, times[i].label, times[i].value);
        *times[i].metric = metrics_histogram(m, times[i].name, more, times[i].help);
    }
}

static struct experiment *create(struct stream *stream, struct experiment_spec *spec,
                                 const struct config *config)
{
    struct experiment *experiment = xcalloc(1, sizeof *experiment);
    experiment->stream = stream;
    experiment->spec = *spec;
    cond_init(&experiment->wake);
    pthread_mutex_init(&experiment->book, NULL);
    char labels[64] = "";
    metrics_label(labels, sizeof labels, "experiment", spec->name);
    experiment->running = metrics_gauge(stream->all_metrics, "oriel_experiment_running", labels,
                                        "1: the experiment runs.");
    experiment->rows_lost =
        metrics_gauge(stream->all_metrics, "oriel_experiment_rows_lost", labels,
                      "Rows of the newest run that could not be written in time.");
    for (uint32_t i = 0; i < spec->arm_count; i++) {
        struct arm *arm = &experiment->arms[i];
        arm->experiment = experiment;
        arm->spec = &experiment->spec.arms[i];
        arm->index = i;
        arm->shadow = spec->mode == EXPERIMENT_SHADOW && i > 0;
        arm->config = experiment_config(config, spec, arm->spec);
        arm->rungs.count = 1;
        arm->rungs.at[0].id = arm->spec->module;
        snprintf(arm->rungs.wished, sizeof arm->rungs.wished, "%s", arm->spec->module);
        make_metrics(arm);
        book_open(arm);
    }
    return experiment;
}

void experiment_free(struct experiment *experiment)
{
    if (!experiment)
        return;
    for (uint32_t i = 0; i < experiment->spec.arm_count; i++) {
        book_close(&experiment->arms[i]);
        config_destroy(experiment->arms[i].config);
    }
    rows_close(experiment->rows, &experiment->written, &experiment->lost);
    experiment_spec_finish(&experiment->spec);
    pthread_mutex_destroy(&experiment->book);
    pthread_cond_destroy(&experiment->wake);
    free(experiment);
}

/* Every arm on a thread of its own, with its encoder; false with the reason. */
static bool start_arms(struct experiment *experiment, struct error *err)
{
    struct stream *stream = experiment->stream;
    bool fine = true;
    for (uint32_t i = 0; fine && i < experiment->spec.arm_count; i++) {
        struct arm *arm = &experiment->arms[i];
        pthread_mutex_lock(&stream->lock);
        arm->branch = branch_create(stream, false, false, 0);
        snprintf(arm->branch->label, sizeof arm->branch->label, "%s", arm->spec->label);
        arm->branch->arm = arm;
        pthread_mutex_unlock(&stream->lock);
        fine = branch_start(arm->branch, err);
    }
    for (uint32_t i = 0; fine && i < experiment->spec.arm_count; i++) {
        struct arm *arm = &experiment->arms[i];
        pthread_mutex_lock(&stream->lock);
        while (arm->state == ARM_OPENING)
            pthread_cond_wait(&stream->obeyed, &stream->lock);
        fine = arm->state == ARM_WORKS || error_set(err, "arm %s: %s", arm->spec->label, arm->why);
        pthread_mutex_unlock(&stream->lock);
    }
    for (uint32_t i = 0; !fine && i < experiment->spec.arm_count; i++)
        take_away(&experiment->arms[i]);
    return fine;
}

static void begin(struct experiment *experiment)
{
    struct stream *stream = experiment->stream;
    double duration = experiment->spec.duration_s;
    pthread_mutex_lock(&stream->lock);
    experiment->begin_ns = clock_ns();
    experiment->end_ns =
        duration > 0 ? experiment->begin_ns + (int64_t)(duration * 1e9) : INT64_MAX;
    experiment->recording = BOOK_OPEN;
    stream->experiment = experiment;
    move_clients(experiment);
    for (uint32_t i = 0; i < experiment->spec.arm_count; i++)
        pthread_cond_signal(&experiment->arms[i].branch->wake);
    pthread_mutex_unlock(&stream->lock);
    metric_set(experiment->running, 1);
    log_info(LOG_PIXEL, "experiment %s begins: %s of %" PRIu32 " arms%s%s", experiment->spec.name,
             experiment_mode_name(experiment->spec.mode), experiment->spec.arm_count,
             experiment->spec.rows ? ", rows in " : "",
             experiment->spec.rows ? experiment->spec.rows : "");
}

bool experiment_start(struct stream *stream, struct experiment_spec *spec,
                      const struct config *config, struct error *err)
{
    if (spec->mode == EXPERIMENT_REPLAY)
        return error_set(err, "%s: mode replay runs offline, with `oriel ab`", spec->name);
    experiment_let_go(stream);
    pthread_mutex_lock(&stream->changing);
    const struct experiment *there = stream->experiment;
    if (there) {
        error_set(err, "%s runs on this view; one at a time", there->spec.name);
        pthread_mutex_unlock(&stream->changing);
        return false;
    }
    struct experiment *experiment = create(stream, spec, config);
    int64_t run_ms = (int64_t)(clock_unix() * 1e3);
    bool fine = (!spec->rows || (experiment->rows = rows_open(&experiment->spec, run_ms, err))) &&
                start_arms(experiment, err);
    if (fine) {
        begin(experiment);
        if (!thread_start(&experiment->thread, "experiment", run, experiment)) {
            log_error(LOG_PIXEL, "no thread for the experiment %s", spec->name);
            experiment->thread = 0;
            experiment->end_ns = 0;
            run(experiment); /* which ends it here */
        }
        *spec = (struct experiment_spec){.arm_count = 0};
    } else {
        experiment->spec = (struct experiment_spec){.arm_count = spec->arm_count};
        experiment_free(experiment);
    }
    pthread_mutex_unlock(&stream->changing);
    return fine;
}

/* --- its end --- */

bool experiment_stop(struct stream *stream, const char *name, struct error *err)
{
    pthread_mutex_lock(&stream->changing);
    pthread_mutex_lock(&stream->lock);
    struct experiment *experiment = stream->experiment;
    bool runs = experiment && experiment->state == EXPERIMENT_RUNS &&
                strcmp(experiment->spec.name, name) == 0;
    if (runs) {
        say_why(experiment, "it was told to");
        pthread_cond_signal(&experiment->wake);
        while (!experiment->done)
            pthread_cond_wait(&stream->obeyed, &stream->lock);
    }
    pthread_mutex_unlock(&stream->lock);
    pthread_mutex_unlock(&stream->changing);
    return runs || error_set(err, "%s does not run", name);
}

void experiment_quit(struct experiment *experiment)
{
    if (!experiment || !experiment->thread)
        return;
    pthread_mutex_lock(&experiment->stream->lock);
    say_why(experiment, "the stream ends");
    pthread_cond_signal(&experiment->wake);
    pthread_mutex_unlock(&experiment->stream->lock);
    pthread_join(experiment->thread, NULL);
    experiment->thread = 0;
}

void experiment_let_go(struct stream *stream)
{
    pthread_mutex_lock(&stream->changing);
    pthread_mutex_lock(&stream->lock);
    struct experiment *experiment = stream->experiment;
    bool ended = experiment && experiment->state == EXPERIMENT_ENDED;
    if (ended)
        stream->experiment = NULL;
    pthread_mutex_unlock(&stream->lock);
    if (ended) {
        experiment_quit(experiment);
        for (uint32_t i = 0; i < experiment->spec.arm_count; i++)
            take_away(&experiment->arms[i]);
        experiment_free(experiment);
    }
    pthread_mutex_unlock(&stream->changing);
}
