/* SPDX-License-Identifier: BSD-3-Clause */
/* The numbers by hand, and those of FFmpeg's filters where the program is there. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ab/metrics.h"
#include "ab/vmaf.h"

#define NEAR(a, b, by) assert_true(fabs((a) - (b)) <= (by))

static struct oriel_format format_of(uint32_t fourcc, uint32_t width, uint32_t height)
{
    return (struct oriel_format){.fourcc = fourcc,
                                 .width = width,
                                 .height = height,
                                 .matrix = ORIEL_MATRIX_BT601,
                                 .full_range = 1};
}

static void test_by_hand(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_I420, 16, 8);
    struct picture a, b;
    assert_true(picture_init(&a, &format) && picture_init(&b, &format));
    memset(a.memory, 100, frame_bytes(&format));
    memset(b.memory, 100, frame_bytes(&format));
    NEAR(plane_mse(&a, &b, 0), 0, 0);
    assert_true(isinf(psnr_of(0, 8)));
    NEAR(plane_ssim(&a, &b, 0), 1, 1e-12);
    assert_true(isnan(plane_ssim(&a, &b, 1))); /* 8 x 4 samples: no window */
    b.plane[0][5] = 108;                       /* one of 128 samples by 8 */
    NEAR(plane_mse(&a, &b, 0), 0.5, 1e-12);
    NEAR(psnr_of(0.5, 8), 10 * log10(255.0 * 255 / 0.5), 1e-12);
    NEAR(psnr_of(4, 10), 10 * log10(1023.0 * 1023 / 4), 1e-12);
    const double values[3] = {1, 2, 4}; /* 128, 32 and 32 samples */
    NEAR(planes_mean(&a, values), (128 * 1 + 32 * 2 + 32 * 4) / 192.0, 1e-12);
    picture_finish(&a);
    picture_finish(&b);
}

static void test_orders(void **state)
{
    (void)state;
    static const uint32_t fourccs[] = {ORIEL_FMT_I420, ORIEL_FMT_NV12, ORIEL_FMT_I444,
                                       ORIEL_FMT_P010};
    for (size_t f = 0; f < 4; f++) {
        struct oriel_format format = format_of(fourccs[f], 9, 7);
        struct picture picture;
        uint8_t packed[1024], again[1024];
        uint64_t bytes = frame_bytes(&format);
        for (uint64_t i = 0; i < bytes; i++)
            packed[i] = (uint8_t)(i * 37);
        for (uint64_t i = 0; fourccs[f] == ORIEL_FMT_P010 && i < bytes; i += 2)
            packed[i] &= 0xc0; /* ten bits at the top */
        assert_true(picture_init(&picture, &format));
        picture_unpack(&picture, &format, packed);
        bool pairs = fourccs[f] == ORIEL_FMT_NV12 || fourccs[f] == ORIEL_FMT_P010;
        const uint32_t stride[3] = {picture.stride[0], picture.stride[1] * (pairs ? 2 : 1),
                                    picture.stride[2]};
        uint8_t *const planes[3] = {again, again + stride[0] * 7,
                                    again + stride[0] * 7 + stride[1] * picture.height[1]};
        picture_pack(&picture, &format, planes, stride);
        assert_memory_equal(again, packed, bytes);
        picture_finish(&picture);
    }
}

/* A grey picture as P010 and back. */
static void test_deep(void **state)
{
    (void)state;
    struct oriel_format format = format_of(ORIEL_FMT_P010, 5, 3);
    uint8_t rgba[5 * 3 * 4], back[5 * 3 * 4], packed[128];
    for (int i = 0; i < 15; i++) {
        memset(rgba + 4 * i, 17 * i, 3);
        rgba[4 * i + 3] = 255;
    }
    pack_p010(rgba, 20, &format, packed);
    struct picture picture;
    assert_true(picture_init(&picture, &format));
    picture_unpack(&picture, &format, packed);
    picture_rgba(&picture, &format, false, back);
    assert_memory_equal(back, rgba, sizeof rgba);
    picture_finish(&picture);
}

/* --- FFmpeg --- */

struct sample {
    const char *name, *pixels; /* FFmpeg's name of the format */
    uint32_t fourcc, width, height;
    unsigned noise; /* of the reference; 0: flat */
    unsigned error;
};

static uint32_t random_state = 99;

static unsigned noise(unsigned range)
{
    random_state = random_state * 1664525 + 1013904223;
    return range ? (random_state >> 10) % range : 0;
}

static void make(const struct sample *sample, struct picture *a, struct picture *b, FILE *fa,
                 FILE *fb)
{
    unsigned peak = (1u << a->depth) - 1;
    for (int p = 0; p < 3; p++) {
        for (uint32_t y = 0; y < a->height[p]; y++) {
            for (uint32_t x = 0; x < a->width[p]; x++) {
                unsigned value = sample->noise ? noise(peak + 1) * sample->noise / 100 : peak / 3;
                int d = (int)noise(2 * sample->error + 1) - (int)sample->error;
                unsigned other = (int)value + d < 0           ? 0
                                 : value + (unsigned)d > peak ? peak
                                                              : value + (unsigned)d;
                if (a->depth > 8) {
                    ((uint16_t *)(a->plane[p] + y * a->stride[p]))[x] = (uint16_t)value;
                    ((uint16_t *)(b->plane[p] + y * b->stride[p]))[x] = (uint16_t)other;
                } else {
                    a->plane[p][y * a->stride[p] + x] = (uint8_t)value;
                    b->plane[p][y * b->stride[p] + x] = (uint8_t)other;
                }
            }
            fwrite(a->plane[p] + (size_t)y * a->stride[p], a->stride[p], 1, fa);
            fwrite(b->plane[p] + (size_t)y * b->stride[p], b->stride[p], 1, fb);
        }
    }
}

/* "key:VALUE" in FFmpeg's line. */
static double find(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    if (!at)
        fail_msg("FFmpeg did not tell %s: %s", key, text);
    at += strlen(key);
    return strncmp(at, "inf", 3) == 0 ? INFINITY : strtod(at, NULL);
}

static void ask(const struct sample *sample, const char *filter, const char *folder, char *text,
                size_t size)
{
    char command[1024];
    snprintf(command, sizeof command,
             "ffmpeg -nostdin -hide_banner -f rawvideo -pix_fmt %s -s %ux%u -i %s/b.yuv -f "
             "rawvideo -pix_fmt %s -s %ux%u -i %s/a.yuv -lavfi %s -f null - 2>&1",
             sample->pixels, sample->width, sample->height, folder, sample->pixels, sample->width,
             sample->height, folder, filter);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char line[1024];
    text[0] = '\0';
    while (fgets(line, sizeof line, pipe)) {
        if (strstr(line, "Parsed_"))
            snprintf(text, size, "%s", line);
    }
    assert_int_equal(pclose(pipe), 0);
}

static void same(const struct sample *sample, const char *what, double ours, double theirs,
                 double by)
{
    if (isinf(theirs) ? !isinf(ours) : !(fabs(ours - theirs) <= by))
        fail_msg("%s, %s: %.6f here, %.6f by FFmpeg", sample->name, what, ours, theirs);
}

static void compare(const struct sample *sample, const char *folder)
{
    char path[2][300], text[1024];
    struct oriel_format format = format_of(sample->fourcc, sample->width, sample->height);
    struct picture a, b;
    assert_true(picture_init(&a, &format) && picture_init(&b, &format));
    snprintf(path[0], sizeof path[0], "%s/a.yuv", folder);
    snprintf(path[1], sizeof path[1], "%s/b.yuv", folder);
    FILE *fa = fopen(path[0], "wb"), *fb = fopen(path[1], "wb");
    assert_true(fa && fb);
    make(sample, &a, &b, fa, fb);
    fclose(fa);
    fclose(fb);
    double mse[3], ssim[3];
    for (int p = 0; p < 3; p++) {
        mse[p] = plane_mse(&a, &b, p);
        ssim[p] = plane_ssim(&a, &b, p);
    }
    static const char *const psnr_keys[] = {" y:", " u:", " v:"};
    static const char *const ssim_keys[] = {" Y:", " U:", " V:"};
    ask(sample, "psnr", folder, text, sizeof text);
    for (int p = 0; p < 3; p++)
        same(sample, psnr_keys[p], psnr_of(mse[p], a.depth), find(text, psnr_keys[p]), 0.01);
    same(sample, "average", psnr_of(planes_mean(&a, mse), a.depth), find(text, "average:"), 0.01);
    ask(sample, "ssim", folder, text, sizeof text);
    for (int p = 0; p < 3; p++)
        same(sample, ssim_keys[p], ssim[p], find(text, ssim_keys[p]), 1e-4);
    same(sample, "All", planes_mean(&a, ssim), find(text, "All:"), 1e-4);
    unlink(path[0]);
    unlink(path[1]);
    picture_finish(&a);
    picture_finish(&b);
}

static void test_ffmpeg(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"noise", "yuv420p", ORIEL_FMT_I420, 64, 48, 100, 9},
        {"faint noise", "yuv420p", ORIEL_FMT_I420, 64, 48, 20, 1},
        {"equal", "yuv420p", ORIEL_FMT_I420, 64, 48, 100, 0},
        {"flat", "yuv420p", ORIEL_FMT_I420, 64, 48, 0, 2},
        {"dark", "yuv420p", ORIEL_FMT_I420, 64, 48, 3, 3},
        {"odd sizes", "yuv420p", ORIEL_FMT_I420, 67, 45, 80, 12},
        {"sizes that are odd by 2", "yuv420p", ORIEL_FMT_I420, 350, 202, 60, 40},
        {"4:4:4", "yuv444p", ORIEL_FMT_I444, 64, 48, 100, 9},
        {"4:4:4, odd sizes", "yuv444p", ORIEL_FMT_I444, 33, 71, 50, 5},
        {"10 bits", "yuv420p10le", ORIEL_FMT_P010, 64, 48, 100, 20},
    };
    char folder[] = "/tmp/oriel-ab-XXXXXX";
    if (system("ffmpeg -version > /dev/null 2>&1") != 0) {
        print_message("ffmpeg is not installed: its filters were not asked\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        compare(&samples[i], folder);
    assert_int_equal(rmdir(folder), 0);
}

/* --- libvmaf's own program --- */

enum { VMAF_FRAMES = 4 };

static void ask_vmaf(const struct sample *sample, const char *folder, unsigned depth,
                     double scores[VMAF_FRAMES])
{
    char command[1024], path[300];
    static char text[65536];
    snprintf(command, sizeof command,
             "vmaf -q -r %s/a.yuv -d %s/b.yuv -w %u -h %u -p %s -b %u --json -o %s/vmaf.json "
             "-m version=vmaf_v0.6.1 > /dev/null 2>&1",
             folder, folder, sample->width, sample->height,
             sample->fourcc == ORIEL_FMT_I444 ? "444" : "420", depth, folder);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/vmaf.json", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    unlink(path);
    const char *at = strstr(text, "\"frames\"");
    for (int i = 0; i < VMAF_FRAMES; i++) {
        at = at ? strstr(at, "\"vmaf\": ") : NULL;
        assert_non_null(at);
        scores[i] = strtod(at += strlen("\"vmaf\": "), NULL);
    }
}

static void compare_vmaf(const struct sample *sample, const char *folder)
{
    char path[2][300];
    const char *about;
    struct oriel_format format = format_of(sample->fourcc, sample->width, sample->height);
    struct picture a, b;
    assert_true(picture_init(&a, &format) && picture_init(&b, &format));
    struct vmaf *vmaf = vmaf_open(&format, &about);
    assert_non_null(vmaf);
    snprintf(path[0], sizeof path[0], "%s/a.yuv", folder);
    snprintf(path[1], sizeof path[1], "%s/b.yuv", folder);
    FILE *fa = fopen(path[0], "wb"), *fb = fopen(path[1], "wb");
    assert_true(fa && fb);
    for (int i = 0; i < VMAF_FRAMES; i++) {
        make(sample, &a, &b, fa, fb);
        assert_true(vmaf_add(vmaf, &a, &b));
    }
    fclose(fa);
    fclose(fb);
    double theirs[VMAF_FRAMES];
    ask_vmaf(sample, folder, a.depth, theirs);
    for (unsigned i = 0; i < VMAF_FRAMES; i++)
        same(sample, about, vmaf_score(vmaf, i), theirs[i], 0.01);
    assert_true(isnan(vmaf_score(vmaf, VMAF_FRAMES)));
    vmaf_close(vmaf);
    unlink(path[0]);
    unlink(path[1]);
    picture_finish(&a);
    picture_finish(&b);
}

static void test_vmaf(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"noise", "", ORIEL_FMT_I420, 176, 144, 100, 9},
        {"faint noise", "", ORIEL_FMT_I420, 176, 144, 40, 2},
        {"strong errors", "", ORIEL_FMT_I420, 350, 202, 60, 40},
        {"odd sizes", "", ORIEL_FMT_I420, 353, 287, 60, 12},
        {"4:4:4", "", ORIEL_FMT_I444, 176, 144, 60, 12},
        {"10 bits", "", ORIEL_FMT_P010, 176, 144, 60, 40},
    };
    char folder[] = "/tmp/oriel-ab-XXXXXX";
    const char *about;
    struct oriel_format format = format_of(ORIEL_FMT_I420, 176, 144);
    struct vmaf *vmaf = vmaf_open(&format, &about);
    vmaf_close(vmaf);
    if (!vmaf || system("vmaf --version > /dev/null 2>&1") != 0) {
        print_message("VMAF: %s\n", vmaf ? "libvmaf's program vmaf is not installed" : about);
        skip();
    }
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        compare_vmaf(&samples[i], folder);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand), cmocka_unit_test(test_orders), cmocka_unit_test(test_deep),
        cmocka_unit_test(test_ffmpeg),  cmocka_unit_test(test_vmaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
