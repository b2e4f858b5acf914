/* SPDX-License-Identifier: BSD-3-Clause */
/* A branch's thread: takes the newest frame when somebody can take a picture, and nothing else
 * wakes it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "module/services.h"
#include "pixel/arm.h"
#include "pixel/room.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

#define RETRY_NS                                                                                   \
    (100 * NS_PER_MS) /* before a picture that was lost in the encoder is tried again */
/* Pictures lost one after the other: whatever the encoder calls it, it does not work any more. */
#define MOST_FAILURES 3

/* --- frames come in [render] --- */

/* Under the lock: the frame that waits for this arm will not be encoded. */
static enum arm_drop why_dropped(const struct branch *branch)
{
    const struct arm *arm = branch->arm;
    bool seen = arm->shadow;
    for (const struct client *client = branch->stream->clients; client && !seen;
         client = client->next)
        seen = client->branch == branch && client->visible;
    if (!seen || !arm_is_on(arm))
        return DROP_IDLE;
    return branch->blocked ? DROP_CLIENT : DROP_NEWER;
}

void branch_frame(void *data, const struct oriel_frame *frame)
{
    struct branch *branch = data;
    struct stream *stream = branch->stream;
    frame_ref(frame);
    pthread_mutex_lock(&stream->lock);
    if (branch->arm) {
        if (branch->pending)
            book_drop(branch->arm, &branch->pending->stamp, why_dropped(branch));
        book_frame(branch->arm, &frame->stamp);
        experiment_turn(branch->arm, frame, clock_ns());
        branch->arm->newest_seq = frame->stamp.seq;
    }
    const struct oriel_frame *old = branch->pending;
    branch->pending = frame;
    branch->pending_ns = old ? branch->pending_ns : clock_ns();
    /* Two taps see a frame at different times; a renderer that began anew counts from 1. */
    if (frame->stamp.seq > stream->newest_seq || frame->stamp.seq + 1000 < stream->newest_seq) {
        stream->newest_seq = frame->stamp.seq;
        stream->newest_ns = clock_ns();
    }
    stream->width = frame->format.width;
    stream->height = frame->format.height;
    if (old)
        branch->dropped++;
    pthread_cond_signal(&branch->wake);
    pthread_mutex_unlock(&stream->lock);
    if (old && !branch->still && !branch->arm)
        metric_add(stream->metrics.dropped_newest, 1);
    metric_add(stream->metrics.queue_depth, old ? 0 : 1);
    frame_unref(old);
}

void branch_frame_refused(void *data, const char *why)
{
    struct branch *branch = data;
    pthread_mutex_lock(&branch->stream->lock);
    snprintf(branch->unmade, sizeof branch->unmade, "%s", why);
    pthread_cond_signal(&branch->wake);
    pthread_mutex_unlock(&branch->stream->lock);
}

/* --- what to do next --- */

enum step { STEP_WAIT, STEP_ENCODE, STEP_STILL };

struct plan {
    enum step step;
    bool key;
    int64_t until; /* WAIT: when time itself changes something */
};

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What the branch's clients want, under the lock. */
struct demand {
    bool picture; /* somebody can take a picture that refers to the one before */
    bool key;     /* somebody can take one but has to have a key */
    bool
        waiting; /* somebody has nothing to go on from: a key is due, now or when it can take one */
    bool refine; /* somebody sees nothing but the video */
    int64_t until;
};

static struct demand survey(struct branch *branch, int64_t now)
{
    struct stream *stream = branch->stream;
    const struct codec *codec = codec_find(branch->codec);
    struct demand demand = {.until = INT64_MAX};
    bool stills = false;
    for (uint32_t i = 0; i < stream->branch_count; i++)
        stills |= stream->branches[i]->still && !stream->branches[i]->dead;
    for (struct client *client = stream->clients; client; client = client->next) {
        bool former = client->former == branch && !client->former_until;
        if ((client->branch != branch && !former) || !client->visible)
            continue;
        if (former) {
            demand.picture |= client_ready(client, &stream->limits);
            continue;
        }
        int64_t lost = client_ack_deadline(client, &stream->limits);
        if (lost <= now) {
            client->shown = client->seq;
            metric_add(stream->metrics.retries, 1);
        } else {
            demand.until = earlier(demand.until, lost);
        }
        demand.waiting |= client->waiting_key;
        demand.refine |= !client->wish.still || !stills;
        if (client_ready(client, &stream->limits)) {
            bool waits = client->waiting_key && !codec->intra;
            demand.picture |= !waits;
            demand.key |= waits;
        }
    }
    return demand;
}

/* What nobody sees is encoded as it comes, but after the one who is seen. */
static struct plan plan_shadow(const struct branch *branch, int64_t now)
{
    bool due = now >= branch->last_key_ns + branch->stream->key_cooldown_ns;
    int64_t until = branch->pending ? shadow_waits_until(branch) : INT64_MAX;
    return (struct plan){.step = until <= now ? STEP_ENCODE : STEP_WAIT,
                         .key = branch->key_wanted && due,
                         .until = until};
}

static struct plan plan_video(struct branch *branch, int64_t now)
{
    if (branch->arm && !arm_is_on(branch->arm))
        return (struct plan){.step = STEP_WAIT, .until = INT64_MAX};
    if (branch->arm && branch->arm->shadow)
        return plan_shadow(branch, now);
    int64_t until = branch->arm ? arm_waits_until(branch->arm, now) : INT64_MIN;
    if (until > now)
        return (struct plan){.step = STEP_WAIT, .until = until};
    struct demand demand = survey(branch, now);
    const struct codec *codec = codec_find(branch->codec);
    const struct plan encode = {.step = STEP_ENCODE},
                      encode_key = {.step = STEP_ENCODE, .key = true};
    struct plan plan = {.step = STEP_WAIT, .until = INT64_MAX};
    branch->blocked = false;
    bool asked = branch->key_wanted && !codec->intra;
    bool can_key = demand.key || (demand.picture && (asked || codec->intra));
    if ((asked || demand.waiting) && (branch->pending || branch->last)) {
        int64_t due = branch->last_key_ns + branch->stream->key_cooldown_ns;
        if (can_key && now >= due)
            return encode_key;
        branch->blocked = !can_key;
        plan.until = can_key ? due : INT64_MAX;
    }
    if (branch->pending) {
        if (demand.picture)
            return encode;
        /* Held as it is until a slot frees; a newer one takes its place meanwhile. */
        branch->blocked = true;
    } else if (branch->last &&
               (branch->owed || (branch->refine_left && codec->lossy && demand.refine))) {
        if (now < branch->refine_ns)
            plan.until = earlier(plan.until, branch->refine_ns);
        else if (demand.picture)
            return encode;
        else
            branch->blocked = true;
    }
    if (branch->blocked)
        plan.until = earlier(plan.until, demand.until);
    return plan;
}

/* Stills: once the newest picture of all has rested, and only for those who have seen it as video.
 */
static struct plan plan_still(struct branch *branch, int64_t now)
{
    struct stream *stream = branch->stream;
    struct plan plan = {.step = STEP_WAIT, .until = INT64_MAX};
    const struct oriel_frame *frame = branch->pending ? branch->pending : branch->last;
    branch->blocked = frame && frame->stamp.seq == stream->newest_seq;
    if (!branch->blocked)
        return plan;
    bool wanted = false;
    for (struct client *client = stream->clients; client; client = client->next)
        wanted |= branch_serves(branch, client) && client->visible &&
                  client->queued.messages == 0 && client->still_seq != frame->stamp.seq &&
                  client->frame_seq >= frame->stamp.seq;
    if (!wanted)
        return plan;
    if (now < stream->newest_ns + stream->settle_ns) {
        plan.until = stream->newest_ns + stream->settle_ns;
        return plan;
    }
    if (branch->pending)
        plan.step = STEP_ENCODE;
    else if (branch->newest_still.file && branch->newest_still.packet.stamp.seq == frame->stamp.seq)
        plan.step = STEP_STILL;
    return plan;
}

/* --- frames are wanted while somebody looks --- */

static bool watched(const struct branch *branch)
{
    if (branch->arm)
        return arm_is_watched(branch->arm);
    for (const struct client *client = branch->stream->clients; client; client = client->next) {
        if (branch_serves(branch, client) && client->visible)
            return true;
    }
    return false;
}

static void drop_frames(struct branch *branch)
{
    struct stream *stream = branch->stream;
    pthread_mutex_lock(&stream->lock);
    const struct oriel_frame *pending = branch->pending;
    const struct oriel_buffer *file = branch->newest_still.file;
    branch->pending = NULL;
    branch->newest_still.file = NULL;
    branch->unmade[0] = '\0'; /* it was of the tap that went */
    if (branch->arm && pending)
        book_drop(branch->arm, &pending->stamp, DROP_STOPPED);
    pthread_mutex_unlock(&stream->lock);
    metric_add(stream->metrics.queue_depth, pending ? -1 : 0);
    frame_unref(pending);
    buffer_unref(file);
    frame_unref(branch->last);
    branch->last = NULL;
}

static void leave_tap(struct branch *branch)
{
    if (branch->tap)
        render_tap_remove(branch->stream->render, branch->tap);
    branch->tap = 0;
    drop_frames(branch);
}

static void untap(struct branch *branch)
{
    ahead_drop(branch);
    leave_tap(branch);
}

uint32_t branch_tap(struct branch *branch, const struct oriel_format *format,
                    void (*frame)(void *data, const struct oriel_frame *frame),
                    void (*refused)(void *data, const char *why))
{
    pthread_mutex_lock(&branch->stream->lock);
    bool top_down = branch->top_down;
    pthread_mutex_unlock(&branch->stream->lock);
    struct render_tap want = {.format = *format,
                              .complete_only = branch->still,
                              .top_down = top_down,
                              .frames_held = 3, /* pending, last, and one in the encoder */
                              .frame = frame,
                              .refused = refused,
                              .data = branch};
    return render_tap_add(branch->stream->render, &want);
}

/* Pictures with the other order of rows come from the next tap on; none with this one comes later.
 * Under the lock, which is given up for it. */
static void turn_rows(struct branch *branch)
{
    pthread_mutex_unlock(&branch->stream->lock);
    untap(branch);
    if (branch->instance)
        instance_drain(branch->instance);
    pthread_mutex_lock(&branch->stream->lock);
    branch->turning = false;
}

/* --- failures --- */

static void tell(struct stream *stream, const char *text)
{
    log_error(LOG_PIXEL, "%s", text);
    metric_add(stream->metrics.faults, 1);
    if (stream->events.fault)
        stream->events.fault(stream->events.data, text);
}

static void die(struct branch *branch, const char *text)
{
    if (branch->arm) {
        arm_down(branch->arm, text);
        return;
    }
    tell(branch->stream, text);
    pthread_mutex_lock(&branch->stream->lock);
    branch->dead = true;
    pthread_mutex_unlock(&branch->stream->lock);
    stream_evict(branch);
}

void branch_changed_over(struct branch *branch, const struct oriel_format *format)
{
    metric_add(branch->stream->metrics.resets, 1);
    if (!same_samples(format, &branch->instance->format))
        leave_tap(branch);
    stream_evict(branch); /* those that cannot decode what it writes now */
}

/* The encoder failed: the next of the list takes over at a key, with the same codec if one has it,
 * else, where it is the main branch's, with another. */
static void replace(struct branch *branch, const char *why)
{
    char old[sizeof branch->encoder], text[2048];
    struct oriel_format format = branch->instance->format;
    struct error err = {""};
    memcpy(old, branch->encoder, sizeof old);
    branch_set_back(branch, why);
    if (!branch_open(branch, branch->codec, format.width, format.height, &err) &&
        !(branch->main && branch_open(branch, 0, format.width, format.height, &err))) {
        metric_add(branch->stream->metrics.resets, 1);
        snprintf(text, sizeof text, "%s failed: %s; %s", old, why, err.text);
        die(branch, text);
        return;
    }
    snprintf(text, sizeof text, "%s failed: %s; %s took over", old, why, branch->encoder);
    tell(branch->stream, text);
    branch_changed_over(branch, &format);
}

/* The same encoder of an arm again, as long as it does not fail too often. */
static void reopen(struct branch *branch, const char *why)
{
    struct oriel_format format = branch->instance->format;
    struct error err = {""};
    log_warn(LOG_PIXEL, "arm %s: %s failed: %s", branch->label, branch->encoder, why);
    if (branch_open(branch, branch->codec, format.width, format.height, &err))
        branch_changed_over(branch, &format);
    else
        die(branch, err.text);
}

/* Counted for its arm; true: one too many. */
static bool too_many(struct branch *branch)
{
    if (!branch->arm || !book_error(branch->arm))
        return false;
    arm_down(branch->arm, branch->arm->tripped);
    return true;
}

/* With the size that the pictures have now. */
static bool resize(struct branch *branch, uint32_t width, uint32_t height)
{
    struct oriel_format format = branch->instance->format;
    struct error err;
    bool goes_on;
    if (!branch_resize(branch, branch->main ? 0 : branch->codec, width, height, &goes_on, &err)) {
        die(branch, err.text);
        return false;
    }
    if (!goes_on)
        branch_changed_over(branch, &format);
    return true;
}

/* --- encoding --- */

/* False: nothing comes of it. */
static bool encode(struct branch *branch, const struct oriel_frame *frame, bool key)
{
    struct stream *stream = branch->stream;
    struct error err;
    if (frame->format.width != branch->instance->format.width ||
        frame->format.height != branch->instance->format.height) {
        if (!resize(branch, frame->format.width, frame->format.height))
            return false;
        key = true;
    }
    struct instance *instance = branch->instance;
    if (!same_samples(&frame->format, &instance->format)) {
        untap(branch); /* an encoder that wants other samples has taken over */
        return false;
    }
    if (branch->arm)
        book_submit(branch->arm, &frame->stamp);
    if (!frame_wait(frame, &err)) { /* the renderer begins anew, and another one comes */
        branch->owed = false;
        metric_add(stream->metrics.dropped_error, 1);
        if (branch->arm)
            book_lost(branch->arm);
        log_warn(LOG_PIXEL, "%s: a picture was lost: %s", branch->encoder, err.text);
        return false;
    }
    oriel_result result = instance_encode(instance, frame, key ? ORIEL_ENCODE_KEY : 0);
    branch->owed = false;
    if (result == ORIEL_OK) {
        branch->failures = 0;
        return true;
    }
    const char *said = services_failure();
    char why[512];
    snprintf(why, sizeof why, "%s", *said ? said : "it does not say why");
    metric_add(stream->metrics.dropped_error, 1);
    if (branch->arm)
        book_lost(branch->arm);
    if (result != ORIEL_AGAIN && too_many(branch))
        return false;
    branch->failures += result != ORIEL_AGAIN;
    instance->invalid += result == ORIEL_INVALID;
    if (result == ORIEL_FATAL || result == ORIEL_DEVICE_LOST || result == ORIEL_UNSUPPORTED ||
        branch->failures == MOST_FAILURES || instance->invalid == MOST_FAILURES) {
        if (branch->arm)
            reopen(branch, why);
        else
            replace(branch, why);
        return false;
    }
    if (result != ORIEL_AGAIN)
        log_warn(LOG_PIXEL, "%s: a picture was lost: %s", branch->encoder, why);
    branch->owed = true;
    return false;
}

/* Takes the lock over and gives it back. */
static void encode_next(struct branch *branch, bool key)
{
    struct stream *stream = branch->stream;
    const struct oriel_frame *fresh = branch->pending, *old = NULL;
    branch->pending = NULL;
    branch->given_seq = (fresh ? fresh : branch->last)->stamp.seq;
    if (key) {
        branch->key_wanted =
            true; /* until the packet is there; not asked for twice in the cooldown */
        branch->last_key_ns = clock_ns();
        log_debug(LOG_ENCODER_KEYFRAMES, "%s: a key picture", branch->label);
        for (struct client *client = stream->clients; client; client = client->next) {
            if (client->former && client->branch == branch) /* from this one on */
                client->former_until = (fresh ? fresh : branch->last)->stamp.seq;
        }
    }
    pthread_mutex_unlock(&stream->lock);
    int64_t now = clock_ns();
    bool given;
    if (fresh) {
        metric_add(stream->metrics.queue_depth, -1);
        old = branch->last;
        branch->last = fresh;
        frame_unref(old);
        given = encode(branch, frame_ref(fresh), key);
        frame_unref(fresh);
    } else {
        const struct oriel_frame *repeat = frame_repeat(branch->last, now);
        given = encode(branch, repeat, key);
        frame_unref(repeat);
    }
    now = clock_ns();
    if (branch->owed) {
        branch->refine_ns = now + RETRY_NS;
    } else if (fresh || key) {
        branch->refine_left = stream->refine;
        branch->refine_ns = now + stream->settle_ns;
    } else if (branch->refine_left) {
        branch->refine_left--;
        branch->refine_ns = now + (int64_t)(1e9 / stream->fps);
    }
    pthread_mutex_lock(&stream->lock);
    if (!given) {
        branch->out_seq = branch->given_seq;
        shadows_wake(branch);
    }
}

/* One turn: under the lock at the beginning and at the end. */
static void turn(struct branch *branch)
{
    struct stream *stream = branch->stream;
    if (branch->order && (!watched(branch) || branch->dead || branch_order_due(branch))) {
        pthread_mutex_unlock(&stream->lock);
        branch_obey(branch);
        pthread_mutex_lock(&stream->lock);
        return;
    }
    if (branch->arm && branch->arm->state == ARM_OPENING) {
        pthread_mutex_unlock(&stream->lock);
        arm_open(branch->arm);
        pthread_mutex_lock(&stream->lock);
        return;
    }
    if (branch->turning) {
        turn_rows(branch);
        return;
    }
    if (!watched(branch) || branch->dead) {
        bool stays = branch->main || (branch->arm && !branch->dead);
        bool idle = !branch->tap && (stays || !branch->instance);
        if (idle) {
            cond_wait_until(&branch->wake, &stream->lock, INT64_MAX);
            return;
        }
        pthread_mutex_unlock(&stream->lock);
        untap(branch);
        if (!stays)
            branch_close(branch);
        pthread_mutex_lock(&stream->lock);
        return;
    }
    uint32_t width = stream->width, height = stream->height,
             codec = branch->main ? 0 : branch->codec;
    char unmade[sizeof branch->unmade];
    memcpy(unmade, branch->unmade, sizeof unmade);
    branch->unmade[0] = '\0';
    pthread_mutex_unlock(&stream->lock);
    struct error err;
    if (*unmade && branch->instance && branch->arm) {
        untap(branch);
        die(branch, unmade);
    } else if (*unmade && branch->instance) { /* an encoder of what can be captured takes over */
        untap(branch);
        replace(branch, unmade);
    }
    if (!branch->instance) {
        if (branch_open(branch, codec, width, height, &err))
            stream_evict(branch); /* what it wrote before it died it may write no more */
        else
            die(branch, err.text);
    } else if (clock_ns() >= branch->upgrade_ns) {
        struct oriel_format format = branch->instance->format;
        if (branch_upgrade(branch, codec))
            branch_changed_over(branch, &format);
    }
    if (branch->instance && !branch->tap)
        branch->tap =
            branch_tap(branch, &branch->instance->format, branch_frame, branch_frame_refused);
    if (branch->instance && !branch->tap)
        die(branch, "the renderer takes no further demand for pictures");
    if (branch->instance)
        clients_look_at_queues(branch);
    pthread_mutex_lock(&stream->lock);
    if (branch->dead || branch->stop || !watched(branch)) /* they may have gone meanwhile */
        return;
    struct plan plan =
        branch->still ? plan_still(branch, clock_ns()) : plan_video(branch, clock_ns());
    switch (plan.step) {
    case STEP_WAIT:
        cond_wait_until(&branch->wake, &stream->lock,
                        earlier(earlier(plan.until, branch->upgrade_ns), branch->ahead.until_ns));
        break;
    case STEP_ENCODE:
        encode_next(branch, plan.key);
        break;
    case STEP_STILL:
        pthread_mutex_unlock(&stream->lock);
        fanout_still(branch);
        pthread_mutex_lock(&stream->lock);
        break;
    }
}

void *branch_run(void *data)
{
    struct branch *branch = data;
    struct stream *stream = branch->stream;
    shadow_begin(branch);
    pthread_mutex_lock(&stream->lock);
    while (!branch->stop)
        turn(branch);
    branch_refuse_orders(branch);
    pthread_mutex_unlock(&stream->lock);
    untap(branch);
    return NULL;
}
