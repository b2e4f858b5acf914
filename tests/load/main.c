/* SPDX-License-Identifier: BSD-3-Clause */
/* Load for a running server: see the usage. tests/load/run.py starts one. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "ctl/memory.h"
#include "load.h"

static const char usage[] =
    "usage: oriel-load --ready FILE [options]\n"
    "Clients that change everything, drop out and come back; at the end all must agree with the\n"
    "server. With --broadcast: one that changes, the others look on.\n"
    "  --ready FILE         what `oriel serve --ready-file` wrote\n"
    "  --clients N          20\n"
    "  --classic N          of those, clients of the base protocol (a fifth)\n"
    "  --rate R             updates a second of each (30)\n"
    "  --seconds T          60\n"
    "  --drop S             mean seconds until a client drops out (6)\n"
    "  --seed N             1\n"
    "  --max-growth MIB     of the server's memory after the first third, at most 10 s (any)\n"
    "  --broadcast UPDATES  instead\n"
    "  --token T            of an editor\n"
    "  --json FILE          the figures\n";

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

cJSON *load_quantiles(float *values, size_t count)
{
    static const struct {
        const char *name;
        double q;
    } rows[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
    cJSON *json = must(cJSON_CreateObject());
    if (count)
        qsort(values, count, sizeof *values, compare_floats);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t rank = (size_t)ceil(rows[i].q * (double)count);
        cJSON_AddNumberToObject(json, rows[i].name,
                                count ? (double)values[rank ? rank - 1 : 0] : 0.0);
    }
    return json;
}

static cJSON *read_json(const char *path)
{
    char text[4096];
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
    return cJSON_Parse(text);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static bool write_json(const char *path, const cJSON *report)
{
    char *text = must(cJSON_Print(report));
    FILE *file = fopen(path, "w");
    bool fine = file && fprintf(file, "%s\n", text) > 0;
    fine = file && fclose(file) == 0 && fine;
    cJSON_free(text);
    if (!fine)
        fprintf(stderr, "oriel-load: %s: %s\n", path, strerror(errno));
    return fine;
}

int main(int argc, char **argv)
{
    struct load_options options = {
        .clients = 20, .classic = -1, .rate = 30, .seconds = 60, .drop_mean_s = 6, .seed = 1};
    const char *ready_file = NULL, *json_file = NULL;
    for (int i = 1; i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--ready") == 0)
            ready_file = value;
        else if (strcmp(name, "--json") == 0)
            json_file = value;
        else if (strcmp(name, "--token") == 0)
            options.token = value;
        else if (strcmp(name, "--clients") == 0)
            options.clients = atoi(value);
        else if (strcmp(name, "--classic") == 0)
            options.classic = atoi(value);
        else if (strcmp(name, "--rate") == 0)
            options.rate = atof(value);
        else if (strcmp(name, "--seconds") == 0)
            options.seconds = atof(value);
        else if (strcmp(name, "--drop") == 0)
            options.drop_mean_s = atof(value);
        else if (strcmp(name, "--seed") == 0)
            options.seed = strtoull(value, NULL, 10);
        else if (strcmp(name, "--max-growth") == 0)
            options.max_growth_mib = atof(value);
        else if (strcmp(name, "--broadcast") == 0)
            options.updates = atoi(value);
        else
            ready_file = NULL, i = argc;
    }
    if (options.classic < 0)
        options.classic = options.clients / 5;
    cJSON *ready = ready_file ? read_json(ready_file) : NULL;
    const char *http = text_of(ready, "http");
    const cJSON *pid = cJSON_GetObjectItemCaseSensitive(ready, "pid");
    if (!http || !cJSON_IsNumber(pid) || !ctl_url_parse(http, &options.url, NULL) ||
        options.clients <= options.classic || !(options.rate > 0) || !(options.seconds > 0) ||
        !(options.drop_mean_s > 0)) {
        fputs(usage, stderr);
        cJSON_Delete(ready);
        return 2;
    }
    options.pid = pid->valueint;
    options.metrics = http;
    cJSON *report = must(cJSON_CreateObject());
    bool fine = options.updates > 0 ? load_broadcast(&options, report) : load_run(&options, report);
    if (json_file)
        fine = write_json(json_file, report) && fine;
    cJSON_Delete(report);
    cJSON_Delete(ready);
    return fine ? 0 : 1;
}
