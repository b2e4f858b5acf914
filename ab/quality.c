/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ab/decoder.h"
#include "ab/metrics.h"
#include "ab/stats.h"
#include "ab/vmaf.h"
#include "util/check.h"
#include "util/clock.h"

/* The picture on the screen stays until the next one: a frame that is left out is compared with the
 * one before it. */
struct screen {
    const struct recording *recording;
    struct row *rows; /* measured into, or NULL: looked at */
    const uint32_t *wanted;
    uint32_t wanted_count;
    quality_seen *seen;
    void *user;
    struct vmaf *vmaf;
    struct picture source, shown;
    uint8_t *packed;
    uint32_t next; /* the first frame that has not been measured */
    bool any;
    bool failed;
    struct error *err;
};

static bool screen_init(struct screen *screen, const struct recording *recording, struct row *rows,
                        struct error *err)
{
    *screen = (struct screen){.recording = recording,
                              .rows = rows,
                              .packed = malloc(frame_bytes(&recording->format)),
                              .err = err};
    return (screen->packed && picture_init(&screen->source, &recording->format) &&
            picture_init(&screen->shown, &recording->format)) ||
           error_set(err, "no memory for a frame");
}

static void screen_finish(struct screen *screen)
{
    picture_finish(&screen->source);
    picture_finish(&screen->shown);
    free(screen->packed);
}

static void measure(struct screen *screen, uint32_t index, const struct picture *picture)
{
    bool wanted = screen->rows;
    for (uint32_t i = 0; i < screen->wanted_count; i++)
        wanted |= screen->wanted[i] == index;
    if (screen->failed || !wanted)
        return;
    if (!recording_read(screen->recording, index, screen->packed, screen->err)) {
        screen->failed = true;
        return;
    }
    picture_unpack(&screen->source, &screen->recording->format, screen->packed);
    if (!screen->rows) {
        screen->seen(screen->user, index, &screen->source, picture);
        return;
    }
    struct row *row = &screen->rows[index];
    row->shown = true;
    for (int p = 0; p < PLANE_ALL; p++) {
        row->mse[p] = plane_mse(&screen->source, picture, p);
        row->ssim[p] = plane_ssim(&screen->source, picture, p);
    }
    row->mse[PLANE_ALL] = planes_mean(picture, row->mse);
    row->ssim[PLANE_ALL] = planes_mean(picture, row->ssim);
    for (int p = 0; p < PLANES; p++)
        row->psnr[p] = psnr_of(row->mse[p], picture->depth);
    if (!vmaf_add(screen->vmaf, &screen->source, picture))
        screen->failed = !error_set(screen->err, "libvmaf refused frame %u", index);
}

/* Frames that were left out show what was there before. */
static void measure_until(struct screen *screen, uint32_t index)
{
    for (; screen->next < index && !screen->failed; screen->next++) {
        if (screen->any)
            measure(screen, screen->next, &screen->shown);
    }
}

static void on_picture(void *data, uint32_t index, const struct picture *picture)
{
    struct screen *screen = data;
    if (index < screen->next)
        return; /* twice, or out of order: it comes too late to be shown */
    measure_until(screen, index);
    measure(screen, index, picture);
    screen->next = index + 1;
    screen->any = true;
    for (int p = 0; p < 3; p++)
        for (uint32_t y = 0; y < picture->height[p]; y++)
            memcpy(screen->shown.plane[p] + (size_t)y * screen->shown.stride[p],
                   picture->plane[p] + (size_t)y * picture->stride[p], screen->shown.stride[p]);
}

static bool decode(struct screen *screen, const struct packets *packets, struct error *err)
{
    if (!packets->count)
        return error_set(err, "the encoder gave no packet");
    struct decoder *decoder = decoder_open(packets->at[0].codec, &screen->recording->format, err);
    bool good = decoder != NULL;
    for (uint32_t i = 0; good && i < packets->count; i++) {
        const struct packet *packet = &packets->at[i];
        good = decoder_feed(decoder, packet->index, packet->data, packet->bytes, on_picture, screen,
                            err);
        if (screen->rows)
            screen->rows[packet->index].decode_ms =
                (double)decoder_spent_ns(decoder) / (double)NS_PER_MS;
    }
    good = good && decoder_feed(decoder, 0, NULL, 0, on_picture, screen, err) && !screen->failed;
    measure_until(screen, (uint32_t)screen->recording->frame_count);
    decoder_close(decoder);
    return good && !screen->failed;
}

static void sum_up(struct cell *cell, uint32_t depth)
{
    uint32_t shown = 0;
    double mse[PLANES] = {0};
    for (int p = 0; p < PLANES; p++)
        cell->ssim[p] = 0;
    for (uint32_t i = 0; i < cell->row_count; i++) {
        if (!cell->rows[i].shown)
            continue;
        shown++;
        for (int p = 0; p < PLANES; p++) {
            mse[p] += cell->rows[i].mse[p];
            cell->ssim[p] += cell->rows[i].ssim[p];
        }
    }
    for (int p = 0; p < PLANES; p++) {
        cell->psnr[p] = shown ? psnr_of(mse[p] / shown, depth) : NAN;
        cell->ssim[p] = shown ? cell->ssim[p] / shown : NAN;
    }
}

bool quality_measure(struct cell *cell, const struct packets *packets, const char **vmaf,
                     struct error *err)
{
    struct screen screen;
    bool good = screen_init(&screen, cell->recording, cell->rows, err);
    screen.vmaf = vmaf_open(&cell->recording->format, vmaf);
    for (uint32_t i = 0; i < cell->row_count; i++)
        cell->rows[i].vmaf = NAN;
    good = good && decode(&screen, packets, err);
    if (good) {
        sum_up(cell, screen.source.depth);
        double sum = 0;
        uint32_t added = 0;
        for (uint32_t i = 0; i < cell->row_count; i++) {
            if (cell->rows[i].shown)
                sum += cell->rows[i].vmaf = vmaf_score(screen.vmaf, added++);
        }
        cell->vmaf = added ? sum / added : NAN;
    }
    vmaf_close(screen.vmaf);
    screen_finish(&screen);
    return good;
}

bool quality_look(const struct cell *cell, const uint32_t *frames, uint32_t count,
                  quality_seen *seen, void *user, struct error *err)
{
    struct screen screen;
    bool good = screen_init(&screen, cell->recording, NULL, err);
    screen.wanted = frames;
    screen.wanted_count = count;
    screen.seen = seen;
    screen.user = user;
    good = good && decode(&screen, &cell->packets, err);
    screen_finish(&screen);
    return good;
}
