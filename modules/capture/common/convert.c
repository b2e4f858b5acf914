/* SPDX-License-Identifier: BSD-3-Clause */
#include "convert.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static bool is_420(uint32_t fourcc)
{
    return fourcc == ORIEL_FMT_I420 || fourcc == ORIEL_FMT_NV12 || fourcc == ORIEL_FMT_P010;
}

static uint32_t align(uint32_t value, uint32_t to)
{
    return (value + to - 1) / to * to;
}

void layout_init(struct layout *layout, const struct oriel_format *format, uint32_t pitch)
{
    uint32_t w = format->width, h = format->height, half_h = h / 2 + h % 2;
    memset(layout, 0, sizeof(*layout));
    uint32_t luma = align(w, format->fourcc == ORIEL_FMT_I420 ? 2 * pitch : pitch);
    uint32_t stride[3] = {luma, luma, luma}, rows[3] = {h, half_h, half_h};
    layout->plane_count = 3;
    switch (format->fourcc) {
    case ORIEL_FMT_RGBA:
        layout->plane_count = 1;
        stride[0] = pitch == LAYOUT_CPU ? w * 4 : align(w * 4, pitch);
        break;
    case ORIEL_FMT_P010:
        stride[0] = stride[1] = align(w * 2, pitch);
        layout->plane_count = 2;
        break;
    case ORIEL_FMT_NV12:
        layout->plane_count = 2;
        break;
    case ORIEL_FMT_I420:
        stride[1] = stride[2] = luma / 2;
        break;
    default:
        rows[1] = rows[2] = h;
    }
    for (uint32_t i = 0; i < layout->plane_count; i++) {
        layout->offset[i] = (uint32_t)layout->bytes;
        layout->stride[i] = stride[i];
        layout->rows[i] = rows[i];
        layout->bytes += (uint64_t)stride[i] * align(rows[i], 2);
    }
}

/* ITU-T H.273 8.3: Y = KR R + KG G + KB B, Cb = (B - Y) / (2 (1 - KB)), Cr = (R - Y) / (2 (1 -
 * KR)). The weight of green is what is left of the sum, so that white and greys are exact. */
static struct weights weigh(double r, double b, double sum, double zero)
{
    double one = 1 << CONVERT_SHIFT;
    struct weights w = {.r = (int32_t)lrint(r * one), .b = (int32_t)lrint(b * one)};
    w.g = (int32_t)lrint(sum * one) - w.r - w.b;
    w.offset = (int32_t)lrint((zero + 0.5) * one);
    return w;
}

static void luma_c(const struct converter *self, const uint8_t *rgba, uint8_t *out, uint32_t width,
                   const struct weights *w)
{
    (void)self;
    int32_t r = w->r, g = w->g, b = w->b, offset = w->offset;
    for (uint32_t x = 0; x < width; x++) {
        const uint8_t *p = rgba + 4 * (size_t)x;
        out[x] = (uint8_t)((r * p[0] + g * p[1] + b * p[2] + offset) >> CONVERT_SHIFT);
    }
}

static void chroma_c(const struct converter *self, const uint8_t *upper, const uint8_t *lower,
                     uint8_t *u, uint8_t *v, uint32_t step, uint32_t width)
{
    const struct weights *wu = &self->u, *wv = &self->v;
    for (uint32_t x = 0; x < width; x += 2) {
        size_t left = 4 * (size_t)x, right = x + 1 < width ? left + 4 : left;
        int32_t sum[3];
        for (size_t c = 0; c < 3; c++)
            sum[c] = upper[left + c] + upper[right + c] + lower[left + c] + lower[right + c];
        size_t at = (size_t)(x / 2) * step;
        u[at] = (uint8_t)((wu->r * sum[0] + wu->g * sum[1] + wu->b * sum[2] + wu->offset) >>
                          self->chroma_shift);
        v[at] = (uint8_t)((wv->r * sum[0] + wv->g * sum[1] + wv->b * sum[2] + wv->offset) >>
                          self->chroma_shift);
    }
}

#if defined(__x86_64__)
/* The same sums, 32 pixels at a time: two 16-bit products at once, red with blue and green with 0.
 */
#define AVX2 __attribute__((target("avx2")))

struct wide {
    __m256i rb, g, offset;
};

AVX2 static inline struct wide widen(const struct weights *w)
{
    return (struct wide){_mm256_set1_epi32((int32_t)((uint32_t)w->b << 16 | (uint16_t)w->r)),
                         _mm256_set1_epi32((uint16_t)w->g), _mm256_set1_epi32(w->offset)};
}

AVX2 static inline __m256i dot(const struct wide *w, __m256i rb, __m256i ga)
{
    __m256i sum = _mm256_add_epi32(_mm256_madd_epi16(rb, w->rb), _mm256_madd_epi16(ga, w->g));
    return _mm256_add_epi32(sum, w->offset);
}

AVX2 static inline __m256i load(const uint8_t *rgba, uint32_t block)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(rgba + 32 * (size_t)block));
}

AVX2 static void luma_avx2(const struct converter *self, const uint8_t *rgba, uint8_t *out,
                           uint32_t width, const struct weights *weights)
{
    const __m256i low = _mm256_set1_epi32(0x00ff00ff);
    const __m256i order =
        _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* undoes the packing by halves */
    const struct wide w = widen(weights);
    uint32_t x = 0;
    for (; x + 32 <= width; x += 32) {
        __m256i s[4];
        for (uint32_t k = 0; k < 4; k++) {
            __m256i p = load(rgba + 4 * (size_t)x, k);
            s[k] = _mm256_srai_epi32(dot(&w, _mm256_and_si256(p, low), _mm256_srli_epi16(p, 8)),
                                     CONVERT_SHIFT);
        }
        __m256i bytes =
            _mm256_packus_epi16(_mm256_packs_epi32(s[0], s[1]), _mm256_packs_epi32(s[2], s[3]));
        _mm256_storeu_si256((__m256i *)(void *)(out + x),
                            _mm256_permutevar8x32_epi32(bytes, order));
    }
    luma_c(self, rgba + 4 * (size_t)x, out + x, width - x, weights);
}

AVX2 static void chroma_avx2(const struct converter *self, const uint8_t *upper,
                             const uint8_t *lower, uint8_t *u, uint8_t *v, uint32_t step,
                             uint32_t width)
{
    const __m256i low = _mm256_set1_epi32(0x00ff00ff);
    const struct wide wu = widen(&self->u), wv = widen(&self->v);
    uint32_t x = 0;
    for (; x + 32 <= width; x += 32) {
        __m256i rb[4], ga[4];
        for (uint32_t k = 0; k < 4; k++) {
            __m256i a = load(upper + 4 * (size_t)x, k), b = load(lower + 4 * (size_t)x, k);
            rb[k] = _mm256_add_epi16(_mm256_and_si256(a, low), _mm256_and_si256(b, low));
            ga[k] = _mm256_add_epi16(_mm256_srli_epi16(a, 8), _mm256_srli_epi16(b, 8));
        }
        __m256i su[2], sv[2];
        for (uint32_t k = 0; k < 2; k++) { /* neighbours together: both halves stay below 1021 */
            __m256i r = _mm256_hadd_epi32(rb[2 * k], rb[2 * k + 1]);
            __m256i g = _mm256_hadd_epi32(ga[2 * k], ga[2 * k + 1]);
            su[k] = _mm256_srai_epi32(dot(&wu, r, g), CONVERT_SHIFT + 2);
            sv[k] = _mm256_srai_epi32(dot(&wv, r, g), CONVERT_SHIFT + 2);
        }
        __m256i bytes =
            _mm256_packus_epi16(_mm256_packs_epi32(su[0], su[1]), _mm256_packs_epi32(sv[0], sv[1]));
        __m128i first = _mm256_castsi256_si128(bytes), second = _mm256_extracti128_si256(bytes, 1);
        __m128i us = _mm_unpacklo_epi16(first, second), vs = _mm_unpackhi_epi16(first, second);
        if (step == 1) {
            _mm_storeu_si128((__m128i *)(void *)(u + x / 2), us);
            _mm_storeu_si128((__m128i *)(void *)(v + x / 2), vs);
        } else {
            _mm_storeu_si128((__m128i *)(void *)(u + x), _mm_unpacklo_epi8(us, vs));
            _mm_storeu_si128((__m128i *)(void *)(u + x + 16), _mm_unpackhi_epi8(us, vs));
        }
    }
    size_t at = (size_t)(x / 2) * step;
    chroma_c(self, upper + 4 * (size_t)x, lower + 4 * (size_t)x, u + at, v + at, step, width - x);
}
#endif

void converter_init(struct converter *self, const struct oriel_format *format)
{
    double kr = format->matrix == ORIEL_MATRIX_BT709 ? 0.2126 : 0.299;
    double kb = format->matrix == ORIEL_MATRIX_BT709 ? 0.0722 : 0.114;
    bool deep = format->fourcc == ORIEL_FMT_P010;
    self->most = deep ? 1023 : 255;
    self->top_down = false;
    double full = deep ? 1023.0 / 255.0 : 1.0, unit = deep ? 4.0 : 1.0;
    double luma = format->full_range ? full : unit * 219.0 / 255.0;
    double chroma = format->full_range ? full : unit * 224.0 / 255.0;
    double cb = chroma * 0.5 / (1 - kb), cr = chroma * 0.5 / (1 - kr);
    self->y = weigh(luma * kr, luma * kb, luma, format->full_range ? 0 : 16 * unit);
    self->u = weigh(-cb * kr, cb * (1 - kb), 0, 128 * unit);
    self->v = weigh(cr * (1 - kr), -cr * kb, 0, 128 * unit);
    self->chroma_shift = CONVERT_SHIFT;
    if (is_420(format->fourcc)) {
        self->chroma_shift += 2;
        self->u.offset *= 4;
        self->v.offset *= 4;
    }
    self->u.offset--; /* pure blue and red are 255.5 in full range: down, not over the edge */
    self->v.offset--;
    self->luma = luma_c;
    self->chroma = chroma_c;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        self->luma = luma_avx2;
        self->chroma = chroma_avx2;
    }
#endif
}

void converter_run(const struct converter *self, const struct oriel_format *format,
                   const struct layout *layout, const uint8_t *rgba, uint8_t *out)
{
    uint32_t width = format->width, height = format->height;
    size_t pitch = 4 * (size_t)width;
    if (format->fourcc == ORIEL_FMT_RGBA) {
        for (uint32_t y = 0; y < height; y++)
            memcpy(out + y * pitch, rgba + (self->top_down ? height - 1 - y : y) * pitch, pitch);
        return;
    }
    uint8_t *y_plane = out + layout->offset[0], *u_plane = out + layout->offset[1];
    bool nv12 = format->fourcc == ORIEL_FMT_NV12;
    uint8_t *v_plane = nv12 ? u_plane + 1 : out + layout->offset[2];
    for (uint32_t y = 0; y < height; y++) {
        const uint8_t *row = rgba + (self->top_down ? height - 1 - y : y) * pitch;
        self->luma(self, row, y_plane + (size_t)y * layout->stride[0], width, &self->y);
        if (format->fourcc == ORIEL_FMT_I444) {
            self->luma(self, row, u_plane + (size_t)y * layout->stride[1], width, &self->u);
            self->luma(self, row, v_plane + (size_t)y * layout->stride[2], width, &self->v);
        } else if (y % 2 || y + 1 == height) { /* the pair is in the cache now */
            size_t at = (size_t)(y / 2) * layout->stride[1];
            const uint8_t *before = self->top_down ? row + pitch : row - pitch;
            self->chroma(self, y % 2 ? before : row, row, u_plane + at, v_plane + at, nv12 ? 2 : 1,
                         width);
        }
    }
}
