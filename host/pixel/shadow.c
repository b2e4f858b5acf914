/* SPDX-License-Identifier: BSD-3-Clause */
/* What keeps an arm that nobody sees out of the way of the one that is seen. */
#include <sys/resource.h>
#include <unistd.h>

#include "pixel/arm.h"
#include "util/log.h"

/* What is only measured gets about a tenth of a core that others want. Not SCHED_IDLE: a thread
 * that gets next to nothing would keep the stream's lock for as long as others work. */
#define SHADOW_NICE 10
/* Of the time from one frame to the next, a shadow waits at most that much for the arm that is
 * seen. Less than all of it: the next frame, which comes then, would take this one's place. */
#define HELD_SHARE 0.75

void shadow_begin(const struct branch *branch)
{
    if (!branch->arm || !branch->arm->shadow)
        return;
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), SHADOW_NICE) != 0)
        log_debug(LOG_PIXEL, "arm %s: runs with the priority of the others", branch->label);
}

int64_t shadow_waits_until(const struct branch *branch)
{
    const struct experiment *experiment = branch->arm->experiment;
    const struct arm *seen = &experiment->arms[experiment->current];
    if (!arm_is_on(seen))
        return INT64_MIN;
    bool comes = seen->newest_seq < branch->pending->stamp.seq; /* taps are told in turn */
    const struct branch *other = seen->branch;
    if (!comes && !other->pending && other->given_seq == other->out_seq)
        return INT64_MIN;
    return branch->pending_ns + (int64_t)(HELD_SHARE * 1e9 / branch->stream->fps);
}

void shadows_wake(const struct branch *branch)
{
    const struct stream *stream = branch->stream;
    if (!branch->arm || branch->arm->shadow)
        return;
    for (uint32_t i = 0; i < stream->branch_count; i++) {
        struct branch *other = stream->branches[i];
        if (other->arm && other->arm->shadow && other->pending)
            pthread_cond_signal(&other->wake);
    }
}
