/* SPDX-License-Identifier: BSD-3-Clause */
/* Known pixels through capture/gl: every format, matrix and range on both paths against floating
 * point, odd sizes, an empty pool, frames that outlive the instance, GL state left alone. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oriel/draft/capture_rows.h"
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

static oriel_result create(const struct oriel_format *format, uint32_t held, const char *convert,
                           void **self)
{
    stage.convert = convert;
    return stage.capture->create(&stage.host, &stage.config, format, held, &stage.sink, self);
}

static const struct oriel_stamp stamp = {.seq = 7,
                                         .revision = 8,
                                         .pts_ns = 9,
                                         .t_drawn_ns = 10,
                                         .flags = ORIEL_FRAME_COMPLETE | ORIEL_FRAME_BOTTOM_UP,
                                         .level = 3};

static uint8_t at(const struct oriel_frame *frame, int plane, uint32_t x, uint32_t y)
{
    const struct oriel_plane *p = &frame->planes[plane];
    assert_true(y < p->rows && x < p->stride);
    return ((const uint8_t *)(uintptr_t)p->handle)[p->offset + (size_t)y * p->stride + x];
}

/* The largest difference of any sample from the exact one. */
static double worst(const struct oriel_frame *frame, const uint8_t *rgba)
{
    const struct oriel_format *format = &frame->format;
    uint32_t side = format->fourcc == ORIEL_FMT_I444 ? 1 : 2;
    double most = 0, yuv[3];
    for (uint32_t y = 0; y < format->height; y++)
        for (uint32_t x = 0; x < format->width; x++) {
            if (format->fourcc == ORIEL_FMT_RGBA) {
                for (uint32_t c = 0; c < 4; c++)
                    most = fmax(most, abs(at(frame, 0, 4 * x + c, y) -
                                          rgba[4 * ((size_t)y * format->width + x) + c]));
                continue;
            }
            picture_exact(format, rgba, x, y, 1, yuv);
            most = fmax(most, fabs(at(frame, 0, x, y) - yuv[0]));
            if (x % side || y % side)
                continue;
            picture_exact(format, rgba, x, y, side, yuv);
            bool nv12 = format->fourcc == ORIEL_FMT_NV12;
            uint8_t u = at(frame, 1, nv12 ? x : x / side, y / side);
            uint8_t v = nv12 ? at(frame, 1, x + 1, y / side) : at(frame, 2, x / side, y / side);
            most = fmax(most, fmax(fabs(u - yuv[1]), fabs(v - yuv[2])));
        }
    return most;
}

/* Both frames have the same layout; what lies beyond the picture does not count. */
static void same_samples(const struct oriel_frame *a, const struct oriel_frame *b)
{
    assert_int_equal(a->plane_count, b->plane_count);
    for (uint32_t p = 0; p < a->plane_count; p++) {
        bool halved = p && a->format.fourcc == ORIEL_FMT_I420;
        uint32_t bytes = halved ? (a->format.width + 1) / 2 : a->format.width;
        assert_int_equal(a->planes[p].rows, b->planes[p].rows);
        for (uint32_t y = 0; y < a->planes[p].rows; y++)
            for (uint32_t x = 0; x < bytes; x++)
                if (at(a, (int)p, x, y) != at(b, (int)p, x, y))
                    fail_msg("plane %u at %u, %u: %u and %u", p, x, y, at(a, (int)p, x, y),
                             at(b, (int)p, x, y));
    }
}

static void turn(void *self)
{
    const struct oriel_capture_rows *rows =
        stage.capture->get_interface(self, ORIEL_CAPTURE_ROWS_V1);
    assert_non_null(rows);
    assert_int_equal(rows->top_down(self), ORIEL_OK);
}

static const struct oriel_frame *capture_rows(const struct oriel_format *format,
                                              const struct oriel_target *target,
                                              const char *convert, bool top_down)
{
    void *self = NULL;
    oriel_result result = create(format, 1, convert, &self);
    if (result)
        fail_msg("%s", stage.failure);
    if (top_down)
        turn(self);
    unsigned before = stage.count;
    assert_int_equal(stage.capture->grab(self, target, &stamp), ORIEL_OK);
    assert_int_equal(stage.capture->poll(self, UINT32_MAX), ORIEL_OK);
    assert_int_equal(stage.count, before + 1);
    stage.capture->destroy(self);
    const struct oriel_frame *frame = stage.got[before]; /* still ours */
    bool shader = strcmp(convert, "shader") == 0;
    assert_int_equal(frame->ready.kind, shader ? ORIEL_FENCE_FLAG : ORIEL_FENCE_NONE);
    stage_wait(frame);
    assert_int_equal(frame->stamp.seq, stamp.seq);
    assert_int_equal(frame->stamp.flags,
                     ORIEL_FRAME_COMPLETE | (top_down ? 0u : ORIEL_FRAME_BOTTOM_UP));
    assert_true(frame->stamp.t_captured_ns > 0);
    assert_memory_equal(&frame->format, format, sizeof(*format));
    return frame;
}

static const struct oriel_frame *capture_once(const struct oriel_format *format,
                                              const struct oriel_target *target,
                                              const char *convert)
{
    return capture_rows(format, target, convert, false);
}

static void samples_are_exact(void **state)
{
    (void)state;
    NEED_STAGE();
    static const uint32_t sizes[][2] = {{64, 48}, {1, 1}, {33, 17}, {130, 7}, {322, 181}};
    double most = 0;
    for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        uint32_t width = sizes[s][0], height = sizes[s][1];
        uint8_t *rgba = picture_noise(width, height, s + 1);
        uint8_t *turned = picture_turned(rgba, width, height);
        struct oriel_target target = target_create(width, height, rgba);
        struct oriel_format format;
        for (uint32_t i = 0; stage.capture->output_format(&stage.host, i, &format) == ORIEL_OK;
             i++) {
            if (format.domain != ORIEL_DOMAIN_CPU)
                continue;
            format.width = width;
            format.height = height;
            const struct oriel_frame *cpu = capture_once(&format, &target, "cpu");
            const struct oriel_frame *shader = capture_once(&format, &target, "shader");
            double error = worst(cpu, rgba);
            if (error > (format.fourcc == ORIEL_FMT_RGBA ? 0 : 0.52))
                fail_msg("%.4s matrix %u range %u %u×%u: %.3f levels off",
                         (const char *)&format.fourcc, format.matrix, format.full_range, width,
                         height, error);
            most = fmax(most, error);
            same_samples(cpu, shader);
            stage_drop_frames(&stage);
            /* The other way round: of odd heights other rows share their chroma. */
            error = worst(capture_rows(&format, &target, "cpu", true), turned);
            if (error > (format.fourcc == ORIEL_FMT_RGBA ? 0 : 0.52))
                fail_msg("%.4s %u×%u, top row first: %.3f levels off", (const char *)&format.fourcc,
                         width, height, error);
            same_samples(stage.got[0], capture_rows(&format, &target, "shader", true));
            stage_drop_frames(&stage);
        }
        target_destroy(&target);
        free(turned);
        free(rgba);
    }
    print_message("largest error %.3f levels, both paths equal\n", most);
}

static void lists_and_refusals(void **state)
{
    (void)state;
    NEED_STAGE();
    struct oriel_format format, good;
    assert_int_equal(stage.capture->output_format(&stage.host, 0, &good), ORIEL_OK);
    assert_true(good.fourcc == ORIEL_FMT_I420 && good.matrix == ORIEL_MATRIX_BT601 &&
                good.full_range == 1);
    assert_int_equal(stage.capture->output_format(&stage.host, 1000, &format), ORIEL_UNSUPPORTED);
    good.width = good.height = 32;
    void *self = NULL;
    for (int i = 0; i < 5; i++) {
        format = good;
        if (i == 0)
            format.fourcc = ORIEL_FMT_P010;
        if (i == 1)
            format.domain = ORIEL_DOMAIN_CUDA;
        if (i == 2)
            format.matrix = 9;
        if (i == 3)
            format.width = 0;
        if (i == 4)
            format.height = 1u << 30;
        stage.failure[0] = '\0';
        assert_int_equal(create(&format, 1, "auto", &self), ORIEL_UNSUPPORTED);
        assert_true(strlen(stage.failure) > 10);
        assert_null(self);
    }
    assert_int_equal(create(&good, 1, "auto", &self), ORIEL_OK);
    struct oriel_target target = {.size = sizeof(target), .width = 16, .height = 32};
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_INVALID);
    assert_null(stage.capture->get_interface(self, "org.example.nothing/1"));
    assert_int_equal(stage.capture->poll(self, 0), ORIEL_OK);
    stage.capture->destroy(self);
    stage.capture->destroy(NULL);
    stage.gl.version = 33;
    assert_int_equal(create(&good, 1, "auto", &self), ORIEL_UNSUPPORTED);
    stage.gl.version = 45;
    stage.gl.size = 0;
    assert_int_equal(create(&good, 1, "auto", &self), ORIEL_UNSUPPORTED);
    stage.gl.size = sizeof(stage.gl);
}

/* Where no context can share with what draws, pictures are read as from a software renderer. */
static void without_a_second_context(void **state)
{
    (void)state;
    NEED_STAGE();
    uint32_t software = stage.gl.software;
    uint64_t context = stage.gl.egl_context;
    stage.gl.software = 0;
    stage.gl.egl_context = 0;
    uint8_t *rgba = picture_noise(40, 30, 6);
    struct oriel_target target = target_create(40, 30, rgba);
    struct oriel_format format;
    assert_int_equal(stage.capture->output_format(&stage.host, 0, &format), ORIEL_OK);
    format.width = 40;
    format.height = 30;
    void *self = NULL;
    assert_int_equal(create(&format, 1, "shader", &self), ORIEL_UNSUPPORTED);
    assert_string_equal(stage.failure, "no second OpenGL context to share with");
    assert_true(worst(capture_once(&format, &target, "auto"), rgba) < 0.52);
    stage_drop_frames(&stage);
    target_destroy(&target);
    free(rgba);
    stage.gl.software = software;
    stage.gl.egl_context = context;
}

/* With `held` frames held one more comes; then the pool is empty until one is let go. */
static void an_empty_pool_drops(void **state)
{
    (void)state;
    NEED_STAGE();
    uint8_t *rgba = picture_noise(40, 30, 5);
    struct oriel_target target = target_create(40, 30, rgba);
    static const char *const modes[] = {"cpu", "shader"};
    for (int m = 0; m < 2; m++) {
        struct oriel_format format;
        stage.capture->output_format(&stage.host, 0, &format);
        format.width = 40;
        format.height = 30;
        void *self = NULL;
        assert_int_equal(create(&format, 2, modes[m], &self), ORIEL_OK);
        unsigned taken = 0;
        while (taken < 12 && stage.capture->grab(self, &target, &stamp) == ORIEL_OK) {
            assert_int_equal(stage.capture->poll(self, UINT32_MAX), ORIEL_OK);
            taken++;
        }
        assert_int_equal(taken, 3);
        assert_int_equal(stage.count, taken);
        assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_AGAIN);
        stage.host.frame_unref(&stage.host, stage.got[--stage.count], NULL);
        assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
        assert_int_equal(stage.capture->poll(self, UINT32_MAX), ORIEL_OK);
        assert_int_equal(stage.count, taken);

        /* Frames that come back unread are as good as others, once the GPU has written them; an end
         * while all are out. */
        for (unsigned i = 0; i < 12; i++) {
            if (i % 4 == 0) {
                stage_drop_frames(&stage);
                assert_int_equal(stage.capture->poll(self, UINT32_MAX), ORIEL_OK);
            }
            assert_int_equal(stage.capture->grab(self, &target, &stamp),
                             i % 4 == 3 ? ORIEL_AGAIN : ORIEL_OK);
        }
        stage.capture->destroy(self);
        stage_drop_frames(&stage);
    }
    target_destroy(&target);
    free(rgba);
}

static void *let_go(void *data)
{
    (void)data;
    stage_drop_frames(&stage);
    return NULL;
}

static void frames_outlive_the_instance(void **state)
{
    (void)state;
    NEED_STAGE();
    uint8_t *rgba = picture_noise(64, 64, 9), *other = picture_noise(64, 64, 10);
    struct oriel_target target = target_create(64, 64, rgba), later = target_create(64, 64, other);
    struct oriel_format format;
    stage.capture->output_format(&stage.host, 0, &format);
    format.width = format.height = 64;
    static const char *const modes[] = {"cpu", "shader"};
    for (int m = 0; m < 2; m++) {
        const struct oriel_frame *held =
            capture_once(&format, &target, modes[m]); /* destroyed in it */
        capture_once(&format, &later, modes[m]);
        assert_true(worst(held, rgba) < 0.52);
        assert_true(worst(stage.got[1], other) < 0.52);
        pthread_t thread; /* the last reference goes on another thread */
        assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
        pthread_join(thread, NULL);
    }
    target_destroy(&target);
    target_destroy(&later);
    free(rgba);
    free(other);
}

/* The samples of a texture, its padding rows with them; for free(). */
static uint8_t *texture_bytes(const struct oriel_frame *frame, GLint *width, GLint *height)
{
    GLuint texture = (GLuint)frame->planes[0].handle;
    GLenum over = glClientWaitSync((GLsync)(uintptr_t)frame->ready.handle, 0, 1000000000);
    assert_true(over == GL_ALREADY_SIGNALED || over == GL_CONDITION_SATISFIED);
    glGetTextureLevelParameteriv(texture, 0, GL_TEXTURE_WIDTH, width);
    glGetTextureLevelParameteriv(texture, 0, GL_TEXTURE_HEIGHT, height);
    uint8_t *bytes = malloc((size_t)*width * (size_t)*height);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glGetTextureImage(texture, 0, GL_RED, GL_UNSIGNED_BYTE, *width * *height, bytes);
    glPixelStorei(GL_PACK_ALIGNMENT, 4);
    return bytes;
}

/* What a texture has is what a picture of the same rows has in memory. */
static void same_as_in_memory(const struct oriel_frame *frame, const struct oriel_frame *cpu)
{
    GLint width, height;
    uint8_t *bytes = texture_bytes(frame, &width, &height);
    uint32_t w = frame->format.width, even = (w + 1) / 2 * 2;
    assert_int_equal(width, even);
    assert_int_equal(height, (frame->format.height + 1) / 2 * 3);
    assert_int_equal(frame->planes[1].handle, frame->planes[0].handle);
    for (uint32_t p = 0; p < 2; p++)
        for (uint32_t y = 0; y < cpu->planes[p].rows; y++)
            for (uint32_t x = 0; x < (p ? even : w); x++) {
                size_t there = frame->planes[p].offset + (size_t)y * frame->planes[p].stride + x;
                if (bytes[there] != at(cpu, (int)p, x, y))
                    fail_msg("plane %u at %u, %u: %u and %u", p, x, y, bytes[there],
                             at(cpu, (int)p, x, y));
            }
    free(bytes);
}

static void one_texture(struct oriel_format *format, const uint8_t *rgba, bool top_down)
{
    struct oriel_target target = target_create(format->width, format->height, rgba);
    void *self = NULL;
    assert_int_equal(create(format, 1, "auto", &self), ORIEL_OK);
    if (top_down)
        turn(self);
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_OK);
    assert_int_equal(stage.capture->grab(self, &target, &stamp), ORIEL_AGAIN);
    assert_int_equal(stage.capture->poll(self, UINT32_MAX), ORIEL_OK);
    assert_int_equal(stage.count, 2);
    stage.host.frame_unref(&stage.host, stage.got[--stage.count], NULL);
    stage.capture->destroy(self);
    const struct oriel_frame *frame = stage.got[0];
    assert_int_equal(frame->stamp.flags,
                     ORIEL_FRAME_COMPLETE | (top_down ? 0u : ORIEL_FRAME_BOTTOM_UP));
    assert_int_equal(frame->ready.kind, ORIEL_FENCE_GLSYNC);
    format->domain = ORIEL_DOMAIN_CPU;
    same_as_in_memory(frame, capture_rows(format, &target, "cpu", top_down));
    format->domain = ORIEL_DOMAIN_GL;

    GLuint name = (GLuint)frame->planes[0].handle;
    assert_true(glIsTexture(name));
    pthread_t thread; /* one that has no context */
    assert_int_equal(pthread_create(&thread, NULL, let_go, NULL), 0);
    pthread_join(thread, NULL);
    assert_false(glIsTexture(name));
    target_destroy(&target);
}

/* Offered by a GPU only, made by any: the same samples as in memory. */
static void textures_for_encoders(void **state)
{
    (void)state;
    NEED_STAGE();
    static const uint32_t sizes[][2] = {{64, 48}, {33, 17}, {322, 182}};
    struct oriel_format format;
    uint32_t software = stage.gl.software, count = 0;
    stage.gl.software = 1;
    while (stage.capture->output_format(&stage.host, count, &format) == ORIEL_OK) {
        assert_int_equal(format.domain, ORIEL_DOMAIN_CPU);
        count++;
    }
    stage.gl.software = 0;
    for (unsigned s = 0; s < 3; s++) {
        uint32_t w = sizes[s][0], h = sizes[s][1];
        uint8_t *rgba = picture_noise(w, h, s + 40);
        uint32_t i = count;
        for (; stage.capture->output_format(&stage.host, i, &format) == ORIEL_OK; i++) {
            assert_int_equal(format.domain, ORIEL_DOMAIN_GL);
            assert_int_equal(format.fourcc, ORIEL_FMT_NV12);
            format.width = w;
            format.height = h;
            one_texture(&format, rgba, false);
            one_texture(&format, rgba, true);
        }
        assert_int_equal(i, count + 4);
        free(rgba);
    }
    stage.gl.software = software;
    assert_int_equal(glGetError(), GL_NO_ERROR);
}

static const GLenum watched[] = {
    GL_CURRENT_PROGRAM,
    GL_ACTIVE_TEXTURE,
    GL_PIXEL_PACK_BUFFER_BINDING,
    GL_READ_FRAMEBUFFER_BINDING,
    GL_DRAW_FRAMEBUFFER_BINDING,
    GL_PACK_ALIGNMENT,
    GL_PACK_ROW_LENGTH,
    GL_PACK_SKIP_ROWS,
    GL_PACK_SKIP_PIXELS,
    GL_PACK_SWAP_BYTES,
    GL_TEXTURE_BINDING_2D,
    GL_SAMPLER_BINDING,
    GL_SHADER_STORAGE_BUFFER_BINDING,
    GL_COPY_READ_BUFFER_BINDING,
    GL_COPY_WRITE_BUFFER_BINDING,
    GL_VERTEX_ARRAY_BINDING,
};
enum { WATCHED = sizeof(watched) / sizeof(watched[0]) };

static void look(GLint values[WATCHED + 5])
{
    for (int i = 0; i < WATCHED; i++)
        glGetIntegerv(watched[i], &values[i]);
    GLint unit = values[1];
    glActiveTexture(GL_TEXTURE0);
    glGetIntegerv(GL_TEXTURE_BINDING_2D, &values[WATCHED]);
    glGetIntegerv(GL_SAMPLER_BINDING, &values[WATCHED + 1]);
    glActiveTexture((GLenum)unit);
    glGetIntegeri_v(GL_SHADER_STORAGE_BUFFER_BINDING, 0, &values[WATCHED + 2]);
    glGetIntegeri_v(GL_SHADER_STORAGE_BUFFER_START, 0, &values[WATCHED + 3]);
    glGetIntegeri_v(GL_SHADER_STORAGE_BUFFER_SIZE, 0, &values[WATCHED + 4]);
}

static void gl_state_is_left_alone(void **state)
{
    (void)state;
    NEED_STAGE();
    uint8_t *rgba = picture_noise(48, 32, 3);
    struct oriel_target target = target_create(48, 32, rgba), own = target_create(8, 8, rgba);
    GLuint buffers[3], samplers[2];
    glCreateBuffers(3, buffers);
    for (int i = 0; i < 3; i++)
        glNamedBufferStorage(buffers[i], 4096, NULL, 0);
    glCreateSamplers(2, samplers);
    glBindBuffer(GL_PIXEL_PACK_BUFFER, buffers[0]);
    glBindBufferRange(GL_SHADER_STORAGE_BUFFER, 0, buffers[1], 256, 512);
    glBindBuffer(GL_SHADER_STORAGE_BUFFER, buffers[2]);
    glPixelStorei(GL_PACK_ALIGNMENT, 8);
    glPixelStorei(GL_PACK_ROW_LENGTH, 100);
    glPixelStorei(GL_PACK_SKIP_ROWS, 3);
    glPixelStorei(GL_PACK_SKIP_PIXELS, 5);
    glPixelStorei(GL_PACK_SWAP_BYTES, 1);
    glBindTextureUnit(0, own.texture);
    glBindSampler(0, samplers[0]);
    glActiveTexture(GL_TEXTURE3);
    glBindSampler(3, samplers[1]);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, own.framebuffer);
    glBindFramebuffer(GL_DRAW_FRAMEBUFFER, own.framebuffer);

    static const char *const modes[] = {"cpu", "shader"};
    for (int m = 0; m < 2; m++) {
        struct oriel_format format;
        stage.capture->output_format(&stage.host, 0, &format);
        format.width = 48;
        format.height = 32;
        GLint before[WATCHED + 5], after[WATCHED + 5];
        look(before);
        const struct oriel_frame *frame = capture_once(&format, &target, modes[m]);
        look(after);
        for (int i = 0; i < WATCHED + 5; i++)
            if (before[i] != after[i])
                fail_msg("%s: state %d (0x%x) was %d, is %d", modes[m], i,
                         i < WATCHED ? watched[i] : 0, before[i], after[i]);
        assert_true(worst(frame, rgba) < 0.52); /* nor does it disturb the capture */
        stage_drop_frames(&stage);
    }
    assert_int_equal(glGetError(), GL_NO_ERROR);

    glPixelStorei(GL_PACK_ALIGNMENT, 4);
    glPixelStorei(GL_PACK_ROW_LENGTH, 0);
    glPixelStorei(GL_PACK_SKIP_ROWS, 0);
    glPixelStorei(GL_PACK_SKIP_PIXELS, 0);
    glPixelStorei(GL_PACK_SWAP_BYTES, 0);
    glBindFramebuffer(GL_FRAMEBUFFER, 0);
    glActiveTexture(GL_TEXTURE0);
    glDeleteBuffers(3, buffers);
    glDeleteSamplers(2, samplers);
    target_destroy(&target);
    target_destroy(&own);
    free(rgba);
}

/* Row 0 of the frame is the bottom of what was drawn. */
static void the_bottom_row_comes_first(void **state)
{
    (void)state;
    NEED_STAGE();
    struct oriel_target target = target_create(32, 32, NULL);
    glBindFramebuffer(GL_FRAMEBUFFER, target.framebuffer);
    glViewport(0, 0, 32, 32);
    glEnable(GL_SCISSOR_TEST);
    glScissor(0, 0, 32, 16); /* OpenGL's lower half */
    glClearColor(1, 1, 1, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    glScissor(0, 16, 32, 16);
    glClearColor(0, 0, 0, 1);
    glClear(GL_COLOR_BUFFER_BIT);
    glDisable(GL_SCISSOR_TEST);
    struct oriel_format format;
    stage.capture->output_format(&stage.host, 0, &format);
    format.width = format.height = 32;
    static const char *const modes[] = {"cpu", "shader"};
    for (int m = 0; m < 2; m++) {
        const struct oriel_frame *frame = capture_once(&format, &target, modes[m]);
        assert_int_equal(at(frame, 0, 5, 0), 255);
        assert_int_equal(at(frame, 0, 5, 31), 0);
        stage_drop_frames(&stage);
    }
    glBindFramebuffer(GL_FRAMEBUFFER, 0);
    target_destroy(&target);
}

static int open_stage(void **state)
{
    (void)state;
    staged = stage_open(&stage, "capture-gl");
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_close(&stage);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_exact),          cmocka_unit_test(lists_and_refusals),
        cmocka_unit_test(an_empty_pool_drops),        cmocka_unit_test(frames_outlive_the_instance),
        cmocka_unit_test(textures_for_encoders),      cmocka_unit_test(gl_state_is_left_alone),
        cmocka_unit_test(the_bottom_row_comes_first), cmocka_unit_test(without_a_second_context),
    };
    return cmocka_run_group_tests(tests, open_stage, close_stage);
}
