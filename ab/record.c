/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab/picture.h"
#include "cli/cli.h"
#include "cli/options.h"

static const char usage[] =
    "usage: oriel ab record (DATA | --scene FILE) [options] -o FILE.orec\n"
    "       oriel ab record URL [options] -o FILE.orec\n\n"
    "Draws DATA or a scene by the same record, loader, scene and capture modules as `oriel "
    "serve`,\n"
    "every frame complete and in full quality, and writes raw frames, their stamps and the "
    "inputs.\n\n"
    "With URL, what `oriel serve` printed, it is one more client of a server that runs: it asks "
    "for raw\n"
    "samples (the server has to have encode/raw in modules.encoder) and writes the pictures that "
    "come,\n"
    "as they come, coarse ones too, and what the state channel tells meanwhile.\n" RECORD_OPTIONS;

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0 ||
           strncmp(text, "ws://", 5) == 0 || strncmp(text, "wss://", 6) == 0;
}

static bool parse_count(const char *text, double low, double high, bool whole, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && *out >= low && *out <= high && (!whole || *out == floor(*out));
}

/* What was given as text. */
struct given {
    const char *frames, *size, *format, *fps, *seconds;
};

static int check_numbers(struct record_request *request, const struct given *given, unsigned most)
{
    double value;
    char rest;
    unsigned w = 0, h = 0;
    if (given->frames && !parse_count(given->frames, 1, 1000000, true, &value))
        return cli_fail(CLI_USAGE, "ab record: --frames %s: wants 1 to 1000000", given->frames);
    request->frames = given->frames ? (uint32_t)value : 0;
    request->fps = 30;
    if (given->fps && !parse_count(given->fps, 0.1, 1000, false, &request->fps))
        return cli_fail(CLI_USAGE, "ab record: --fps %s: wants 0.1 to 1000", given->fps);
    request->seconds = 10;
    if (given->seconds && !parse_count(given->seconds, 0.1, 86400, false, &request->seconds))
        return cli_fail(CLI_USAGE, "ab record: --seconds %s: wants 0.1 to 86400", given->seconds);
    if (given->size && (sscanf(given->size, "%5ux%5u%c", &w, &h, &rest) != 2 || w < 1 || h < 1 ||
                        w > most || h > most))
        return cli_fail(CLI_USAGE, "ab record: --size %s: wants WIDTHxHEIGHT, each from 1 to %u",
                        given->size, most);
    request->width = w;
    request->height = h;
    request->fourcc = samples_find(given->format ? given->format : "i420");
    if (!request->fourcc)
        return cli_fail(CLI_USAGE, "ab record: --format %s: wants i420, nv12, i444 or p010",
                        given->format);
    return CLI_GO_ON;
}

static int check_request(struct record_request *request, const struct cli_options *options)
{
    unsigned motions = (request->script != NULL) + request->orbit + request->pan + request->play;
    if (!request->target)
        return cli_fail(CLI_USAGE, "ab record: wants -o FILE.orec");
    if (options->argument_count > 1 || (options->argument_count == 1) == (request->scene != NULL))
        return cli_fail(CLI_USAGE, "ab record: wants one DATA, --scene FILE or URL; "
                                   "`oriel ab record --help` tells more");
    if (motions > 1)
        return cli_fail(CLI_USAGE, "ab record: --script, --orbit, --pan and --play exclude each "
                                   "other");
    request->data = options->argument_count ? options->arguments[0] : NULL;
    if (request->data && is_url(request->data) && motions)
        return cli_fail(CLI_USAGE, "ab record: a running server is moved by its own clients; "
                                   "motions are for DATA and --scene");
    return CLI_GO_ON;
}

static int record_here(const struct cli_options *options, const struct given *given,
                       struct record_request *request)
{
    /* Nothing is limited and nothing waits: there is no client but the script. */
    static const char *const sets[] = {"control.update_rate=0",    "control.command_rate=0",
                                       "thumbnails.enabled=false", "render.settle_ms=0",
                                       "stream.fps=240",           "log.level=warn"};
    struct error err;
    size_t count = sizeof sets / sizeof *sets;
    for (size_t i = 0; i < options->set_count; i++) {
        if (strncmp(options->sets[i], "log.level=", 10) == 0)
            count = sizeof sets / sizeof *sets - 1; /* who asks for a log gets it */
    }
    struct config *config = cli_options_config(options, sets, count, &err);
    if (!config)
        return cli_fail(CLI_USAGE, "%s", err.text);
    config_apply_log(config);
    int status = check_numbers(request, given, (unsigned)config_int(config, "canvas.max"));
    if (status == CLI_GO_ON)
        status =
            record_scene(config, request, &err) ? CLI_DONE : cli_fail(CLI_FAILED, "%s", err.text);
    config_destroy(config);
    return status;
}

int record_command(int argc, char **argv)
{
    struct record_request request = {0};
    struct given given = {0};
    const struct cli_flag flags[] = {
        {.name = "scene", .text = &request.scene}, {.name = "script", .text = &request.script},
        {.name = "orbit", .on = &request.orbit},   {.name = "pan", .on = &request.pan},
        {.name = "play", .on = &request.play},     {.name = "frames", .text = &given.frames},
        {.name = "size", .text = &given.size},     {.name = "format", .text = &given.format},
        {.name = "fps", .text = &given.fps},       {.name = "seconds", .text = &given.seconds},
        {.name = "o", .text = &request.target},    {0}};
    struct cli_options options;
    struct error err;
    int status = cli_options_parse(&options, argc, argv, usage, flags);
    if (status != CLI_GO_ON)
        return status;
    status = check_request(&request, &options);
    if (status == CLI_GO_ON && request.data && is_url(request.data)) {
        status = check_numbers(&request, &given, 16384);
        if (status == CLI_GO_ON)
            status = record_live(request.data, &request, &err)
                         ? CLI_DONE
                         : cli_fail(CLI_FAILED, "%s", err.text);
    } else if (status == CLI_GO_ON) {
        status = record_here(&options, &given, &request);
    }
    cli_options_finish(&options);
    return status;
}
