/* SPDX-License-Identifier: BSD-3-Clause */
/* Many clients at once, and whether they agree when they are done. */
#include <math.h>
#include <stdio.h>

#include "compare.h"
#include "ctl/memory.h"
#include "load.h"
#include "peer.h"
#include "process.h"

#define SECOND INT64_C(1000000000)
#define QUIET_NS SECOND
#define PATIENCE_NS (30 * SECOND)

struct load {
    const struct load_options *options;
    struct client_loop *loop;
    struct numbers numbers;
    struct peer *peers;
    struct usage begin, middle, end;
    int64_t begin_ns, stop_ns, middle_ns;
};

static int64_t soon(struct dice *dice, double mean_s)
{
    double wait = -log(1 - dice_unit(dice)) * mean_s;
    return client_now_ns() + (int64_t)(wait * 1e9);
}

static void begin_peer(struct load *load, struct peer *peer, int index)
{
    const struct load_options *options = load->options;
    *peer = (struct peer){.loop = load->loop,
                          .url = &options->url,
                          .token = options->token,
                          .numbers = &load->numbers,
                          .index = index,
                          .classic = index >= options->clients - options->classic,
                          .dice = {options->seed * 1000003 + (uint64_t)index + 1}};
    for (int i = 0; i < 8; i++) /* neighbouring seeds drift apart */
        dice_roll(&peer->dice);
    peer_connect(peer, false);
    peer->drop_at = soon(&peer->dice, options->drop_mean_s);
    peer->send_at = client_now_ns() + (int64_t)(dice_unit(&peer->dice) / options->rate * 1e9);
}

/* What a peer does while there is load; gives when it wants to be seen to again. */
static int64_t step_peer(struct load *load, struct peer *peer, int64_t now)
{
    if (peer_gone(peer)) {
        if (!peer->back_at)
            peer->back_at = soon(&peer->dice, 0.3);
        if (peer->back_at > now)
            return peer->back_at;
        peer->back_at = 0;
        bool resume = dice_below(&peer->dice, 5) != 0;
        *(resume ? &load->numbers.resumes : &load->numbers.fresh_returns) += 1;
        peer_connect(peer, resume);
        peer->drop_at = soon(&peer->dice, load->options->drop_mean_s);
        return INT64_MAX;
    }
    int64_t interval = (int64_t)(1e9 / load->options->rate);
    if (!client_is_ready(peer->client) || peer->leaving) {
        peer->send_at = now > peer->send_at ? now : peer->send_at;
        return INT64_MAX;
    }
    if (now >= peer->drop_at) {
        peer_drop(peer);
        return now;
    }
    for (; peer->send_at <= now; peer->send_at += interval)
        peer_send(peer);
    return peer->send_at < peer->drop_at ? peer->send_at : peer->drop_at;
}

static void work(struct load *load)
{
    for (int64_t now; (now = client_now_ns()) < load->stop_ns;) {
        int64_t next = load->stop_ns;
        if (!load->middle.rss_mib && now >= load->middle_ns)
            process_usage(load->options->pid, &load->middle);
        for (int i = 0; i < load->options->clients; i++) {
            int64_t wants = step_peer(load, &load->peers[i], now);
            next = wants < next ? wants : next;
        }
        client_loop_turn(load->loop, next);
    }
}

static void stop_playing(struct peer *peer)
{
    char id[CLIENT_ID_BYTES];
    client_update(peer->client, "view", "main", "play", must(cJSON_CreateNull()), NULL, id);
}

/* Everybody comes back and falls silent. False: that took too long. */
static bool settle(struct load *load)
{
    int64_t until = client_now_ns() + PATIENCE_NS;
    bool stopped = false;
    for (int64_t now; (now = client_now_ns()) < until;) {
        bool all = true;
        for (int i = 0; i < load->options->clients; i++) {
            struct peer *peer = &load->peers[i];
            if (peer_gone(peer))
                peer_connect(peer, true);
            all = all && client_is_ready(peer->client) && !peer->leaving && !peer->waiting;
        }
        if (!stopped && client_is_ready(load->peers[0].client)) {
            stop_playing(&load->peers[0]);
            stopped = true;
        }
        int64_t quiet = load->numbers.changed_ns + QUIET_NS;
        if (all && stopped && now >= quiet)
            return true;
        client_loop_turn(load->loop, all && quiet > now ? quiet : now + SECOND / 5);
    }
    for (int i = 0; i < load->options->clients; i++) {
        if (load->peers[i].waiting)
            printf("client %d: %u updates or commands were never answered\n", i,
                   load->peers[i].waiting);
    }
    printf("it did not fall silent in %d s\n", (int)(PATIENCE_NS / SECOND));
    return false;
}

/* What somebody is told who comes now. The scene file too, if `file`. */
static bool fresh(struct load *load, struct peer *peer, bool classic, cJSON **file)
{
    *peer = (struct peer){.loop = load->loop,
                          .url = &load->options->url,
                          .token = load->options->token,
                          .numbers = &load->numbers,
                          .index = -1,
                          .classic = classic,
                          .dice = {1}};
    int64_t until = client_now_ns() + PATIENCE_NS;
    peer_connect(peer, false);
    while (!client_is_ready(peer->client) && !client_over(peer->client) && client_now_ns() < until)
        client_loop_turn(load->loop, until);
    if (!client_is_ready(peer->client))
        return false;
    /* The answer comes after the baseline, whatever it is. */
    char id[CLIENT_ID_BYTES];
    client_call(peer->client, classic ? "fs.listdir" : "napari.scene.get", NULL, 0, id);
    struct ctl_error err;
    cJSON *answer = client_await(peer->client, id, NULL, until, &err);
    if (!answer)
        printf("a client that came last: %s: %s\n", err.code, err.message);
    if (answer && file)
        *file = cJSON_DetachItemFromObjectCaseSensitive(answer, "result");
    bool fine = answer != NULL;
    cJSON_Delete(answer);
    return fine;
}

/* The number of keys on which somebody differs. */
static int compare_all(struct load *load)
{
    int different = 0, lines = 0;
    cJSON *file = NULL;
    struct peer *last = must_calloc(2, sizeof *last);
    bool classic = load->options->classic > 0;
    if (!fresh(load, &last[0], false, &file) || (classic && !fresh(load, &last[1], true, NULL))) {
        different = 1;
    } else {
        different += compare_scene_file("scene file", &last[0].mirror, file, &lines);
        cJSON *truth[2] = {compare_state(&last[0].mirror), compare_state(&last[1].mirror)};
        for (int i = 0; i < load->options->clients; i++) {
            char who[64];
            const struct peer *peer = &load->peers[i];
            snprintf(who, sizeof who, "client %d%s", i, peer->classic ? " (classic)" : "");
            cJSON *state = compare_state(&peer->mirror);
            different += compare_json(who, state, truth[peer->classic], &lines);
            cJSON_Delete(state);
        }
        cJSON_Delete(truth[0]);
        cJSON_Delete(truth[1]);
    }
    cJSON_Delete(file);
    peer_finish(&last[0]);
    if (last[1].loop)
        peer_finish(&last[1]);
    free(last);
    return different;
}

static void add_usage(cJSON *report, const char *name, const struct usage *usage)
{
    cJSON *json = cJSON_AddObjectToObject(report, name);
    cJSON_AddNumberToObject(json, "rss_mib", usage->rss_mib);
    cJSON_AddNumberToObject(json, "cpu_s", usage->cpu_s);
}

static void report_on(struct load *load, cJSON *report, int different)
{
    struct numbers *n = &load->numbers;
    struct usage own;
    process_usage(0, &own);
    const struct {
        const char *name;
        double value;
    } rows[] = {
        {"clients", load->options->clients},
        {"classic", load->options->classic},
        {"rate", load->options->rate},
        {"seconds", load->options->seconds},
        {"seed", (double)load->options->seed},
        {"updates", (double)n->updates},
        {"poses", (double)n->poses},
        {"acks", (double)n->acks},
        {"accepted", (double)n->accepted},
        {"rejected", (double)n->rejected},
        {"abandoned", (double)n->abandoned},
        {"commands", (double)n->calls},
        {"replies", (double)n->replies},
        {"drops", (double)n->drops},
        {"resumes", (double)n->resumes},
        {"fresh_returns", (double)n->fresh_returns},
        {"lost", (double)n->lost},
        {"frames_received", (double)n->frames},
        {"bytes_received", (double)n->bytes},
        {"differences", different},
        {"generator_cpu_s", own.cpu_s},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cJSON_AddNumberToObject(report, rows[i].name, rows[i].value);
    cJSON *ack = load_quantiles(n->latency_ms, n->latency_count);
    double p50 = cJSON_GetObjectItem(ack, "p50")->valuedouble;
    double p99 = cJSON_GetObjectItem(ack, "p99")->valuedouble;
    double max = cJSON_GetObjectItem(ack, "max")->valuedouble;
    cJSON_AddItemToObject(report, "ack_ms", ack);
    cJSON *server = cJSON_AddObjectToObject(report, "server");
    add_usage(server, "begin", &load->begin);
    add_usage(server, "middle", &load->middle);
    add_usage(server, "end", &load->end);
    printf(
        "%d clients, %.0f updates/s each, %.0f s: %llu updates, %llu drops; ack p50 %.2f ms, p99 "
        "%.2f ms, max %.1f ms; %llu frames, %.1f MB; server %.1f → %.1f → %.1f MiB, %.1f s of "
        "CPU; %d differences\n",
        load->options->clients, load->options->rate, load->options->seconds,
        (unsigned long long)n->updates, (unsigned long long)n->drops, p50, p99, max,
        (unsigned long long)n->frames, (double)n->bytes / 1e6, load->begin.rss_mib,
        load->middle.rss_mib, load->end.rss_mib, load->end.cpu_s - load->begin.cpu_s, different);
}

bool load_run(const struct load_options *options, cJSON *report)
{
    struct load load = {.options = options, .loop = client_loop_create()};
    load.peers = must_calloc((size_t)options->clients, sizeof *load.peers);
    bool fine = load.loop && process_usage(options->pid, &load.begin);
    if (fine) {
        load.begin_ns = client_now_ns();
        load.stop_ns = load.begin_ns + (int64_t)(options->seconds * 1e9);
        load.middle_ns = load.begin_ns + (int64_t)(fmin(10, options->seconds / 3) * 1e9);
        for (int i = 0; i < options->clients; i++)
            begin_peer(&load, &load.peers[i], i);
        work(&load);
        fine = settle(&load);
        fine = process_usage(options->pid, &load.end) && fine;
        int different = compare_all(&load);
        report_on(&load, report, different);
        double growth = load.end.rss_mib - load.middle.rss_mib;
        if (options->max_growth_mib > 0 && growth > options->max_growth_mib) {
            printf("the server's memory grew by %.1f MiB\n", growth);
            fine = false;
        }
        fine = fine && !different && !load.numbers.lost && load.numbers.acks > 0;
    } else {
        printf("the server is gone\n");
    }
    for (int i = 0; i < options->clients; i++)
        peer_finish(&load.peers[i]);
    free(load.peers);
    free(load.numbers.latency_ms);
    client_loop_destroy(load.loop);
    return fine;
}
