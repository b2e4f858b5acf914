/* SPDX-License-Identifier: BSD-3-Clause */
/* `oriel bench`: what each stage costs on this machine, end to end without the sockets. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/bench_client.h"
#include "cli/bench_data.h"
#include "cli/bench_report.h"
#include "cli/bench_shadow.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/server.h"
#include "module/registry.h"
#include "render/render.h"
#include "util/check.h"
#include "util/clock.h"

#define FPS 60
#define WARM_UP 10
#define CODECS "h264,vp9,vp8,jpeg,png,raw,null"

struct bench {
    bool alone;             /* pan and orbit are run again with each stage apart */
    double fill;            /* orbit: the volume's side by the height of the picture */
    char dir[64];           /* where the pictures made here are; "" when none was */
    const char *content[2]; /* of pan and orbit, for people */
    char slice[PATH_MAX];
    char volume[PATH_MAX];
    const struct cli_options *options;
    int frames;
    cJSON *results; /* for bench_write_json() */
};

/* --- one server with one encoder --- */

struct stage {
    struct config *config;
    struct server server;
    struct bench_client *client;
};

static bool stage_open(struct bench *bench, struct stage *stage, const char *data,
                       const char *encoder, int width, int height, bool apart, struct error *err)
{
    *stage = (struct stage){0};
    char sets[4][128];
    snprintf(sets[0], sizeof sets[0], "canvas.width=%d", width);
    snprintf(sets[1], sizeof sets[1], "canvas.height=%d", height);
    snprintf(sets[2], sizeof sets[2], "log.level=error");
    snprintf(sets[3], sizeof sets[3], "modules.encoder=[\"%s\"]", encoder ? encoder : "");
    const char *extra[] = {sets[0], sets[1], sets[2], apart ? "debug.apart=true" : sets[2],
                           sets[3]};
    if (!(stage->config = cli_options_config(bench->options, extra, encoder ? 5 : 4, err)))
        return false;
    config_apply_log(stage->config);
    const struct server_scene scene = {.data = &data, .data_count = 1};
    if (!server_start(&stage->server, stage->config, &scene, err))
        goto fail;
    stage->client = bench_client_open(&stage->server, CODECS, 10000, err);
    struct bench_picture first;
    if (stage->client && !bench_client_wait(stage->client, 0, false, 20000, &first))
        error_set(err, "no picture within 20 s");
    else if (stage->client)
        return true;
    bench_client_close(stage->client);
    server_free(&stage->server);
fail:
    config_destroy(stage->config);
    return false;
}

static void stage_close(struct stage *stage)
{
    bench_client_close(stage->client);
    server_free(&stage->server);
    config_destroy(stage->config);
}

/* --- suites --- */

static void sleep_until(int64_t deadline_ns)
{
    struct timespec t = {.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

/* One run of pan or orbit: what is measured, and of what. */
struct run {
    const char *suite, *encoder;
    int width, height;
    bool apart;
    bool begun; /* there is a server that sends pictures with this encoder */
    struct bench_series series;
    double seconds; /* of the series */
    uint64_t bytes; /* in it */
    double rest_ms; /* orbit: from the last move to full quality */
};

static double longest_side(const struct bench_view *view)
{
    double most = 0;
    for (int a = 0; a < 3; a++)
        most = fmax(most, view->extent[1][a] - view->extent[0][a]);
    return most;
}

/* Sends a new pose each 1/60 s, or when the last one has been shown, and measures from sending to
 * the packet that shows it. The series is there also when it fails. */
static bool run_moves(struct bench *bench, struct run *run, struct error *err)
{
    bool orbit = strcmp(run->suite, "orbit") == 0;
    bench_series_init(&run->series, bench->frames);
    struct stage stage;
    if (!stage_open(bench, &stage, orbit ? bench->volume : bench->slice, run->encoder, run->width,
                    run->height, run->apart, err))
        return false;
    run->begun = true;
    struct bench_picture picture;
    if (orbit)
        bench_client_update(stage.client, "view", "ndisplay", "3");
    /* Everything is loaded before the clock runs. */
    bool fine = bench_client_wait(stage.client, 0, true, 20000, &picture);
    usleep(300 * 1000);

    struct bench_view view = *bench_client_view(stage.client);
    double middle[3];
    for (int a = 0; a < 3; a++)
        middle[a] = (view.extent[0][a] + view.extent[1][a]) / 2;
    double zoom = orbit ? run->height * bench->fill / longest_side(&view) : view.zoom;

    uint64_t bytes0 = 0, bytes = 0;
    int64_t started = 0, next = clock_ns();
    for (int i = 0; fine && i < bench->frames + WARM_UP; i++) {
        if (i == WARM_UP) {
            started = clock_ns();
            bench_client_count(stage.client, &bytes0);
        }
        double angle = (i + 1) * 3 * M_PI / 180; /* never the pose it has */
        double center[3] = {middle[0], middle[1], middle[2]};
        double quat[4] = {1, 0, 0, 0};
        if (orbit) {
            quat[0] = cos(angle / 2);
            quat[2] = sin(angle / 2);
        } else {
            center[0] += 400 * sin(angle);
            center[1] += 300 * sin(2 * angle);
        }
        sleep_until(next);
        int64_t sent =
            bench_client_pose(stage.client, (uint64_t)i + 1, orbit ? 3 : 2, center, zoom, quat);
        fine = bench_client_wait(stage.client, (uint64_t)i + 1, false, 10000, &picture);
        if (i >= WARM_UP && fine)
            bench_series_add(&run->series, &picture,
                             (double)(picture.received_ns - sent) / NS_PER_MS);
        next += NS_PER_S / FPS;
        if (next < clock_ns())
            next = clock_ns();
    }
    bench_client_count(stage.client, &bytes);
    int64_t now = clock_ns();
    run->seconds = (double)(now - started) / NS_PER_S;
    run->bytes = bytes - bytes0;
    if (fine && orbit) {
        fine = bench_client_wait(stage.client, (uint64_t)(bench->frames + WARM_UP), true, 10000,
                                 &picture);
        if (picture.received_ns > now) /* else it moved in full quality */
            run->rest_ms = (double)(picture.received_ns - now) / NS_PER_MS;
    }
    stage_close(&stage);
    return fine || error_set(err, "%s with %s: a picture did not come within 10 s", run->suite,
                             run->encoder);
}

/* A row of the table: as it is used, and with --alone again with each stage apart. `unusable`:
 * the encoder does not work here at all. */
static bool run_row(struct bench *bench, const char *suite, const char *encoder, const int size[2],
                    bool *unusable, struct error *err)
{
    struct run run = {.suite = suite, .encoder = encoder, .width = size[0], .height = size[1]};
    struct run apart = run;
    apart.apart = true;
    bool fine = run_moves(bench, &run, err) && (!bench->alone || run_moves(bench, &apart, err));
    if (fine) {
        cJSON *row = bench_report(bench->results, suite, encoder, size[0], size[1], &run.series,
                                  bench->alone ? &apart.series : NULL, run.seconds, run.bytes);
        if (strcmp(suite, "orbit") == 0) {
            printf("%-18s full quality %.0f ms after the last move\n", "", run.rest_ms);
            cJSON_AddNumberToObject(row, "full_quality_after_ms", run.rest_ms);
        }
    }
    bench_series_finish(&run.series);
    bench_series_finish(&apart.series);
    *unusable = !run.begun;
    return fine;
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
}

/* With a client connected and nothing changing. */
static bool run_idle(struct bench *bench, struct error *err)
{
    struct stage stage;
    if (!stage_open(bench, &stage, bench->slice, NULL, 1280, 720, false, err))
        return false;
    struct bench_picture picture;
    bench_client_wait(stage.client, 0, true, 20000, &picture);
    usleep(3000 * 1000); /* refinement and prefetch are over */
    uint64_t bytes, before = bench_client_count(stage.client, &bytes);
    double cpu = cpu_seconds();
    const double seconds = 10;
    usleep((useconds_t)(seconds * 1e6));
    cpu = (cpu_seconds() - cpu) / seconds * 100;
    uint64_t pictures = bench_client_count(stage.client, &bytes) - before;
    printf("\nidle with a client, %.0f s: %.3f %% of a core, %llu pictures\n", seconds, cpu,
           (unsigned long long)pictures);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "suite", "idle");
    cJSON_AddNumberToObject(row, "cpu_percent", cpu);
    cJSON_AddNumberToObject(row, "pictures", (double)pictures);
    cJSON_AddItemToArray(bench->results, row);
    stage_close(&stage);
    return true;
}

/* What the child of run_start does: everything up to the first packet, then it is gone. */
static _Noreturn void start_child(struct bench *bench)
{
    struct stage stage;
    struct error err;
    if (!stage_open(bench, &stage, bench->slice, NULL, 1280, 720, false, &err)) {
        fprintf(stderr, "oriel: bench: %s\n", err.text);
        _exit(1);
    }
    _exit(0);
}

/* From exec to the first packet, in a process of its own, several times. */
static bool run_start(struct bench *bench, struct error *err)
{
    enum { RUNS = 7 };
    double ms[RUNS];
    for (int i = 0; i < RUNS; i++) {
        int64_t begin = clock_ns();
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "oriel", "bench", "--first-packet", bench->slice, (char *)NULL);
            _exit(127);
        }
        int status;
        if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
            return error_set(err, "start: the child failed");
        ms[i] = (double)(clock_ns() - begin) / NS_PER_MS;
    }
    double best = ms[0];
    for (int i = 1; i < RUNS; i++)
        best = fmin(best, ms[i]);
    double median = bench_quantile(ms, RUNS, 0.5);
    printf("\nexec to first packet, %d runs: median %.0f ms, best %.0f ms\n", RUNS, median, best);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "suite", "start");
    cJSON_AddNumberToObject(row, "p50_ms", median);
    cJSON_AddNumberToObject(row, "best_ms", best);
    cJSON_AddItemToArray(bench->results, row);
    return true;
}

/* --- the command --- */

static const char usage[] = "usage: oriel bench [SUITE…] [options]\n"
                            "  pan     a 4096² uint16 slice moves, 60 poses a second at most\n"
                            "  orbit   a 256³ uint16 volume turns\n"
                            "  start   from exec to the first packet\n"
                            "  idle    CPU with a client connected and nothing changing\n"
                            "  shadow  what the first of two encoders pays for the second in its "
                            "shadow; only when asked for\n"
                            "  --json FILE          the results for programs\n"
                            "  --encoder ID,ID      these instead of every one that works here\n"
                            "  --size WxH,WxH       canvas sizes (1280x720,1920x1080)\n"
                            "  --frames N           poses to measure in pan and orbit (120)\n"
                            "  --slice DATA         a dataset of your own for pan, start and idle\n"
                            "  --volume DATA        a dataset of your own for orbit\n"
                            "  --fill F             orbit: side of the volume by the height of the "
                            "picture (0.667)\n"
                            "  --alone              pan and orbit again with debug.apart: what the "
                            "stages cost alone\n"
                            "Times are milliseconds, median / 99th percentile. before: up to the "
                            "encoder. ratio: total\nagainst draw + capture + encode, with --alone "
                            "against those, and the wait of the encoder, alone.\n";

#define MAX_LIST 32

struct bench_args {
    const char *suites[MAX_LIST];
    size_t suite_count;
    const char *encoders[MAX_LIST];
    size_t encoder_count;
    int sizes[MAX_LIST][2];
    size_t size_count;
};

/* Every encoder that is there; whether it works here shows when it is to begin. */
static bool default_encoders(struct bench *bench, struct bench_args *args,
                             struct registry **registry, struct config **config, struct error *err)
{
    if (!(*config = cli_options_config(bench->options, NULL, 0, err)) ||
        !(*registry = registry_create(*config, err)))
        return false;
    for (size_t i = 0; i < registry_count(*registry) && args->encoder_count < MAX_LIST; i++) {
        const struct module *module = registry_at(*registry, i);
        if (module->kinds[MODULE_ENCODER] && !module->reason)
            args->encoders[args->encoder_count++] = module->id;
    }
    return true;
}

static bool wanted(const struct bench_args *args, const char *suite)
{
    for (size_t i = 0; i < args->suite_count; i++) {
        if (strcmp(args->suites[i], suite) == 0)
            return true;
    }
    return args->suite_count == 0;
}

/* One of the encoders that nobody named does without a row where it does not work. */
static bool run_encoder(struct bench *bench, struct bench_args *args, const char *suite, size_t s,
                        size_t e, bool named, struct error *err)
{
    bool unusable;
    const char *id = args->encoders[e];
    if (!id || run_row(bench, suite, id, args->sizes[s], &unusable, err))
        return true;
    if (named || !unusable)
        return false;
    printf("%-18s left out: %s\n", id, err->text);
    args->encoders[e] = NULL;
    return true;
}

/* The first encoder is seen, the second in its shadow. */
static bool run_shadow(struct bench *bench, const struct bench_args *args, struct error *err)
{
    if (args->encoder_count != 2)
        return error_set(err, "shadow: wants two, --encoder SEEN,SHADOW");
    const struct bench_shadow shadow = {.seen = args->encoders[0],
                                        .shadow = args->encoders[1],
                                        .frames = bench->frames,
                                        .results = bench->results};
    bool fine = true;
    for (size_t s = 0; fine && s < args->size_count; s++) {
        struct stage stage;
        if (!stage_open(bench, &stage, bench->slice, shadow.seen, args->sizes[s][0],
                        args->sizes[s][1], false, err))
            return false;
        fine = bench_shadow(&shadow, &stage.server, stage.config, stage.client, err);
        stage_close(&stage);
    }
    return fine;
}

static bool run_suites(struct bench *bench, struct bench_args *args, struct error *err)
{
    static const char *const moving[] = {"pan", "orbit"};
    struct registry *registry = NULL;
    struct config *config = NULL;
    bool named = args->encoder_count > 0;
    bool fine = named || default_encoders(bench, args, &registry, &config, err);
    for (int m = 0; fine && m < 2; m++) {
        if (!wanted(args, moving[m]))
            continue;
        bench_print_header(moving[m], bench->content[m]);
        for (size_t s = 0; fine && s < args->size_count; s++) {
            for (size_t e = 0; fine && e < args->encoder_count; e++)
                fine = run_encoder(bench, args, moving[m], s, e, named, err);
        }
    }
    if (fine && wanted(args, "start"))
        fine = run_start(bench, err);
    if (fine && wanted(args, "idle"))
        fine = run_idle(bench, err);
    if (fine && args->suite_count && wanted(args, "shadow"))
        fine = run_shadow(bench, args, err);
    registry_destroy(registry);
    config_destroy(config);
    return fine;
}

/* The pictures to measure with: the user's, or made in a folder of our own. */
static bool prepare_data(struct bench *bench, const char *slice, const char *volume,
                         struct error *err)
{
    if (!slice || !volume) {
        snprintf(bench->dir, sizeof bench->dir, "/tmp/oriel-bench-XXXXXX");
        if (!mkdtemp(bench->dir))
            return error_set(err, "%s: %s", bench->dir, strerror(errno));
    }
    const char *named[] = {slice, volume};
    char *paths[] = {bench->slice, bench->volume};
    bool (*const write[])(const char *path, struct error *err) = {bench_write_slice,
                                                                  bench_write_volume};
    static const char *const names[] = {"slice.npy", "volume.npy"};
    static const char *const made[] = {"a 4096 x 4096 uint16 slice", "a 256^3 uint16 volume"};
    for (int i = 0; i < 2; i++) {
        if (named[i])
            snprintf(paths[i], PATH_MAX, "%s", named[i]);
        else
            snprintf(paths[i], PATH_MAX, "%s/%s", bench->dir, names[i]);
        bench->content[i] = named[i] ? named[i] : made[i];
        if (!named[i] && !write[i](paths[i], err))
            return false;
    }
    return true;
}

static void remove_data(const struct bench *bench, bool slice, bool volume)
{
    if (!bench->dir[0])
        return;
    if (slice)
        unlink(bench->slice);
    if (volume)
        unlink(bench->volume);
    rmdir(bench->dir);
}

/* "1280x720,1920x1080" */
static bool parse_sizes(struct bench_args *args, const char *text, struct error *err)
{
    while (*text) {
        int width, height, used = 0;
        if (sscanf(text, "%dx%d%n", &width, &height, &used) != 2 || width < 16 || height < 16 ||
            (text[used] && text[used] != ',') || args->size_count == MAX_LIST)
            return error_set(err, "--size %s: wants WxH, several separated by commas", text);
        args->sizes[args->size_count][0] = width;
        args->sizes[args->size_count++][1] = height;
        text += used + (text[used] == ',');
    }
    return true;
}

/* "encode/x264,encode/jpeg"; cuts `text` up. */
static bool parse_encoders(struct bench_args *args, char *text, struct error *err)
{
    for (char *id = strtok(text, ","); id; id = strtok(NULL, ",")) {
        if (args->encoder_count == MAX_LIST)
            return error_set(err, "--encoder: more than %d", MAX_LIST);
        args->encoders[args->encoder_count++] = id;
    }
    return true;
}

static bool parse_suites(struct bench_args *args, const struct cli_options *options,
                         struct error *err)
{
    static const char *const known[] = {"pan", "orbit", "start", "idle", "shadow"};
    for (size_t i = 0; i < options->argument_count; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            found |= strcmp(options->arguments[i], known[k]) == 0;
        if (!found || args->suite_count == MAX_LIST)
            return error_set(err, "%s: no such suite; there are pan, orbit, start, idle and shadow",
                             options->arguments[i]);
        args->suites[args->suite_count++] = options->arguments[i];
    }
    return true;
}

static int bench_run(const struct cli_options *options, const char *json, const char *sizes,
                     const char *encoders, const char *frames, const char *slice,
                     const char *volume, const char *fill, bool alone)
{
    struct bench bench = {.options = options,
                          .frames = frames ? atoi(frames) : 120,
                          .fill = fill ? atof(fill) : 480.0 / 720,
                          .alone = alone};
    struct bench_args args = {0};
    struct error err;
    char *ids = xstrdup(encoders ? encoders : "");
    bool understood =
        (bench.frames >= 2 || error_set(&err, "--frames %s: wants at least 2", frames)) &&
        ((bench.fill > 0 && bench.fill < 100) ||
         error_set(&err, "--fill %s: wants a number above 0", fill)) &&
        parse_sizes(&args, sizes ? sizes : "1280x720,1920x1080", &err) &&
        parse_encoders(&args, ids, &err) && parse_suites(&args, options, &err);
    if (!understood) {
        free(ids);
        return cli_fail(CLI_USAGE, "bench: %s", err.text);
    }

    bench.results = cJSON_CreateArray();
    bool fine = prepare_data(&bench, slice, volume, &err) && run_suites(&bench, &args, &err) &&
                (!json || bench_write_json(bench.results, json, &err));
    remove_data(&bench, !slice, !volume);
    cJSON_Delete(bench.results);
    free(ids);
    return fine ? CLI_DONE : cli_fail(CLI_FAILED, "bench: %s", err.text);
}

int cli_bench(int argc, char **argv)
{
    const char *json = NULL, *sizes = NULL, *encoders = NULL, *frames = NULL, *slice = NULL,
               *volume = NULL, *fill = NULL, *first_packet = NULL;
    bool alone = false;
    const struct cli_flag flags[] = {
        {.name = "json", .text = &json},
        {.name = "size", .text = &sizes},
        {.name = "encoder", .text = &encoders},
        {.name = "frames", .text = &frames},
        {.name = "slice", .text = &slice},
        {.name = "volume", .text = &volume},
        {.name = "fill", .text = &fill},
        {.name = "alone", .on = &alone},
        {.name = "first-packet", .text = &first_packet},
        {0},
    };
    struct cli_options options;
    int status = cli_options_parse(&options, argc, argv, usage, flags);
    if (status != CLI_GO_ON)
        return status;
    if (first_packet) {
        struct bench bench = {.options = &options};
        snprintf(bench.slice, sizeof bench.slice, "%s", first_packet);
        start_child(&bench);
    }
    status = bench_run(&options, json, sizes, encoders, frames, slice, volume, fill, alone);
    cli_options_finish(&options);
    return status;
}
