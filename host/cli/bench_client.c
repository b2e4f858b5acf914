/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/bench_client.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"
#include "module/services.h"
#include "pixel/stream.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/thread.h"

#define STATE_CONN 1u
#define PIXEL_CONN 2u
#define HEADER_BYTES 160u

struct bench_client {
    struct server *server;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool pixel_open;
    bool has_view;
    char session[64];
    struct bench_view view;
    struct bench_picture last; /* newest video picture */
    uint64_t pictures;
    uint64_t bytes;
    uint32_t frame_id;
};

static uint64_t read_be(const uint8_t *p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

static double read_ms(const uint8_t *p)
{
    return (double)read_be(p, 4) / 1000.0;
}

static void take_picture(struct bench_client *client, const struct oriel_message *message)
{
    const uint8_t *h = message->head;
    CHECK(message->head_bytes == HEADER_BYTES);
    struct bench_picture picture = {
        .received_ns = clock_ns(),
        .rev = read_be(h + 56, 8),
        .bytes = message->buffer ? message->buffer->bytes : 0,
        .width = (uint32_t)read_be(h + 12, 4),
        .height = (uint32_t)read_be(h + 16, 4),
        .codec = h[20],
        .complete = read_be(h + 26, 2) & 2,
        .still = read_be(h + 26, 2) & 4,
        .level = (uint32_t)read_be(h + 30, 2),
        .plan_ms = read_ms(h + 136),
        .draw_ms = read_ms(h + 140),
        .capture_ms = read_ms(h + 144),
        .wait_ms = read_ms(h + 148),
        .encode_ms = read_ms(h + 152),
        .queue_ms = read_ms(h + 156),
    };
    client->pictures++;
    client->bytes += picture.bytes;
    if (!picture.still)
        client->last = picture;
}

static void read_triple(const cJSON *array, double out[3])
{
    for (int i = 0; i < 3; i++) {
        const cJSON *item = cJSON_GetArrayItem(array, i);
        out[i] = cJSON_IsNumber(item) ? item->valuedouble : 0;
    }
}

static void take_frame(struct bench_client *client, const cJSON *frame)
{
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItem(frame, "type"));
    const cJSON *payload = cJSON_GetObjectItem(frame, "payload");
    if (type && strcmp(type, "session.welcome") == 0) {
        const char *id = cJSON_GetStringValue(
            cJSON_GetObjectItem(cJSON_GetObjectItem(payload, "session"), "id"));
        snprintf(client->session, sizeof client->session, "%s", id ? id : "");
    } else if (type && strcmp(type, "notify.view") == 0) {
        const cJSON *extent = cJSON_GetObjectItem(payload, "extent");
        const cJSON *camera = cJSON_GetObjectItem(payload, "camera");
        read_triple(cJSON_GetArrayItem(extent, 0), client->view.extent[0]);
        read_triple(cJSON_GetArrayItem(extent, 1), client->view.extent[1]);
        read_triple(cJSON_GetObjectItem(camera, "center"), client->view.center);
        const cJSON *zoom = cJSON_GetObjectItem(camera, "zoom");
        client->view.zoom = cJSON_IsNumber(zoom) ? zoom->valuedouble : 1;
        client->has_view = true;
    }
}

static oriel_result client_send(void *self, uint64_t conn, const struct oriel_message *message)
{
    struct bench_client *client = self;
    if (conn == PIXEL_CONN) {
        pthread_mutex_lock(&client->lock);
        take_picture(client, message);
        pthread_cond_broadcast(&client->changed);
        pthread_mutex_unlock(&client->lock);
        return ORIEL_OK;
    }
    /* A JSON frame may come in two parts. */
    uint64_t tail = message->buffer ? message->buffer->bytes : 0;
    char *text = malloc(message->head_bytes + tail + 1);
    if (!text)
        return ORIEL_NOMEM;
    if (message->head_bytes)
        memcpy(text, message->head, message->head_bytes);
    if (tail)
        memcpy(text + message->head_bytes, message->buffer->data, tail);
    cJSON *frame = cJSON_ParseWithLength(text, message->head_bytes + tail);
    free(text);
    pthread_mutex_lock(&client->lock);
    take_frame(client, frame);
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
    cJSON_Delete(frame);
    return ORIEL_OK;
}

/* Nothing waits: what is sent has arrived. */
static oriel_result client_queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    (void)self;
    (void)conn;
    queued->messages = 0;
    queued->bytes = 0;
    queued->oldest_ns = 0;
    return ORIEL_OK;
}

static void client_closed(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    (void)self;
    (void)conn;
    fprintf(stderr, "oriel bench: the server closed the connection: %u %s\n", code, reason);
}

static const struct oriel_transport client_vtable = {
    .size = sizeof client_vtable,
    .send = client_send,
    .queued = client_queued,
    .close = client_closed,
};

static void client_say(struct bench_client *client, const char *text)
{
    control_conn_message(client->server->control, STATE_CONN, ORIEL_MESSAGE_TEXT,
                         (const uint8_t *)text, strlen(text));
}

struct bench_client *bench_client_open(struct server *server, const char *codecs, int timeout_ms,
                                       struct error *err)
{
    struct bench_client *client = xcalloc(1, sizeof *client);
    client->server = server;
    pthread_mutex_init(&client->lock, NULL);
    cond_init(&client->changed);
    control_conn_open(server->control, &client_vtable, client, STATE_CONN, "", "bench");
    char hello[512];
    snprintf(
        hello, sizeof hello,
        "{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"hello-1\",\"timestamp\":%.3f,"
        "\"payload\":{\"protocols\":[2],\"client\":{\"name\":\"oriel-bench\",\"version\":\"1\","
        "\"platform\":\"-\"},\"features\":{\"notify.scene\":true,\"notify.layers\":true,"
        "\"notify.stream\":true,\"oriel\":true},\"resume_tokens\":{\"notify.scene\":null,"
        "\"notify.layers\":null,\"notify.stream\":null}}}",
        clock_unix());
    client_say(client, hello);

    int64_t deadline = clock_ns() + timeout_ms * NS_PER_MS;
    pthread_mutex_lock(&client->lock);
    while (!client->has_view && cond_wait_until(&client->changed, &client->lock, deadline))
        ;
    bool fine = client->has_view;
    pthread_mutex_unlock(&client->lock);
    if (!fine) {
        error_set(err, "no view within %d ms", timeout_ms);
        bench_client_close(client);
        return NULL;
    }
    char query[256];
    snprintf(query, sizeof query, "ext=1&codecs=%s&session=%s", codecs, client->session);
    if (!stream_conn_open(server->stream, &client_vtable, client, PIXEL_CONN, query, "bench",
                          err)) {
        bench_client_close(client);
        return NULL;
    }
    client->pixel_open = true;
    return client;
}

void bench_client_close(struct bench_client *client)
{
    if (!client)
        return;
    if (client->pixel_open)
        stream_conn_closed(client->server->stream, PIXEL_CONN);
    control_conn_closed(client->server->control, STATE_CONN);
    control_stop(client->server->control); /* nobody calls client_send any more */
    pthread_cond_destroy(&client->changed);
    pthread_mutex_destroy(&client->lock);
    free(client);
}

const struct bench_view *bench_client_view(const struct bench_client *client)
{
    return &client->view;
}

void bench_client_update(struct bench_client *client, const char *scope, const char *key,
                         const char *value)
{
    char text[2048];
    client->frame_id++;
    snprintf(text, sizeof text,
             "{\"type\":\"state.update\",\"version\":2,\"session\":\"%s\",\"frame_id\":\"f%u\","
             "\"intent_id\":\"i%u\",\"timestamp\":%.3f,\"payload\":{\"scope\":\"%s\","
             "\"target\":\"main\",\"key\":\"%s\",\"value\":%s}}",
             client->session, client->frame_id, client->frame_id, clock_unix(), scope, key, value);
    client_say(client, text);
}

int64_t bench_client_pose(struct bench_client *client, uint64_t rev, unsigned ndisplay,
                          const double center[3], double zoom, const double quat[4])
{
    char value[512];
    snprintf(value, sizeof value,
             "{\"rev\":%llu,\"ndisplay\":%u,\"center\":[%.17g,%.17g,%.17g],\"zoom\":%.17g,"
             "\"quat\":[%.17g,%.17g,%.17g,%.17g],\"fov\":0}",
             (unsigned long long)rev, ndisplay, center[0], center[1], center[2], zoom, quat[0],
             quat[1], quat[2], quat[3]);
    int64_t now = clock_ns();
    bench_client_update(client, "view", "pose", value);
    return now;
}

bool bench_client_wait(struct bench_client *client, uint64_t rev, bool complete, int timeout_ms,
                       struct bench_picture *picture)
{
    int64_t deadline = clock_ns() + timeout_ms * NS_PER_MS;
    pthread_mutex_lock(&client->lock);
    bool there;
    while (!(there = client->pictures && client->last.rev >= rev &&
                     (client->last.complete || !complete)) &&
           cond_wait_until(&client->changed, &client->lock, deadline))
        ;
    *picture = client->last;
    pthread_mutex_unlock(&client->lock);
    return there;
}

uint64_t bench_client_count(const struct bench_client *client, uint64_t *bytes)
{
    struct bench_client *mutable = (struct bench_client *)client;
    pthread_mutex_lock(&mutable->lock);
    *bytes = client->bytes;
    uint64_t pictures = client->pictures;
    pthread_mutex_unlock(&mutable->lock);
    return pictures;
}
