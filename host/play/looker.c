/* SPDX-License-Identifier: BSD-3-Clause */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "module/services.h"
#include "play/room.h"
#include "util/clock.h"

#define CLASSIC_HEAD_BYTES 24u
#define UNACKED 3u     /* pictures underway to one that tells what it shows */
#define QUEUED 3u      /* messages in the transport's queue */
#define FAR_BEHIND 30u /* pictures, from which on it goes on at a key */

static bool has(const char *query, const char *key, const char *value, size_t length)
{
    for (const char *p = query; *p; p += strcspn(p, "&"), p += *p == '&') {
        size_t name = strlen(key);
        if (strncmp(p, key, name) != 0 || p[name] != '=')
            continue;
        for (p += name + 1; *p && *p != '&'; p += strcspn(p, ",&"), p += *p == ',')
            if (strncmp(p, value, length) == 0 && strchr(",&", p[length]))
                return true;
        return false;
    }
    return false;
}

bool looker_open(struct player *player, struct looker *looker, const char *query)
{
    const char *codec = recording_codec(player->recording);
    looker->ext = has(query, "ext", "1", 1);
    looker->acks = looker->ext;
    looker->visible = true;
    bool listed = looker->ext && strstr(query, "codecs=");
    /* The napari-cuda client turns every picture, and is not told of another order of rows. */
    bool turned = !looker->ext && recording_is_top_down(player->recording);
    if (!turned &&
        (listed ? has(query, "codecs", codec, strlen(codec)) : strcmp(codec, "h264") == 0)) {
        looker_seek(player, looker, player_time(player, clock_ns()));
        return true;
    }
    char why[96];
    if (turned)
        snprintf(why, sizeof why, "the recording was not made with transport/record.rows = bottom");
    else
        snprintf(why, sizeof why, "the recording is %s", codec);
    player->transport->close(player->self, looker->conn, 4400, why);
    return false;
}

void looker_seek(const struct player *player, struct looker *looker, double time)
{
    size_t at = recording_picture_at(player->recording, time);
    looker->picture = recording_key_before(player->recording, at == SIZE_MAX ? 0 : at);
}

void looker_text(struct looker *looker, const char *text)
{
    cJSON *json = cJSON_Parse(text);
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "type"));
    const cJSON *seq = cJSON_GetObjectItemCaseSensitive(json, "seq");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, "value");
    if (type && strcmp(type, "shown") == 0 && cJSON_IsNumber(seq) && seq->valuedouble >= 0 &&
        seq->valuedouble <= looker->seq) {
        looker->acks = true;
        if ((uint32_t)seq->valuedouble > looker->shown)
            looker->shown = (uint32_t)seq->valuedouble;
    } else if (type && strcmp(type, "visible") == 0 && cJSON_IsBool(value)) {
        looker->visible = cJSON_IsTrue(value);
    } else if (type && strcmp(type, "key") == 0) {
        looker->picture = SIZE_MAX; /* begins again at a key */
    }
    cJSON_Delete(json);
}

static void put(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

/* The head as it was recorded, but for what is this connection's own. */
static void send(struct player *player, struct looker *looker, size_t index, int64_t now)
{
    const struct recording_picture *picture = &player->recording->pictures[index];
    const struct oriel_buffer *data = recording_read(player->recording, index, !looker->ext);
    if (!data)
        return; /* a picture is missing, and the client asks for a key */
    uint8_t head[RECORDING_HEAD_BYTES];
    memcpy(head, picture->head, sizeof head);
    double time = clock_unix();
    looker->time = time > looker->time ? time : looker->time;
    uint64_t bits;
    memcpy(&bits, &looker->time, sizeof bits);
    put(head, ++looker->seq, 4);
    put(head + 4, bits, 8);
    put(head + 56, 0, 8); /* poses of somebody else's session */
    if (!looker->ext)
        put(head + 22, 0, 2);
    player_send(player, looker->conn, ORIEL_MESSAGE_BINARY, head,
                looker->ext ? RECORDING_HEAD_BYTES : CLASSIC_HEAD_BYTES, data);
    buffer_unref(data);
    looker->sent_ns = now;
}

int64_t looker_advance(struct player *player, struct looker *looker, double time, int64_t now)
{
    const struct recording *recording = player->recording;
    size_t goal = recording_picture_at(recording, time);
    if (!looker->visible || goal == SIZE_MAX) {
        looker->picture = looker->visible ? looker->picture : SIZE_MAX;
        return INT64_MAX;
    }
    if (looker->picture == SIZE_MAX)
        looker_seek(player, looker, time);
    if (goal - looker->picture > FAR_BEHIND && looker->picture <= goal &&
        recording_key_before(recording, goal) > looker->picture)
        looker->picture = recording_key_before(recording, goal);
    while (looker->picture <= goal) {
        struct oriel_queued queued = {.size = sizeof queued};
        if (looker->acks && looker->seq - looker->shown >= UNACKED) {
            if (now < looker->sent_ns + NS_PER_S)
                return looker->sent_ns + NS_PER_S; /* or when it tells */
            looker->acks = false;
        }
        if (player->transport->queued(player->self, looker->conn, &queued) != ORIEL_OK ||
            queued.messages >= QUEUED)
            return INT64_MAX; /* until it is writable, or closed */
        send(player, looker, looker->picture++, now);
    }
    if (!player->playing || looker->picture >= recording->picture_count)
        return INT64_MAX;
    return now + (int64_t)((recording->pictures[looker->picture].time - time) * 1e9) + 1000;
}
