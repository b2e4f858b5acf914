/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/gate_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/site.h"
#include "control/access.h"
#include "control/control.h"
#include "control/origin.h"
#include "mcp/mcp.h"
#include "metrics/metrics.h"
#include "module/call.h"
#include "module/services.h"
#include "pixel/stream.h"
#include "util/check.h"
#include "util/log.h"
#include "util/thread.h"

/* --- connections --- */

static struct conn_entry **conn_slot(struct gate *gate, uint64_t conn)
{
    struct conn_entry **slot = &gate->conns[(conn ^ (conn >> DOOR_SHIFT)) % CONN_BUCKETS];
    while (*slot && (*slot)->conn != conn)
        slot = &(*slot)->next;
    return slot;
}

static void conn_add(struct door *door, uint64_t conn, enum channel channel, const char *view)
{
    struct gate *gate = door->gate;
    struct conn_entry *entry = xcalloc(1, sizeof *entry);
    entry->conn = conn;
    entry->door = door;
    entry->channel = channel;
    snprintf(entry->view, sizeof entry->view, "%s", view);
    pthread_mutex_lock(&gate->lock);
    struct conn_entry **slot = conn_slot(gate, conn);
    entry->next = *slot;
    *slot = entry;
    entry->door->conns++;
    pthread_mutex_unlock(&gate->lock);
}

/* 0 when unknown. With `remove` it is forgotten. `view`: that of a pixel connection. */
static enum channel conn_channel(struct gate *gate, uint64_t conn, bool remove, char view[16])
{
    enum channel channel = 0;
    pthread_mutex_lock(&gate->lock);
    struct conn_entry **slot = conn_slot(gate, conn);
    struct conn_entry *entry = *slot;
    if (entry) {
        channel = entry->channel;
        memcpy(view, entry->view, sizeof entry->view);
        if (remove) {
            *slot = entry->next;
            entry->door->conns--;
            pthread_cond_broadcast(&gate->quiet);
            free(entry);
        }
    }
    pthread_mutex_unlock(&gate->lock);
    return channel;
}

static enum channel request_channel(const struct oriel_request *request)
{
    if (strcmp(request->path, "/state") == 0)
        return CHANNEL_STATE;
    if (strcmp(request->path, "/pixel") == 0)
        return CHANNEL_PIXEL;
    if (strcmp(request->path, "/") == 0 && request->listener == ORIEL_LISTENER_HTTP)
        return CHANNEL_STATE;
    if (strcmp(request->path, "/") == 0 && request->listener == ORIEL_LISTENER_PIXEL)
        return CHANNEL_PIXEL;
    return 0;
}

static uint64_t door_conn(const struct oriel_transport_host *to, uint64_t conn)
{
    const struct door *door = to->data;
    CHECK(conn && conn <= CONN_MASK);
    return conn | (door->index << DOOR_SHIFT);
}

static struct door *door_enter(const struct oriel_transport_host *to)
{
    struct door *door = to->data;
    pthread_mutex_lock(&door->opening);
    pthread_mutex_unlock(&door->opening);
    return door;
}

static const char *header_of(const struct oriel_request *request, const char *name)
{
    return request->header ? request->header(request, name) : NULL;
}

static void read_token(const struct oriel_request *request, char token[256])
{
    access_token(header_of(request, "authorization"), request->query, token);
}

/* The request's own word for where the page was asked for; NULL when that proves nothing. Pages
 * cannot set the header of proxies. */
static const char *asked_host(const struct door *door, const struct oriel_request *request)
{
    const char *host = header_of(request, "x-forwarded-host");
    struct oriel_endpoint at;
    if (host || !(host = header_of(request, "host")))
        return host;
    bool others_reach_it =
        door_endpoint(door, request->listener, &at) && (at.secure || !origin_is_loopback(at.host));
    return others_reach_it || !origin_host_may_rebind(host, at.port) ? host : NULL;
}

/* A page of another site, whose browser lets it connect to wherever it likes. */
static bool is_foreign_page(const struct door *door, const struct oriel_request *request)
{
    const char *origin = header_of(request, "origin");
    if (!origin ||
        access_origin(control_access(door->gate->rooms.control), origin, asked_host(door, request)))
        return false;
    log_warn(LOG_TRANSPORT, "%s: refused for a page of %.100s, which is not in access.origins",
             request->peer, origin);
    return true;
}

/* The status to refuse it with that has no token that counts; 0: it may come in. */
static uint32_t refuse_anonymous(const struct door *door, const struct oriel_request *request)
{
    if (access_role(control_access(door->gate->rooms.control), NULL) == ROLE_NONE)
        return 401;
    return is_foreign_page(door, request) ? 403 : 0;
}

/* Pictures are for who has a token, or a ticket of a session that is still there; the view is that
 * of the session, else the shared one. 0, or the status to refuse it with. */
static uint32_t open_pixel(struct door *door, uint64_t conn, const struct oriel_request *request)
{
    struct gate *gate = door->gate;
    struct control *control = gate->rooms.control;
    char token[256], ticket[256], session[256], view[16] = "main";
    read_token(request, token);
    bool ticketed = access_query(request->query, "ticket", ticket);
    if (!ticketed || !control_ticket(control, ticket, session)) {
        access_query(request->query, "session", session);
        uint32_t status = access_token_role(control_access(control), token) == ROLE_NONE
                              ? refuse_anonymous(door, request)
                              : 0;
        if (status == 401)
            log_info(LOG_TRANSPORT, "%s: no pictures without a token%s", request->peer,
                     ticketed ? "; its session has ended" : "");
        if (status)
            return ticketed ? 403 : status;
    }
    struct stream *stream = control_stream_of(control, session, view);
    if (!stream && !(stream = control_stream_hold(control, view)))
        return 503;
    uint64_t number = door_conn(&door->callbacks, conn);
    conn_add(door, number, CHANNEL_PIXEL, view);
    struct error err;
    if (!stream_conn_open(stream, &door_vtable, door, number, request->query, request->peer,
                          &err)) {
        log_warn(LOG_TRANSPORT, "%s: pixel connection refused: %s", request->peer, err.text);
        conn_channel(gate, number, true, view);
        /* Accepted and closed with the reason, since a browser shows no status of a refused
         * upgrade. */
        door_vtable.close(door, conn, 4400, err.text);
    }
    control_stream_release(control, view);
    return 0;
}

static uint32_t on_opened(const struct oriel_transport_host *to, uint64_t conn,
                          const struct oriel_request *request)
{
    MODULE_HOST;
    struct door *door = door_enter(to);
    struct gate *gate = door->gate;
    enum channel channel = request_channel(request);
    if (!channel) {
        log_info(LOG_TRANSPORT, "%s: no websocket at %s", request->peer, request->path);
        return 404;
    }
    if (channel == CHANNEL_PIXEL)
        return open_pixel(door, conn, request);
    char token[256];
    read_token(request, token);
    /* Where nobody gets in without a token, the hello may still have it. */
    if (access_token_role(control_access(gate->rooms.control), token) == ROLE_NONE &&
        refuse_anonymous(door, request) == 403)
        return 403;
    uint64_t number = door_conn(to, conn);
    /* Known before the room hears of it: its answer may close the connection at once. */
    conn_add(door, number, channel, "");
    control_conn_open(gate->rooms.control, &door_vtable, door, number, token, request->peer);
    return 0;
}

static void on_message(const struct oriel_transport_host *to, uint64_t conn, uint32_t kind,
                       const uint8_t *data, uint64_t bytes)
{
    MODULE_HOST;
    struct gate *gate = ((struct door *)to->data)->gate;
    uint64_t number = door_conn(to, conn);
    char view[16];
    enum channel channel = conn_channel(gate, number, false, view);
    if (channel == CHANNEL_STATE)
        control_conn_message(gate->rooms.control, number, kind, data, bytes);
    if (channel != CHANNEL_PIXEL)
        return;
    struct stream *stream = control_stream_hold(gate->rooms.control, view);
    if (!stream)
        return; /* its view has ended, and it is being closed */
    stream_conn_message(stream, number, kind, data, bytes);
    control_stream_release(gate->rooms.control, view);
}

static void on_writable(const struct oriel_transport_host *to, uint64_t conn)
{
    MODULE_HOST;
    struct gate *gate = ((struct door *)to->data)->gate;
    uint64_t number = door_conn(to, conn);
    char view[16];
    if (conn_channel(gate, number, false, view) != CHANNEL_PIXEL)
        return;
    struct stream *stream = control_stream_hold(gate->rooms.control, view);
    if (!stream)
        return;
    stream_conn_writable(stream, number);
    control_stream_release(gate->rooms.control, view);
}

static void on_closed(const struct oriel_transport_host *to, uint64_t conn)
{
    MODULE_HOST;
    struct gate *gate = ((struct door *)to->data)->gate;
    uint64_t number = door_conn(to, conn);
    char view[16];
    enum channel channel = conn_channel(gate, number, true, view);
    if (channel == CHANNEL_STATE)
        control_conn_closed(gate->rooms.control, number);
    if (channel != CHANNEL_PIXEL)
        return;
    struct stream *stream = control_stream_hold(gate->rooms.control, view);
    if (!stream)
        return;
    stream_conn_closed(stream, number);
    control_stream_release(gate->rooms.control, view);
}

/* --- HTTP --- */

static void respond(struct door *door, uint64_t id, uint32_t status, const char *type,
                    const struct oriel_buffer *body, const char *etag)
{
    const struct oriel_http_header headers[] = {
        {"content-type", type},
        {"cache-control", etag ? "no-cache" : "no-store"},
        {"x-content-type-options", "nosniff"},
        {"referrer-policy", "no-referrer"},
        {"content-security-policy", site_policy},
        {status == 401 ? "www-authenticate" : "etag", status == 401 ? "Bearer" : etag},
    };
    struct oriel_response response = {
        .size = sizeof response,
        .status = status,
        .header_count = sizeof headers / sizeof headers[0] - (etag || status == 401 ? 0 : 1),
        .headers = headers,
        .body = body,
    };
    door_respond(door, id, &response);
}

static void respond_text(struct door *door, uint64_t id, uint32_t status, const char *type,
                         const char *text)
{
    uint8_t *data;
    size_t bytes = strlen(text);
    const struct oriel_buffer *body = buffer_create(bytes, &data);
    if (body)
        memcpy(data, text, bytes);
    respond(door, id, body ? status : 503, type, body, NULL);
    buffer_unref(body);
}

static void respond_owned(struct door *door, uint64_t id, const char *type, char *text)
{
    respond_text(door, id, text ? 200 : 500, type, text ? text : "");
    free(text);
}

/* [transport], or [control] */
static void respond_mcp(void *data, uint64_t id, const struct mcp_response *answer)
{
    struct door *door = data;
    uint8_t *bytes;
    const struct oriel_buffer *body = buffer_create(answer->body_bytes, &bytes);
    if (body)
        memcpy(bytes, answer->body, answer->body_bytes);
    struct oriel_response response = {
        .size = sizeof response,
        .status = body ? answer->status : 503,
        .header_count = answer->header_count,
        .headers = answer->headers,
        .body = body,
    };
    door_respond(door, id, &response);
    buffer_unref(body);
    door_owes(door, -1);
}

/* Numbers tell what is shown here, to those who may look at it. */
static bool for_viewers(const char *path)
{
    return strcmp(path, "/metrics") == 0 || strcmp(path, "/metrics.json") == 0;
}

static bool may_look(const struct gate *gate, const struct oriel_request *request)
{
    char token[256];
    read_token(request, token);
    return access_role(control_access(gate->rooms.control), token) >= ROLE_VIEWER;
}

static bool is_mcp(const struct oriel_request *request)
{
    return request->listener == ORIEL_LISTENER_HTTP && strcmp(request->path, "/mcp") == 0;
}

static void on_http(const struct oriel_transport_host *to, uint64_t id,
                    const struct oriel_request *request)
{
    MODULE_HOST;
    struct door *door = door_enter(to);
    struct gate *gate = door->gate;
    const char *path = request->path;
    if (request->listener == ORIEL_LISTENER_METRICS && strcmp(path, "/") == 0)
        path = "/metrics.json"; /* the address that `serve` tells */

    if (is_mcp(request)) {
        door_owes(door, 1);
        if (mcp_http(gate->rooms.mcp, request, &(struct mcp_reply){respond_mcp, door, id}))
            return;
        door_owes(door, -1);
    }
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        respond_text(door, id, 405, "text/plain", "only GET and HEAD here\n");
    } else if (for_viewers(path) && !may_look(gate, request)) {
        respond_text(door, id, 401, "text/plain", "a token is needed\n");
    } else if (strcmp(path, "/metrics") == 0) {
        respond_owned(door, id, "text/plain; version=0.0.4",
                      metrics_prometheus(gate->rooms.metrics));
    } else if (strcmp(path, "/metrics.json") == 0) {
        respond_owned(door, id, "application/json", metrics_json(gate->rooms.metrics));
    } else if (strcmp(path, "/healthz") == 0) {
        respond_text(door, id, 200, "text/plain", "alive\n");
    } else if (strcmp(path, "/readyz") == 0) {
        bool ready = atomic_load(&gate->ready);
        respond_text(door, id, ready ? 200 : 503, "text/plain", ready ? "ready\n" : "not ready\n");
    } else if (strcmp(path, "/api/colormaps.json") == 0) {
        respond(door, id, 200, "application/json", gate->colormaps, NULL);
    } else {
        const struct site_file *file =
            request->listener == ORIEL_LISTENER_HTTP ? site_find(gate->site, path) : NULL;
        const char *seen = header_of(request, "if-none-match");
        if (!file)
            respond_text(door, id, 404, "text/plain", "nothing here\n");
        else if (seen && strcmp(seen, file->etag) == 0)
            respond(door, id, 304, file->type, NULL, file->etag);
        else
            respond(door, id, 200, file->type, file->body, file->etag);
    }
}

const struct oriel_transport_host gate_callbacks = {
    .size = sizeof gate_callbacks,
    .opened = on_opened,
    .message = on_message,
    .writable = on_writable,
    .closed = on_closed,
    .http = on_http,
};

/* --- life --- */

struct gate *gate_create(const struct gate_rooms *rooms, const char *web_dir, struct error *err)
{
    struct site *site = site_create(web_dir, err);
    if (!site)
        return NULL;
    struct gate *gate = xcalloc(1, sizeof *gate);
    gate->rooms = *rooms;
    gate->site = site;
    gate->colormaps = site_colormaps();
    pthread_mutex_init(&gate->lock, NULL);
    cond_init(&gate->quiet);
    return gate;
}

void gate_destroy(struct gate *gate)
{
    if (!gate)
        return;
    doors_free(gate);
    for (uint32_t b = 0; b < CONN_BUCKETS; b++) {
        for (struct conn_entry *entry = gate->conns[b], *next; entry; entry = next) {
            next = entry->next;
            free(entry);
        }
    }
    pthread_cond_destroy(&gate->quiet);
    pthread_mutex_destroy(&gate->lock);
    buffer_unref(gate->colormaps);
    site_destroy(gate->site);
    free(gate);
}

void gate_set_ready(struct gate *gate, bool ready)
{
    atomic_store(&gate->ready, ready);
}
