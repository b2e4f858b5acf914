/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the encoder that is to take over wants other samples, another capture has to begin. The one
 * there goes on until the first of those pictures has come, so that no picture is missing. All on
 * the branch's thread, but for what is told by the renderer. */
#include "module/services.h"
#include "pixel/room.h"
#include "util/clock.h"

#define PATIENCE_NS (3 * NS_PER_S) /* the renderer draws when it can */

bool same_samples(const struct oriel_format *a, const struct oriel_format *b)
{
    return a->domain == b->domain && a->fourcc == b->fourcc && a->modifier == b->modifier &&
           a->matrix == b->matrix && a->full_range == b->full_range;
}

/* The branch's own tap may be one that was adopted before. */
static void on_frame(void *data, const struct oriel_frame *frame)
{
    struct branch *branch = data;
    struct ahead *ahead = &branch->ahead;
    const struct oriel_frame *old = NULL;
    pthread_mutex_lock(&branch->stream->lock);
    bool awaited = ahead->format && same_samples(&frame->format, ahead->format);
    if (awaited) {
        old = ahead->frame;
        ahead->frame = frame_ref(frame);
        pthread_cond_signal(&branch->wake);
    }
    pthread_mutex_unlock(&branch->stream->lock);
    frame_unref(old);
    if (!awaited)
        branch_frame(branch, frame);
}

static void on_refused(void *data, const char *why)
{
    struct branch *branch = data;
    pthread_mutex_lock(&branch->stream->lock);
    bool waits = branch->ahead.format;
    if (waits) {
        branch->ahead.until_ns = INT64_MIN; /* the branch's tap will be told again */
        pthread_cond_signal(&branch->wake);
    }
    pthread_mutex_unlock(&branch->stream->lock);
    if (!waits)
        branch_frame_refused(branch, why);
}

bool ahead_there(struct branch *branch, const struct oriel_format *format)
{
    struct ahead *ahead = &branch->ahead;
    if (branch->still || !branch->tap || !branch->instance ||
        same_samples(format, &branch->instance->format))
        return true;
    if (!ahead->tap) {
        ahead->format = format;
        ahead->until_ns = clock_ns() + PATIENCE_NS;
        pthread_mutex_unlock(&branch->stream->lock);
        ahead->tap = branch_tap(branch, format, on_frame, on_refused);
        pthread_mutex_lock(&branch->stream->lock);
    }
    /* Never back to a picture before the one that was shown last. */
    bool there =
        ahead->frame && (!branch->last || ahead->frame->stamp.seq >= branch->last->stamp.seq);
    return there || !ahead->tap || clock_ns() >= ahead->until_ns;
}

/* Its frame is the caller's, and the tap as well. */
static const struct oriel_frame *end(struct ahead *ahead)
{
    const struct oriel_frame *frame = ahead->frame;
    *ahead = (struct ahead){.until_ns = INT64_MAX};
    return frame;
}

void ahead_adopt(struct branch *branch)
{
    struct ahead *ahead = &branch->ahead;
    pthread_mutex_lock(&branch->stream->lock);
    bool adopted = !branch->tap && ahead->frame;
    if (adopted) {
        branch->tap = ahead->tap;
        branch->pending = end(ahead);
    }
    pthread_mutex_unlock(&branch->stream->lock);
    if (adopted)
        metric_add(branch->stream->metrics.queue_depth, 1);
    else
        ahead_drop(branch);
}

void ahead_drop(struct branch *branch)
{
    if (branch->ahead.tap)
        render_tap_remove(branch->stream->render, branch->ahead.tap);
    pthread_mutex_lock(&branch->stream->lock);
    const struct oriel_frame *frame = end(&branch->ahead);
    pthread_mutex_unlock(&branch->stream->lock);
    frame_unref(frame);
}
