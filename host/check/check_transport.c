/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check/fuzz.h"
#include "check/lives.h"
#include "check/transport_rig.h"
#include "check/ws.h"
#include "util/check.h"
#include "util/clock.h"

enum { MEGABYTE = 1 << 20 };

static const struct oriel_buffer *pattern(size_t bytes)
{
    uint8_t *data = xcalloc(1, bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(i * 31 + (i >> 8));
    const struct oriel_buffer *buffer = check_buffer_new(data, bytes);
    free(data);
    return buffer;
}

static void must_send(struct transport_rig *rig, unsigned conn, uint32_t kind, const char *head,
                      const struct oriel_buffer *buffer)
{
    check_doing(rig->run, "send()");
    oriel_result result = transport_rig_send(rig, rig->conns[conn].id, kind, head, buffer);
    if (result != ORIEL_OK)
        check_fail(rig->run, "send() on an open connection is %s (%s)", check_result_name(result),
                   check_failure());
}

/* ---- addresses ---- */

static void endpoints(struct check_run *run)
{
    struct transport_rig rig;
    transport_rig_open(&rig, run);
    for (uint32_t i = 0; i < rig.endpoint_count; i++)
        close(transport_rig_dial(&rig, &rig.endpoints[i]));
    struct oriel_endpoint ignored = {.size = sizeof ignored};
    for (uint32_t index = rig.endpoint_count; index < UINT32_MAX / 2; index = index * 3 + 1)
        if (rig.transport->endpoint(rig.self, index, &ignored) != ORIEL_UNSUPPORTED)
            check_fail(run, "endpoint(%u) is not UNSUPPORTED, and there are %u", index,
                       rig.endpoint_count);
    check_note(run, "%u addresses", rig.endpoint_count);
    const struct oriel_endpoint taken = rig.endpoints[0];
    transport_rig_close(&rig);
    int fd = ws_connect(taken.host, taken.port, 1000);
    if (fd >= 0)
        check_fail(run, "somebody still listens on %s:%u after destroy()", taken.host, taken.port);
}

static void taken_port(struct check_run *run)
{
    struct transport_rig rig;
    transport_rig_open(&rig, run);
    char set[160] = "", number[16];
    snprintf(number, sizeof number, "%u", rig.endpoints[0].port);
    const struct oriel_option_table *table = rig.transport->options;
    for (uint32_t i = 0; table && i < table->count && !*set; i++)
        if (transport_rig_is_port(&table->options[i]))
            snprintf(set, sizeof set, "%s=%s", table->options[i].name, number);
    if (!*set) {
        transport_rig_close(&rig);
        check_skip(run, "it has no option \"port\", nor one whose name ends so");
    }
    const char *const settings[] = {set, NULL};
    void *second = NULL;
    check_doing(run, "create() on a port that is taken");
    oriel_result result = rig.transport->create(&rig.host->host, check_config(run, table, settings),
                                                &rig.to, &second);
    const char *why = check_failure();
    if (result != ORIEL_IO || !strstr(why, number))
        check_fail(run,
                   "create() on port %s, which is taken, is %s (%s): IO with a text that names "
                   "address and cause",
                   number, check_result_name(result), why);
    transport_rig_close(&rig);
}

/* ---- what comes ---- */

static void expect_request(struct transport_rig *rig, const char *want)
{
    pthread_mutex_lock(&rig->lock);
    char got[sizeof rig->request];
    memcpy(got, rig->request, sizeof got);
    pthread_mutex_unlock(&rig->lock);
    if (strcmp(got, want) != 0)
        check_fail(rig->run,
                   "a request came as \"%s\" and is \"%s\" (listener, method, decoded "
                   "path, query as it was, headers, body)",
                   got, want);
}

static void opened(struct check_run *run)
{
    struct transport_rig rig;
    transport_rig_open_web(&rig, run);
    for (uint32_t i = 0; i < rig.endpoint_count; i++) {
        const struct oriel_endpoint *at = &rig.endpoints[i];
        if (at->secure || at->listener == ORIEL_LISTENER_METRICS)
            continue;
        unsigned conn = transport_rig_count(&rig, &rig.conn_count);
        int fd = transport_rig_dial(&rig, at);
        check_doing(run, "an upgrade to a websocket");
        int status = ws_upgrade(fd, "/a%20b/c?x=1&y=a%26b", "X-Own: mine\r\n");
        if (status != 101)
            check_fail(run, "a websocket that opened() accepts gets %d: 101, by RFC 6455", status);
        char want[128];
        snprintf(want, sizeof want,
                 "%u GET /a b/c?x=1&y=a%%26b x-own=mine none=- body=", at->listener);
        expect_request(&rig, want);
        close(fd);
        transport_rig_await_closed(&rig, conn, "after its peer hung up");
    }
    transport_rig_will(&rig, 403, false, false);
    unsigned before = transport_rig_count(&rig, &rig.conn_count);
    int fd = transport_rig_dial(&rig, rig.web);
    int status = ws_upgrade(fd, "/", "");
    if (status != 403)
        check_fail(run, "a websocket that opened() refuses with 403 gets %d", status);
    close(fd);
    transport_rig_will(&rig, 0, false, false);
    if (transport_rig_count(&rig, &rig.conn_count) != before)
        check_fail(run, "a connection that was refused counts as one");
    transport_rig_close(&rig);
}

static void expect_message(struct transport_rig *rig, unsigned conn, unsigned count, uint32_t kind,
                           const void *data, size_t bytes, const char *what)
{
    transport_rig_await(rig, "message()", &rig->conns[conn].messages, count);
    pthread_mutex_lock(&rig->lock);
    const struct transport_message *last = &rig->last;
    bool right = last->conn == rig->conns[conn].id && last->kind == kind && last->bytes == bytes &&
                 memcmp(last->data, data, bytes) == 0;
    pthread_mutex_unlock(&rig->lock);
    if (!right)
        check_fail(rig->run, "message() is not what the peer sent: %s", what);
}

static void messages(struct check_run *run)
{
    struct transport_rig rig;
    unsigned conn, count = 0;
    transport_rig_open_web(&rig, run);
    int fd = transport_rig_join(&rig, &conn);
    const struct oriel_buffer *big = pattern(60000);
    ws_send(fd, WS_TEXT, true, "h\xc3\xa9llo", 6);
    expect_message(&rig, conn, ++count, ORIEL_MESSAGE_TEXT, "h\xc3\xa9llo", 6, "a text");
    ws_send(fd, WS_TEXT, true, "", 0);
    expect_message(&rig, conn, ++count, ORIEL_MESSAGE_TEXT, "", 0, "an empty text");
    ws_send(fd, WS_BINARY, true, big->data, 60000);
    expect_message(&rig, conn, ++count, ORIEL_MESSAGE_BINARY, big->data, 60000, "60000 bytes");
    ws_send(fd, WS_BINARY, false, big->data, 20000);
    ws_send(fd, WS_PING, true, "between", 7);
    ws_send(fd, WS_CONTINUE, false, big->data + 20000, 30000);
    ws_send(fd, WS_CONTINUE, true, big->data + 50000, 10000);
    expect_message(&rig, conn, ++count, ORIEL_MESSAGE_BINARY, big->data, 60000,
                   "60000 bytes in three fragments, a ping between them");
    transport_rig_will(&rig, 0, true, false);
    char text[32];
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "number %d", i);
        ws_send(fd, WS_TEXT, true, text, strlen(text));
    }
    transport_rig_expect(&rig, fd, WS_PONG, "between", 7, "the answer to a ping");
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "<number %d", i);
        transport_rig_expect(&rig, fd, WS_TEXT, text, strlen(text),
                             "200 messages, each sent back, in order");
    }
    check_buffer_unref(big);
    close(fd);
    transport_rig_await_closed(&rig, conn, "after its peer hung up");
    transport_rig_close(&rig);
}

/* ---- what goes ---- */

static void sends(struct check_run *run)
{
    struct transport_rig rig;
    unsigned conn;
    char head[ORIEL_MESSAGE_HEAD_MAX + 2], text[32];
    transport_rig_open_web(&rig, run);
    int fd = transport_rig_join(&rig, &conn);
    const struct oriel_buffer *body = check_buffer_new("BODY", 4), *none = check_buffer_new("", 0);
    must_send(&rig, conn, ORIEL_MESSAGE_TEXT, "head", body);
    transport_rig_expect(&rig, fd, WS_TEXT, "headBODY", 8, "a head and a buffer");
    must_send(&rig, conn, ORIEL_MESSAGE_BINARY, NULL, body);
    transport_rig_expect(&rig, fd, WS_BINARY, "BODY", 4, "a buffer alone");
    must_send(&rig, conn, ORIEL_MESSAGE_TEXT, "head", NULL);
    transport_rig_expect(&rig, fd, WS_TEXT, "head", 4, "a head alone");
    must_send(&rig, conn, ORIEL_MESSAGE_BINARY, NULL, none);
    transport_rig_expect(&rig, fd, WS_BINARY, "", 0, "no bytes at all");
    memset(head, 'h', sizeof head);
    head[ORIEL_MESSAGE_HEAD_MAX] = '\0';
    must_send(&rig, conn, ORIEL_MESSAGE_BINARY, head, NULL);
    transport_rig_expect(&rig, fd, WS_BINARY, head, ORIEL_MESSAGE_HEAD_MAX, "the longest head");
    head[ORIEL_MESSAGE_HEAD_MAX] = 'h';
    head[ORIEL_MESSAGE_HEAD_MAX + 1] = '\0';
    if (transport_rig_send(&rig, rig.conns[conn].id, ORIEL_MESSAGE_BINARY, head, NULL) !=
        ORIEL_INVALID)
        check_fail(run, "send() took a head of %u bytes: INVALID, %u are the most",
                   ORIEL_MESSAGE_HEAD_MAX + 1, ORIEL_MESSAGE_HEAD_MAX);
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "number %d", i); /* copied: the next one is written over it */
        must_send(&rig, conn, i % 2 ? ORIEL_MESSAGE_TEXT : ORIEL_MESSAGE_BINARY, text, NULL);
    }
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "number %d", i);
        transport_rig_expect(&rig, fd, i % 2 ? WS_TEXT : WS_BINARY, text, strlen(text),
                             "300 messages in order");
    }
    transport_rig_await(&rig, "writable(), though the send queue has become empty,",
                        &rig.conns[conn].writable, 1);
    transport_rig_await_buffer(&rig, body, "after the message has arrived");
    if (transport_rig_send(&rig, UINT64_MAX - 5, ORIEL_MESSAGE_TEXT, "x", body) != ORIEL_INVALID)
        check_fail(run, "send() on a connection that there never was is not INVALID");
    close(fd);
    transport_rig_await_closed(&rig, conn, "after its peer hung up");
    if (transport_rig_send(&rig, rig.conns[conn].id, ORIEL_MESSAGE_TEXT, "x", body) !=
        ORIEL_INVALID)
        check_fail(run, "send() on a connection that is closed is not INVALID");
    transport_rig_await_buffer(&rig, body, "after send() refused it");
    transport_rig_close(&rig);
}

/* One buffer for several peers that read late: it is referred to, not copied. */
static void shared(struct check_run *run)
{
    enum { PEERS = 4, TIMES = 24 };
    struct transport_rig rig;
    unsigned conns[PEERS];
    int fds[PEERS];
    transport_rig_open_web(&rig, run);
    for (int i = 0; i < PEERS; i++)
        fds[i] = transport_rig_join(&rig, &conns[i]);
    const struct oriel_buffer *buffer = pattern(2 * MEGABYTE);
    uint64_t before = check_rss();
    for (int k = 0; k < TIMES; k++)
        for (int i = 0; i < PEERS; i++)
            must_send(&rig, conns[i], ORIEL_MESSAGE_BINARY, "h", buffer);
    transport_rig_sleep(100);
    uint64_t grown = check_rss() > before ? check_rss() - before : 0;
    if (!check_sanitized() && grown > (uint64_t)PEERS * TIMES * MEGABYTE)
        check_fail(run,
                   "%d messages with one buffer of 2 MB that nobody reads yet took %.0f MB of "
                   "memory: a buffer is shared by reference",
                   PEERS * TIMES, (double)grown / 1e6);
    if (check_buffer_refs(buffer) < 2)
        check_fail(run, "no reference to a buffer is held that is not sent yet");
    for (int i = 0; i < PEERS; i++)
        for (int k = 0; k < TIMES; k++) {
            struct ws_frame frame;
            if (!ws_receive(fds[i], &frame) || frame.bytes != buffer->bytes + 1 ||
                frame.data[0] != 'h' || memcmp(frame.data + 1, buffer->data, buffer->bytes) != 0)
                check_fail(run, "a buffer that went to %d peers arrived changed, or not", PEERS);
            free(frame.data);
        }
    transport_rig_await_buffer(&rig, buffer, "after all of it has arrived");
    for (int k = 0; k < TIMES; k++) /* and what will never arrive */
        must_send(&rig, conns[k % PEERS], ORIEL_MESSAGE_BINARY, "h", buffer);
    for (int i = 0; i < PEERS; i++) {
        close(fds[i]);
        transport_rig_await_closed(&rig, conns[i], "after its peer hung up");
    }
    transport_rig_await_buffer(&rig, buffer, "after all peers hung up");
    check_note(run, "%.0f MB for %d MB unsent", (double)grown / 1e6, PEERS * TIMES * 2);
    transport_rig_close(&rig);
}

static void queued(struct check_run *run)
{
    enum { TIMES = 48 };
    struct transport_rig rig;
    unsigned conn, idle;
    transport_rig_open_web(&rig, run);
    int fd = transport_rig_join(&rig, &conn), other = transport_rig_join(&rig, &idle);
    const struct oriel_buffer *buffer = pattern(MEGABYTE);
    int64_t begun = clock_ns();
    for (int i = 0; i < TIMES; i++)
        must_send(&rig, conn, ORIEL_MESSAGE_BINARY, "1234", buffer);
    if (clock_ns() - begun > transport_rig_ms(&rig, 3000) * INT64_C(1000000))
        check_fail(run, "send() blocks while a peer does not read");
    transport_rig_sleep(50);
    struct oriel_queued now = transport_rig_queued(&rig, rig.conns[conn].id);
    uint64_t each = MEGABYTE + 4;
    if (now.messages < 2 || now.messages > TIMES || now.bytes > now.messages * each ||
        now.bytes <= (now.messages - 2) * each)
        check_fail(run,
                   "queued() says %u messages and %llu bytes of %d messages of %llu bytes that "
                   "nobody has read",
                   now.messages, (unsigned long long)now.bytes, TIMES, (unsigned long long)each);
    if (now.oldest_ns < begun || now.oldest_ns > clock_ns())
        check_fail(run,
                   "queued() says that its oldest message was queued %.3f s after the first "
                   "send(): it is a time of CLOCK_MONOTONIC between then and now",
                   (double)(now.oldest_ns - begun) / 1e9);
    now = transport_rig_queued(&rig, rig.conns[idle].id);
    if (now.messages || now.bytes || now.oldest_ns)
        check_fail(run, "queued() of a connection without messages says %u messages, %llu bytes",
                   now.messages, (unsigned long long)now.bytes);
    unsigned writable = transport_rig_count(&rig, &rig.conns[conn].writable);
    for (int i = 0; i < TIMES; i++) {
        struct ws_frame frame;
        if (!ws_receive(fd, &frame))
            check_fail(run, "message %d of %d did not arrive once its peer read", i, TIMES);
        free(frame.data);
    }
    transport_rig_await(&rig, "writable()", &rig.conns[conn].writable, writable + 1);
    now = transport_rig_queued(&rig, rig.conns[conn].id);
    if (now.messages || now.bytes || now.oldest_ns)
        check_fail(run, "queued() says %u messages, %llu bytes and a time when all has arrived: 0",
                   now.messages, (unsigned long long)now.bytes);
    struct oriel_queued ignored = {.size = sizeof ignored};
    if (rig.transport->queued(rig.self, UINT64_MAX - 5, &ignored) == ORIEL_OK)
        check_fail(run, "queued() of a connection that there never was is OK");
    close(fd);
    close(other);
    transport_rig_await_closed(&rig, conn, "after its peer hung up");
    transport_rig_await_closed(&rig, idle, "after its peer hung up");
    transport_rig_close(&rig);
}

/* ---- ends ---- */

static void closes(struct check_run *run)
{
    struct transport_rig rig;
    unsigned conn;
    char reason[128] = "";
    transport_rig_open_web(&rig, run);
    int fd = transport_rig_join(&rig, &conn);
    const struct oriel_buffer *buffer = pattern(MEGABYTE);
    for (int i = 0; i < 4; i++)
        must_send(&rig, conn, ORIEL_MESSAGE_BINARY, NULL, buffer);
    check_doing(run, "close()");
    rig.transport->close(rig.self, rig.conns[conn].id, 4001, "that was all");
    if (transport_rig_send(&rig, rig.conns[conn].id, ORIEL_MESSAGE_TEXT, "x", NULL) !=
        ORIEL_INVALID)
        check_fail(run, "send() after close() is not INVALID");
    for (int i = 0; i < 4; i++)
        transport_rig_expect(&rig, fd, WS_BINARY, buffer->data, MEGABYTE,
                             "messages that were queued before close()");
    unsigned code = ws_receive_close(fd, reason, sizeof reason);
    if (code != 4001 || strcmp(reason, "that was all") != 0)
        check_fail(run, "close(4001, \"that was all\") reached the peer as %u \"%s\"", code,
                   reason);
    close(fd);
    transport_rig_await_closed(&rig, conn, "after close()");
    rig.transport->close(rig.self, rig.conns[conn].id, 1000, "again");
    rig.transport->close(rig.self, UINT64_MAX - 5, 1000, NULL);
    transport_rig_await_buffer(&rig, buffer, "after close()");
    transport_rig_close(&rig);
}

static void vanish(struct check_run *run)
{
    struct transport_rig rig;
    unsigned conn;
    transport_rig_open_web(&rig, run);
    const struct oriel_buffer *buffer = pattern(MEGABYTE);
    for (int way = 0; way < 4; way++) {
        int fd = transport_rig_join(&rig, &conn);
        for (int i = 0; way & 1 && i < 16; i++)
            must_send(&rig, conn, ORIEL_MESSAGE_BINARY, NULL, buffer);
        struct linger at_once = {.l_onoff = 1};
        if (way & 2) /* a reset instead of an end */
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(fd);
        transport_rig_await_closed(&rig, conn, "after its peer vanished");
        if (transport_rig_send(&rig, rig.conns[conn].id, ORIEL_MESSAGE_TEXT, "x", buffer) !=
            ORIEL_INVALID)
            check_fail(run, "send() to a peer that vanished is not INVALID after closed()");
        transport_rig_await_buffer(&rig, buffer, "after its peer vanished");
    }
    transport_rig_expect_served(&rig, "peers that vanished");
    transport_rig_close(&rig);
}

struct raw {
    const char *what, *bytes;
    size_t count;
};
#define RAW(what, bytes)                                                                           \
    {                                                                                              \
        what, bytes, sizeof bytes - 1                                                              \
    }

static void garbage(struct check_run *run)
{
    static const struct raw frames[] = {
        RAW("a frame with reserved bits", "\xf1\x81\0\0\0\0x"),
        RAW("a frame of an unknown opcode", "\x83\x81\0\0\0\0x"),
        RAW("a frame without a mask", "\x81\x05hello"),
        RAW("a frame that continues nothing", "\x80\x81\0\0\0\0x"),
        RAW("a ping of 2^63 bytes", "\x89\xff\x80\0\0\0\0\0\0\0\0\0\0\0"),
        RAW("a text that is no UTF-8", "\x81\x82\0\0\0\0\xc3\x28"),
        RAW("half a frame", "\x82\xfe\x10"),
    };
    static const struct raw requests[] = {
        RAW("a line of nonsense", "\x16\x03\x01\x02garbage\r\n\r\n"),
        RAW("half a request", "GET / HT"),
        RAW("a length that is none", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n"),
        RAW("nothing at all", ""),
    };
    struct transport_rig rig;
    unsigned conn;
    char noise[4096];
    transport_rig_open_web(&rig, run);
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        int fd = transport_rig_join(&rig, &conn);
        check_doing(run, "a peer that sends %s", frames[i].what);
        ws_write(fd, frames[i].bytes, frames[i].count);
        if (i == 0)
            transport_rig_sleep(50);
        close(fd);
        transport_rig_await_closed(&rig, conn, "after its peer broke the protocol");
        transport_rig_expect_served(&rig, frames[i].what);
    }
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int fd = transport_rig_dial(&rig, rig.web);
        check_doing(run, "a peer that sends %s", requests[i].what);
        ws_write(fd, requests[i].bytes, requests[i].count);
        transport_rig_expect_served(&rig, requests[i].what);
        close(fd);
    }
    uint64_t state = run->seed;
    for (int i = 0; i < 20; i++) {
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (char)check_random(&state);
        int fd = i % 2 ? transport_rig_join(&rig, &conn) : transport_rig_dial(&rig, rig.web);
        check_doing(run, "a peer that sends noise (seed %llu)", (unsigned long long)run->seed);
        ws_write(fd, noise, sizeof noise);
        close(fd);
    }
    int fd = transport_rig_dial(&rig, rig.web); /* a head without end */
    bool sent = ws_write(fd, "GET / HTTP/1.1\r\nx: ", 19);
    memset(noise, 'x', sizeof noise);
    for (int i = 0; i < 256 && sent; i++)
        sent = ws_write(fd, noise, sizeof noise);
    close(fd);
    transport_rig_expect_served(&rig, "a head of a megabyte");
    transport_rig_close(&rig);
}

/* ---- many ---- */

static void many(struct check_run *run)
{
    enum { PEERS = 48 };
    struct transport_rig rig;
    unsigned conns[PEERS];
    int fds[PEERS];
    char text[32];
    transport_rig_open_web(&rig, run);
    for (int i = 0; i < PEERS; i++)
        fds[i] = transport_rig_join(&rig, &conns[i]);
    const struct oriel_buffer *buffer = pattern(10000);
    for (int round = 0; round < 10; round++)
        for (int i = 0; i < PEERS; i++) {
            snprintf(text, sizeof text, "%02d", i);
            must_send(&rig, conns[i], ORIEL_MESSAGE_BINARY, text, buffer);
        }
    for (int i = 0; i < PEERS; i++)
        for (int round = 0; round < 10; round++) {
            struct ws_frame frame;
            snprintf(text, sizeof text, "%02d", i);
            if (!ws_receive(fds[i], &frame) || frame.bytes != 10002 ||
                memcmp(frame.data, text, 2) != 0 ||
                memcmp(frame.data + 2, buffer->data, 10000) != 0)
                check_fail(run, "one of %d peers did not get its own message", PEERS);
            free(frame.data);
        }
    for (int i = 0; i < PEERS; i++)
        close(fds[i]);
    for (int i = 0; i < PEERS; i++)
        transport_rig_await_closed(&rig, conns[i], "after its peer hung up");
    transport_rig_await_buffer(&rig, buffer, "after all of it has arrived");
    transport_rig_close(&rig);
}

const struct check check_transport[] = {
    {"transport.endpoints",
     "It serves on the loopback once create() has returned, endpoint() names every address with "
     "its "
     "real port, and nobody listens after destroy().",
     CHECK_TRANSPORT, 20, endpoints},
    {"transport.taken_port",
     "create() on an address that is taken is IO with a text that names it.", CHECK_TRANSPORT, 20,
     taken_port},
    {"transport.opened",
     "opened() comes with the listener and the request, its answer decides, and closed() follows "
     "what it accepted.",
     CHECK_TRANSPORT, 30, opened},
    {"transport.messages",
     "message() brings whole messages of their kind, in order, put together from fragments.",
     CHECK_TRANSPORT, 30, messages},
    {"transport.sends",
     "send() brings head and buffer to the peer in order, copies the head, and is INVALID for a "
     "connection that is gone; writable() comes when the queue is empty.",
     CHECK_TRANSPORT, 30, sends},
    {"transport.shared",
     "A buffer goes to many by reference, and every reference comes back, sent or not.",
     CHECK_TRANSPORT, 60, shared},
    {"transport.queued",
     "send() never blocks; queued() gives messages, bytes and age of what is unsent.",
     CHECK_TRANSPORT, 60, queued},
    {"transport.closes",
     "close() lets what is queued leave first, then brings code and reason to the peer.",
     CHECK_TRANSPORT, 30, closes},
    {"transport.vanish", "A peer that vanishes is closed() within seconds.", CHECK_TRANSPORT, 60,
     vanish},
    {"transport.garbage", "Peers that break every rule are closed one by one; others are served.",
     CHECK_TRANSPORT, 90, garbage},
    {"transport.many", "Dozens of connections get each its own messages.", CHECK_TRANSPORT, 60,
     many},
    {"transport.http",
     "http() brings a request, respond() its answer: at once, later, or from another thread.",
     CHECK_TRANSPORT, 30, transport_check_http},
    {"transport.destroy",
     "destroy() closes all connections, and no callback, thread, descriptor or reference is left.",
     CHECK_TRANSPORT, 60, transport_check_destroy},
    {"transport.minimal_host",
     "It works, or says that it cannot, on a host without optional interfaces.", CHECK_TRANSPORT,
     30, transport_check_minimal},
    {"transport.future_host",
     "It works on a host of a later minor, and does not look behind the members that it knows.",
     CHECK_TRANSPORT, 30, transport_check_future},
    {"transport.two_instances", "Two instances serve beside each other, each its own peers.",
     CHECK_TRANSPORT, 30, transport_check_two},
    {"transport.flat", "Instances made and destroyed leave no memory, descriptor or thread behind.",
     CHECK_TRANSPORT, 120, transport_check_flat},
    {"transport.fuzz", FUZZ_WANTS, CHECK_TRANSPORT, 60, fuzz_options},
    {"transport.interface", LIVES_INTERFACE_WANTS, CHECK_TRANSPORT, 30, lives_interface},
    {"transport.manners", LIVES_MANNERS_WANTS, CHECK_TRANSPORT, 30, lives_manners},
};
const size_t check_transport_count = sizeof check_transport / sizeof *check_transport;
