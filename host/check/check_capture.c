/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/check.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/capture_rig.h"
#include "check/frame_read.h"
#include "check/gl_state.h"
#include "check/fuzz.h"
#include "check/lives.h"
#include "util/clock.h"

enum { WIDTH = 96, HEIGHT = 64 };

static void formats(struct check_run *run)
{
    struct capture_rig rig;
    capture_rig_open(&rig, run);
    struct oriel_format all[256];
    capture_rig_first(&rig, 0, 0);
    uint32_t count = 0;
    while (capture_rig_format(&rig, count, 0, 0, &all[count])) {
        const struct oriel_format *format = &all[count];
        if (format->domain < ORIEL_DOMAIN_CPU || format->domain > ORIEL_DOMAIN_DMABUF)
            check_fail(run, "output_format(%u) has memory domain %u, which is no ORIEL_DOMAIN_*",
                       count, format->domain);
        if (!format->fourcc || format->full_range > 1 || format->reserved)
            check_fail(run,
                       "output_format(%u) has no fourcc, or a range or reserved field that is "
                       "not 0 or 1",
                       count);
        for (uint32_t i = 0; i < count; i++)
            if (memcmp(&all[i], format, sizeof *format) == 0)
                check_fail(run, "output_format(%u) and output_format(%u) are the same format", i,
                           count);
        count++;
    }
    struct oriel_format ignored;
    for (uint32_t index = count; index < UINT32_MAX / 2; index = index * 3 + 1)
        if (capture_rig_format(&rig, index, 0, 0, &ignored))
            check_fail(run, "output_format(%u) is there, and output_format(%u) is not", index,
                       count);
    check_note(run, "%u formats", count);
}

/* ---- the samples ---- */

static void samples(struct check_run *run)
{
    static const uint32_t sizes[][2] = {{WIDTH, HEIGHT}, {37, 21}, {2, 2}, {1, 1}, {130, 7}};
    struct capture_rig rig;
    struct oriel_format format;
    char why[160] = "";
    unsigned checked = 0, refused = 0, unknown = 0;
    capture_rig_open(&rig, run);
    capture_rig_first(&rig, 1, 1);
    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (uint32_t i = 0; capture_rig_format(&rig, i, sizes[s][0], sizes[s][1], &format); i++) {
            rig.target = gl_target(run, format.width, format.height);
            oriel_result result = capture_rig_try(&rig, &format, 1);
            if (result == ORIEL_UNSUPPORTED && *check_failure()) { /* a size, or this machine */
                refused++;
                gl_target_free(&rig.target);
                continue;
            }
            check_created(run, result, "create()");
            for (unsigned picture = 1; picture < 3; picture++) {
                capture_rig_draw(&rig, s * 10 + picture);
                const struct oriel_frame *frame = capture_rig_one(&rig);
                check_doing(run, "reading a frame of %.4s", (const char *)&format.fourcc);
                bool known = frame_check(run, frame, rig.rgba, why, sizeof why);
                checked += known;
                unknown += !known;
                capture_rig_drop(&rig);
            }
            capture_rig_destroy(&rig);
        }
    if (!checked)
        check_skip(run, "none of its formats can be looked at here%s%s", *why ? ": " : "", why);
    check_note(run, "%u pictures right; %u of a format that cannot be looked at, %u refused",
               checked, unknown, refused);
}

static void stamp(struct check_run *run)
{
    struct capture_rig rig;
    capture_rig_open(&rig, run);
    struct oriel_format format = capture_rig_first(&rig, WIDTH, HEIGHT);
    capture_rig_create(&rig, &format, 2);
    for (int round = 0; round < 8; round++) {
        struct oriel_stamp want = capture_rig_stamp(&rig);
        rig.seq--; /* the same again in capture_rig_one() */
        int64_t begun = clock_ns();
        const struct oriel_frame *frame = capture_rig_one(&rig);
        struct oriel_stamp got = frame->stamp;
        if (got.t_captured_ns < begun || got.t_captured_ns > clock_ns())
            check_fail(run, "t_captured_ns is not between grab() and now: the module sets it from "
                            "host->now_ns when it hands the frame out");
        got.t_captured_ns = want.t_captured_ns;
        got.flags &= ~(uint32_t)ORIEL_FRAME_BOTTOM_UP;
        if (memcmp(&got, &want, sizeof got) != 0)
            check_fail(run,
                       "the stamp of picture %llu was changed (seq %llu, revision %llu, flags "
                       "0x%x): all but t_captured_ns and ORIEL_FRAME_BOTTOM_UP is copied",
                       (unsigned long long)want.seq, (unsigned long long)got.seq,
                       (unsigned long long)got.revision, got.flags);
        capture_rig_drop(&rig);
    }
    capture_rig_destroy(&rig);
}

/* ---- the pool ---- */

static void frames_held(struct check_run *run)
{
    enum { HELD = 3 };
    struct capture_rig rig;
    struct oriel_format format;
    capture_rig_open(&rig, run);
    capture_rig_first(&rig, 1, 1);
    for (uint32_t i = 0; capture_rig_format(&rig, i, WIDTH, HEIGHT, &format); i++) {
        if (!capture_rig_leads(&rig, i))
            continue;
        capture_rig_create(&rig, &format, HELD);
        while (rig.count < HELD + 1) /* those, and the one more that is drawn meanwhile */
            capture_rig_one(&rig);
        oriel_result result = ORIEL_OK;
        while (result == ORIEL_OK && rig.count < CAPTURE_FRAMES_MOST) {
            struct oriel_stamp next = capture_rig_stamp(&rig);
            unsigned before = rig.count;
            result = capture_rig_grab(&rig, &rig.target, &next);
            capture_rig_poll(&rig, UINT32_MAX);
            if (rig.count != before + (result == ORIEL_OK))
                check_fail(run, "grab() is %s and %u frames came of it", check_result_name(result),
                           rig.count - before);
        }
        if (result != ORIEL_AGAIN)
            check_fail(run,
                       "grab() is %s with %u frames held of an instance made for %d: AGAIN, once "
                       "the pool is empty",
                       check_result_name(result), rig.count, HELD);
        unsigned most = rig.count;
        check_note(run, "%u frames for %d held", most, HELD);
        for (int round = 0; round < 5; round++) {
            check_frame_unref(rig.frames[--rig.count], NULL);
            capture_rig_one(&rig); /* fails where none comes */
        }
        capture_rig_drop(&rig);
        for (unsigned k = 0; k < most; k++)
            capture_rig_one(&rig);
        capture_rig_drop(&rig);
        capture_rig_destroy(&rig);
    }
}

static void references(struct check_run *run)
{
    struct capture_rig rig;
    struct oriel_format format;
    capture_rig_open(&rig, run);
    capture_rig_first(&rig, 1, 1);
    for (uint32_t i = 0; capture_rig_format(&rig, i, WIDTH, HEIGHT, &format); i++) {
        if (!capture_rig_leads(&rig, i))
            continue;
        capture_rig_create(&rig, &format, 8);
        for (int k = 0; k < 6; k++) {
            capture_rig_one(&rig);
            if (k % 2) /* every other pair is looked at by nobody */
                capture_rig_drop(&rig);
        }
        capture_rig_destroy(&rig);
        if (rig.host->frame_refs != 0)
            check_fail(run,
                       "%d references to frames are still held after destroy(): the module gives "
                       "back what it took",
                       rig.host->frame_refs);
        capture_rig_drop(&rig);
    }
}

static void *drop(void *data)
{
    capture_rig_drop(data);
    return NULL;
}

static void frames_outlive(struct check_run *run)
{
    struct capture_rig rig;
    struct oriel_format format;
    char why[160];
    capture_rig_open(&rig, run);
    capture_rig_first(&rig, 1, 1);
    for (uint32_t i = 0; capture_rig_format(&rig, i, WIDTH, HEIGHT, &format); i++) {
        if (!capture_rig_leads(&rig, i))
            continue;
        capture_rig_create(&rig, &format, 2);
        capture_rig_one(&rig);
        uint8_t *first = rig.rgba;
        rig.rgba = NULL;
        capture_rig_draw(&rig, 7);
        uint8_t *second = gl_target_read(&rig.target);
        capture_rig_one(&rig);
        struct oriel_stamp last = capture_rig_stamp(&rig);
        capture_rig_grab(&rig, &rig.target, &last); /* in flight, or a third one that is out */
        capture_rig_destroy(&rig);
        struct capture_rig later; /* whatever memory it takes, it is not that of the frames */
        capture_rig_open(&later, run);
        capture_rig_create(&later, &format, 2);
        capture_rig_draw(&later, 99);
        capture_rig_one(&later);
        check_doing(run, "reading frames after destroy(): they stay valid until released");
        frame_check(run, rig.frames[0], first, why, sizeof why);
        frame_check(run, rig.frames[1], second, why, sizeof why);
        check_doing(run, "release() of a frame after destroy(), on another thread");
        pthread_t thread;
        if (pthread_create(&thread, NULL, drop, &rig) == 0)
            pthread_join(thread, NULL);
        capture_rig_drop(&rig);
        capture_rig_destroy(&later);
        capture_rig_drop(&later);
        gl_no_error(run, "release()");
        free(first);
        free(second);
    }
}

/* ---- poll ---- */

static void poll_returns(struct check_run *run)
{
    struct capture_rig rig;
    capture_rig_open(&rig, run);
    struct oriel_format format = capture_rig_first(&rig, 1280, 720);
    capture_rig_create(&rig, &format, 2);
    if (capture_rig_poll(&rig, 0) != ORIEL_OK)
        check_fail(run, "poll(0) is AGAIN before the first grab(): nothing is in flight");
    static const uint32_t waits[] = {0, 1000, 20000, UINT32_MAX};
    for (int round = 0; round < 8; round++) {
        struct oriel_stamp now = capture_rig_stamp(&rig);
        capture_rig_grab(&rig, &rig.target, &now);
        uint32_t wait = waits[round % 4];
        int64_t begun = clock_ns();
        capture_rig_poll(&rig, wait);
        double took = (double)(clock_ns() - begun) / 1e6;
        double most = (wait == UINT32_MAX ? 5000 : 100 + wait / 1e3) * run->patience;
        if (took > most)
            check_fail(run, "poll(%u) took %.0f ms: it waits that many microseconds at most", wait,
                       took);
        if (capture_rig_poll(&rig, UINT32_MAX) != ORIEL_OK)
            check_fail(run, "poll(UINT32_MAX) is AGAIN: it waits until nothing is in flight");
        if (rig.count != 1)
            check_fail(run, "%u frames came of one picture", rig.count);
        if (capture_rig_poll(&rig, 0) != ORIEL_OK)
            check_fail(run, "poll(0) is AGAIN when nothing is in flight");
        capture_rig_drop(&rig);
    }
    capture_rig_destroy(&rig);
}

/* ---- refusals ---- */

static void expect_refusal(struct capture_rig *rig, const struct oriel_format *format,
                           const char *what)
{
    struct check_run *run = rig->run;
    oriel_result result = capture_rig_try(rig, format, 1);
    if (result == ORIEL_OK)
        check_fail(run, "create() took %s, which output_format() does not list: UNSUPPORTED", what);
    if (result != ORIEL_UNSUPPORTED && result != ORIEL_NOMEM)
        check_fail(run, "create() with %s is %s: UNSUPPORTED", what, check_result_name(result));
    if (!*check_failure())
        check_fail(run, "create() refused %s without a text: host->fail() says why", what);
    if (rig->self)
        check_fail(run, "create() refused %s and gives an instance", what);
}

static void unoffered(struct check_run *run)
{
    struct capture_rig rig;
    capture_rig_open(&rig, run);
    const struct oriel_format good = capture_rig_first(&rig, WIDTH, HEIGHT);
    struct oriel_format format = good;
    format.fourcc = ORIEL_FOURCC('X', 'X', '1', '7');
    expect_refusal(&rig, &format, "the fourcc XX17");
    format = good;
    format.domain = 77;
    expect_refusal(&rig, &format, "memory domain 77");
    format = good;
    format.matrix = 99;
    expect_refusal(&rig, &format, "matrix 99");
    format = good;
    format.modifier = UINT64_C(0x0123456789abcdef);
    expect_refusal(&rig, &format, "an unknown modifier");
    format = good;
    format.width = 0;
    expect_refusal(&rig, &format, "a picture of 0 pixels");
    format = good;
    format.height = 1u << 31;
    expect_refusal(&rig, &format, "a picture of 2^31 rows");
    capture_rig_create(&rig, &good, 1); /* and goes on */
    capture_rig_one(&rig);
    capture_rig_drop(&rig);
    capture_rig_destroy(&rig);
}

static void wrong_target(struct check_run *run)
{
    struct capture_rig rig;
    capture_rig_open(&rig, run);
    struct oriel_format format = capture_rig_first(&rig, WIDTH, HEIGHT);
    capture_rig_create(&rig, &format, 1);
    static const int off[][2] = {{-16, 0}, {16, 0}, {0, -1}, {0, 1}, {16, -16}};
    for (unsigned i = 0; i < sizeof off / sizeof *off; i++) {
        struct oriel_target target =
            gl_target(run, format.width + (uint32_t)off[i][0], format.height + (uint32_t)off[i][1]);
        struct oriel_stamp now = capture_rig_stamp(&rig);
        oriel_result result = capture_rig_grab(&rig, &target, &now);
        if (result == ORIEL_OK || result == ORIEL_AGAIN || rig.count)
            check_fail(
                run,
                "grab() of a target of %ux%u by an instance of %ux%u is %s: INVALID; another "
                "size is another instance",
                target.width, target.height, format.width, format.height,
                check_result_name(result));
        gl_target_free(&target);
    }
    capture_rig_one(&rig); /* and goes on */
    capture_rig_drop(&rig);
    capture_rig_destroy(&rig);
}

static void no_gl(struct check_run *run)
{
    struct capture_rig rig;
    capture_rig_open(&rig, run);
    struct oriel_format format = capture_rig_first(&rig, WIDTH, HEIGHT);
    struct check_host *bare = check_host_new(run, CHECK_HOST_MINIMAL);
    gl_leave();
    check_doing(run, "create() by a host without oriel.host.gl/1");
    rig.format = format;
    oriel_result result =
        rig.capture->create(&bare->host, rig.config, &format, 1, &rig.sink, &rig.self);
    const char *why = check_failure();
    if (result == ORIEL_OK) { /* it needs a context no sooner than it gets a target */
        rig.capture->destroy(rig.self);
        check_note(run, "OK");
    } else if (!*why) {
        check_fail(run,
                   "create() is %s without oriel.host.gl/1, without a text: host->fail() says why",
                   check_result_name(result));
    } else {
        check_note(run, "%s", why);
    }
    gl_enter();
}

static void future_host(struct check_run *run)
{
    struct capture_rig rig;
    char why[160];
    capture_rig_open(&rig, run);
    rig.host = gl_host(run, CHECK_HOST_FUTURE);
    struct oriel_format format = capture_rig_first(&rig, WIDTH, HEIGHT);
    capture_rig_create(&rig, &format, 2);
    for (unsigned picture = 1; picture < 4; picture++) {
        capture_rig_draw(&rig, picture);
        frame_check(run, capture_rig_one(&rig), rig.rgba, why, sizeof why);
        capture_rig_drop(&rig);
    }
    capture_rig_destroy(&rig);
}

/* ---- what it leaves behind ---- */

struct watch {
    struct capture_rig *rig;
    struct gl_state *before;
};

static void unchanged(struct watch *watch, const char *call)
{
    struct gl_state *after = gl_state_read();
    char text[256];
    if (!gl_state_same(watch->before, after, text, sizeof text))
        check_fail(watch->rig->run, "%s left the GL state changed: %s", call, text);
    free(after);
}

static void gl_state(struct check_run *run)
{
    struct capture_rig rig;
    struct oriel_format format;
    capture_rig_open(&rig, run);
    capture_rig_first(&rig, 1, 1);
    for (int unusual = 0; unusual < 2; unusual++)
        for (uint32_t i = 0; capture_rig_format(&rig, i, WIDTH, HEIGHT, &format); i++) {
            rig.target = gl_target(run, format.width, format.height);
            capture_rig_draw(&rig, 3);
            struct gl_unusual *odd = unusual ? gl_unusual_begin() : NULL;
            struct watch watch = {.rig = &rig, .before = gl_state_read()};
            oriel_result result = capture_rig_try(&rig, &format, 1);
            unchanged(&watch, "create()");
            if (result == ORIEL_OK) {
                struct oriel_stamp now = capture_rig_stamp(&rig);
                capture_rig_grab(&rig, &rig.target, &now);
                unchanged(&watch, "grab()");
                capture_rig_poll(&rig, UINT32_MAX);
                unchanged(&watch, "poll()");
                rig.capture->destroy(rig.self);
                rig.self = NULL;
                unchanged(&watch, "destroy()");
                capture_rig_drop(&rig);
                unchanged(&watch, "release()");
            }
            free(watch.before);
            if (odd)
                gl_unusual_end(odd);
            capture_rig_destroy(&rig);
        }
}

static void cuda_stack(struct check_run *run)
{
    struct capture_rig rig;
    capture_rig_open(&rig, run);
    struct oriel_format format = capture_rig_first(&rig, WIDTH, HEIGHT);
    const char *absent = gl_cuda_absent(run);
    if (absent)
        check_skip(run, "no CUDA here: %s", absent);
    void *before = gl_cuda_context();
    capture_rig_create(&rig, &format, 1);
    static const char *const calls[] = {"create()", "grab()", "poll()", "release()", "destroy()"};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct oriel_stamp now = capture_rig_stamp(&rig);
        if (i == 1)
            capture_rig_grab(&rig, &rig.target, &now);
        if (i == 2)
            capture_rig_poll(&rig, UINT32_MAX);
        if (i == 3)
            capture_rig_drop(&rig);
        if (i == 4)
            capture_rig_destroy(&rig);
        if (gl_cuda_context() != before)
            check_fail(run, "%s left another CUDA context current: what is pushed is popped",
                       calls[i]);
    }
}

/* ---- many ---- */

static void two_instances(struct check_run *run)
{
    struct capture_rig a, b;
    struct oriel_format format, other;
    char why[160];
    capture_rig_open(&a, run);
    capture_rig_open(&b, run);
    capture_rig_first(&a, 1, 1);
    for (uint32_t i = 0; capture_rig_format(&a, i, WIDTH, HEIGHT, &format); i++) {
        if (!capture_rig_leads(&a, i))
            continue;
        capture_rig_format(&a, i, 61, 43, &other);
        capture_rig_create(&a, &format, 2);
        capture_rig_create(&b, &other, 2);
        for (unsigned round = 0; round < 6; round++) {
            capture_rig_draw(&a, 20 + round);
            capture_rig_draw(&b, 40 + round);
            struct oriel_stamp now = capture_rig_stamp(&a);
            capture_rig_grab(&a, &a.target, &now); /* in flight while the other works */
            frame_check(run, capture_rig_one(&b), b.rgba, why, sizeof why);
            capture_rig_poll(&a, UINT32_MAX);
            if (a.count != 1)
                check_fail(run, "%u frames came of one picture of one of two instances", a.count);
            frame_check(run, a.frames[0], a.rgba, why, sizeof why);
            capture_rig_drop(&a);
            capture_rig_drop(&b);
        }
        capture_rig_destroy(&a);
        capture_rig_draw(&b, 90);
        frame_check(run, capture_rig_one(&b), b.rgba, why, sizeof why);
        capture_rig_drop(&b);
        capture_rig_destroy(&b);
    }
}

static void flat(struct check_run *run)
{
    struct capture_rig rig;
    struct oriel_format format;
    capture_rig_open(&rig, run);
    capture_rig_first(&rig, 1, 1);
    uint32_t lead = 0;
    for (uint32_t i = 0; capture_rig_format(&rig, i, 256, 256, &format); i++) {
        if (!capture_rig_leads(&rig, i))
            continue;
        struct gl_flat count = {.rounds = 450, .warm = 50, .most = 16 << 20};
        while (count.done < count.rounds) {
            capture_rig_format(&rig, i, 250 + count.done % 7, 256, &format);
            rig.target = gl_target(run, format.width, format.height);
            oriel_result result = capture_rig_try(&rig, &format, 2);
            check_created(run, result, "create()");
            if (count.done % 4) { /* every fourth is let go at once */
                struct oriel_stamp now = capture_rig_stamp(&rig);
                capture_rig_grab(&rig, &rig.target, &now);
                if (count.done % 2)
                    capture_rig_poll(&rig, UINT32_MAX);
            }
            capture_rig_destroy(&rig);
            capture_rig_drop(&rig);
            gl_flat_round(run, &count);
        }
        lead++;
    }
    check_note(run, "%u memory domains, 450 instances each", lead);
}

const struct check check_capture[] = {
    {"capture.formats",
     "output_format() lists distinct formats and is UNSUPPORTED past the end, on every index.",
     CHECK_CAPTURE, 10, formats},
    {"capture.samples",
     "Frames of every listed format have the picture's samples within two levels, at even and odd "
     "sizes, with rows as ORIEL_FRAME_BOTTOM_UP says.",
     CHECK_CAPTURE, 60, samples},
    {"capture.stamp",
     "The stamp of grab() is in the frame unchanged but for t_captured_ns and "
     "ORIEL_FRAME_BOTTOM_UP.",
     CHECK_CAPTURE, 10, stamp},
    {"capture.frames_held",
     "With frames_held frames out one more comes; once the pool is empty grab() is AGAIN, and OK "
     "again when a frame has come back.",
     CHECK_CAPTURE, 20, frames_held},
    {"capture.references", "The module gives back every reference that it takes to a frame.",
     CHECK_CAPTURE, 20, references},
    {"capture.frames_outlive",
     "Frames that are held stay valid after destroy(), and are released on any thread.",
     CHECK_CAPTURE, 20, frames_outlive},
    {"capture.poll",
     "poll() waits no longer than it is told, and UINT32_MAX waits until nothing is in flight.",
     CHECK_CAPTURE, 30, poll_returns},
    {"capture.unoffered",
     "create() with a format that is not listed, or a size that cannot be, is UNSUPPORTED with a "
     "text.",
     CHECK_CAPTURE, 10, unoffered},
    {"capture.wrong_target", "grab() of a target of another size is refused, and no frame comes.",
     CHECK_CAPTURE, 10, wrong_target},
    {"capture.no_gl",
     "create() by a host without OpenGL is refused with a text, if it is refused, and does not "
     "crash.",
     CHECK_CAPTURE, 10, no_gl},
    {"capture.future_host",
     "It works on a host of a later minor, and does not look behind the members that it knows.",
     CHECK_CAPTURE, 10, future_host},
    {"capture.gl_state", "Every call leaves the GL state as it was.", CHECK_CAPTURE, 30, gl_state},
    {"capture.cuda_stack", "Every call leaves the stack of CUDA contexts as it was.", CHECK_CAPTURE,
     20, cuda_stack},
    {"capture.two_instances", "Two instances in turn make the frames of one alone.", CHECK_CAPTURE,
     20, two_instances},
    {"capture.flat",
     "Instances made and destroyed leave no memory, descriptor, thread or OpenGL object behind.",
     CHECK_CAPTURE, 120, flat},
    {"capture.fuzz", FUZZ_WANTS, CHECK_CAPTURE, 60, fuzz_options},
    {"capture.interface", LIVES_INTERFACE_WANTS, CHECK_CAPTURE, 30, lives_interface},
    {"capture.manners", LIVES_MANNERS_WANTS, CHECK_CAPTURE, 30, lives_manners},
};
const size_t check_capture_count = sizeof check_capture / sizeof *check_capture;
