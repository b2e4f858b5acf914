/* SPDX-License-Identifier: BSD-3-Clause */
/* What makes pictures prompt on machines with a GPU and cores to spare. Neither has to be there:
 * the order of things is what is tested. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <epoxy/gl.h>
#include <sched.h>

#include "fixture.h"
#include "render/egl.h"
#include "rig.h"
#include "util/clock.h"

/* ---- the machine ---- */

static atomic_bool hardware;
static atomic_uint cores;

const struct oriel_host_gl *__real_egl_host_gl(const struct egl *egl);
const struct oriel_host_gl *__wrap_egl_host_gl(const struct egl *egl);

/* One context at a time. */
const struct oriel_host_gl *__wrap_egl_host_gl(const struct egl *egl)
{
    static _Thread_local struct oriel_host_gl gl;
    gl = *__real_egl_host_gl(egl);
    gl.software = !atomic_load(&hardware);
    return &gl;
}

unsigned __wrap_thread_cores(void);

unsigned __wrap_thread_cores(void)
{
    return atomic_load(&cores);
}

/* ---- the render thread, awake ---- */

static atomic_int yields;
static atomic_bool parked; /* who yields stays there, for 3 s at most */
static atomic_bool in_yield;
static atomic_bool
    holding; /* who signals a condition holds its mutex until the other has yielded */
static atomic_bool was_awake, stayed_awake;

int __real_sched_yield(void);
int __wrap_sched_yield(void);

int __wrap_sched_yield(void)
{
    atomic_store(&in_yield, true);
    atomic_fetch_add(&yields, 1);
    for (int i = 0; i < 3000 && atomic_load(&parked); i++)
        rig_sleep_ms(1);
    atomic_store(&in_yield, false);
    return __real_sched_yield();
}

int __real_pthread_cond_signal(pthread_cond_t *cond);
int __wrap_pthread_cond_signal(pthread_cond_t *cond);

int __wrap_pthread_cond_signal(pthread_cond_t *cond)
{
    if (atomic_exchange(&holding, false)) {
        atomic_store(&was_awake, atomic_load(&in_yield));
        int before = atomic_load(&yields);
        atomic_store(&parked, false);
        atomic_store(&stayed_awake, rig_wait(&yields, before + 3));
    }
    return __real_pthread_cond_signal(cond);
}

/* ---- OpenGL, watched ---- */

static GLsync (*real_fence)(GLenum condition, GLbitfield flags);
static void (*real_flush)(void);
static atomic_int fences, flushes; /* flushes: after a fence */
static _Atomic int64_t fence_ns;

/* Epoxy puts the driver's function in the place of its own at the first call. */
static GLsync fence(GLenum condition, GLbitfield flags)
{
    atomic_store(&fence_ns, clock_ns());
    epoxy_glFenceSync = real_fence;
    GLsync sync = glFenceSync(condition, flags);
    real_fence = epoxy_glFenceSync;
    epoxy_glFenceSync = fence;
    atomic_fetch_add(&fences, 1);
    return sync;
}

static void flush(void)
{
    epoxy_glFlush = real_flush;
    glFlush();
    real_flush = epoxy_glFlush;
    epoxy_glFlush = flush;
    atomic_store(&flushes, atomic_load(&fences));
}

static int watch(void **state)
{
    (void)state;
    real_fence = epoxy_glFenceSync;
    real_flush = epoxy_glFlush;
    epoxy_glFenceSync = fence;
    epoxy_glFlush = flush;
    return 0;
}

/* ---- */

static void make(struct fixture *f, bool gpu, unsigned with_cores)
{
    atomic_store(&hardware, gpu);
    atomic_store(&cores, with_cores);
    fixture_prepare(f, 3, fixture_plane, fixture_tiles, 1);
    atomic_store(&fake_capture.cuda, gpu);
    struct error err = {""};
    f->painter = painter_create(&f->setup, &err);
    if (!f->painter)
        fail_msg("%s", err.text);
}

/* A picture, and all that follows from it. */
static void show_first(struct fixture *f)
{
    fixture_post(f, fixture_slice(f, 1, 0));
    assert_true(rig_wait(&f->complete, 1));
    int draws, reads;
    do {
        draws = atomic_load(&fake_scene.draws);
        reads = atomic_load(&fake_source.reads);
        rig_sleep_ms(150);
    } while (draws != atomic_load(&fake_scene.draws) || reads != atomic_load(&fake_source.reads));
}

/* Reads that have begun before the first picture of another slice was drawn. */
static int reads_before_picture(bool gpu)
{
    static struct fixture f;
    make(&f, gpu, 2);
    fixture_tap(&f);
    show_first(&f);
    int before = atomic_load(&fake_source.reads);
    atomic_store(&fake_scene.draw_ms, 200);
    fixture_post(&f, fixture_slice(&f, 2, 10)); /* too far to be there already */
    assert_true(fixture_shows(&f, 2));
    int reads = atomic_load(&fake_scene.reads) - before;
    for (int i = 0; i < 5000 && !(fixture_last(&f).flags & ORIEL_FRAME_COMPLETE); i++)
        rig_sleep_ms(1);
    assert_true(fixture_last(&f).flags & ORIEL_FRAME_COMPLETE); /* it is told at last */
    fixture_finish(&f);
    return reads;
}

static void a_gpu_draws_before_the_loader_is_told(void **state)
{
    (void)state;
    assert_int_equal(reads_before_picture(true), 0);
}

static void the_loader_reads_while_software_draws(void **state)
{
    (void)state;
    assert_true(reads_before_picture(false) > 0);
}

static const struct oriel_format cuda_nv12 = {.domain = ORIEL_DOMAIN_CUDA,
                                              .fourcc = ORIEL_FMT_NV12,
                                              .primaries = ORIEL_PRIMARIES_BT709,
                                              .transfer = ORIEL_TRANSFER_SRGB,
                                              .matrix = ORIEL_MATRIX_BT709};

/* The encoder has the GPU for a few milliseconds after a picture; then it becomes OpenGL's again,
 * once, and not only when the next picture is drawn. */
static void the_gpu_is_taken_back_from_cuda(void **state)
{
    (void)state;
    static struct fixture f;
    make(&f, true, 2);
    taps_add(f.taps, &(struct render_tap){
                         .format = cuda_nv12, .frames_held = 1, .frame = fixture_take, .data = &f});
    painter_wake(f.painter);
    show_first(&f);
    for (uint64_t r = 2; r < 5; r++) {
        int before = atomic_load(&fences);
        fixture_post(&f, fixture_slice(&f, r, 0));
        assert_true(fixture_shows(&f, r));
        assert_true(rig_wait(&fences, before + 1));
        assert_true(rig_wait(&flushes, before + 1)); /* it does not stay in a queue */
        assert_true(atomic_load(&fence_ns) - fixture_last(&f).t_drawn_ns >= 2 * NS_PER_MS);
        rig_sleep_ms(150);
        assert_int_equal(atomic_load(&fences), before + 1);
    }
    fixture_finish(&f);
}

static void there_is_nothing_to_take_back_without_cuda(void **state)
{
    (void)state;
    static struct fixture f;
    make(&f, true, 2);
    fixture_tap(&f);
    int before = atomic_load(&fences);
    show_first(&f);
    assert_int_equal(atomic_load(&fences), before);
    fixture_finish(&f);
}

/* While a snapshot is made, the thread waits awake and without the lock: who posts waits for
 * nothing, and nobody has to wake it. */
static void the_thread_is_awake_when_a_snapshot_comes(void **state)
{
    (void)state;
    static struct fixture f;
    make(&f, false, 8);
    fixture_tap(&f);
    show_first(&f);
    atomic_store(&yields, 0);
    atomic_store(&parked, true);
    for (int i = 0; i < 500 && !atomic_load(&yields); i++) { /* machines are busy at times */
        painter_expect(f.painter);
        rig_sleep_ms(2);
    }
    assert_true(atomic_load(&yields) > 0);
    atomic_store(&holding, true);
    fixture_post(&f, fixture_slice(&f, 2, 0));
    assert_true(atomic_load(&was_awake)); /* it was there while the snapshot was handed over, … */
    assert_true(atomic_load(&stayed_awake)); /* … and while the lock was still another's */
    assert_true(fixture_shows(&f, 2));
    rig_sleep_ms(50);
    int then = atomic_load(&yields);
    rig_sleep_ms(100);
    assert_int_equal(atomic_load(&yields), then);
    /* What was expected and does not come is not waited for. */
    painter_expect(f.painter);
    rig_sleep_ms(50);
    then = atomic_load(&yields);
    rig_sleep_ms(100);
    assert_int_equal(atomic_load(&yields), then);
    fixture_finish(&f);
}

static void the_thread_sleeps_where_cores_are_few(void **state)
{
    (void)state;
    static struct fixture f;
    make(&f, false, 3);
    fixture_tap(&f);
    show_first(&f);
    atomic_store(&yields, 0);
    for (int i = 0; i < 20; i++) {
        painter_expect(f.painter);
        rig_sleep_ms(2);
    }
    assert_int_equal(atomic_load(&yields), 0);
    fixture_finish(&f);
}

static int abandon(void **state)
{
    atomic_store(&parked, false);
    atomic_store(&holding, false);
    return fixture_abandon(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_gpu_draws_before_the_loader_is_told, abandon),
        cmocka_unit_test_teardown(the_loader_reads_while_software_draws, abandon),
        cmocka_unit_test_teardown(the_gpu_is_taken_back_from_cuda, abandon),
        cmocka_unit_test_teardown(there_is_nothing_to_take_back_without_cuda, abandon),
        cmocka_unit_test_teardown(the_thread_is_awake_when_a_snapshot_comes, abandon),
        cmocka_unit_test_teardown(the_thread_sleeps_where_cores_are_few, abandon),
    };
    return cmocka_run_group_tests(tests, watch, NULL);
}
