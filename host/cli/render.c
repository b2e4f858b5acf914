/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel render: one picture of a scene as PNG, by the same record, loader, scene module and capture
 * as `oriel serve`. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "config/config.h"
#include "control/control.h"
#include "metrics/metrics.h"
#include "module/quarantine.h"
#include "module/registry.h"
#include "render/png.h"
#include "render/pool.h"
#include "render/render.h"
#include "util/check.h"

static const char usage[] =
    "usage: oriel render (DATA | --scene FILE) [--size WxH] -o OUT.png [--stats FILE.json]\n\n"
    "Draws one picture with everything loaded, in full quality, and writes it as PNG (8-bit "
    "RGBA).\n"
    "  --scene FILE         a scene file instead of DATA\n"
    "  --size WxH           canvas in pixels (default: the scene's, or canvas.width x "
    "canvas.height)\n"
    "  -o OUT.png           where to\n"
    "  --stats FILE.json    what each stage took and what was loaded\n\n";

struct request {
    const char *data, *scene, *size, *target, *stats;
    uint32_t width, height; /* 0: not asked for */
};

/* Fills the target by `write`, in a file beside it that takes its name when it is complete. */
static bool replace_file(const char *target, bool (*write)(FILE *file, const void *data),
                         const void *data, struct error *err)
{
    struct stat status;
    if (stat(target, &status) == 0 && !S_ISREG(status.st_mode))
        return error_set(err, "%s: is no regular file", target);
    char *path = xasprintf("%s.XXXXXX", target);
    int fd = mkostemp(path, O_CLOEXEC);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!file) {
        error_set(err, "%s: %s", target, strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(path);
        }
        free(path);
        return false;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    errno = 0;
    bool good = write(file, data);
    int failed = errno;
    if (fclose(file) != 0 && good) {
        failed = errno;
        good = false;
    }
    if (good && rename(path, target) != 0) {
        failed = errno;
        good = false;
    }
    if (!good) {
        unlink(path);
        error_set(err, "%s: %s", target, failed ? strerror(failed) : "cannot be written");
    }
    free(path);
    return good;
}

struct bytes {
    const void *data;
    size_t count;
};

static bool write_bytes(FILE *file, const void *data)
{
    const struct bytes *bytes = data;
    return fwrite(bytes->data, 1, bytes->count, file) == bytes->count;
}

static bool write_text(FILE *file, const void *data)
{
    return fputs(data, file) >= 0 && fputc('\n', file) >= 0;
}

static bool parse_size(const char *text, uint32_t most, uint32_t *width, uint32_t *height,
                       struct error *err)
{
    char *end;
    unsigned long w = strtoul(text, &end, 10);
    bool good = end != text && *end == 'x' && text[0] >= '0' && text[0] <= '9';
    const char *second = good ? end + 1 : text;
    unsigned long h = strtoul(second, &end, 10);
    good = good && end != second && !*end && second[0] >= '0' && second[0] <= '9';
    if (!good || w < 1 || h < 1 || w > most || h > most)
        return error_set(err, "--size %s: wants WIDTHxHEIGHT, each from 1 to %u", text, most);
    *width = (uint32_t)w;
    *height = (uint32_t)h;
    return true;
}

static bool draw_and_write(struct render *render, struct scene_snapshot *snapshot,
                           const struct request *request, struct error *err)
{
    uint32_t width = snapshot->scene.width, height = snapshot->scene.height;
    uint8_t *rgba = malloc((size_t)width * height * 4), *png = NULL;
    struct bytes bytes = {0};
    bool good = rgba || error_set(err, "no memory for %u x %u pixels", width, height);
    good = good && render_still(render, snapshot, rgba, err);
    if (good && !(png = encode_png(rgba, width, height, &bytes.count)))
        good = error_set(err, "no memory for a PNG of %u x %u pixels", width, height);
    bytes.data = png;
    good = good && replace_file(request->target, write_bytes, &bytes, err);
    free(png);
    free(rgba);
    if (good && request->stats) {
        char *stats = render_stats_json(render);
        good = replace_file(request->stats, write_text, stats, err);
        free(stats);
    }
    return good;
}

static bool render_to_file(const struct config *config, const struct request *request,
                           struct error *err)
{
    bool good = false;
    struct metrics *metrics = metrics_create();
    quarantine_watch(config);
    struct registry *registry = registry_create(config, err);
    struct control *control = NULL;
    struct render_pool *pool = NULL;
    struct render *render = NULL;
    struct scene_snapshot *snapshot = NULL;
    if (!registry || !(control = control_create(config, registry, metrics, err)))
        goto out;
    if (request->width && request->data)
        control_set_canvas(control, request->width, request->height, false);
    if (request->data ? !control_open_data(control, request->data, err)
                      : !control_open_scene(control, request->scene, err))
        goto out;
    /* A scene keeps its camera, data without one are looked at from home. */
    if (request->width)
        control_set_canvas(control, request->width, request->height, request->data != NULL);
    if (!(pool = render_pool_create(config, registry, metrics, err)) ||
        !(render = render_create(pool, "main", NULL, err)))
        goto out;
    snapshot = control_snapshot(control);
    good = draw_and_write(render, snapshot, request, err);
out:
    scene_snapshot_unref(snapshot);
    render_destroy(render);
    control_destroy(control);
    render_pool_destroy(pool);
    if (registry)
        registry_destroy(registry);
    metrics_destroy(metrics);
    return good;
}

static int check_request(struct request *request, const struct cli_options *options,
                         const struct config *config)
{
    struct error err;
    if (options->argument_count > 1 || (options->argument_count == 1) == (request->scene != NULL))
        return cli_fail(CLI_USAGE,
                        "render: wants one DATA or --scene FILE; `oriel render --help` tells more");
    if (!request->target)
        return cli_fail(CLI_USAGE, "render: wants -o OUT.png");
    if (request->size && !parse_size(request->size, (uint32_t)config_int(config, "canvas.max"),
                                     &request->width, &request->height, &err))
        return cli_fail(CLI_USAGE, "render: %s", err.text);
    request->data = options->argument_count ? options->arguments[0] : NULL;
    return CLI_GO_ON;
}

int cli_render(int argc, char **argv)
{
    struct request request = {0};
    const struct cli_flag flags[] = {{.name = "scene", .text = &request.scene},
                                     {.name = "size", .text = &request.size},
                                     {.name = "o", .text = &request.target},
                                     {.name = "stats", .text = &request.stats},
                                     {0}};
    struct cli_options options;
    struct config *config = NULL;
    struct error err;
    int status = cli_options_parse(&options, argc, argv, usage, flags);
    if (status != CLI_GO_ON)
        return status;
    status = cli_options_load(&options, &config);
    if (status == CLI_GO_ON)
        status = check_request(&request, &options, config);
    if (status == CLI_GO_ON)
        status = render_to_file(config, &request, &err) ? CLI_DONE
                                                        : cli_fail(CLI_FAILED, "%s", err.text);
    config_destroy(config);
    cli_options_finish(&options);
    return status;
}
