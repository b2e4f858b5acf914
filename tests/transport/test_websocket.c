/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/websocket over real sockets of the loopback: websockets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "site.h"

static void expect(int fd, int opcode, const void *data, size_t bytes)
{
    struct ws_frame frame;
    assert_true(ws_read(fd, &frame));
    assert_int_equal(frame.opcode, opcode);
    assert_true(frame.final);
    assert_false(frame.reserved);
    assert_int_equal(frame.bytes, bytes);
    assert_memory_equal(frame.data, data, bytes);
}

static void echoes_text_binary_and_fragments(void **state)
{
    (void)state;
    struct site *site = site_start(free_ports);
    int fd;
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_PIXEL],
                                    "/a%20b/./c?x=1&y=a%26b&&codecs=h264,vp9",
                                    "Cookie: k=v\r\nX-Own-Header: mine\r\n", &fd),
                     101);
    pthread_mutex_lock(&site->lock);
    assert_string_equal(site->seen, "2 GET /a b/c?x=1&y=a%26b&&codecs=h264,vp9 k=v mine");
    pthread_mutex_unlock(&site->lock);
    assert_true(ws_send(fd, WS_TEXT, true, "h\xc3\xa9llo", 6));
    expect(fd, WS_TEXT, "<h\xc3\xa9llo", 7);
    assert_true(ws_send(fd, WS_TEXT, true, "", 0));
    expect(fd, WS_TEXT, "<", 1);
    uint8_t *big = site_pattern(90001);
    big[0] = '<';
    assert_true(ws_send(fd, WS_BINARY, true, big + 1, 90000));
    expect(fd, WS_BINARY, big, 90001);
    assert_true(ws_send(fd, WS_BINARY, false, big + 1, 20000));
    assert_true(ws_send(fd, WS_PING, true, "between", 7));
    assert_true(ws_send(fd, WS_CONTINUE, false, big + 20001, 60000));
    assert_true(ws_send(fd, WS_CONTINUE, true, big + 80001, 10000));
    expect(fd, WS_PONG, "between", 7);
    expect(fd, WS_BINARY, big, 90001);
    free(big);
    close(fd);
    eventually(atomic_load(&site->closed) == 1);
    site_stop(site);
}

static void closes_what_is_too_large_or_not_utf8(void **state)
{
    (void)state;
    struct site *site = site_start(free_ports);
    char reason[128];
    int fd;
    uint8_t *big = site_pattern(100001);
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/", "", &fd), 101);
    assert_true(ws_send(fd, WS_BINARY, true, big, 100001));
    assert_int_equal(ws_read_close(fd, reason, sizeof reason), 1009);
    close(fd);
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/", "", &fd), 101);
    assert_true(ws_send(fd, WS_BINARY, false, big, 60000));
    assert_true(ws_send(fd, WS_CONTINUE, true, big, 60000));
    assert_int_equal(ws_read_close(fd, reason, sizeof reason), 1009);
    close(fd);
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/", "", &fd), 101);
    assert_true(ws_send(fd, WS_TEXT, true, "bad \xff", 5));
    assert_int_equal(ws_read_close(fd, reason, sizeof reason), 1007);
    close(fd);
    free(big);
    site_stop(site);
}

static void refuses_before_the_upgrade(void **state)
{
    (void)state;
    struct site *site = site_start(free_ports);
    int fd;
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/no", "", &fd), 403);
    close(fd);
    assert_int_equal(atomic_load(&site->opened), 0);
    /* Accepted, told and closed before the upgrade is through: the words still arrive, in order. */
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/early", "", &fd), 101);
    expect(fd, WS_TEXT, "hello", 5);
    char reason[128];
    assert_int_equal(ws_read_close(fd, reason, sizeof reason), 4400);
    assert_string_equal(reason, "no encoder for any of hevc");
    close(fd);
    site_stop(site);
}

static void says_which_port_is_in_use(void **state)
{
    (void)state;
    struct site *site = site_start(free_ports);
    char port[16], expected[128];
    snprintf(port, sizeof port, "%u", site->ports[ORIEL_LISTENER_HTTP]);
    const struct bench_value values[] = {
        {"port", "0"}, {"pixel_port", port}, {"metrics_port", "-1"}, {NULL, NULL}};
    struct bench_host bench;
    bench_host_init(&bench, transport->options, values);
    void *self = NULL;
    assert_int_equal(transport->create(&bench.host, &bench.config, &site->to, &self), ORIEL_IO);
    snprintf(expected, sizeof expected, "cannot listen on 127.0.0.1:%s: Address already in use",
             port);
    assert_string_equal(bench.failure, expected);
    site_stop(site);
}

#define CLIENTS 64
#define ROUNDS 20

/* One buffer to 64 clients, with one more that does not read: it costs the others nothing, and its
 * queue says so. */
static void one_buffer_for_many_and_a_slow_one(void **state)
{
    (void)state;
    struct site *site = site_start(free_ports);
    int fds[CLIENTS], slow;
    uint64_t conns[CLIENTS], slow_conn;
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_PIXEL], "/", "", &fds[i]), 101);
        conns[i] = atomic_load(&site->last_conn);
    }
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_PIXEL], "/", "", &slow), 101);
    slow_conn = atomic_load(&site->last_conn);

    size_t bytes = 100000;
    uint8_t *payload = site_pattern(bytes);
    int64_t slowest = 0;
    uint64_t waiting = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const struct oriel_buffer *buffer = bench_buffer(payload, bytes);
        int64_t begin = site_now();
        for (int i = 0; i <= CLIENTS; i++) {
            uint8_t head[24];
            memset(head, i, sizeof head);
            struct oriel_message message = {.size = sizeof message,
                                            .kind = ORIEL_MESSAGE_BINARY,
                                            .head = head,
                                            .head_bytes = sizeof head,
                                            .buffer = buffer};
            assert_int_equal(
                transport->send(site->self, i < CLIENTS ? conns[i] : slow_conn, &message),
                ORIEL_OK);
        }
        bench_buffer_drop(buffer);
        for (int i = 0; i < CLIENTS; i++) {
            struct ws_frame frame;
            assert_true(ws_read(fds[i], &frame));
            assert_int_equal(frame.bytes, 24 + bytes);
            assert_int_equal(frame.data[23], i);
            assert_memory_equal(frame.data + 24, payload, bytes);
        }
        int64_t took = site_now() - begin;
        slowest = took > slowest ? took : slowest;
        struct oriel_queued queued = {.size = sizeof queued};
        assert_int_equal(transport->queued(site->self, slow_conn, &queued), ORIEL_OK);
        assert_true(queued.bytes >= waiting);
        waiting = queued.bytes;
    }
    printf("# %d clients x %zu KB: slowest round %.1f ms, %llu KB wait for the slow one\n", CLIENTS,
           bytes / 1000, (double)slowest / 1e6, (unsigned long long)waiting / 1000);
    struct oriel_queued queued = {.size = sizeof queued};
    assert_int_equal(transport->queued(site->self, slow_conn, &queued), ORIEL_OK);
    assert_true(queued.messages > ROUNDS / 2);
    assert_true(queued.bytes == queued.messages * (24 + bytes));
    assert_true(site_now() - queued.oldest_ns > 0 && queued.oldest_ns > 0);
    eventually(transport->queued(site->self, conns[0], &queued) == ORIEL_OK && !queued.messages);
    assert_int_equal(queued.bytes, 0);
    assert_int_equal(queued.oldest_ns, 0);
    /* The slow one reads on: all is there. */
    for (int round = 0; round < ROUNDS; round++) {
        struct ws_frame frame;
        assert_true(ws_read(slow, &frame));
        assert_memory_equal(frame.data + 24, payload, bytes);
    }
    eventually(transport->queued(site->self, slow_conn, &queued) == ORIEL_OK && !queued.messages);
    eventually(atomic_load(&site->writable) > CLIENTS);
    free(payload);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    eventually(atomic_load(&site->closed) == CLIENTS);
    struct oriel_message message = {.size = sizeof message, .kind = ORIEL_MESSAGE_TEXT};
    assert_int_equal(transport->send(site->self, conns[0], &message), ORIEL_INVALID);
    assert_int_equal(transport->queued(site->self, conns[0], &queued), ORIEL_INVALID);
    close(slow);
    site_stop(site);
}

static void closes_after_the_queue_has_left(void **state)
{
    (void)state;
    struct site *site = site_start(free_ports);
    int fd;
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/", "", &fd), 101);
    uint64_t conn = atomic_load(&site->last_conn);
    uint8_t *payload = site_pattern(500000);
    const struct oriel_buffer *buffer = bench_buffer(payload, 500000);
    struct oriel_message message = {
        .size = sizeof message, .kind = ORIEL_MESSAGE_BINARY, .buffer = buffer};
    for (int i = 0; i < 4; i++)
        assert_int_equal(transport->send(site->self, conn, &message), ORIEL_OK);
    transport->close(site->self, conn, 4001, "that was all");
    assert_int_equal(transport->send(site->self, conn, &message), ORIEL_INVALID);
    bench_buffer_drop(buffer);
    for (int i = 0; i < 4; i++)
        expect(fd, WS_BINARY, payload, 500000);
    char reason[128];
    assert_int_equal(ws_read_close(fd, reason, sizeof reason), 4001);
    assert_string_equal(reason, "that was all");
    free(payload);
    close(fd);
    site_stop(site);
}

static void *read_one_and_close(void *data)
{
    int fd = *(int *)data;
    struct ws_frame frame;
    char reason[128];
    bool all = ws_read(fd, &frame) && frame.bytes == 1000000;
    return (void *)(uintptr_t)(all && ws_read_close(fd, reason, sizeof reason) == 1001);
}

static void drains_at_the_end(void **state)
{
    (void)state;
    struct site *site = site_start(free_ports);
    int fd, deaf;
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/", "", &deaf), 101);
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/", "", &fd), 101);
    uint8_t *payload = site_pattern(1000000);
    const struct oriel_buffer *buffer = bench_buffer(payload, 1000000);
    struct oriel_message message = {
        .size = sizeof message, .kind = ORIEL_MESSAGE_BINARY, .buffer = buffer};
    assert_int_equal(transport->send(site->self, atomic_load(&site->last_conn), &message),
                     ORIEL_OK);
    bench_buffer_drop(buffer);
    free(payload);
    pthread_t reader;
    pthread_create(&reader, NULL, read_one_and_close, &fd);
    int64_t begin = site_now();
    site_stop(site);
    int64_t took = site_now() - begin;
    void *all;
    pthread_join(reader, &all);
    assert_non_null(all);
    assert_true(took < 2000 * MS); /* the deaf one holds it up for drain_ms, not longer */
    close(fd);
    close(deaf);
}

static void pings_and_drops_the_dead(void **state)
{
    (void)state;
    static const struct bench_value values[] = {
        {"port", "0"},   {"pixel_port", "-1"}, {"metrics_port", "-1"},
        {"ping_s", "1"}, {"drain_ms", "100"},  {"ping_timeout_s", "1"},
        {NULL, NULL}};
    struct site *site = site_start(values);
    int dead, alive;
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/", "", &dead), 101);
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/", "", &alive), 101);
    for (int i = 0; i < 3; i++) {
        struct ws_frame frame;
        assert_true(ws_read(alive, &frame));
        assert_int_equal(frame.opcode, WS_PING);
        assert_true(ws_send(alive, WS_PONG, true, frame.data, frame.bytes));
    }
    eventually(atomic_load(&site->closed) == 1);
    assert_true(bench_logged(&site->bench, "is gone without a word"));
    assert_true(ws_send(alive, WS_TEXT, true, "x", 1));
    struct ws_frame frame;
    do
        assert_true(ws_read(alive, &frame));
    while (frame.opcode == WS_PING);
    assert_int_equal(frame.opcode, WS_TEXT);
    close(dead);
    close(alive);
    site_stop(site);
}

static void two_instances_and_no_work_when_idle(void **state)
{
    (void)state;
    struct site *a = site_start(free_ports), *b = site_start(free_ports);
    int fd_a, fd_b;
    assert_int_equal(client_upgrade(a->ports[ORIEL_LISTENER_HTTP], "/", "", &fd_a), 101);
    assert_int_equal(client_upgrade(b->ports[ORIEL_LISTENER_HTTP], "/", "", &fd_b), 101);
    assert_true(ws_send(fd_a, WS_TEXT, true, "a", 1));
    expect(fd_a, WS_TEXT, "<a", 2);
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    site_sleep(500);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    double cpu =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) * 1e-9;
    printf("# cpu in 0.5 s of rest: %.2f ms\n", cpu * 1e3);
    assert_true(cpu < 0.02);
    close(fd_a);
    site_stop(a);
    assert_true(ws_send(fd_b, WS_TEXT, true, "b", 1));
    expect(fd_b, WS_TEXT, "<b", 2);
    close(fd_b);
    site_stop(b);
}

int main(void)
{
    transport = bench_load("transport-websocket.so", ORIEL_TRANSPORT_V1);
    if (!transport)
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(echoes_text_binary_and_fragments),
        cmocka_unit_test(closes_what_is_too_large_or_not_utf8),
        cmocka_unit_test(refuses_before_the_upgrade),
        cmocka_unit_test(says_which_port_is_in_use),
        cmocka_unit_test(one_buffer_for_many_and_a_slow_one),
        cmocka_unit_test(closes_after_the_queue_has_left),
        cmocka_unit_test(drains_at_the_end),
        cmocka_unit_test(pings_and_drops_the_dead),
        cmocka_unit_test(two_instances_and_no_work_when_idle),
    };
    return cmocka_run_group_tests_name("transport/websocket", tests, NULL, NULL);
}
