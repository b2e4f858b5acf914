/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said on the channel; link.c is the websocket under it. */
#include "ctl/client.h"

#include <stdio.h>
#include <time.h>

#include "ctl/link.h"
#include "ctl/memory.h"

#define PROTOCOL_VERSION 2

enum state { HELLO, READY, OVER };

struct client {
    struct link *link;
    const struct client_events *events;
    void *user;
    enum state state;
    bool leaving;
    uint64_t sent_ids;
    char session[64];
    char tokens[CLIENT_TOPICS][64];
    double heartbeat_s;
    struct ctl_error why; /* set when a frame says the end before the socket does */
    const char *awaited[2];
    cJSON *answer;
};

static const char *const topics[CLIENT_TOPICS] = {"notify.scene", "notify.layers", "notify.stream"};

static const char *text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static double unix_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- sending --- */

static void new_id(struct client *client, const char *prefix, char id[CLIENT_ID_BYTES])
{
    snprintf(id, CLIENT_ID_BYTES, "%s-%08llx", prefix, (unsigned long long)++client->sent_ids);
}

/* `payload` is taken. */
static void send_frame(struct client *client, const char *type, const char *id, const char *intent,
                       cJSON *payload)
{
    cJSON *frame = must(cJSON_CreateObject());
    cJSON_AddStringToObject(frame, "type", type);
    cJSON_AddNumberToObject(frame, "version", PROTOCOL_VERSION);
    if (client->session[0])
        cJSON_AddStringToObject(frame, "session", client->session);
    cJSON_AddStringToObject(frame, "frame_id", id);
    if (intent)
        cJSON_AddStringToObject(frame, "intent_id", intent);
    cJSON_AddNumberToObject(frame, "timestamp", unix_time());
    cJSON_AddItemToObject(frame, "payload", payload);
    char *text = must(cJSON_PrintUnformatted(frame));
    cJSON_Delete(frame);
    link_send(client->link, text, strlen(text));
    cJSON_free(text);
}

static void ask(cJSON *features, const char *name)
{
    if (!cJSON_HasObjectItem(features, name))
        cJSON_AddTrueToObject(features, name);
}

static cJSON *hello_payload(const struct client_options *options, const char *token)
{
    cJSON *payload = must(cJSON_CreateObject());
    cJSON_AddItemToObject(payload, "protocols", cJSON_CreateIntArray((int[]){PROTOCOL_VERSION}, 1));
    cJSON *about = cJSON_AddObjectToObject(payload, "client");
    cJSON_AddStringToObject(about, "name", options->name);
    cJSON_AddStringToObject(about, "version", ORIEL_VERSION);
    cJSON_AddStringToObject(about, "platform", "linux");
    cJSON *features = cJSON_AddObjectToObject(payload, "features");
    cJSON *resume = cJSON_AddObjectToObject(payload, "resume_tokens");
    for (int t = 0; t < CLIENT_TOPICS; t++) {
        const char *given = options->resume[t];
        ask(features, topics[t]);
        cJSON_AddItemToObject(resume, topics[t],
                              given ? cJSON_CreateString(given) : cJSON_CreateNull());
    }
    if (options->classic) {
        ask(features, "notify.dims");
        ask(features, "notify.camera");
    } else {
        ask(features, "oriel");
    }
    for (const char *const *name = options->features; name && *name; name++)
        ask(features, *name);
    if (token[0]) {
        cJSON *auth = cJSON_AddObjectToObject(payload, "auth");
        cJSON_AddStringToObject(auth, "type", "token");
        cJSON_AddStringToObject(auth, "token", token);
    }
    return payload;
}

void client_update(struct client *client, const char *scope, const char *target, const char *key,
                   cJSON *value, const struct client_edit *edit, char id[CLIENT_ID_BYTES])
{
    char intent[CLIENT_ID_BYTES];
    new_id(client, "state", id);
    snprintf(intent, sizeof intent, "intent-%s", id + strlen("state-"));
    cJSON *payload = must(cJSON_CreateObject());
    cJSON_AddStringToObject(payload, "scope", scope);
    cJSON_AddStringToObject(payload, "target", target);
    cJSON_AddStringToObject(payload, "key", key);
    cJSON_AddItemToObject(payload, "value", value);
    if (edit && edit->client_seq)
        cJSON_AddNumberToObject(payload, "client_seq", (double)edit->client_seq);
    if (edit && edit->interaction)
        cJSON_AddStringToObject(payload, "interaction_id", edit->interaction);
    if (edit && edit->phase)
        cJSON_AddStringToObject(payload, "phase", edit->phase);
    send_frame(client, "state.update", id, intent, payload);
}

void client_call(struct client *client, const char *command, cJSON *kwargs, int timeout_ms,
                 char id[CLIENT_ID_BYTES])
{
    new_id(client, "cmd", id);
    cJSON *payload = must(cJSON_CreateObject());
    cJSON_AddStringToObject(payload, "command", command);
    cJSON_AddItemToObject(payload, "args", cJSON_CreateArray());
    cJSON_AddItemToObject(payload, "kwargs", kwargs ? kwargs : cJSON_CreateObject());
    if (timeout_ms)
        cJSON_AddNumberToObject(payload, "timeout_ms", timeout_ms);
    send_frame(client, "call.command", id, NULL, payload);
}

/* --- what comes --- */

static void over(struct client *client, const struct ctl_error *why)
{
    if (client->state == OVER)
        return;
    client->state = OVER;
    /* What the server said is better than what the socket says of its end. */
    client->why = client->why.code[0] ? client->why : *why;
    if (client->events->closed)
        client->events->closed(client->user, &client->why);
}

static void said_why(struct client *client, const cJSON *payload, const char *otherwise)
{
    const char *code = text_of(payload, "code"), *message = text_of(payload, "message");
    ctl_error_set(&client->why, code[0] ? code : otherwise, "%s",
                  message[0] ? message : "the server gave no reason");
}

static void take_welcome(struct client *client, const cJSON *payload)
{
    const cJSON *session = cJSON_GetObjectItemCaseSensitive(payload, "session");
    const cJSON *beat = cJSON_GetObjectItemCaseSensitive(session, "heartbeat_s");
    snprintf(client->session, sizeof client->session, "%s", text_of(session, "id"));
    client->heartbeat_s = cJSON_IsNumber(beat) ? beat->valuedouble : 0;
    client->state = READY;
    /* A heartbeat is owed every heartbeat_s; half of one more is grace. */
    if (client->heartbeat_s > 0)
        link_expect(client->link, client->heartbeat_s * 1.5 + 1);
}

static bool take_first(struct client *client, const char *type, const cJSON *payload)
{
    if (strcmp(type, "session.welcome") == 0) {
        take_welcome(client, payload);
        return true;
    }
    if (strcmp(type, "session.reject") == 0)
        said_why(client, payload, "rejected");
    else
        ctl_error_set(&client->why, "unexpected_message", "the answer to hello was \"%.60s\"",
                      type);
    return false;
}

static void take_known(struct client *client, const char *type, const cJSON *frame,
                       const cJSON *payload)
{
    const char *token = text_of(frame, "delta_token");
    for (int t = 0; t < CLIENT_TOPICS; t++) {
        if (token[0] && strcmp(type, topics[t]) == 0)
            snprintf(client->tokens[t], sizeof client->tokens[t], "%s", token);
    }
    if (strcmp(type, "session.heartbeat") == 0) {
        char id[CLIENT_ID_BYTES];
        new_id(client, "ack", id);
        send_frame(client, "session.ack", id, NULL, must(cJSON_CreateObject()));
    } else if (strcmp(type, "session.goodbye") == 0) {
        said_why(client, payload, "goodbye");
    }
    const char *to = text_of(payload, "in_reply_to");
    for (int i = 0; i < 2 && !client->answer; i++) {
        if (client->awaited[i] && strcmp(to, client->awaited[i]) == 0)
            client->answer = must(cJSON_Duplicate(payload, true));
    }
}

/* The link's callbacks. */

static bool on_text(void *user, const char *text, size_t bytes)
{
    struct client *client = user;
    if (client->state == OVER)
        return false;
    cJSON *frame = cJSON_ParseWithLength(text, bytes);
    const char *type = text_of(frame, "type");
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    bool fine = type[0] != '\0';
    if (!fine)
        ctl_error_set(&client->why, "garbage", "the server sent %zu bytes that are no frame",
                      bytes);
    else if (client->state == HELLO)
        fine = take_first(client, type, payload);
    else
        take_known(client, type, frame, payload);
    if (type[0] && client->events->frame)
        client->events->frame(client->user, type, frame, text, bytes);
    cJSON_Delete(frame);
    return fine;
}

static void on_closed(void *user, const struct ctl_error *why)
{
    struct client *client = user;
    struct ctl_error left = {.code = "left", .message = "as asked"};
    over(client, client->leaving ? &left : why);
}

static const struct link_events link_events = {.text = on_text, .closed = on_closed};

/* --- life --- */

struct client *client_create(struct client_loop *loop, const struct client_options *options,
                             const struct client_events *events, void *user)
{
    struct client *client = must_calloc(1, sizeof *client);
    client->events = events;
    client->user = user;
    const char *token = options->token ? options->token : options->url->token;
    client->link = link_create(loop, options->url, token, &link_events, client);
    char id[CLIENT_ID_BYTES];
    new_id(client, "hello", id);
    send_frame(client, "session.hello", id, NULL, hello_payload(options, token));
    return client;
}

void client_destroy(struct client *client)
{
    if (!client)
        return;
    link_destroy(client->link);
    cJSON_Delete(client->answer);
    free(client);
}

void client_leave(struct client *client)
{
    client->leaving = true;
    link_leave(client->link);
}

bool client_is_ready(const struct client *client)
{
    return client->state == READY;
}

bool client_over(const struct client *client)
{
    return client->state == OVER;
}

const char *client_session(const struct client *client)
{
    return client->session;
}

const char *client_token(const struct client *client, enum client_topic topic)
{
    return client->tokens[topic][0] ? client->tokens[topic] : NULL;
}

cJSON *client_await(struct client *client, const char *id, const char *other, int64_t deadline_ns,
                    struct ctl_error *err)
{
    struct client_loop *loop = link_loop(client->link);
    client->awaited[0] = id;
    client->awaited[1] = other;
    while (!client->answer && client->state != OVER && client_now_ns() < deadline_ns)
        client_loop_turn(loop, deadline_ns);
    client->awaited[0] = client->awaited[1] = NULL;
    cJSON *answer = client->answer;
    client->answer = NULL;
    if (!answer && client->state == OVER)
        ctl_error_set(err, client->why.code, "%s", client->why.message);
    else if (!answer)
        ctl_error_set(err, "timeout", "no answer in time");
    return answer;
}
