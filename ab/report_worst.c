/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ab/html.h"
#include "ab/quality.h"
#include "ab/report_parts.h"
#include "util/check.h"

#define MOST_WIDTH 640u /* of a picture in the report */

/* The worst by PSNR of luma, not too near to each other, in the order of the recording. */
static uint32_t choose(const struct cell *cell, uint32_t wanted, uint32_t *frames)
{
    uint32_t count = 0, apart = cell->row_count / (4 * (wanted ? wanted : 1));
    while (count < wanted) {
        uint32_t worst = UINT32_MAX;
        for (uint32_t i = 0; i < cell->row_count; i++) {
            bool near = !cell->rows[i].shown || isinf(cell->rows[i].psnr[PLANE_Y]);
            for (uint32_t k = 0; k < count; k++)
                near |= (i > frames[k] ? i - frames[k] : frames[k] - i) <= apart;
            if (!near && (worst == UINT32_MAX ||
                          cell->rows[i].psnr[PLANE_Y] < cell->rows[worst].psnr[PLANE_Y]))
                worst = i;
        }
        if (worst == UINT32_MAX)
            break;
        frames[count++] = worst;
    }
    for (uint32_t i = 1; i < count; i++) { /* a few */
        for (uint32_t k = i; k > 0 && frames[k] < frames[k - 1]; k--) {
            uint32_t swap = frames[k];
            frames[k] = frames[k - 1];
            frames[k - 1] = swap;
        }
    }
    return count;
}

struct page {
    FILE *out;
    const struct cell *cell;
    double gain;
};

/* Means of whole pixels, so that wide pictures stay small in the file. Shrinks in place. */
static void shrink(uint8_t *rgba, uint32_t *width, uint32_t *height)
{
    uint32_t by = (*width + MOST_WIDTH - 1) / MOST_WIDTH;
    if (by < 2)
        return;
    uint32_t w = *width / by, h = *height / by ? *height / by : 1;
    for (uint32_t y = 0; y < h; y++)
        for (uint32_t x = 0; x < w; x++)
            for (uint32_t c = 0; c < 4; c++) {
                uint32_t sum = 0, count = 0;
                for (uint32_t j = y * by; j < (y + 1) * by && j < *height; j++)
                    for (uint32_t i = x * by; i < (x + 1) * by; i++, count++)
                        sum += rgba[((size_t)j * *width + i) * 4 + c];
                rgba[((size_t)y * w + x) * 4 + c] = (uint8_t)(sum / count);
            }
    *width = w;
    *height = h;
}

static void put_picture(const struct page *page, uint8_t *rgba, uint32_t width, uint32_t height,
                        const char *caption)
{
    shrink(rgba, &width, &height);
    fputs("<figure>", page->out);
    html_picture(page->out, rgba, width, height, caption);
    fputs("<figcaption>", page->out);
    html_text(page->out, caption);
    fputs("</figcaption></figure>", page->out);
}

/* |a - b| × gain in each colour. */
static void put_difference(const struct page *page, const uint8_t *a, uint8_t *b, size_t pixels,
                           uint32_t width, uint32_t height)
{
    char caption[64];
    for (size_t i = 0; i < 4 * pixels; i++) {
        double d = fabs((double)a[i] - b[i]) * page->gain;
        b[i] = i % 4 == 3 ? 255 : d > 255 ? 255 : (uint8_t)d;
    }
    snprintf(caption, sizeof caption, "difference × %g", page->gain);
    put_picture(page, b, width, height, caption);
}

static void on_seen(void *user, uint32_t frame, const struct picture *source,
                    const struct picture *shown)
{
    const struct page *page = user;
    const struct cell *cell = page->cell;
    const struct oriel_format *format = &cell->recording->format;
    bool bottom_up = cell->recording->frames[frame].stamp.flags & ORIEL_FRAME_BOTTOM_UP;
    uint32_t width = format->width, height = format->height;
    size_t pixels = (size_t)width * height;
    uint8_t *a = malloc(4 * pixels), *b = malloc(4 * pixels), *scratch = malloc(4 * pixels);
    if (a && b && scratch) {
        char caption[120];
        picture_rgba(source, format, bottom_up, a);
        picture_rgba(shown, format, bottom_up, b);
        fputs("<div class=\"triple\">", page->out);
        snprintf(caption, sizeof caption, "recorded, frame %u", frame);
        memcpy(scratch, a, 4 * pixels);
        put_picture(page, scratch, width, height, caption);
        snprintf(caption, sizeof caption, "decoded: PSNR Y %.2f dB, SSIM Y %.4f, %llu bytes%s",
                 cell->rows[frame].psnr[PLANE_Y], cell->rows[frame].ssim[PLANE_Y],
                 (unsigned long long)cell->rows[frame].bytes,
                 cell->rows[frame].there ? "" : " (left out: the picture before it)");
        memcpy(scratch, b, 4 * pixels);
        put_picture(page, scratch, width, height, caption);
        put_difference(page, a, b, pixels, width, height);
        fputs("</div>\n", page->out);
    }
    free(a);
    free(b);
    free(scratch);
}

void report_worst(FILE *out, const struct results *results, size_t recording)
{
    const struct plan *plan = results->plan;
    if (!plan->worst)
        return;
    size_t rate = plan->arms[0].rate_count / 2;
    fputs("<h3>Worst frames, at the middle rate</h3><p class=\"dim\">By PSNR of luma; neighbours "
          "of a shown frame are passed over.</p>",
          out);
    for (size_t a = 0; a < plan->arm_count; a++) {
        const struct cell *cell = results_cell(results, recording, a, rate);
        uint32_t frames[32], count = cell->error[0] ? 0 : choose(cell, plan->worst, frames);
        struct page page = {.out = out, .cell = cell, .gain = plan->gain};
        struct error err;
        fputs("<h4>", out);
        html_text(out, plan->arms[a].label);
        fprintf(out, " <span class=\"dim\">%s %.15g</span></h4>", plan->arms[a].rate_option,
                cell->rate);
        if (!count) {
            fputs("<p class=\"dim\">", out);
            html_text(out, cell->error[0] ? cell->error : "Every frame is as it was recorded.");
            fputs("</p>", out);
        } else if (!quality_look(cell, frames, count, on_seen, &page, &err)) {
            fputs("<p class=\"note\">", out);
            html_text(out, err.text);
            fputs("</p>", out);
        }
    }
}
