/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel demo: a synthetic multichannel time series with everything that real ones have. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/data.h"
#include "cli/demo_cells.h"
#include "cli/demo_store.h"
#include "cli/options.h"
#include "util/check.h"

static const char usage[] =
    "usage: oriel demo OUT.ome.zarr [--size tiny|small|medium]\n\n"
    "Writes a time series of nuclei that move and divide: axes t c z y x, two channels, a "
    "pyramid,\n"
    "OME-Zarr 0.5. The same values every time.\n"
    "  --size NAME          tiny 1 MB, small 55 MB (default), medium 480 MB\n\n";

static const struct size {
    const char *name;
    uint32_t frames, depth, side, cells;
} sizes[] = {
    {"tiny", 3, 8, 96, 6},
    {"small", 12, 24, 192, 22},
    {"medium", 16, 40, 384, 50},
};

static const double pitch[3] = {0.8, 0.4, 0.4}; /* micrometers */

static void plan(const struct size *size, struct demo_image *image)
{
    *image = (struct demo_image){
        .name = "Oriel demo: dividing cells",
        .frames = size->frames,
        .seconds = 90,
        .channels = {{"nuclei", "00E0FF", 110, 2000}, {"membranes", "FF4FA3", 110, 1200}},
        .levels = {{.shape = {size->depth, size->side, size->side},
                    .scale = {pitch[0], pitch[1], pitch[2]}}},
    };
    for (uint32_t i = 1; i < DEMO_LEVELS; i++) {
        const struct demo_level *before = &image->levels[i - 1];
        struct demo_level *level = &image->levels[i];
        for (int k = 0; k < 3; k++) {
            /* Only what is finer than the coarsest axis is halved, so that voxels become cubes
             * first. */
            bool halve = before->scale[k] < pitch[0] * (1 << (i - 1)) && before->shape[k] > 1;
            halve = halve || i > 1;
            level->shape[k] = halve ? (before->shape[k] + 1) / 2 : before->shape[k];
            level->scale[k] = before->scale[k] * (halve ? 2 : 1);
            level->translate[k] = before->translate[k] + (halve ? before->scale[k] / 2 : 0);
        }
    }
}

/* The mean of the voxels that each voxel of the next level covers. */
static void shrink(const struct demo_level *from, const uint16_t *in, const struct demo_level *to,
                   uint16_t *out)
{
    uint32_t step[3];
    for (int k = 0; k < 3; k++)
        step[k] = from->shape[k] == to->shape[k] ? 1 : 2;
    for (uint32_t z = 0; z < to->shape[0]; z++)
        for (uint32_t y = 0; y < to->shape[1]; y++)
            for (uint32_t x = 0; x < to->shape[2]; x++) {
                uint32_t sum = 0, count = 0;
                for (uint32_t a = z * step[0]; a < (z + 1) * step[0] && a < from->shape[0]; a++)
                    for (uint32_t b = y * step[1]; b < (y + 1) * step[1] && b < from->shape[1]; b++)
                        for (uint32_t c = x * step[2]; c < (x + 1) * step[2] && c < from->shape[2];
                             c++) {
                            sum += in[((uint64_t)a * from->shape[1] + b) * from->shape[2] + c];
                            count++;
                        }
                *out++ = (uint16_t)((sum + count / 2) / count);
            }
}

static bool write_volume(struct demo_store *store, const struct demo_image *image, uint32_t frame,
                         uint32_t channel, uint16_t *values, uint16_t *room, struct error *err)
{
    for (uint32_t i = 0; i < DEMO_LEVELS; i++) {
        if (i) { /* in place: a voxel is written after all that it is the mean of */
            shrink(&image->levels[i - 1], values, &image->levels[i], room);
            memcpy(values, room,
                   sizeof *room * image->levels[i].shape[0] * image->levels[i].shape[1] *
                       image->levels[i].shape[2]);
        }
        if (!demo_store_write(store, i, frame, channel, values, err))
            return false;
    }
    return true;
}

static bool write_frames(struct demo_store *store, const struct demo_image *image,
                         uint32_t cell_count, struct error *err)
{
    const uint32_t *shape = image->levels[0].shape;
    size_t voxels = (size_t)shape[0] * shape[1] * shape[2];
    struct demo_grid grid = {.shape = {shape[0], shape[1], shape[2]}};
    memcpy(grid.pitch, pitch, sizeof pitch);
    double half[3];
    for (int k = 0; k < 3; k++)
        half[k] = fmax(shape[k] * pitch[k] / 2 - 3, 2);
    struct demo_cells *cells = xcalloc(1, sizeof *cells);
    uint16_t *values[3]; /* two channels and room for a smaller level */
    for (int i = 0; i < 3; i++)
        values[i] = xcalloc(voxels, sizeof *values[i]);
    demo_cells_init(cells, half, cell_count);
    bool ok = true;
    for (uint32_t frame = 0; ok && frame < image->frames; frame++) {
        demo_cells_draw(cells, &grid, frame, values[0], values[1]);
        demo_cells_step(cells);
        for (uint32_t channel = 0; ok && channel < 2; channel++)
            ok = write_volume(store, image, frame, channel, values[channel], values[2], err);
        if (ok && cli_interrupted())
            ok = error_set(err, "interrupted");
    }
    for (int i = 0; i < 3; i++)
        free(values[i]);
    free(cells);
    return ok;
}

static int write_demo(const char *path, const char *name)
{
    struct demo_image image;
    struct error err = {""};
    const struct size *size = NULL;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strcmp(sizes[i].name, name) == 0)
            size = &sizes[i];
    if (!size)
        return cli_fail(CLI_USAGE, "demo: --size %s: wants tiny, small or medium", name);
    plan(size, &image);
    cli_watch_interrupt();
    struct demo_store *store = demo_store_create(path, &image, &err);
    if (!store)
        return cli_fail(CLI_FAILED, "%s", err.text);
    if (!write_frames(store, &image, size->cells, &err)) {
        demo_store_abandon(store);
        return cli_fail(CLI_FAILED, "%s", err.text);
    }
    if (!demo_store_commit(store, &err))
        return cli_fail(CLI_FAILED, "%s", err.text);
    printf("%s\n", path);
    return CLI_DONE;
}

int cli_demo(int argc, char **argv)
{
    const char *size = "small";
    const struct cli_flag flags[] = {{.name = "size", .text = &size}, {0}};
    struct cli_options options;
    int status = cli_options_parse(&options, argc, argv, usage, flags);
    if (status != CLI_GO_ON)
        return status;
    if (options.argument_count != 1)
        status =
            cli_fail(CLI_USAGE, "demo: wants one OUT.ome.zarr; `oriel demo --help` tells more");
    else
        status = write_demo(options.arguments[0], size);
    cli_options_finish(&options);
    return status;
}
