/* SPDX-License-Identifier: BSD-3-Clause */
/* One who changes something, many who look on. */
#include <math.h>
#include <stdio.h>

#include "ctl/memory.h"
#include "load.h"
#include "process.h"

#define SECOND INT64_C(1000000000)
#define WAIT_NS (10 * SECOND)

struct crowd;

struct onlooker {
    struct crowd *crowd;
    struct client *client;
    bool scene; /* the baseline has begun */
};

struct crowd {
    struct client_loop *loop;
    struct onlooker *all; /* the first one is who changes things */
    int count, scenes, told;
    double awaited; /* the opacity that is being told */
};

static void on_frame(void *user, const char *type, const cJSON *frame, const char *text,
                     size_t bytes)
{
    (void)text;
    (void)bytes;
    struct onlooker *one = user;
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    if (strcmp(type, "notify.scene") == 0 && !one->scene) {
        one->scene = true;
        one->crowd->scenes++;
    }
    const cJSON *controls = cJSON_GetObjectItemCaseSensitive(payload, "controls");
    const cJSON *opacity = cJSON_GetObjectItemCaseSensitive(controls, "opacity");
    if (strcmp(type, "notify.layers") == 0 && one != one->crowd->all && opacity &&
        fabs(opacity->valuedouble - one->crowd->awaited) < 1e-9)
        one->crowd->told++;
}

static void on_closed(void *user, const struct ctl_error *why)
{
    (void)user;
    printf("an onlooker: %s: %s\n", why->code, why->message);
}

static const struct client_events events = {.frame = on_frame, .closed = on_closed};

static void rest(struct crowd *crowd, int64_t until)
{
    while (client_now_ns() < until)
        client_loop_turn(crowd->loop, until);
}

static bool gather(struct crowd *crowd, const struct load_options *options)
{
    for (int i = 0; i < crowd->count; i++) {
        struct onlooker *one = &crowd->all[i];
        struct client_options how = {.url = &options->url,
                                     .token = options->token,
                                     .name = "oriel-load",
                                     .classic = i > crowd->count - 1 - options->classic};
        one->crowd = crowd;
        one->client = client_create(crowd->loop, &how, &events, one);
    }
    int64_t until = client_now_ns() + WAIT_NS;
    while (crowd->scenes < crowd->count && client_now_ns() < until)
        client_loop_turn(crowd->loop, until);
    rest(crowd, client_now_ns() + SECOND); /* what comes after the scene */
    return crowd->scenes == crowd->count;
}

static bool tell_all(struct crowd *crowd, double opacity, float *ms)
{
    char id[CLIENT_ID_BYTES];
    crowd->told = 0;
    crowd->awaited = opacity;
    int64_t begin = client_now_ns(), until = begin + WAIT_NS;
    client_update(crowd->all[0].client, "layer", "layer-0", "opacity",
                  must(cJSON_CreateNumber(opacity)), NULL, id);
    while (crowd->told < crowd->count - 1 && client_now_ns() < until)
        client_loop_turn(crowd->loop, until);
    *ms = (float)((double)(client_now_ns() - begin) / 1e6);
    return crowd->told >= crowd->count - 1;
}

static bool check_counters(const struct load_options *options, int onlookers, const double begin[2],
                           const double end[2], cJSON *report)
{
    if (begin[0] < 0 || begin[1] < 0) {
        printf("the server does not count what it serialises: not checked\n");
        return true;
    }
    double made = (end[0] - begin[0]) / options->updates;
    double sent = (end[1] - begin[1]) / options->updates;
    cJSON_AddNumberToObject(report, "serialised_per_update", made);
    cJSON_AddNumberToObject(report, "sent_per_update", sent);
    printf("for each update %.2f frames were made and %.2f sent\n", made, sent);
    /* The acknowledgement, the change for each class of client, and a status now and then. */
    bool fine = made <= 6 && sent >= onlookers;
    if (!fine)
        printf("that is not one frame for all\n");
    return fine;
}

static bool measure(struct crowd *crowd, const struct load_options *options, cJSON *report)
{
    static const char *const names[2] = {"oriel_state_frames_serialised_total",
                                         "oriel_state_frames_sent_total"};
    double begin[2] = {-1, -1}, end[2] = {-1, -1};
    for (int i = 0; options->metrics && i < 2; i++)
        begin[i] = process_counter(options->metrics, names[i]);
    float *ms = must_calloc((size_t)options->updates, sizeof *ms);
    struct usage before, after;
    bool fine = process_usage(options->pid, &before);
    int done = 0;
    for (; fine && done < options->updates; done++) {
        fine = tell_all(crowd, 0.25 + 0.5 * (done + 1) / options->updates, &ms[done]);
        rest(crowd, client_now_ns() + SECOND / 50);
    }
    fine = process_usage(options->pid, &after) && fine;
    for (int i = 0; options->metrics && i < 2; i++)
        end[i] = process_counter(options->metrics, names[i]);
    if (!fine)
        printf("update %d reached %d of %d\n", done, crowd->told, crowd->count - 1);
    cJSON *told = load_quantiles(ms, (size_t)done);
    double cpu = (after.cpu_s - before.cpu_s) * 1000 / options->updates;
    printf("%d onlookers, %d updates: all told after p50 %.2f ms, p99 %.2f ms; %.3f ms of the "
           "server's CPU each, pictures included\n",
           crowd->count - 1, done, cJSON_GetObjectItem(told, "p50")->valuedouble,
           cJSON_GetObjectItem(told, "p99")->valuedouble, cpu);
    cJSON_AddNumberToObject(report, "onlookers", crowd->count - 1);
    cJSON_AddNumberToObject(report, "updates", done);
    cJSON_AddItemToObject(report, "all_told_ms", told);
    cJSON_AddNumberToObject(report, "server_cpu_ms_per_update", cpu);
    free(ms);
    return fine && check_counters(options, crowd->count - 1, begin, end, report);
}

bool load_broadcast(const struct load_options *options, cJSON *report)
{
    struct crowd crowd = {.loop = client_loop_create(), .count = options->clients + 1};
    if (!crowd.loop)
        return false;
    crowd.all = must_calloc((size_t)crowd.count, sizeof *crowd.all);
    bool fine = gather(&crowd, options);
    if (!fine)
        printf("only %d of %d were told the scene\n", crowd.scenes, crowd.count);
    fine = fine && measure(&crowd, options, report);
    for (int i = 0; i < crowd.count; i++)
        client_destroy(crowd.all[i].client);
    free(crowd.all);
    client_loop_destroy(crowd.loop);
    return fine;
}
