/* SPDX-License-Identifier: BSD-3-Clause */
/* The contract of oriel/scene_module.h: state, instances, slabs, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "scene/colormap.h"

#define W 96
#define H 72
#define SIDE 24

static uint8_t voxels[SIDE * SIDE * SIDE];
static const uint32_t cube[3] = {SIDE, SIDE, SIDE}, square[3] = {SIDE, SIDE, 1};

static void begin(struct rig *rig, uint32_t ndisplay, const char *map)
{
    if (!rig_context())
        skip();
    for (int k = 0; k < SIDE * SIDE * SIDE; k++)
        voxels[k] = (uint8_t)(k % SIDE * 5 + k / SIDE % SIDE * 3 + k / SIDE / SIDE * 2);
    rig_init(rig, ndisplay, W, H);
    const double middle[3] = {11.6, 11.7, 11.4}, angles[3] = {25, 30, -40};
    if (ndisplay == 2)
        rig_look(rig, 11.6, 11.7, 2.3);
    else
        rig_turn(rig, middle, angles, 2.1, 40);
    struct oriel_layer *layer = rig_add(rig, colormap_find(map));
    layer->contrast_limits[1] = layer->contrast_limits_range[1] = 255;
    rig_apply(rig);
    struct oriel_slab slab = rig_slab(rig, 0, 1, ORIEL_U8, ndisplay == 2 ? square : cube, voxels);
    rig_upload(rig, &slab);
}

/* All state that the module could touch, as numbers. */
static void read_state(GLint64 *v, size_t n)
{
    static const GLenum names[] = {GL_READ_FRAMEBUFFER_BINDING,
                                   GL_DRAW_FRAMEBUFFER_BINDING,
                                   GL_CURRENT_PROGRAM,
                                   GL_VERTEX_ARRAY_BINDING,
                                   GL_ACTIVE_TEXTURE,
                                   GL_PIXEL_UNPACK_BUFFER_BINDING,
                                   GL_PIXEL_PACK_BUFFER_BINDING,
                                   GL_BLEND,
                                   GL_DEPTH_TEST,
                                   GL_CULL_FACE,
                                   GL_STENCIL_TEST,
                                   GL_SCISSOR_TEST,
                                   GL_FRAMEBUFFER_SRGB,
                                   GL_BLEND_SRC_RGB,
                                   GL_BLEND_DST_RGB,
                                   GL_BLEND_SRC_ALPHA,
                                   GL_BLEND_DST_ALPHA,
                                   GL_BLEND_EQUATION_RGB,
                                   GL_BLEND_EQUATION_ALPHA,
                                   GL_DEPTH_FUNC,
                                   GL_DEPTH_WRITEMASK,
                                   GL_CULL_FACE_MODE,
                                   GL_FRONT_FACE,
                                   GL_UNPACK_ALIGNMENT,
                                   GL_UNPACK_ROW_LENGTH,
                                   GL_UNPACK_IMAGE_HEIGHT,
                                   GL_UNPACK_SKIP_PIXELS,
                                   GL_UNPACK_SKIP_ROWS,
                                   GL_UNPACK_SKIP_IMAGES,
                                   GL_PACK_ALIGNMENT,
                                   GL_PACK_ROW_LENGTH,
                                   GL_RENDERBUFFER_BINDING};
    size_t count = sizeof names / sizeof *names, k = 0;
    assert_true(count + 48 <= n);
    for (size_t i = 0; i < count; i++)
        glGetInteger64v(names[i], &v[k++]);
    GLint viewport[4], mask[4], clear[4];
    glGetIntegerv(GL_VIEWPORT, viewport);
    glGetIntegerv(GL_COLOR_WRITEMASK, mask);
    glGetIntegerv(GL_COLOR_CLEAR_VALUE, clear);
    for (int i = 0; i < 4; i++) {
        v[k++] = viewport[i];
        v[k++] = mask[i];
        v[k++] = clear[i];
    }
    GLint active;
    glGetIntegerv(GL_ACTIVE_TEXTURE, &active);
    for (GLenum unit = 0; unit < 6; unit++) {
        glActiveTexture(GL_TEXTURE0 + unit);
        glGetInteger64v(GL_TEXTURE_BINDING_1D, &v[k++]);
        glGetInteger64v(GL_TEXTURE_BINDING_2D, &v[k++]);
        glGetInteger64v(GL_TEXTURE_BINDING_3D, &v[k++]);
        glGetInteger64v(GL_SAMPLER_BINDING, &v[k++]);
    }
    glActiveTexture((GLenum)active);
    for (GLuint unit = 0; unit < 3; unit++) {
        glGetInteger64i_v(GL_IMAGE_BINDING_NAME, unit, &v[k++]);
        glGetInteger64i_v(GL_IMAGE_BINDING_LEVEL, unit, &v[k++]);
        glGetInteger64i_v(GL_IMAGE_BINDING_ACCESS, unit, &v[k++]);
        glGetInteger64i_v(GL_IMAGE_BINDING_FORMAT, unit, &v[k++]);
    }
    for (; k < n; k++)
        v[k] = 0;
}

static void test_state(void **state)
{
    (void)state;
    for (uint32_t ndisplay = 2; ndisplay <= 3; ndisplay++) {
        struct rig rig;
        begin(&rig, ndisplay, "gray");
        GLuint textures[2], sampler, buffer, vertex_array, framebuffer;
        glCreateTextures(GL_TEXTURE_2D, 1, &textures[0]);
        glCreateTextures(GL_TEXTURE_3D, 1, &textures[1]);
        glCreateSamplers(1, &sampler);
        glCreateBuffers(1, &buffer);
        glCreateVertexArrays(1, &vertex_array);
        glCreateFramebuffers(1, &framebuffer);
        glBindTextureUnit(1, textures[0]);
        glBindTextureUnit(2, textures[1]);
        glBindSampler(0, sampler);
        GLuint picture;
        glCreateTextures(GL_TEXTURE_2D, 1, &picture);
        glTextureStorage2D(picture, 2, GL_R32UI, 8, 8);
        glBindImageTexture(1, picture, 1, GL_FALSE, 0, GL_WRITE_ONLY, GL_R32UI);
        glActiveTexture(GL_TEXTURE3);
        glBindBuffer(GL_PIXEL_UNPACK_BUFFER, buffer);
        glBindVertexArray(vertex_array);
        glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
        glViewport(1, 2, 30, 40);
        glEnable(GL_CULL_FACE);
        glFrontFace(GL_CW);
        glDepthFunc(GL_GREATER);
        glDepthMask(GL_FALSE);
        glColorMask(GL_TRUE, GL_FALSE, GL_TRUE, GL_FALSE);
        glClearColor(1, 0, 1, 0);
        glBlendFuncSeparate(GL_ONE, GL_ONE, GL_ZERO, GL_ONE);
        glBlendEquation(GL_MAX);
        glPixelStorei(GL_UNPACK_ALIGNMENT, 8);
        glPixelStorei(GL_UNPACK_ROW_LENGTH, 77);

        GLint64 before[96], after[96];
        read_state(before, 96);
        rig_apply(&rig);
        struct oriel_slab slab =
            rig_slab(&rig, 0, 2, ORIEL_U8, ndisplay == 2 ? square : cube, voxels);
        rig_upload(&rig, &slab);
        assert_int_equal(rig.module->draw(rig.self, &rig.view, &rig.target), ORIEL_OK);
        rig.view.resolution = 0.5;
        assert_int_equal(rig.module->draw(rig.self, &rig.view, &rig.target), ORIEL_OK);
        uint8_t thumbnail[16 * 16 * 4];
        assert_int_equal(rig.module->thumbnail(rig.self, 1, 16, 16, thumbnail), ORIEL_OK);
        rig.module->evict(rig.self, 2);
        read_state(after, 96);
        for (int i = 0; i < 96; i++)
            if (before[i] != after[i])
                fail_msg("state %d was %lld, is %lld", i, (long long)before[i],
                         (long long)after[i]);

        glBindFramebuffer(GL_FRAMEBUFFER, 0);
        glBindBuffer(GL_PIXEL_UNPACK_BUFFER, 0);
        glBindVertexArray(0);
        glDisable(GL_CULL_FACE);
        glFrontFace(GL_CCW);
        glDepthFunc(GL_LESS);
        glDepthMask(GL_TRUE);
        glColorMask(GL_TRUE, GL_TRUE, GL_TRUE, GL_TRUE);
        glBlendEquation(GL_FUNC_ADD);
        glPixelStorei(GL_UNPACK_ALIGNMENT, 4);
        glPixelStorei(GL_UNPACK_ROW_LENGTH, 0);
        glActiveTexture(GL_TEXTURE0);
        glDeleteTextures(2, textures);
        glDeleteTextures(1, &picture);
        glDeleteSamplers(1, &sampler);
        glDeleteBuffers(1, &buffer);
        glDeleteVertexArrays(1, &vertex_array);
        glDeleteFramebuffers(1, &framebuffer);
        rig_finish(&rig);
    }
}

static void test_two_instances(void **state)
{
    (void)state;
    static uint8_t alone[2][W * H * 4], together[2][W * H * 4];
    struct rig a, b;
    begin(&a, 3, "magma");
    rig_draw(&a, alone[0]);
    rig_finish(&a);
    begin(&b, 2, "turbo");
    rig_draw(&b, alone[1]);
    rig_finish(&b);
    begin(&a, 3, "magma"); /* the same keys and slab ids in both */
    begin(&b, 2, "turbo");
    for (int i = 0; i < 2; i++) {
        rig_draw(&a, together[0]);
        rig_draw(&b, together[1]);
        assert_memory_equal(alone[0], together[0], sizeof *alone);
        assert_memory_equal(alone[1], together[1], sizeof *alone);
    }
    rig_finish(&a);
    rig_draw(&b, together[1]);
    assert_memory_equal(alone[1], together[1], sizeof *alone);
    rig_finish(&b);
}

static void test_volume_bands(void **state)
{
    (void)state;
    static uint8_t whole[W * H * 4], bands[W * H * 4];
    struct rig rig;
    begin(&rig, 3, "viridis");
    rig_draw(&rig, whole);
    glClearTexImage(rig.target.texture, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
    glEnable(GL_SCISSOR_TEST);
    for (int y = 0; y < H; y += 17) {
        glScissor(0, y, W, 17);
        rig_draw(&rig, bands);
    }
    glDisable(GL_SCISSOR_TEST);
    assert_memory_equal(whole, bands, sizeof whole);
    rig_finish(&rig);
}

static double mean_difference(const uint8_t *a, const uint8_t *b)
{
    double sum = 0;
    for (int i = 0; i < W * H * 4; i++)
        sum += abs(a[i] - b[i]);
    return sum / (W * H * 4);
}

/* Less resolution is another picture of the same: near it on the whole, and right in the bands. */
static void test_reduced(void **state)
{
    (void)state;
    static uint8_t full[W * H * 4], half[W * H * 4], band[W * H * 4];
    struct rig rig;
    begin(&rig, 3, "gray");
    rig_draw(&rig, full);
    rig.view.resolution = 0.5;
    rig_draw(&rig, half);
    assert_true(mean_difference(full, half) > 0.01 && mean_difference(full, half) < 4);
    rig.view.flags = ORIEL_VIEW_INTERACTIVE;
    rig.view.step = 2;
    rig_draw(&rig, half);
    assert_true(mean_difference(full, half) < 8);
    glClearTexImage(rig.target.texture, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
    glEnable(GL_SCISSOR_TEST);
    glScissor(0, 0, W, H / 2); /* the lower half */
    rig_draw(&rig, band);
    glDisable(GL_SCISSOR_TEST);
    assert_memory_equal(band + W * H / 2 * 4, half + W * H / 2 * 4, W * H / 2 * 4);
    for (int i = 0; i < W * H / 2 * 4; i++)
        assert_int_equal(band[i], 0);
    rig_finish(&rig);
}

/* Slabs and layers go when they are told to; what is missing is left out. */
static void test_eviction(void **state)
{
    (void)state;
    static uint8_t there[W * H * 4], gone[W * H * 4], empty[W * H * 4];
    for (int i = 0; i < W * H; i++)
        memcpy(&empty[4 * i], (const uint8_t[4]){0, 0, 0, 255}, 4);
    struct rig rig;
    begin(&rig, 3, "gray");
    rig_draw(&rig, there);
    assert_memory_not_equal(there, empty, sizeof empty);
    rig.module->evict(rig.self, 99);
    rig.module->evict(rig.self, 1);
    rig_draw(&rig, gone);
    assert_memory_equal(gone, empty, sizeof empty);

    struct oriel_slab slab = rig_slab(&rig, 0, 7, ORIEL_U8, cube, voxels);
    rig_upload(&rig, &slab);
    rig.view_layers[0].base = 7;
    rig_draw(&rig, gone);
    assert_memory_equal(gone, there, sizeof there);
    rig.snapshot.layer_count = 0; /* the layer goes, and its slab with it */
    rig_apply(&rig);
    rig.snapshot.layer_count = 1;
    rig_apply(&rig);
    rig_draw(&rig, gone);
    assert_memory_equal(gone, empty, sizeof empty);
    rig_finish(&rig);
}

/* Pieces in any order and with any strides make the same volume; the detail of a volume shows when
 * it is complete. */
static void test_pieces(void **state)
{
    (void)state;
    static uint8_t wanted[W * H * 4], drawn[W * H * 4];
    static uint16_t wide[SIDE * SIDE * SIDE];
    static uint8_t padded[SIDE * (SIDE * (2 * SIDE + 3) + 5)];
    for (int k = 0; k < SIDE * SIDE * SIDE; k++)
        wide[k] = (uint16_t)(voxels[k] * 200 + 31);
    const uint64_t row = 2 * SIDE + 3, slice = SIDE * row + 5; /* no multiple of anything */
    for (uint64_t z = 0; z < SIDE; z++)
        for (uint64_t y = 0; y < SIDE; y++)
            memcpy(padded + z * slice + y * row, &wide[(z * SIDE + y) * SIDE], 2 * SIDE);
    struct rig rig;
    begin(&rig, 3, "gray");
    rig.layers[0].contrast_limits[1] = 52000;
    rig_apply(&rig);
    struct oriel_slab slab = rig_slab(&rig, 0, 2, ORIEL_U16, cube, wide);
    rig_upload(&rig, &slab);
    rig.view_layers[0].base = 2;
    rig_draw(&rig, wanted);

    static const uint8_t zero[SIDE * SIDE * SIDE];
    slab = rig_slab(&rig, 0, 3, ORIEL_U8, cube, zero);
    rig_upload(&rig, &slab);
    slab = rig_slab(&rig, 0, 4, ORIEL_U16, cube, NULL);
    slab.flags = 0;
    rig_upload(&rig, &slab); /* only allocates */
    rig.view_layers[0].base = 3;
    rig.view_layers[0].detail = 4;
    for (uint32_t k = 0; k < 8; k++) {
        rig_draw(&rig, drawn);
        assert_memory_not_equal(drawn, wanted, sizeof wanted);
        const uint32_t at = 7 - k, cut[3] = {10, 9, 13};
        for (uint32_t i = 0; i < 3; i++) {
            slab.offset[i] = at >> i & 1 ? cut[i] : 0;
            slab.extent[i] = at >> i & 1 ? SIDE - cut[i] : cut[i];
        }
        slab.data = padded + slab.offset[2] * slice + slab.offset[1] * row + slab.offset[0] * 2;
        slab.row_bytes = row;
        slab.slice_bytes = slice;
        slab.flags = k == 7 ? ORIEL_SLAB_COMPLETE : 0;
        rig_upload(&rig, &slab);
    }
    rig_draw(&rig, drawn);
    assert_memory_equal(drawn, wanted, sizeof wanted);
    rig_finish(&rig);
}

static void test_refusals(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 3, "gray");
    const struct oriel_slab good = rig_slab(&rig, 0, 5, ORIEL_U8, cube, voxels);
    struct oriel_slab slab = good;
    slab.dtype = ORIEL_F64;
    assert_int_equal(rig.module->upload(rig.self, &slab), ORIEL_UNSUPPORTED);
    slab = good;
    slab.shape[1] = 1u << 20;
    assert_int_equal(rig.module->upload(rig.self, &slab), ORIEL_UNSUPPORTED);
    assert_non_null(strstr(rig.failure, "1048576"));
    slab = good;
    slab.offset[2] = 1;
    assert_int_equal(rig.module->upload(rig.self, &slab), ORIEL_INVALID);
    slab = good;
    slab.extent[0] = UINT32_MAX;
    assert_int_equal(rig.module->upload(rig.self, &slab), ORIEL_INVALID);
    slab = good;
    slab.row_bytes = 3;
    assert_int_equal(rig.module->upload(rig.self, &slab), ORIEL_INVALID);
    slab = good;
    slab.id = 1;
    slab.dtype = ORIEL_U16; /* the slab is there, with another type */
    assert_int_equal(rig.module->upload(rig.self, &slab), ORIEL_INVALID);
    slab = good;
    slab.data = NULL;
    for (int i = 0; i < 3; i++)
        slab.shape[i] = 2048; /* 32 GiB */
    slab.dtype = ORIEL_F32;
    oriel_result result = rig.module->upload(rig.self, &slab);
    assert_true(result == ORIEL_NOMEM || result == ORIEL_OK); /* some GPUs have the room */
    assert_int_equal(glGetError(), GL_NO_ERROR);
    rig.view.ndisplay = 4;
    assert_int_equal(rig.module->draw(rig.self, &rig.view, &rig.target), ORIEL_INVALID);
    uint32_t kind = 0;
    assert_int_equal(rig.module->kind(0, &kind), ORIEL_OK);
    assert_int_equal(kind, ORIEL_LAYER_IMAGE);
    assert_int_equal(rig.module->kind(1, &kind), ORIEL_UNSUPPORTED);
    int64_t ns;
    oriel_result timed = rig.module->draw_time(rig.self, &ns);
    assert_true(timed == ORIEL_AGAIN || timed == ORIEL_OK);
    rig_finish(&rig);
}

/* The layer fitted into the picture, row 0 at the top, transparent around. */
static void test_thumbnail(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, 2, "gray");
    uint8_t picture[W * H * 4], thumbnail[32 * 16 * 4];
    assert_int_equal(rig.module->thumbnail(rig.self, 1, 32, 16, thumbnail), ORIEL_AGAIN);
    rig_draw(&rig, picture);
    assert_int_equal(rig.module->thumbnail(rig.self, 1, 32, 16, thumbnail), ORIEL_OK);
    assert_int_equal(rig.module->thumbnail(rig.self, 9, 32, 16, picture), ORIEL_AGAIN);
    for (int y = 0; y < 16; y++) {
        assert_int_equal(thumbnail[(y * 32 + 7) * 4 + 3], 0);
        assert_int_equal(thumbnail[(y * 32 + 24) * 4 + 3], 0);
        for (int x = 8; x < 24; x++) {
            /* 24 texels on 16 pixels */
            int u = (int)((x - 8 + 0.5) * 1.5), v = (int)((y + 0.5) * 1.5);
            assert_int_equal(thumbnail[(y * 32 + x) * 4], voxels[v * SIDE + u]);
            assert_int_equal(thumbnail[(y * 32 + x) * 4 + 3], 255);
        }
    }
    rig_finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state),        cmocka_unit_test(test_two_instances),
        cmocka_unit_test(test_volume_bands), cmocka_unit_test(test_reduced),
        cmocka_unit_test(test_eviction),     cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_thumbnail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
