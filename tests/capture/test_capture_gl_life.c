/* SPDX-License-Identifier: BSD-3-Clause */
/* How long frames in mapped memory live: longer than the instance and than the context that they
 * were made with, let go on threads that draw something else, and nothing stays behind. */
#include <dirent.h>
#include <epoxy/egl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "picture.h"
#include "stage.h"

static struct stage stage;
static bool staged;

#define NEED_STAGE()                                                                               \
    do {                                                                                           \
        if (!staged) {                                                                             \
            print_message("left out: no OpenGL 4.5 or no module\n");                               \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static const struct oriel_stamp stamp = {.seq = 1};

static struct oriel_format format_of(uint32_t fourcc, uint32_t width, uint32_t height)
{
    struct oriel_format format = {0};
    for (uint32_t i = 0; format.fourcc != fourcc; i++)
        assert_int_equal(stage.capture->output_format(&stage.host, i, &format), ORIEL_OK);
    format.width = width;
    format.height = height;
    return format;
}

static void *create(const struct oriel_format *format, uint32_t held)
{
    void *self = NULL;
    if (stage.capture->create(&stage.host, &stage.config, format, held, &stage.sink, &self))
        fail_msg("%s", stage.failure);
    return self;
}

static const struct oriel_frame *grab(void *self, const struct oriel_target *target)
{
    assert_int_equal(stage.capture->grab(self, target, &stamp), ORIEL_OK);
    return stage.got[stage.count - 1];
}

/* An RGBA frame has these pixels. */
static void check(const struct oriel_frame *frame, const uint8_t *rgba)
{
    stage_wait(frame);
    const struct oriel_plane *plane = &frame->planes[0];
    const uint8_t *there = (const uint8_t *)(uintptr_t)plane->handle + plane->offset;
    size_t row = 4 * (size_t)frame->format.width;
    for (uint32_t y = 0; y < frame->format.height; y++)
        assert_memory_equal(there + (size_t)y * plane->stride, rgba + y * row, row);
}

static void make_current(void *context)
{
    assert_true(eglMakeCurrent(stage.display, EGL_NO_SURFACE, EGL_NO_SURFACE, context));
}

/* From here on it is this context that draws. */
static void draw_with(void *context)
{
    make_current(context);
    stage.gl.egl_context = (uintptr_t)context;
}

static unsigned buffers(void)
{
    unsigned count = 0;
    for (GLuint name = 1; name < 5000; name++)
        count += glIsBuffer(name);
    return count;
}

static unsigned threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    while (readdir(tasks))
        count++;
    closedir(tasks);
    return count;
}

/* KiB. A hundred OpenGL contexts would be 240 MiB on a software renderer. */
static unsigned resident(void)
{
    unsigned long all, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &all, &pages), 2);
    fclose(file);
    return (unsigned)(pages * (unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

static void *let_go(void *data)
{
    (void)data;
    stage_drop_frames(&stage);
    return NULL;
}

/* What a thread that draws something else finds as it left it. */
static void *let_go_while_drawing(void *data)
{
    void *own = data;
    eglBindAPI(EGL_OPENGL_API);
    make_current(own);
    GLuint buffer;
    glCreateBuffers(1, &buffer);
    glBindBuffer(GL_ARRAY_BUFFER, buffer);
    glViewport(1, 2, 3, 4);
    stage_drop_frames(&stage);
    GLint bound, viewport[4];
    assert_ptr_equal(eglGetCurrentContext(), own);
    assert_int_equal(eglQueryAPI(), EGL_OPENGL_API);
    glGetIntegerv(GL_ARRAY_BUFFER_BINDING, &bound);
    glGetIntegerv(GL_VIEWPORT, viewport);
    assert_int_equal(bound, buffer);
    assert_int_equal(viewport[3], 4);
    assert_int_equal(glGetError(), GL_NO_ERROR);
    glDeleteBuffers(1, &buffer);
    make_current(EGL_NO_CONTEXT);
    return NULL;
}

static void on_a_thread(void *(*body)(void *), void *data)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, data), 0);
    pthread_join(thread, NULL);
}

static void frames_outlive_their_context(void **state)
{
    (void)state;
    NEED_STAGE();
    struct oriel_format format = format_of(ORIEL_FMT_RGBA, 65, 33);
    uint8_t *first = picture_noise(65, 33, 1), *second = picture_noise(65, 33, 2);
    void *other = stage_context(&stage, NULL);
    for (int way = 0; way < 3; way++) {
        void *context = stage_context(&stage, NULL);
        draw_with(context);
        struct oriel_target one = target_create(65, 33, first), two = target_create(65, 33, second);
        void *self = create(&format, 2);
        grab(self, &one);
        grab(self, &two);
        stage.capture->destroy(self);
        target_destroy(&one);
        target_destroy(&two);
        make_current(EGL_NO_CONTEXT);
        assert_true(eglDestroyContext(stage.display, context));
        check(stage.got[0], first);
        check(stage.got[1], second);
        draw_with(stage.context);
        if (way == 0)
            stage_drop_frames(&stage); /* while a renderer that came later draws */
        else
            on_a_thread(way == 1 ? let_go : let_go_while_drawing, other);
        assert_ptr_equal(eglGetCurrentContext(), stage.context);
    }
    eglDestroyContext(stage.display, other);
    free(first);
    free(second);
}

/* A context may get the address of one whose frames are still out. */
static void contexts_follow_each_other(void **state)
{
    (void)state;
    NEED_STAGE();
    enum { ROUNDS = 12 };
    struct oriel_format format = format_of(ORIEL_FMT_RGBA, 16, 16);
    uint8_t *rgba[ROUNDS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        rgba[i] = picture_noise(16, 16, i + 5);
        void *context = stage_context(&stage, NULL);
        draw_with(context);
        struct oriel_target target = target_create(16, 16, rgba[i]);
        void *self = create(&format, 1);
        grab(self, &target);
        stage.capture->destroy(self);
        make_current(EGL_NO_CONTEXT);
        eglDestroyContext(stage.display, context);
    }
    draw_with(stage.context);
    for (unsigned i = 0; i < ROUNDS; i++) {
        check(stage.got[i], rgba[i]);
        free(rgba[i]);
    }
    stage_drop_frames(&stage);
}

/* The context that draws is known by what it shares, not by its address alone. */
static void another_context_than_is_said(void **state)
{
    (void)state;
    NEED_STAGE();
    draw_with(stage.context);
    struct oriel_format format = format_of(ORIEL_FMT_RGBA, 16, 16);
    void *self = create(&format, 1), *other = stage_context(&stage, NULL), *none = NULL;
    make_current(other);
    assert_int_equal(
        stage.capture->create(&stage.host, &stage.config, &format, 1, &stage.sink, &none),
        ORIEL_UNSUPPORTED);
    assert_string_equal(stage.failure, "no second OpenGL context to share with");
    make_current(stage.context);
    eglDestroyContext(stage.display, other);
    stage.capture->destroy(self);
}

static void a_thousand_instances(void **state)
{
    (void)state;
    NEED_STAGE();
    draw_with(stage.context);
    unsigned buffers_before = buffers(), threads_before = 0, resident_before = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t width = 16 + 7 * (i % 13), height = 16 + 5 * (i % 11);
        uint8_t *rgba = picture_noise(width, height, i);
        struct oriel_target target = target_create(width, height, rgba);
        struct oriel_format format = format_of(ORIEL_FMT_RGBA, width, height);
        void *self = create(&format, 2);
        const struct oriel_frame *frame = grab(self, &target);
        while (stage.capture->poll(self, 100) == ORIEL_AGAIN) {
        }
        check(frame, rgba);
        stage.capture->destroy(self); /* with a frame that is out */
        target_destroy(&target);
        free(rgba);
        if (i % 10 == 9) /* each tenth time nothing is left, not even the module's context */
            stage_drop_frames(&stage);
        if (i == 9) {
            threads_before = threads();
            resident_before = resident();
        }
    }
    assert_int_equal(stage.count, 0);
    assert_int_equal(buffers(), buffers_before);
    print_message("%u KiB, then %u\n", resident_before, resident());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they keep what was freed */
    assert_in_range(resident(), 0, resident_before + 100 * 1024);
#endif
    assert_in_range(threads(), 0, threads_before + 3); /* a driver may have its own */
    assert_int_equal(glGetError(), GL_NO_ERROR);
}

/* Two formats of one picture, as two branches want them, and another size takes their place. */
static void two_instances_and_a_hundred_sizes(void **state)
{
    (void)state;
    NEED_STAGE();
    unsigned before = buffers();
    void *old[2] = {NULL, NULL};
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t width = 32 + i, height = 80 - i / 2;
        uint8_t *rgba = picture_noise(width, height, i);
        struct oriel_target target = target_create(width, height, rgba);
        struct oriel_format format = format_of(ORIEL_FMT_RGBA, width, height),
                            luma = format_of(ORIEL_FMT_NV12, width, height);
        void *self[2] = {create(&format, 2), create(&luma, 2)};
        for (int k = 0; k < 2; k++)
            stage.capture->destroy(old[k]);
        memcpy(old, self, sizeof(old));
        const struct oriel_frame *first = grab(self[0], &target);
        grab(self[1], &target);
        target_destroy(&target); /* the GPU keeps what it still reads */
        assert_int_equal(stage.capture->poll(self[0], UINT32_MAX), ORIEL_OK);
        check(first, rgba);
        if (stage.count > 10)
            stage_drop_frames(&stage);
        free(rgba);
    }
    for (int k = 0; k < 2; k++)
        stage.capture->destroy(old[k]);
    stage_drop_frames(&stage);
    assert_int_equal(buffers(), before);
}

/* ---- frames that go back on other threads while new instances are made ---- */

enum { READERS = 3, PICTURES = 300 };
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t come;
    const struct oriel_frame *frames[16];
    unsigned count;
    bool end;
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .come = PTHREAD_COND_INITIALIZER};

static void *reader(void *data)
{
    void *own = data; /* or none */
    eglBindAPI(EGL_OPENGL_API);
    if (own)
        make_current(own);
    pthread_mutex_lock(&queue.mutex);
    while (queue.count || !queue.end) {
        if (!queue.count) {
            pthread_cond_wait(&queue.come, &queue.mutex);
            continue;
        }
        const struct oriel_frame *frame = queue.frames[--queue.count];
        pthread_mutex_unlock(&queue.mutex);
        stage_wait(frame);
        const uint8_t *at = (const uint8_t *)(uintptr_t)frame->planes[0].handle;
        for (uint32_t y = 0; y < frame->format.height; y++)
            for (uint32_t x = 0; x < 4 * frame->format.width; x++)
                assert_int_equal(at[(size_t)y * frame->planes[0].stride + x],
                                 (uint8_t)frame->stamp.seq);
        stage.host.frame_unref(&stage.host, frame, NULL);
        pthread_mutex_lock(&queue.mutex);
    }
    pthread_mutex_unlock(&queue.mutex);
    if (own) {
        assert_ptr_equal(eglGetCurrentContext(), own);
        make_current(EGL_NO_CONTEXT);
    }
    return NULL;
}

static void frames_go_back_on_other_threads(void **state)
{
    (void)state;
    NEED_STAGE();
    unsigned before = buffers();
    void *own = stage_context(&stage, NULL);
    pthread_t ids[READERS];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, reader, i ? NULL : own), 0);
    uint8_t *rgba = malloc(4 * 24 * 24);
    struct oriel_format format = format_of(ORIEL_FMT_RGBA, 24, 24);
    struct oriel_target target = target_create(24, 24, NULL);
    void *self = NULL;
    for (unsigned i = 0; i < PICTURES; i++) {
        if (i % 5 == 0) { /* a new instance, while frames of older ones are out */
            void *next = create(&format, 3);
            stage.capture->destroy(self);
            self = next;
        }
        memset(rgba, (int)(i & 255), 4 * 24 * 24);
        glTextureSubImage2D(target.texture, 0, 0, 0, 24, 24, GL_RGBA, GL_UNSIGNED_BYTE, rgba);
        struct oriel_stamp now = {.seq = i & 255};
        oriel_result result = stage.capture->grab(self, &target, &now);
        assert_true(result == ORIEL_OK || result == ORIEL_AGAIN);
        stage.capture->poll(self, 0);
        pthread_mutex_lock(&queue.mutex);
        while (stage.count && queue.count < 16)
            queue.frames[queue.count++] = stage.got[--stage.count];
        pthread_cond_broadcast(&queue.come);
        pthread_mutex_unlock(&queue.mutex);
        if (stage.count > 8)
            stage_drop_frames(&stage);
    }
    stage.capture->destroy(self);
    stage_drop_frames(&stage);
    pthread_mutex_lock(&queue.mutex);
    queue.end = true;
    pthread_cond_broadcast(&queue.come);
    pthread_mutex_unlock(&queue.mutex);
    for (int i = 0; i < READERS; i++)
        pthread_join(ids[i], NULL);
    eglDestroyContext(stage.display, own);
    target_destroy(&target);
    free(rgba);
    assert_int_equal(buffers(), before);
}

int main(void)
{
    staged = stage_open(&stage, "capture-gl");
    stage.convert = "shader"; /* what a GPU does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_outlive_their_context),
        cmocka_unit_test(contexts_follow_each_other),
        cmocka_unit_test(another_context_than_is_said),
        cmocka_unit_test(a_thousand_instances),
        cmocka_unit_test(two_instances_and_a_hundred_sizes),
        cmocka_unit_test(frames_go_back_on_other_threads),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stage_close(&stage);
    return failed;
}
