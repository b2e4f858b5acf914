/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/capture_rig.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_t caller; /* the thread of the test that runs */

static void take(const struct oriel_frame_sink *sink, const struct oriel_frame *frame)
{
    struct capture_rig *rig = sink->data;
    if (!rig->calling || !pthread_equal(pthread_self(), caller)) {
        check_blame(rig->run, "a frame came from no grab() and no poll(): the sink is called on "
                              "the render thread within one of them");
        return;
    }
    for (unsigned i = 0; i < rig->count; i++)
        if (rig->frames[i] == frame) {
            check_blame(rig->run,
                        "a frame was handed out again while a reference to it is held: it is "
                        "immutable until its release()");
            return;
        }
    if (frame->size < sizeof *frame || !frame->release)
        check_blame(rig->run, "a frame has no size or no release()");
    else if (memcmp(&frame->format, &rig->format, sizeof frame->format) != 0)
        check_blame(rig->run, "a frame has another format than the one given to create()");
    if (rig->count == CAPTURE_FRAMES_MOST)
        return;
    check_frame_ref(frame);
    rig->frames[rig->count++] = frame;
}

void capture_rig_open(struct capture_rig *rig, struct check_run *run)
{
    memset(rig, 0, sizeof *rig);
    caller = pthread_self();
    rig->run = run;
    rig->capture = run->vtable;
    rig->host = gl_host(run, CHECK_HOST_USUAL);
    rig->config = check_config(run, rig->capture->options, NULL);
    rig->sink = (struct oriel_frame_sink){.size = sizeof rig->sink, .frame = take, .data = rig};
}

bool capture_rig_format(struct capture_rig *rig, uint32_t index, uint32_t width, uint32_t height,
                        struct oriel_format *format)
{
    memset(format, 0, sizeof *format);
    check_doing(rig->run, "output_format(%u)", index);
    oriel_result result = rig->capture->output_format(&rig->host->host, index, format);
    gl_no_error(rig->run, "output_format()");
    if (result == ORIEL_UNSUPPORTED)
        return false;
    if (result != ORIEL_OK)
        check_fail(rig->run,
                   "output_format(%u) is %s: it is OK, or UNSUPPORTED past the end of "
                   "the list",
                   index, check_result_name(result));
    if (index >= 256)
        check_fail(rig->run, "output_format() lists more than 256 formats: past the end it is "
                             "UNSUPPORTED");
    format->width = format->width ? format->width : width;
    format->height = format->height ? format->height : height;
    format->primaries = format->primaries ? format->primaries : ORIEL_PRIMARIES_BT709;
    format->transfer = format->transfer ? format->transfer : ORIEL_TRANSFER_SRGB;
    return true;
}

struct oriel_format capture_rig_first(struct capture_rig *rig, uint32_t width, uint32_t height)
{
    struct oriel_format format;
    if (!capture_rig_format(rig, 0, width, height, &format)) {
        const char *why = check_failure();
        check_skip(rig->run, "it lists no format on this machine%s%s", *why ? ": " : "", why);
    }
    return format;
}

bool capture_rig_leads(struct capture_rig *rig, uint32_t index)
{
    struct oriel_format format, other;
    capture_rig_format(rig, index, 1, 1, &format);
    for (uint32_t i = 0; i < index; i++)
        if (capture_rig_format(rig, i, 1, 1, &other) && other.domain == format.domain)
            return false;
    return true;
}

oriel_result capture_rig_try(struct capture_rig *rig, const struct oriel_format *format,
                             uint32_t frames_held)
{
    check_doing(rig->run, "create() with %.4s at %ux%u in memory domain %u%s",
                (const char *)&format->fourcc, format->width, format->height, format->domain,
                rig->with ? rig->with : "");
    rig->format = *format;
    rig->held = frames_held;
    rig->self = NULL;
    oriel_result result = rig->capture->create(&rig->host->host, rig->config, format, frames_held,
                                               &rig->sink, &rig->self);
    gl_no_error(rig->run, "create()");
    if (result == ORIEL_OK && !rig->self)
        check_fail(rig->run, "create() is OK and gives no instance");
    return result;
}

void capture_rig_create(struct capture_rig *rig, const struct oriel_format *format,
                        uint32_t frames_held)
{
    rig->target = gl_target(rig->run, format->width, format->height);
    capture_rig_draw(rig, 1);
    check_created(rig->run, capture_rig_try(rig, format, frames_held), "create()");
}

void capture_rig_draw(struct capture_rig *rig, unsigned picture)
{
    gl_target_picture(&rig->target, picture);
    free(rig->rgba);
    rig->rgba = gl_target_read(&rig->target);
}

void capture_rig_destroy(struct capture_rig *rig)
{
    if (rig->self) {
        check_doing(rig->run, "destroy()");
        rig->capture->destroy(rig->self);
        rig->self = NULL;
        gl_no_error(rig->run, "destroy()");
    }
    gl_target_free(&rig->target);
    free(rig->rgba);
    rig->rgba = NULL;
}

struct oriel_stamp capture_rig_stamp(struct capture_rig *rig)
{
    uint64_t seq = ++rig->seq;
    return (struct oriel_stamp){.seq = seq,
                                .revision = 1000 + seq,
                                .pts_ns = 2000 + (int64_t)seq,
                                .t_input_ns = 3000 + (int64_t)seq,
                                .t_begin_ns = 4000 + (int64_t)seq,
                                .t_drawn_ns = 5000 + (int64_t)seq,
                                .flags = ORIEL_FRAME_COMPLETE | ORIEL_FRAME_REPEAT,
                                .level = 3,
                                .level_count = 7,
                                .coverage = 0.625f,
                                .outstanding = 6000 + seq};
}

static oriel_result ended(struct capture_rig *rig, const char *call, oriel_result result)
{
    rig->calling = false;
    check_blamed(rig->run);
    gl_no_error(rig->run, call);
    return result;
}

oriel_result capture_rig_grab(struct capture_rig *rig, const struct oriel_target *target,
                              const struct oriel_stamp *stamp)
{
    check_doing(rig->run, "grab() of picture %llu", (unsigned long long)stamp->seq);
    rig->calling = true;
    return ended(rig, "grab()", rig->capture->grab(rig->self, target, stamp));
}

oriel_result capture_rig_poll(struct capture_rig *rig, uint32_t wait)
{
    check_doing(rig->run, "poll(%u)", wait);
    rig->calling = true;
    oriel_result result = rig->capture->poll(rig->self, wait);
    if (result != ORIEL_OK && result != ORIEL_AGAIN)
        check_fail(rig->run, "poll(%u) is %s (%s): it is OK, or AGAIN while pictures are in flight",
                   wait, check_result_name(result), check_failure());
    return ended(rig, "poll()", result);
}

const struct oriel_frame *capture_rig_one(struct capture_rig *rig)
{
    unsigned before = rig->count;
    struct oriel_stamp stamp = capture_rig_stamp(rig);
    oriel_result result = capture_rig_grab(rig, &rig->target, &stamp);
    if (result != ORIEL_OK)
        check_fail(rig->run,
                   "grab() is %s (%s) with %u frames held of an instance made for %u: one more can "
                   "always be drawn, those that came back are used again",
                   check_result_name(result), check_failure(), before, rig->held);
    if (capture_rig_poll(rig, UINT32_MAX) != ORIEL_OK)
        check_fail(rig->run, "poll(UINT32_MAX) is AGAIN: it waits until nothing is in flight");
    if (rig->count != before + 1)
        check_fail(rig->run, "%u frames came of one picture: it is one", rig->count - before);
    return rig->frames[before];
}

void capture_rig_drop(struct capture_rig *rig)
{
    while (rig->count)
        check_frame_unref(rig->frames[--rig->count], NULL);
}
