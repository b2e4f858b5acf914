/* SPDX-License-Identifier: BSD-3-Clause */
/* The GPU finds the same bounds of bricks as the CPU, to the last bit that counts, and volumes
 * begin empty. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rig.h"
#include "scene/colormap.h"

#define W 40
#define H 32
#define TEXTURES 4096 /* names that are looked at */

static uint32_t random_bits(void)
{
    static uint32_t x = 2463534242u;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return x;
}

static uint32_t bytes_of(uint32_t dtype)
{
    return dtype == ORIEL_U8 ? 1 : dtype == ORIEL_U16 ? 2 : 4;
}

/* Noise, constant parts, and of floats the values that are like no others. */
static void *make_values(uint32_t dtype, const uint32_t shape[3])
{
    static const float odd[] = {NAN, -NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX, -0.0f, 1e-40f};
    size_t count = (size_t)shape[0] * shape[1] * shape[2];
    uint8_t *values = malloc(count * bytes_of(dtype));
    assert_non_null(values);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = random_bits();
        bool flat = i / shape[0] % 31 < 12; /* bricks of one value, of NaN only */
        float number = bits % 7 == 0 ? odd[bits / 7 % 8] : (float)(int32_t)bits * 0x1p-20f;
        if (flat)
            number = i % shape[0] < 20 ? NAN : 2.5f;
        uint16_t wide = flat ? 40000 : (uint16_t)bits;
        if (dtype == ORIEL_F32)
            memcpy(values + 4 * i, &number, 4);
        else if (dtype == ORIEL_U16)
            memcpy(values + 2 * i, &wide, 2);
        else
            values[i] = (uint8_t)wide;
    }
    return values;
}

/* The only one of that size and format, as floats; to be freed. */
static float *read_bounds(const uint32_t count[3], uint32_t dtype)
{
    GLint wanted = dtype == ORIEL_U8 ? GL_RG8 : dtype == ORIEL_U16 ? GL_RG16 : GL_RG32F;
    for (GLuint name = 1; name < TEXTURES; name++) {
        GLint size[3], format, target = 0;
        if (!glIsTexture(name))
            continue;
        glGetTextureParameteriv(name, GL_TEXTURE_TARGET, &target);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_WIDTH, &size[0]);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_HEIGHT, &size[1]);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_DEPTH, &size[2]);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_INTERNAL_FORMAT, &format);
        if (target != GL_TEXTURE_3D || format != wanted || size[0] != (GLint)count[0] ||
            size[1] != (GLint)count[1] || size[2] != (GLint)count[2])
            continue;
        size_t bytes = (size_t)count[0] * count[1] * count[2] * 2 * sizeof(float);
        float *bounds = malloc(bytes);
        assert_non_null(bounds);
        glMemoryBarrier(GL_TEXTURE_UPDATE_BARRIER_BIT); /* written by a shader, read by the API */
        glGetTextureImage(name, 0, GL_RG, GL_FLOAT, (GLsizei)bytes, bounds);
        return bounds;
    }
    fail_msg("no bounds of %u x %u x %u bricks", count[0], count[1], count[2]);
    return NULL;
}

/* In two pieces, drawn before and after the last one. */
static float *find_bounds(const char *who, uint32_t dtype, const uint32_t shape[3],
                          const void *values, uint8_t *pixels)
{
    struct rig rig;
    rig_bounds = who;
    rig_init(&rig, 3, W, H);
    const double middle[3] = {shape[0] / 2.0, shape[1] / 2.0, shape[2] / 2.0};
    const double angles[3] = {12, 34, 56};
    rig_turn(&rig, middle, angles, 0.8, 30);
    struct oriel_layer *layer = rig_add(&rig, colormap_find("gray"));
    layer->contrast_limits[1] = dtype == ORIEL_U8 ? 255 : dtype == ORIEL_U16 ? 65535 : 2000;
    rig_apply(&rig);
    struct oriel_slab slab = rig_slab(&rig, 0, 1, dtype, shape, values);
    slab.extent[2] = shape[2] / 2;
    slab.flags = 0;
    rig_upload(&rig, &slab);
    rig_draw(&rig, pixels);
    slab.offset[2] = slab.extent[2];
    slab.extent[2] = shape[2] - slab.offset[2];
    slab.data = (const char *)values + slab.offset[2] * slab.slice_bytes;
    slab.flags = ORIEL_SLAB_COMPLETE;
    rig_upload(&rig, &slab);
    rig_draw(&rig, pixels);
    uint32_t count[3];
    for (int i = 0; i < 3; i++)
        count[i] = (shape[i] + 7) / 8;
    float *bounds = read_bounds(count, dtype);
    rig_finish(&rig);
    rig_bounds = "auto";
    return bounds;
}

static void check(uint32_t dtype, const uint32_t shape[3])
{
    static uint8_t by_cpu[W * H * 4], by_gpu[W * H * 4];
    void *values = make_values(dtype, shape);
    float *cpu = find_bounds("cpu", dtype, shape, values, by_cpu);
    float *gpu = find_bounds("gpu", dtype, shape, values, by_gpu);
    size_t count = (size_t)((shape[0] + 7) / 8) * ((shape[1] + 7) / 8) * ((shape[2] + 7) / 8);
    for (size_t i = 0; i < 2 * count; i++)
        if (!(cpu[i] == gpu[i]))
            fail_msg("%s of brick %zu: %.9g by the CPU, %.9g by the GPU",
                     i & 1 ? "greatest" : "least", i / 2, cpu[i], gpu[i]);
    assert_memory_equal(by_cpu, by_gpu, sizeof by_cpu);
    free(cpu);
    free(gpu);
    free(values);
}

static void the_same_by_cpu_and_gpu(void **state)
{
    (void)state;
    if (!rig_context())
        skip();
    static const uint32_t shapes[][3] = {{45, 41, 33}, {8, 16, 24}, {65, 3, 2}};
    static const uint32_t dtypes[] = {ORIEL_U8, ORIEL_U16, ORIEL_F32};
    static const char *const shaders[] = {"fragment", "compute"};
    for (size_t k = 0; k < 2; k++) {
        rig_shaders = shaders[k];
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (size_t t = 0; t < 3; t++)
                check(dtypes[t], shapes[s]);
    }
    rig_shaders = NULL;
}

/* The volume's texture is the only one of its size; to be freed. */
static uint8_t *read_volume(const uint32_t shape[3], uint32_t dtype)
{
    GLenum type = dtype == ORIEL_U8    ? GL_UNSIGNED_BYTE
                  : dtype == ORIEL_U16 ? GL_UNSIGNED_SHORT
                                       : GL_FLOAT;
    for (GLuint name = 1; name < TEXTURES; name++) {
        GLint size[3] = {0}, target = 0;
        if (!glIsTexture(name))
            continue;
        glGetTextureParameteriv(name, GL_TEXTURE_TARGET, &target);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_WIDTH, &size[0]);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_HEIGHT, &size[1]);
        glGetTextureLevelParameteriv(name, 0, GL_TEXTURE_DEPTH, &size[2]);
        if (target != GL_TEXTURE_3D || size[0] != (GLint)shape[0] || size[1] != (GLint)shape[1] ||
            size[2] != (GLint)shape[2])
            continue;
        size_t bytes = (size_t)shape[0] * shape[1] * shape[2] * bytes_of(dtype);
        uint8_t *volume = malloc(bytes);
        assert_non_null(volume);
        glPixelStorei(GL_PACK_ALIGNMENT, 1);
        glGetTextureImage(name, 0, GL_RED, type, (GLsizei)bytes, volume);
        glPixelStorei(GL_PACK_ALIGNMENT, 4);
        return volume;
    }
    fail_msg("no volume of %u x %u x %u voxels", shape[0], shape[1], shape[2]);
    return NULL;
}

/* Memory of the GPU that was another volume's is empty in the next one. */
static void what_has_not_come_is_zero(void **state)
{
    (void)state;
    if (!rig_context())
        skip();
    static const uint32_t shape[3] = {45, 41, 33}, dtypes[] = {ORIEL_U8, ORIEL_U16, ORIEL_F32};
    static const char *const who[] = {"cpu", "gpu"};
    for (int w = 0; w < 2; w++) {
        struct rig rig;
        rig_bounds = who[w];
        rig_init(&rig, 3, W, H);
        rig_add(&rig, colormap_find("gray"));
        rig_apply(&rig);
        for (size_t t = 0; t < 3; t++) {
            size_t row = (size_t)shape[0] * bytes_of(dtypes[t]), bytes = row * shape[1] * shape[2];
            uint8_t *values = malloc(bytes);
            assert_non_null(values);
            memset(values, 0x3a, bytes);
            struct oriel_slab slab = rig_slab(&rig, 0, 1, dtypes[t], shape, values);
            rig_upload(&rig, &slab);
            rig.module->evict(rig.self, 1);
            slab.id = 2;
            slab.flags = 0;
            slab.extent[2] = 1; /* the first slice alone comes */
            rig_upload(&rig, &slab);
            uint8_t *got = read_volume(shape, dtypes[t]);
            for (size_t i = 0; i < bytes; i++)
                assert_int_equal(got[i], i < row * shape[1] ? 0x3a : 0);
            free(got);
            free(values);
            rig.module->evict(rig.self, 2);
        }
        rig_finish(&rig);
    }
    rig_bounds = "auto";
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_by_cpu_and_gpu),
                                       cmocka_unit_test(what_has_not_come_is_zero)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
