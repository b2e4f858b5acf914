/* SPDX-License-Identifier: BSD-3-Clause */
#include "recorder.h"

#define FIRST_PAUSE_NS INT64_C(500000000)
#define LONGEST_PAUSE_NS INT64_C(30000000000)

static void begin(void *owner)
{
    struct recorder *recorder = owner;
    recorder->pause_ns = FIRST_PAUSE_NS;
    recorder->retry_ns = 0;
    recorder->now = take_open(recorder);
}

static void message(void *owner, const struct viewer_message *message)
{
    struct recorder *recorder = owner;
    if (recorder->now && take_message(recorder->now, message))
        return;
    if (recorder->next)
        take_message(recorder->next, message);
}

/* A take that cannot go on is closed; when another may begin. */
static void look_after(struct recorder *recorder, struct take **take, int64_t now)
{
    if (!*take || (!take_failed(*take) && !take_ended(*take)))
        return;
    if (take_ended(*take)) {
        recorder->retry_ns = now;
    } else {
        viewer_log(&recorder->viewer, ORIEL_LOG_WARN, "%s; again in %.1f s", take_failed(*take),
                   (double)recorder->pause_ns * 1e-9);
        recorder->retry_ns = now + recorder->pause_ns;
        recorder->pause_ns *= 2;
        if (recorder->pause_ns > LONGEST_PAUSE_NS)
            recorder->pause_ns = LONGEST_PAUSE_NS;
    }
    take_close(*take);
    *take = NULL;
}

static int64_t tick(void *owner, int64_t now)
{
    struct recorder *recorder = owner;
    int64_t deadline = INT64_MAX, other = INT64_MAX;
    if (recorder->now)
        deadline = take_tick(recorder->now, now);
    if (recorder->next)
        other = take_tick(recorder->next, now);
    look_after(recorder, &recorder->now, now);
    look_after(recorder, &recorder->next, now);
    if (recorder->now && take_rolls(recorder->now))
        recorder->pause_ns = FIRST_PAUSE_NS;
    if (recorder->next && (!recorder->now || take_rolls(recorder->next))) {
        take_close(recorder->now);
        recorder->now = recorder->next;
        recorder->next = NULL;
    }
    if (!recorder->now && now >= recorder->retry_ns) {
        recorder->now = take_open(recorder);
        return now;
    }
    if (!recorder->now)
        return recorder->retry_ns;
    if (!recorder->next && now >= recorder->retry_ns && take_full(recorder->now, now)) {
        recorder->next = take_open(recorder);
        return now;
    }
    return deadline < other ? deadline : other;
}

static void end(void *owner)
{
    struct recorder *recorder = owner;
    take_close(recorder->now);
    take_close(recorder->next);
    recorder->now = recorder->next = NULL;
}

const struct viewer_work recorder_work = {begin, message, tick, end};
