/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/websocket against peers that break the rules, take their time, or are too many. Each is
 * closed by itself; the next one is served. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "site.h"

static const struct bench_value impatient[] = {
    {"port", "0"},       {"pixel_port", "-1"}, {"metrics_port", "-1"}, {"message_bytes", "1000"},
    {"drain_ms", "300"}, {"request_s", "1"},   {"keepalive_s", "1"},   {"max_connections", "4"},
    {NULL, NULL},
};

static const char get_x[] = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";

static uint32_t http_port(const struct site *site)
{
    return site->ports[ORIEL_LISTENER_HTTP];
}

/* Waits for the end of the stream; false: it does not come within the client's 5 s. */
static bool hung_up(int fd)
{
    char rest[4096];
    ssize_t n;
    do
        n = recv(fd, rest, sizeof rest, 0);
    while (n > 0);
    close(fd);
    return n == 0;
}

static void expect_served(const struct site *site)
{
    char head[4096];
    int fd = client_connect(http_port(site));
    assert_true(client_write(fd, get_x, sizeof get_x - 1));
    assert_int_equal(client_head(fd, head, sizeof head), 200);
    close(fd);
}

static int upgraded(const struct site *site)
{
    int fd;
    assert_int_equal(client_upgrade(http_port(site), "/", "", &fd), 101);
    return fd;
}

static bool names_peer(struct site *site, const char *what)
{
    bool found = false;
    pthread_mutex_lock(&site->bench.lock);
    for (const char *at = site->bench.log; at && *at && !found; at = strchr(at, '\n') + 1) {
        const char *space = strchr(at, ' ');
        found = strncmp(at, "127.0.0.1:", 10) == 0 && space &&
                strncmp(space + 1, what, strlen(what)) == 0;
    }
    pthread_mutex_unlock(&site->bench.lock);
    return found;
}

static void closes_who_does_not_send_a_request(void **state)
{
    (void)state;
    struct site *site = site_start(impatient);
    int64_t begin = site_now();
    int silent = client_connect(http_port(site)), half = client_connect(http_port(site)),
        body = client_connect(http_port(site)), drip = client_connect(http_port(site));
    assert_true(client_write(half, get_x, 10));
    static const char post[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345";
    assert_true(client_write(body, post, sizeof post - 1));
    /* A byte now and then is no sign of life either. */
    for (int i = 0; i < 40 && site_now() - begin < 4000 * MS; i++) {
        if (send(drip, &get_x[i % 20], 1, MSG_NOSIGNAL) != 1)
            break;
        site_sleep(100);
    }
    assert_true(hung_up(drip));
    assert_true(hung_up(silent));
    assert_true(hung_up(half));
    assert_true(hung_up(body));
    int64_t took = site_now() - begin;
    assert_true(took > 800 * MS && took < 4000 * MS);
    assert_true(names_peer(site, "is closed: no request came"));
    assert_true(names_peer(site, "is closed: the body of its request did not come"));
    expect_served(site);
    site_stop(site);
}

static void closes_an_idle_connection_but_no_websocket(void **state)
{
    (void)state;
    struct site *site = site_start(impatient);
    int socket_fd = upgraded(site);
    int fd = client_connect(http_port(site));
    char head[4096];
    for (int i = 0; i < 4; i++) { /* in use for longer than it may be idle */
        assert_true(client_write(fd, "GET /304 HTTP/1.1\r\nHost: a\r\n\r\n", 30));
        assert_int_equal(client_head(fd, head, sizeof head), 304);
        site_sleep(500);
    }
    int64_t begin = site_now();
    assert_true(hung_up(fd));
    assert_true(site_now() - begin < 3000 * MS);
    assert_true(names_peer(site, "is closed: no other request came"));
    assert_true(ws_send(socket_fd, WS_TEXT, true, "x", 1));
    struct ws_frame frame;
    assert_true(ws_read(socket_fd, &frame));
    assert_int_equal(frame.opcode, WS_TEXT);
    close(socket_fd);
    site_stop(site);
}

static void refuses_more_than_the_most(void **state)
{
    (void)state;
    struct site *site = site_start(impatient);
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = upgraded(site);
    char head[4096];
    for (int i = 0; i < 20; i++) {
        int fd = client_connect(http_port(site));
        assert_int_equal(client_head(fd, head, sizeof head), 503);
        close(fd);
    }
    assert_true(names_peer(site, "was refused: there are 4 connections"));
    pthread_mutex_lock(&site->bench.lock);
    const char *first = strstr(site->bench.log, "was refused");
    bool again = strstr(first + 1, "was refused"); /* a flood is one line */
    pthread_mutex_unlock(&site->bench.lock);
    assert_false(again);
    close(fds[0]);
    eventually(atomic_load(&site->closed) == 1);
    site_sleep(50);
    expect_served(site);
    for (int i = 1; i < 4; i++)
        close(fds[i]);
    site_stop(site);
}

/* Requests whose end, size or sense cannot be told. */
static void refuses_ambiguous_requests(void **state)
{
    (void)state;
    struct site *site = site_start(impatient);
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5x\r\n\r\n12345", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = client_connect(http_port(site));
        char head[4096];
        assert_true(client_write(fd, cases[i].request, strlen(cases[i].request)));
        assert_int_equal(client_head(fd, head, sizeof head), cases[i].status);
        assert_non_null(strcasestr(head, "connection: close"));
        assert_true(hung_up(fd));
    }
    /* A head without end. */
    int fd = client_connect(http_port(site));
    bool sent = client_write(fd, "GET /", 5);
    for (int i = 0; i < 4000 && sent; i++)
        sent = client_write(fd, "xxxxxxxxxxxxxxxx", 16);
    char head[4096];
    assert_int_not_equal(client_head(fd, head, sizeof head), 200);
    close(fd);
    expect_served(site);
    site_stop(site);
}

struct raw {
    const char *bytes;
    size_t count;
    unsigned code; /* 0: hangs up without a close frame */
};
#define RAW(bytes, code)                                                                           \
    {                                                                                              \
        bytes, sizeof bytes - 1, code                                                              \
    }

static void closes_what_is_no_websocket_frame(void **state)
{
    (void)state;
    struct site *site = site_start(impatient);
    static const struct raw cases[] = {
        RAW("\xc1\x81\0\0\0\0x", 1002),                  /* a reserved bit */
        RAW("\x83\x81\0\0\0\0x", 1002),                  /* an opcode there is not */
        RAW("\x80\x81\0\0\0\0x", 1002),                  /* continues nothing */
        RAW("\x01\x81\0\0\0\0x\x81\x81\0\0\0\0x", 1002), /* a text within a text */
        RAW("\x09\x81\0\0\0\0x", 1002),                  /* a control frame in parts */
        RAW("\x89\xfe\x00\x80\0\0\0\0", 0),              /* a control frame too long */
        RAW("\x82\xff\x80\0\0\0\0\0\0\1\0\0\0\0", 0),    /* 2^63 bytes */
        RAW("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 1009), /* nearly */
        RAW("\x82\xfe\x03\xe9\0\0\0\0x", 1009),                         /* 1001 bytes announced */
        RAW("\x81\x83\0\0\0\0\xed\xa0\x80", 1007),                      /* a surrogate */
        RAW("\x81\x82\0\0\0\0\xc0\x80", 1007),                          /* too long an encoding */
        RAW("\x81\x82\0\0\0\0\xc3\x28", 1007),
        RAW("\x81\x81\0\0\0\0\xc3", 1007),                  /* ends within a character */
        RAW("\x01\x81\0\0\0\0\xc3\x80\x81\0\0\0\0x", 1007), /* over two fragments */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int fd = upgraded(site);
        assert_true(client_write(fd, cases[i].bytes, cases[i].count));
        char reason[128] = "";
        unsigned code = ws_read_close(fd, reason, sizeof reason);
        if (code != cases[i].code)
            print_message("case %zu: closed with %u\n", i, code);
        assert_int_equal(code, cases[i].code);
        close(fd);
    }
    /* What looks odd and is allowed. */
    int fd = upgraded(site);
    assert_true(client_write(fd, "\x01\x80\0\0\0\0\x00\x81\0\0\0\0\xc3\x80\x81\0\0\0\0\xa9", 20));
    struct ws_frame frame;
    assert_true(ws_read(fd, &frame));
    assert_memory_equal(frame.data, "<\xc3\xa9", 3);
    close(fd);
    expect_served(site);
    site_stop(site);
}

static void a_message_without_end_is_closed(void **state)
{
    (void)state;
    struct site *site = site_start(impatient);
    int fd = upgraded(site);
    assert_true(ws_send(fd, WS_TEXT, false, "x", 1));
    for (int i = 0; i < 1001; i++) {
        if (!ws_send(fd, WS_CONTINUE, false, "x", 1) || !ws_send(fd, WS_CONTINUE, false, "", 0))
            break;
    }
    char reason[128] = "";
    assert_int_equal(ws_read_close(fd, reason, sizeof reason), 1009);
    assert_string_equal(reason, "message too large");
    assert_true(names_peer(site, "sent a message of more than 1000 bytes"));
    close(fd);
    expect_served(site);
    site_stop(site);
}

/* It goes on talking, so it is alive, but never takes what it was sent last. */
static void a_closed_peer_that_does_not_read_is_let_go(void **state)
{
    (void)state;
    struct site *site = site_start(impatient);
    int fd = upgraded(site);
    uint8_t *payload = site_pattern(8 << 20);
    const struct oriel_buffer *buffer = bench_buffer(payload, 8 << 20);
    struct oriel_message message = {
        .size = sizeof message, .kind = ORIEL_MESSAGE_BINARY, .buffer = buffer};
    uint64_t conn = atomic_load(&site->last_conn);
    for (int i = 0; i < 2; i++)
        assert_int_equal(transport->send(site->self, conn, &message), ORIEL_OK);
    bench_buffer_drop(buffer);
    transport->close(site->self, conn, 1013, "too slow");
    int64_t begin = site_now();
    while (!atomic_load(&site->closed) && site_now() - begin < 5000 * MS) {
        ws_send(fd, WS_PONG, true, "", 0);
        site_sleep(100);
    }
    assert_int_equal(atomic_load(&site->closed), 1);
    assert_true(names_peer(site, "is closed: it does not read what it was sent last"));
    eventually(bench_buffers() == 0);
    close(fd);
    free(payload);
    site_stop(site);
}

static void *read_to_the_end(void *data)
{
    int fd = *(int *)data;
    struct ws_frame frame;
    char reason[128] = "";
    unsigned last = ws_read(fd, &frame) && frame.bytes == 7 ? 1 : 0;
    return (void *)(uintptr_t)(last && ws_read_close(fd, reason, sizeof reason) == 1001 &&
                               strcmp(reason, "server_shutdown") == 0);
}

/* The last words of the host leave before its code and reason do; who has only half come is dropped
 * and does not hold up the end. */
static void the_last_words_leave_at_the_end(void **state)
{
    (void)state;
    struct site *site = site_start(impatient);
    int silent = client_connect(http_port(site)), half = client_connect(http_port(site));
    assert_true(client_write(half, get_x, 10));
    int fd = upgraded(site);
    struct oriel_message goodbye = {.size = sizeof goodbye,
                                    .kind = ORIEL_MESSAGE_TEXT,
                                    .head = (const uint8_t *)"goodbye",
                                    .head_bytes = 7};
    uint64_t conn = atomic_load(&site->last_conn);
    assert_int_equal(transport->send(site->self, conn, &goodbye), ORIEL_OK);
    transport->close(site->self, conn, 1001, "server_shutdown");
    pthread_t reader;
    pthread_create(&reader, NULL, read_to_the_end, &fd);
    int64_t begin = site_now();
    site_stop(site);
    assert_true(site_now() - begin < 1000 * MS);
    void *all;
    pthread_join(reader, &all);
    assert_non_null(all);
    close(fd);
    assert_true(hung_up(silent));
    assert_true(hung_up(half));
}

int main(void)
{
    transport = bench_load("transport-websocket.so", ORIEL_TRANSPORT_V1);
    if (!transport)
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_who_does_not_send_a_request),
        cmocka_unit_test(closes_an_idle_connection_but_no_websocket),
        cmocka_unit_test(refuses_more_than_the_most),
        cmocka_unit_test(refuses_ambiguous_requests),
        cmocka_unit_test(closes_what_is_no_websocket_frame),
        cmocka_unit_test(a_message_without_end_is_closed),
        cmocka_unit_test(a_closed_peer_that_does_not_read_is_let_go),
        cmocka_unit_test(the_last_words_leave_at_the_end),
    };
    return cmocka_run_group_tests_name("transport/websocket: hygiene", tests, NULL, NULL);
}
