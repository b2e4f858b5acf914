/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests, and a transport's end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/transport_rig.h"
#include "check/ws.h"
#include "util/clock.h"

/* ---- requests ---- */

static int ask(struct transport_rig *rig, const char *request)
{
    int fd = transport_rig_dial(rig, rig->http);
    check_doing(rig->run, "%.40s", request);
    if (!ws_write(fd, request, strlen(request)))
        check_fail(rig->run, "a request cannot be sent");
    return fd;
}

static void expect_answer(struct transport_rig *rig, int fd, int status, const char *body,
                          const char *header)
{
    char head[4096] = "", got[1024] = "";
    int is = ws_head(fd, head, sizeof head);
    if (is != status)
        check_fail(rig->run, "a request that is answered with %d gets %d", status, is);
    const char *length = strcasestr(head, "content-length:");
    size_t bytes = length ? strtoul(length + 15, NULL, 10) : 0;
    if (!length || bytes != strlen(body))
        check_fail(rig->run,
                   "an answer of %zu bytes has %s%.24s: the transport writes "
                   "Content-Length",
                   strlen(body), length ? "" : "no Content-Length", length ? length : "");
    if (header && !strcasestr(head, header))
        check_fail(rig->run, "the header \"%s\" of an answer did not arrive", header);
    if (!ws_read(fd, got, bytes) || strcmp(got, body) != 0)
        check_fail(rig->run, "an answer arrived as \"%s\", and is \"%s\"", got, body);
    close(fd);
}

struct later {
    struct transport_rig *rig;
    uint64_t id;
};

static void *respond_later(void *data)
{
    struct later *later = data;
    transport_rig_sleep(30);
    const struct oriel_buffer *body = check_buffer_new("later", 5);
    struct oriel_response response = {.size = sizeof response, .status = 404, .body = body};
    later->rig->transport->respond(later->rig->self, later->id, &response);
    transport_rig_await_buffer(later->rig, body, "after its answer");
    return NULL;
}

void transport_check_http(struct check_run *run)
{
    struct transport_rig rig;
    transport_rig_open_web(&rig, run);
    if (!rig.http)
        check_skip(run, "none of its %u addresses is for HTTP without TLS", rig.endpoint_count);
    transport_rig_will(&rig, 0, false, true);
    int fd = ask(&rig, "GET /a%20b?x=%26 HTTP/1.1\r\nHost: a\r\nX-Own: mine\r\n"
                       "Connection: close\r\n\r\n");
    expect_answer(&rig, fd, 200, "1 GET /a b?x=%26 x-own=mine none=- body=", "x-check: yes");
    fd = ask(&rig, "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                   "Connection: close\r\n\r\nbody");
    expect_answer(&rig, fd, 200, "1 POST /p? x-own=- none=- body=body", "text/plain");
    transport_rig_will(&rig, 0, false, false);
    unsigned before = transport_rig_count(&rig, &rig.http_count);
    fd = ask(&rig, "GET /later HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    transport_rig_await(&rig, "http()", &rig.http_count, before + 1);
    struct later later = {&rig, rig.http_id};
    pthread_t thread;
    if (pthread_create(&thread, NULL, respond_later, &later))
        check_fail(run, "no thread could be started");
    expect_answer(&rig, fd, 404, "later", NULL);
    pthread_join(thread, NULL);
    /* Whoever asks and does not wait for the answer. */
    fd = ask(&rig, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    transport_rig_await(&rig, "http()", &rig.http_count, before + 2);
    close(fd);
    transport_rig_sleep(20);
    check_doing(run, "respond() to a peer that is gone, and to nobody");
    struct oriel_response response = {.size = sizeof response, .status = 200};
    rig.transport->respond(rig.self, rig.http_id, &response);
    rig.transport->respond(rig.self, rig.http_id, &response);
    rig.transport->respond(rig.self, UINT64_MAX - 5, &response);
    transport_rig_will(&rig, 0, false, true);
    fd = ask(&rig, "GET /again HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect_answer(&rig, fd, 200, "1 GET /again? x-own=- none=- body=", NULL);
    transport_rig_close(&rig);
}

/* ---- ends ---- */

void transport_check_destroy(struct check_run *run)
{
    static struct transport_rig first, rig; /* late callbacks find them */
    unsigned conn;
    char why[400];
    transport_rig_open(&first, run); /* what a first one loads stays */
    bool web = transport_rig_is_web(&first, why, sizeof why);
    transport_rig_close(&first);
    unsigned threads = check_threads(), fds = check_fds();
    transport_rig_open(&rig, run);
    int peers[6];
    uint8_t *bytes = calloc(1, 1 << 20);
    if (!bytes)
        check_fail(run, "out of memory");
    const struct oriel_buffer *buffer = check_buffer_new(bytes, 1 << 20);
    free(bytes);
    for (int i = 0; i < 6; i++) {
        peers[i] = web && i < 4 ? transport_rig_join(&rig, &conn)
                                : transport_rig_dial(&rig, &rig.endpoints[0]);
        for (int k = 0; web && i < 2 && k < 20; k++) /* which nobody will read */
            transport_rig_send(&rig, rig.conns[conn].id, ORIEL_MESSAGE_BINARY, NULL, buffer);
    }
    ws_write(peers[5], "GET / HT", 8);
    int64_t begun = clock_ns();
    transport_rig_close(&rig);
    double took = (double)(clock_ns() - begun) / 1e9;
    if (took > 15 * run->patience)
        check_fail(run,
                   "destroy() took %.1f s with peers that do not read: what is queued has a "
                   "limited time to leave",
                   took);
    transport_rig_await_buffer(&rig, buffer, "after destroy()");
    for (int i = 0; i < 6; i++)
        close(peers[i]);
    if (!check_settled(run, threads, fds, 2000))
        check_fail(run, "%u threads and %u descriptors after destroy(), %u and %u before create()",
                   check_threads(), check_fds(), threads, fds);
    check_blamed(run); /* a callback that came late */
    check_note(run, "%.1f s", took);
}

static void serve_on(struct check_run *run, enum check_host_kind host)
{
    static struct transport_rig rig;
    char why[400];
    transport_rig_open_on(&rig, run, host);
    if (transport_rig_is_web(&rig, why, sizeof why))
        transport_rig_expect_served(&rig, "a first one");
    else
        close(transport_rig_dial(&rig, &rig.endpoints[0]));
    transport_rig_close(&rig);
}

void transport_check_minimal(struct check_run *run)
{
    serve_on(run, CHECK_HOST_MINIMAL);
}

void transport_check_future(struct check_run *run)
{
    serve_on(run, CHECK_HOST_FUTURE);
}

void transport_check_two(struct check_run *run)
{
    static struct transport_rig a, b;
    unsigned conn;
    char why[400];
    transport_rig_open(&a, run);
    transport_rig_open(&b, run);
    for (uint32_t i = 0; i < a.endpoint_count; i++)
        for (uint32_t k = 0; k < b.endpoint_count; k++)
            if (a.endpoints[i].port == b.endpoints[k].port)
                check_fail(run, "two instances both name port %u", a.endpoints[i].port);
    if (!transport_rig_is_web(&b, why, sizeof why)) {
        transport_rig_close(&a);
        close(transport_rig_dial(&b, &b.endpoints[0]));
        transport_rig_close(&b);
        return;
    }
    transport_rig_expect_served(&a, "a second instance was made");
    int fd = transport_rig_join(&b, &conn);
    transport_rig_close(&a);
    transport_rig_send(&b, b.conns[conn].id, ORIEL_MESSAGE_TEXT, "still here", NULL);
    transport_rig_expect(&b, fd, WS_TEXT, "still here", 10, "from one of two, the other destroyed");
    close(fd);
    transport_rig_expect_served(&b, "the other of two was destroyed");
    transport_rig_close(&b);
}

void transport_check_flat(struct check_run *run)
{
    enum { WARM = 10, ROUNDS = 60, RSS_NOISE = 4 << 20, HEAP_NOISE = 128 << 10 };
    static struct transport_rig rig;
    struct check_use before = {0};
    for (int i = 0; i < ROUNDS; i++) {
        if (i == WARM)
            before = check_use_now();
        transport_rig_start(&rig, run, CHECK_HOST_USUAL);
        if (i % 2 && rig.endpoint_count)
            close(transport_rig_dial(&rig, &rig.endpoints[0]));
        transport_rig_close(&rig);
    }
    check_flat(run, &before, ROUNDS - WARM, "create()", "destroy()", RSS_NOISE, HEAP_NOISE);
    check_note(run, "%d instances", ROUNDS - WARM);
}
