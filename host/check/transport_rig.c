/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/transport_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check/shared.h"
#include "check/ws.h"
#include "util/check.h"
#include "util/clock.h"

enum { PATIENCE_MS = 5000 };

void transport_rig_sleep(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

unsigned transport_rig_ms(const struct transport_rig *rig, unsigned ms)
{
    return ms * rig->run->patience;
}

/* ---- the host's side ---- */

/* A callback begins; NULL, with somebody to blame, where it may not. The lock is held then. */
static struct transport_conn *enter(struct transport_rig *rig, uint64_t id, const char *call)
{
    pthread_mutex_lock(&rig->lock);
    if (rig->ended)
        check_blame(rig->run, "%s came after destroy() had returned", call);
    for (unsigned i = rig->conn_count; i-- > 0;) {
        struct transport_conn *conn = &rig->conns[i];
        if (conn->id != id)
            continue;
        if (conn->closed)
            check_blame(rig->run, "%s came after closed() of the same connection", call);
        if (conn->busy)
            check_blame(rig->run,
                        "%s came while another call of the same connection was running: "
                        "one at a time",
                        call);
        conn->busy = true;
        return conn;
    }
    if (id)
        check_blame(rig->run, "%s came for connection %llu, which was never opened", call,
                    (unsigned long long)id);
    return NULL;
}

static void leave(struct transport_rig *rig, struct transport_conn *conn)
{
    if (conn)
        conn->busy = false;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

/* What is no HTTP may have none at all. */
static const char *header_of(const struct oriel_request *request, const char *name)
{
    const char *value = request->header ? request->header(request, name) : NULL;
    return value ? value : "-";
}

static void note_request(struct transport_rig *rig, const struct oriel_request *request)
{
    if (!request->method || !request->path || !request->query) {
        check_blame(rig->run, "a request has no method, path or query: \"\" is an empty query");
        return;
    }
    snprintf(rig->request, sizeof rig->request, "%u %s %s?%s x-own=%s none=%s body=%.*s",
             request->listener, request->method, request->path, request->query,
             header_of(request, "x-own"), header_of(request, "x-none"), (int)request->body_bytes,
             request->body ? (const char *)request->body : "");
    if (!request->peer || !*request->peer)
        check_blame(rig->run, "a request names no peer");
}

static uint32_t on_opened(const struct oriel_transport_host *to, uint64_t id,
                          const struct oriel_request *request)
{
    struct transport_rig *rig = to->data;
    pthread_mutex_lock(&rig->lock);
    note_request(rig, request);
    uint32_t refuse = rig->refuse;
    if (rig->ended)
        check_blame(rig->run, "opened() came after destroy() had returned");
    if (!id)
        check_blame(rig->run, "opened() names a connection 0");
    for (unsigned i = 0; i < rig->conn_count; i++)
        if (rig->conns[i].id == id)
            check_blame(rig->run,
                        "opened() names a connection %llu again: a name is never used "
                        "twice",
                        (unsigned long long)id);
    if (!refuse && rig->conn_count < TRANSPORT_CONNS)
        rig->conns[rig->conn_count++] =
            (struct transport_conn){.id = id, .listener = request->listener};
    else if (!refuse)
        refuse = 503;
    leave(rig, NULL);
    return refuse;
}

static void send_back(struct transport_rig *rig, uint64_t id, uint32_t kind, const uint8_t *data,
                      uint64_t bytes)
{
    const struct oriel_buffer *buffer = check_buffer_new(data, bytes);
    transport_rig_send(rig, id, kind, "<", buffer);
    check_buffer_unref(buffer);
}

static void on_message(const struct oriel_transport_host *to, uint64_t id, uint32_t kind,
                       const uint8_t *data, uint64_t bytes)
{
    struct transport_rig *rig = to->data;
    struct transport_conn *conn = enter(rig, id, "message()");
    if (bytes && !data)
        check_blame(rig->run, "message() has %llu bytes and no data", (unsigned long long)bytes);
    if (conn) {
        conn->messages++;
        free(rig->last.data);
        rig->last = (struct transport_message){.conn = id, .kind = kind, .bytes = bytes};
        rig->last.data = xcalloc(1, (size_t)bytes + 1);
        if (bytes && data)
            memcpy(rig->last.data, data, (size_t)bytes);
    }
    bool echo = rig->echo;
    leave(rig, conn);
    if (echo)
        send_back(rig, id, kind, data, bytes);
}

static void on_writable(const struct oriel_transport_host *to, uint64_t id)
{
    struct transport_rig *rig = to->data;
    struct transport_conn *conn = enter(rig, id, "writable()");
    if (conn)
        conn->writable++;
    leave(rig, conn);
}

static void on_closed(const struct oriel_transport_host *to, uint64_t id)
{
    struct transport_rig *rig = to->data;
    struct transport_conn *conn = enter(rig, id, "closed()");
    if (conn) {
        conn->closed = true;
        rig->closed_count++;
    }
    leave(rig, conn);
}

static void on_http(const struct oriel_transport_host *to, uint64_t id,
                    const struct oriel_request *request)
{
    struct transport_rig *rig = to->data;
    pthread_mutex_lock(&rig->lock);
    if (rig->ended)
        check_blame(rig->run, "http() came after destroy() had returned");
    note_request(rig, request);
    rig->http_count++;
    bool answer = rig->answer;
    rig->http_id = answer ? 0 : id;
    char body[sizeof rig->request];
    memcpy(body, rig->request, sizeof body);
    leave(rig, NULL);
    if (!answer)
        return;
    const struct oriel_buffer *buffer = check_buffer_new(body, strlen(body));
    const struct oriel_http_header headers[] = {{"content-type", "text/plain"}, {"x-check", "yes"}};
    struct oriel_response response = {.size = sizeof response,
                                      .status = 200,
                                      .header_count = 2,
                                      .headers = headers,
                                      .body = buffer};
    rig->transport->respond(rig->self, id, &response);
    check_buffer_unref(buffer);
}

/* ---- life ---- */

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

static bool is_set(const struct check_run *run, const char *name)
{
    size_t length = strlen(name);
    for (const char *const *set = run->settings; set && *set; set++)
        if (strncmp(*set, name, length) == 0 && (*set)[length] == '=')
            return true;
    return false;
}

bool transport_rig_is_port(const struct oriel_option *option)
{
    size_t length = strlen(option->name);
    return option->type == ORIEL_OPT_INT &&
           (strcmp(option->name, "port") == 0 ||
            (length > 5 && strcmp(option->name + length - 5, "_port") == 0));
}

/* These, of which there may be none, and every port a free one, unless somebody set it. */
static const struct oriel_config *free_ports(struct transport_rig *rig, const char *const *others)
{
    const struct oriel_option_table *table = rig->transport->options;
    unsigned count = 0;
    while (others && others[count])
        count++;
    const char **settings = xcalloc(count + (table ? table->count : 0) + 1, sizeof *settings);
    if (count)
        memcpy(settings, others, count * sizeof *settings);
    for (uint32_t i = 0; table && i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        if (transport_rig_is_port(option) && !is_set(rig->run, option->name))
            settings[count++] = xasprintf("%s=0", option->name);
    }
    return check_config(rig->run, table, settings);
}

static void take_endpoints(struct transport_rig *rig)
{
    struct check_run *run = rig->run;
    struct oriel_endpoint *at = rig->endpoints;
    for (; rig->endpoint_count < TRANSPORT_ENDPOINTS; rig->endpoint_count++, at++) {
        *at = (struct oriel_endpoint){.size = sizeof *at};
        check_doing(run, "endpoint(%u)", rig->endpoint_count);
        oriel_result result = rig->transport->endpoint(rig->self, rig->endpoint_count, at);
        if (result == ORIEL_UNSUPPORTED)
            break;
        if (result != ORIEL_OK)
            check_fail(run, "endpoint(%u) is %s: OK, or UNSUPPORTED past the end",
                       rig->endpoint_count, check_result_name(result));
        if (at->listener < ORIEL_LISTENER_HTTP || at->listener > ORIEL_LISTENER_METRICS)
            check_fail(run, "endpoint(%u) has listener %u, which is no ORIEL_LISTENER_*",
                       rig->endpoint_count, at->listener);
        if (!at->port || at->port > 65535)
            check_fail(run,
                       "endpoint(%u) has port %u: it is the real one, also where 0 was "
                       "configured",
                       rig->endpoint_count, at->port);
        if (!is_set(run, "host") && !is_loopback(at->host))
            check_fail(run,
                       "endpoint(%u) is on \"%s\": with its defaults a transport listens on "
                       "the loopback alone",
                       rig->endpoint_count, at->host);
        if (at->secure)
            continue;
        if (at->listener == ORIEL_LISTENER_HTTP && !rig->http)
            rig->http = at;
        if (at->listener == ORIEL_LISTENER_PIXEL || (!rig->web && rig->http == at))
            rig->web = at;
    }
}

void transport_rig_open(struct transport_rig *rig, struct check_run *run)
{
    transport_rig_open_on(rig, run, CHECK_HOST_USUAL);
}

static oriel_result create(struct transport_rig *rig, struct check_run *run,
                           enum check_host_kind host, const char *const *settings)
{
    memset(rig, 0, sizeof *rig);
    rig->run = run;
    rig->transport = run->vtable;
    rig->host = check_host_new(run, host);
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, NULL);
    rig->to = (struct oriel_transport_host){.size = sizeof rig->to,
                                            .data = rig,
                                            .opened = on_opened,
                                            .message = on_message,
                                            .writable = on_writable,
                                            .closed = on_closed,
                                            .http = on_http};
    oriel_result result =
        rig->transport->create(&rig->host->host, free_ports(rig, settings), &rig->to, &rig->self);
    if (result == ORIEL_OK && !rig->self)
        check_fail(run, "create() is OK and gives no instance");
    return result;
}

oriel_result transport_rig_try(struct transport_rig *rig, struct check_run *run,
                               const char *const *settings)
{
    return create(rig, run, CHECK_HOST_USUAL, settings);
}

void transport_rig_start(struct transport_rig *rig, struct check_run *run,
                         enum check_host_kind host)
{
    check_doing(run, "create() on free ports");
    check_created(run, create(rig, run, host, NULL), "create()");
    take_endpoints(rig);
}

void transport_rig_open_on(struct transport_rig *rig, struct check_run *run,
                           enum check_host_kind host)
{
    transport_rig_start(rig, run, host);
    if (!rig->endpoint_count) {
        rig->transport->destroy(rig->self);
        check_skip(run, "it binds no address, so there is nothing to connect to");
    }
}

bool transport_rig_is_web(struct transport_rig *rig, char *why, size_t room)
{
    struct check_run *run = rig->run;
    snprintf(why, room, "none of its %u addresses takes websockets without TLS",
             rig->endpoint_count);
    if (!rig->web)
        return false;
    if (run->shared->mute) { /* each test would wait as long as the first one did */
        snprintf(why, room, "what it listens for is no websocket, and nothing else is known here");
        return false;
    }
    int fd = ws_connect(rig->web->host, rig->web->port, transport_rig_ms(rig, 2000));
    if (fd < 0)
        check_fail(run, "nobody listens on %s:%u, which endpoint() names", rig->web->host,
                   rig->web->port);
    check_doing(run, "an upgrade to a websocket");
    int status = ws_upgrade(fd, "/", "");
    close(fd);
    check_blamed(run);
    unsigned opened = transport_rig_count(rig, &rig->conn_count);
    if (status == 101 && !opened)
        check_fail(run, "a websocket was accepted without opened(), which decides that");
    if (status > 0 && status != 101 && opened)
        check_fail(run, "opened() accepted a websocket and its peer got %d: 101, by RFC 6455",
                   status);
    if (opened)
        transport_rig_await_closed(rig, 0, "after its peer hung up");
    run->shared->mute = status <= 0;
    snprintf(why, room,
             "what listens on %s:%u speaks no websockets, and nothing else is known here",
             rig->web->host, rig->web->port);
    return status == 101;
}

void transport_rig_open_web(struct transport_rig *rig, struct check_run *run)
{
    char why[400];
    transport_rig_open(rig, run);
    if (transport_rig_is_web(rig, why, sizeof why))
        return;
    rig->transport->destroy(rig->self);
    check_skip(run, "%s", why);
}

void transport_rig_close(struct transport_rig *rig)
{
    struct check_run *run = rig->run;
    check_doing(run, "destroy()");
    rig->transport->destroy(rig->self);
    pthread_mutex_lock(&rig->lock);
    rig->ended = true;
    unsigned open = rig->conn_count - rig->closed_count;
    pthread_mutex_unlock(&rig->lock);
    check_blamed(run);
    if (open)
        check_fail(run,
                   "closed() never came for %u of %u connections that opened() accepted, not "
                   "even in destroy()",
                   open, rig->conn_count);
    free(rig->last.data);
    rig->last.data = NULL;
    /* The rig stays as it is: a late callback is to be seen. */
}

/* ---- peers ---- */

int transport_rig_dial(struct transport_rig *rig, const struct oriel_endpoint *at)
{
    int fd = ws_connect(at->host, at->port, transport_rig_ms(rig, PATIENCE_MS));
    if (fd < 0)
        check_fail(rig->run,
                   "nobody listens on %s:%u, which endpoint() names: it serves once "
                   "create() has returned",
                   at->host, at->port);
    return fd;
}

int transport_rig_join(struct transport_rig *rig, unsigned *conn)
{
    *conn = transport_rig_count(rig, &rig->conn_count);
    int fd = transport_rig_dial(rig, rig->web);
    check_doing(rig->run, "an upgrade to a websocket");
    int status = ws_upgrade(fd, "/", "");
    if (status != 101)
        check_fail(rig->run, "a websocket that opened() accepts gets %d: 101, by RFC 6455", status);
    transport_rig_await(rig, "opened()", &rig->conn_count, *conn + 1);
    return fd;
}

void transport_rig_will(struct transport_rig *rig, uint32_t refuse, bool echo, bool answer)
{
    pthread_mutex_lock(&rig->lock);
    rig->refuse = refuse;
    rig->echo = echo;
    rig->answer = answer;
    pthread_mutex_unlock(&rig->lock);
}

unsigned transport_rig_count(struct transport_rig *rig, const unsigned *counter)
{
    pthread_mutex_lock(&rig->lock);
    unsigned count = *counter;
    pthread_mutex_unlock(&rig->lock);
    return count;
}

void transport_rig_await(struct transport_rig *rig, const char *what, const unsigned *counter,
                         unsigned at_least)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += transport_rig_ms(rig, PATIENCE_MS) / 1000;
    pthread_mutex_lock(&rig->lock);
    int late = 0;
    while (*counter < at_least && !late)
        late = pthread_cond_timedwait(&rig->changed, &rig->lock, &end);
    unsigned got = *counter;
    pthread_mutex_unlock(&rig->lock);
    check_blamed(rig->run);
    if (got < at_least)
        check_fail(rig->run, "%s did not come within %u s (%u of %u did)", what,
                   transport_rig_ms(rig, PATIENCE_MS) / 1000, got, at_least);
}

void transport_rig_await_closed(struct transport_rig *rig, unsigned conn, const char *when)
{
    int64_t end = clock_ns() + transport_rig_ms(rig, PATIENCE_MS) * INT64_C(1000000);
    for (bool closed = false; !closed; transport_rig_sleep(1)) {
        pthread_mutex_lock(&rig->lock);
        closed = rig->conns[conn].closed;
        pthread_mutex_unlock(&rig->lock);
        check_blamed(rig->run);
        if (!closed && clock_ns() > end)
            check_fail(rig->run, "closed() did not come within %u s %s",
                       transport_rig_ms(rig, PATIENCE_MS) / 1000, when);
    }
}

void transport_rig_expect_served(struct transport_rig *rig, const char *after)
{
    unsigned conn;
    check_doing(rig->run, "a new peer, after %s", after);
    int fd = transport_rig_join(rig, &conn);
    if (!ws_send(fd, WS_TEXT, true, "hello", 5))
        check_fail(rig->run, "a new peer cannot send, after %s", after);
    transport_rig_await(rig, "message()", &rig->conns[conn].messages, 1);
    close(fd);
    transport_rig_await_closed(rig, conn, "after its peer hung up");
}

/* ---- messages ---- */

oriel_result transport_rig_send(struct transport_rig *rig, uint64_t conn, uint32_t kind,
                                const char *head, const struct oriel_buffer *buffer)
{
    struct oriel_message message = {.size = sizeof message,
                                    .kind = kind,
                                    .head = (const uint8_t *)head,
                                    .head_bytes = head ? strlen(head) : 0,
                                    .buffer = buffer};
    return rig->transport->send(rig->self, conn, &message);
}

void transport_rig_expect(struct transport_rig *rig, int fd, int opcode, const void *data,
                          size_t bytes, const char *what)
{
    struct ws_frame frame;
    check_doing(rig->run, "%s", what);
    if (!ws_receive(fd, &frame))
        check_fail(rig->run, "a message did not arrive: %s", what);
    bool right = frame.opcode == opcode && frame.final && frame.bytes == bytes &&
                 memcmp(frame.data, data, bytes) == 0;
    if (!right)
        check_fail(rig->run,
                   "what arrived is not what was sent (opcode %d and %zu bytes, not %d and %zu, or "
                   "other bytes): %s",
                   frame.opcode, frame.bytes, opcode, bytes, what);
    free(frame.data);
}

struct oriel_queued transport_rig_queued(struct transport_rig *rig, uint64_t conn)
{
    struct oriel_queued queued = {.size = sizeof queued};
    oriel_result result = rig->transport->queued(rig->self, conn, &queued);
    if (result != ORIEL_OK)
        check_fail(rig->run, "queued() of an open connection is %s", check_result_name(result));
    return queued;
}

void transport_rig_await_buffer(struct transport_rig *rig, const struct oriel_buffer *buffer,
                                const char *when)
{
    int64_t end = clock_ns() + transport_rig_ms(rig, PATIENCE_MS) * INT64_C(1000000);
    while (check_buffer_refs(buffer) > 1 && clock_ns() < end)
        transport_rig_sleep(1);
    if (check_buffer_refs(buffer) != 1)
        check_fail(rig->run,
                   "%u references to a buffer are still held %s: the transport gives "
                   "back every one that it takes",
                   check_buffer_refs(buffer) - 1, when);
}
