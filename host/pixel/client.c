/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/client.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oriel/encoder.h"
#include "util/clock.h"

#define ACK_LOST_NS NS_PER_S
/* A client that reports what it shows but shares its branch with faster ones is sent what they get,
 * up to so many times its own limit; beyond that it skips to a key. */
#define SHARED_FACTOR 4u

/* --- the query --- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The value of a key, decoded; "" when it is not there. */
static bool query_value(const char *query, const char *key, char *value, size_t room)
{
    size_t length = strlen(key), n = 0;
    value[0] = '\0';
    for (const char *p = query; *p; p += strcspn(p, "&"), p += *p == '&') {
        if (strncmp(p, key, length) != 0 || p[length] != '=')
            continue;
        for (p += length + 1; *p && *p != '&' && n + 1 < room; p++) {
            char c = *p == '+' ? ' ' : *p;
            if (c == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
                c = (char)(hex(p[1]) * 16 + hex(p[2]));
                p += 2;
            }
            value[n++] = (unsigned char)c < 0x20 ? '?' : c;
        }
        value[n] = '\0';
        return true;
    }
    return false;
}

void client_wish_parse(struct client_wish *wish, const char *query)
{
    *wish = (struct client_wish){
        .rows = ROWS_BOTTOM_FIRST, .codecs = {ORIEL_CODEC_H264}, .codec_count = 1, .names = "h264"};
    char value[16];
    wish->ext = query_value(query, "ext", value, sizeof value) && strcmp(value, "1") == 0;
    if (!wish->ext)
        return;
    query_value(query, "rows", value, sizeof value);
    wish->rows = strcmp(value, "top") == 0      ? ROWS_TOP_FIRST
                 : strcmp(value, "bottom") == 0 ? ROWS_BOTTOM_FIRST
                                                : ROWS_ANY;
    wish->still = query_value(query, "still", value, sizeof value) && strcmp(value, "png") == 0 &&
                  wish->rows != ROWS_TOP_FIRST;
    query_value(query, "session", wish->session, sizeof wish->session);
    query_value(query, "client", wish->client, sizeof wish->client);
    char names[sizeof wish->names];
    if (!query_value(query, "codecs", names, sizeof names))
        return;
    strcpy(wish->names, names);
    wish->codec_count = 0;
    for (const char *p = names; *p; p += strcspn(p, ","), p += *p == ',') {
        const struct codec *codec = codec_named(p, strcspn(p, ","));
        if (codec && !client_wish_has(wish, codec->fourcc))
            wish->codecs[wish->codec_count++] = codec->fourcc;
    }
}

bool client_wish_has(const struct client_wish *wish, uint32_t codec)
{
    for (uint32_t i = 0; i < wish->codec_count; i++) {
        if (wish->codecs[i] == codec)
            return true;
    }
    return false;
}

void client_identify(struct client *client)
{
    const struct client_wish *wish = &client->wish;
    const char *peer = client->peer, *port = strrchr(peer, ':');
    if (*wish->client || *wish->session)
        snprintf(client->id, sizeof client->id, "%s", *wish->client ? wish->client : wish->session);
    else /* its address, which it shares with others there, but keeps */
        snprintf(client->id, sizeof client->id, "%.*s",
                 port ? (int)(port - peer) : (int)strlen(peer), peer);
}

/* --- how far behind --- */

uint32_t client_underway(const struct client *client)
{
    return client->acks ? client->seq - client->shown : 0;
}

bool client_ready(const struct client *client, const struct client_limits *limits)
{
    return client->visible && client->queued.messages == 0 &&
           client_underway(client) < limits->unacked;
}

bool client_full(const struct client *client, const struct client_limits *limits, int64_t now)
{
    const struct oriel_queued *queued = &client->queued;
    return queued->bytes > limits->queue_bytes ||
           (queued->oldest_ns && now - queued->oldest_ns > limits->queue_ns) ||
           client_underway(client) >= SHARED_FACTOR * limits->unacked;
}

int64_t client_ack_deadline(const struct client *client, const struct client_limits *limits)
{
    return client->visible && client_underway(client) >= limits->unacked
               ? client->sent_ns + ACK_LOST_NS
               : INT64_MAX;
}

bool client_take_shown(struct client *client, uint32_t seq)
{
    if (client->seq - seq > client->seq - client->shown)
        return false; /* it was never sent, or is older than what has been shown */
    client->acks = true;
    client->shown = seq;
    return true;
}

/* --- messages --- */

static double milliseconds(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1e6
               ? item->valuedouble
               : -1;
}

void client_parse(const uint8_t *data, uint64_t bytes, struct client_told *told)
{
    *told = (struct client_told){.decode_ms = -1, .wait_ms = -1};
    cJSON *json =
        bytes && bytes <= 4096 ? cJSON_ParseWithLength((const char *)data, (size_t)bytes) : NULL;
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "type"));
    if (type && strcmp(type, "shown") == 0) {
        const cJSON *seq = cJSON_GetObjectItemCaseSensitive(json, "seq");
        if (cJSON_IsNumber(seq) && seq->valuedouble >= 0 && seq->valuedouble <= UINT32_MAX) {
            told->ask = CLIENT_SHOWN;
            told->seq = (uint32_t)seq->valuedouble;
            told->decode_ms = milliseconds(json, "decode_ms");
            told->wait_ms = milliseconds(json, "wait_ms");
        }
    } else if (type && strcmp(type, "key") == 0) {
        told->ask = CLIENT_KEY;
        const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "reason"));
        snprintf(told->reason, sizeof told->reason, "%s", reason ? reason : "no reason given");
    } else if (type && strcmp(type, "visible") == 0) {
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "value");
        if (cJSON_IsBool(value)) {
            told->ask = CLIENT_VISIBLE;
            told->visible = cJSON_IsTrue(value);
        }
    }
    cJSON_Delete(json);
}
