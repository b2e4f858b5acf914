/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include <stdio.h>

#include "ctl/memory.h"

static uint64_t number_of_id(const char *id)
{
    const char *dash = strrchr(id, '-');
    return dash ? strtoull(dash + 1, NULL, 16) : 0;
}

static struct pending *note(struct peer *peer, const char *id)
{
    uint64_t number = number_of_id(id);
    struct pending *p = &peer->pending[number % PENDING];
    *p = (struct pending){.number = number, .sent_ns = client_now_ns(), .waits = true};
    peer->waiting++;
    return p;
}

static struct pending *find(struct peer *peer, const cJSON *payload)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(payload, "in_reply_to");
    uint64_t number = cJSON_IsString(id) ? number_of_id(id->valuestring) : 0;
    struct pending *p = &peer->pending[number % PENDING];
    return p->waits && p->number == number ? p : NULL;
}

static void add_latency(struct numbers *numbers, int64_t ns)
{
    if (numbers->latency_count == numbers->latency_room) {
        numbers->latency_room = numbers->latency_room ? 2 * numbers->latency_room : 65536;
        numbers->latency_ms =
            must_realloc(numbers->latency_ms, numbers->latency_room * sizeof(float));
    }
    numbers->latency_ms[numbers->latency_count++] = (float)((double)ns / 1e6);
}

static void take_answer(struct peer *peer, const cJSON *payload)
{
    struct pending *p = find(peer, payload);
    if (!p)
        return;
    struct numbers *numbers = peer->numbers;
    p->waits = false;
    peer->waiting--;
    if (p->call) {
        numbers->replies++;
        return;
    }
    bool rejected = cJSON_GetObjectItemCaseSensitive(payload, "error") != NULL;
    numbers->acks++;
    numbers->accepted += !rejected;
    numbers->rejected += rejected;
    add_latency(numbers, client_now_ns() - p->sent_ns);
    if (p->act == ACT_CONTROL)
        mirror_ack(&peer->mirror, p->layer, p->key, p->client_seq, payload);
}

static void on_frame(void *user, const char *type, const cJSON *frame, const char *text,
                     size_t bytes)
{
    (void)text;
    struct peer *peer = user;
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    peer->numbers->frames++;
    peer->numbers->bytes += bytes;
    if (strcmp(type, "session.welcome") == 0) {
        const cJSON *session = cJSON_GetObjectItemCaseSensitive(frame, "session");
        mirror_connected(&peer->mirror, cJSON_IsString(session) ? session->valuestring : "");
    } else if (strcmp(type, "ack.state") == 0 || strstr(type, ".command")) {
        take_answer(peer, payload);
    } else {
        mirror_take(&peer->mirror, type, frame);
    }
    if (strncmp(type, "notify.", 7) == 0 && strcmp(type, "notify.status") != 0 &&
        strcmp(type, "notify.stream") != 0)
        peer->numbers->changed_ns = client_now_ns();
}

static void on_closed(void *user, const struct ctl_error *why)
{
    struct peer *peer = user;
    if (peer->leaving)
        return;
    peer->numbers->lost++;
    printf("client %d: %s: %s\n", peer->index, why->code, why->message);
}

static const struct client_events events = {.frame = on_frame, .closed = on_closed};

void peer_connect(struct peer *peer, bool resume)
{
    static const char *const also[] = {"notify.dims", "notify.camera", NULL};
    struct client_options options = {.url = peer->url,
                                     .token = peer->token,
                                     .name = "oriel-load",
                                     .classic = peer->classic,
                                     .features = also};
    for (int t = 0; resume && t < CLIENT_TOPICS; t++)
        options.resume[t] = peer->tokens[t][0] ? peer->tokens[t] : NULL;
    peer->leaving = false;
    mix_stop(&peer->run);
    peer->rev = 0; /* a session's own count */
    peer->client = client_create(peer->loop, &options, &events, peer);
}

static void send_move(struct peer *peer)
{
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(peer->mirror.scene, "layers");
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(layers ? layers->child : NULL, "layer_id");
    if (!cJSON_IsString(id))
        return;
    cJSON *kwargs = must(cJSON_CreateObject());
    cJSON_AddStringToObject(kwargs, "layer_id", id->valuestring);
    cJSON_AddNumberToObject(kwargs, "index", dice_below(&peer->dice, 3));
    char sent[CLIENT_ID_BYTES];
    client_call(peer->client, "napari.layer.move", kwargs, 0, sent);
    note(peer, sent)->call = true;
    peer->numbers->calls++;
}

void peer_send(struct peer *peer)
{
    /* The whole scene anew for everyone: rare. */
    if (!peer->classic && dice_below(&peer->dice, 2000) == 0) {
        send_move(peer);
        return;
    }
    struct change change =
        mix_next(&peer->run, &peer->dice, &peer->mirror, peer->classic, peer->rev + 1);
    struct client_edit edit = {
        .client_seq = ++peer->client_seq, .interaction = peer->run.id, .phase = change.phase};
    if (change.act == ACT_CONTROL)
        mirror_edit(&peer->mirror, change.target, change.key, change.value, edit.client_seq);
    if (change.act == ACT_POSE) {
        peer->rev++;
        mirror_pose(&peer->mirror, change.value, edit.client_seq);
        peer->numbers->poses++;
    }
    char id[CLIENT_ID_BYTES];
    client_update(peer->client, change.scope, change.target, change.key, change.value,
                  peer->classic ? NULL : &edit, id);
    peer->numbers->updates++;
    if (change.act == ACT_POSE) /* never acknowledged */
        return;
    struct pending *p = note(peer, id);
    p->act = change.act;
    p->key = change.key;
    p->client_seq = edit.client_seq;
    snprintf(p->layer, sizeof p->layer, "%s", change.target);
}

static void gone(struct peer *peer)
{
    for (int t = 0; t < CLIENT_TOPICS; t++) {
        const char *token = client_token(peer->client, (enum client_topic)t);
        if (token)
            snprintf(peer->tokens[t], sizeof peer->tokens[t], "%s", token);
    }
    for (uint32_t i = 0; i < PENDING; i++) {
        peer->numbers->abandoned += peer->pending[i].waits;
        peer->pending[i].waits = false;
    }
    peer->waiting = 0;
    client_destroy(peer->client);
    peer->client = NULL;
}

void peer_drop(struct peer *peer)
{
    peer->numbers->drops++;
    peer->leaving = true;
    if (dice_below(&peer->dice, 3) == 0)
        client_leave(peer->client);
    else
        gone(peer);
}

bool peer_gone(struct peer *peer)
{
    if (peer->client && client_over(peer->client))
        gone(peer);
    return !peer->client;
}

void peer_finish(struct peer *peer)
{
    client_destroy(peer->client);
    mirror_finish(&peer->mirror);
}
