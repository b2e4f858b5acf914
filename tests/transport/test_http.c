/* SPDX-License-Identifier: BSD-3-Clause */
/* transport/websocket over real sockets of the loopback: plain HTTP. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "site.h"

static int get(int fd, const char *method, const char *target, const char *body, char *head,
               size_t room)
{
    char text[2048], length[64] = "";
    if (body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    int n = snprintf(text, sizeof text,
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\n%s\r\n%s", method,
                     target, length, body ? body : "");
    assert_true(client_write(fd, text, (size_t)n));
    return client_head(fd, head, room);
}

static size_t content_length(const char *head)
{
    const char *at = strcasestr(head, "content-length:");
    assert_non_null(at);
    return strtoul(at + strlen("content-length:"), NULL, 10);
}

static void expect_body(int fd, const char *head, const char *body)
{
    char text[2048] = "";
    size_t bytes = content_length(head);
    assert_true(bytes < sizeof text);
    assert_true(client_read(fd, text, bytes));
    assert_string_equal(text, body);
}

static void serves_http_on_one_connection(void **state)
{
    (void)state;
    struct site *site = site_start(free_ports);
    int fd = client_connect(site->ports[ORIEL_LISTENER_METRICS]);
    char head[4096];
    assert_int_equal(get(fd, "GET", "/x%2Fy?q=1+2", NULL, head, sizeof head), 200);
    assert_non_null(strcasestr(head, "content-type: application/x-test\r\n"));
    assert_non_null(strcasestr(head, "x-answer: 42\r\n"));
    assert_null(strcasestr(head, "evil"));
    expect_body(fd, head, "3 GET /x/y?q=1%202 agent=test none=- body= peer=127.0.0.1:");
    assert_int_equal(get(fd, "POST", "/p", "posted", head, sizeof head), 200);
    expect_body(fd, head, "3 POST /p? agent=test none=- body=posted peer=127.0.0.1:");
    assert_int_equal(get(fd, "POST", "/p", "", head, sizeof head), 200);
    expect_body(fd, head, "3 POST /p? agent=test none=- body= peer=127.0.0.1:");
    assert_int_equal(get(fd, "DELETE", "/p", NULL, head, sizeof head), 200);
    expect_body(fd, head, "3 DELETE /p? agent=test none=- body= peer=127.0.0.1:");
    assert_int_equal(get(fd, "HEAD", "/big", NULL, head, sizeof head), 200);
    assert_int_equal(content_length(head), 1 << 20);
    assert_int_equal(get(fd, "GET", "/304", NULL, head, sizeof head), 304);
    assert_int_equal(get(fd, "GET", "/later", NULL, head, sizeof head), 200);
    expect_body(fd, head, "later");
    assert_int_equal(get(fd, "GET", "/big", NULL, head, sizeof head), 200);
    size_t bytes = content_length(head);
    assert_int_equal(bytes, 1 << 20);
    uint8_t *expected = site_pattern(bytes), *body = malloc(bytes);
    assert_true(client_read(fd, body, bytes));
    assert_memory_equal(body, expected, bytes);
    free(body);
    free(expected);
    assert_int_equal(get(fd, "PUT", "/x", NULL, head, sizeof head), 405);
    assert_non_null(strcasestr(head, "allow: GET, HEAD, POST, DELETE\r\n"));
    close(fd);

    fd = client_connect(site->ports[ORIEL_LISTENER_HTTP]);
    static const char large[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n";
    assert_true(client_write(fd, large, sizeof large - 1));
    assert_int_equal(client_head(fd, head, sizeof head), 413);
    close(fd);
    /* Garbage gets a connection closed, nothing else. */
    fd = client_connect(site->ports[ORIEL_LISTENER_HTTP]);
    static const char garbage[] = "\x16\x03\x01\x02\x00 not http\r\n\r\n";
    assert_true(client_write(fd, garbage, sizeof garbage - 1));
    client_head(fd, head, sizeof head);
    close(fd);
    fd = client_connect(site->ports[ORIEL_LISTENER_HTTP]);
    assert_int_equal(get(fd, "GET", "/", NULL, head, sizeof head), 200);
    close(fd);
    site_stop(site);
}

static void serves_under_a_prefix_only(void **state)
{
    (void)state;
    static const struct bench_value values[] = {{"port", "0"},          {"pixel_port", "-1"},
                                                {"metrics_port", "-1"}, {"prefix", "s/abc/"},
                                                {"drain_ms", "300"},    {NULL, NULL}};
    struct site *site = site_start(values);
    assert_int_equal(site->ports[ORIEL_LISTENER_PIXEL], 0);
    int fd = client_connect(site->ports[ORIEL_LISTENER_HTTP]);
    char head[4096];
    assert_int_equal(get(fd, "GET", "/s/abc/x", NULL, head, sizeof head), 200);
    expect_body(fd, head, "1 GET /x? agent=test none=- body= peer=127.0.0.1:");
    static const char slash[] = "the page is at the same address with a slash\n";
    assert_int_equal(get(fd, "GET", "/s/abc", NULL, head, sizeof head), 308);
    assert_non_null(strcasestr(head, "\r\nlocation: /s/abc/\r\n"));
    expect_body(fd, head, slash);
    assert_int_equal(get(fd, "GET", "/s/abc?v=1&x=%20", NULL, head, sizeof head), 308);
    assert_non_null(strcasestr(head, "\r\nlocation: /s/abc/?v=1&x=%20\r\n"));
    expect_body(fd, head, slash);
    assert_int_equal(get(fd, "GET", "/s/abc/", NULL, head, sizeof head), 200);
    expect_body(fd, head, "1 GET /? agent=test none=- body= peer=127.0.0.1:");
    assert_int_equal(get(fd, "GET", "/x", NULL, head, sizeof head), 404);
    expect_body(fd, head, "nothing here\n");
    assert_int_equal(get(fd, "GET", "/s/abcd", NULL, head, sizeof head), 404);
    expect_body(fd, head, "nothing here\n");
    close(fd);
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/state", "", &fd), 404);
    close(fd);
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/s/abc/state", "", &fd),
                     101);
    close(fd);
    assert_int_equal(client_upgrade(site->ports[ORIEL_LISTENER_HTTP], "/s/abc", "", &fd), 101);
    close(fd);
    site_stop(site);
}

/* Requests with bytes changed at random, cut off anywhere: whatever comes of each, the next one
 * works. */
static void survives_garbage(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        "GET /x?a=b&c=%20d HTTP/1.1\r\nHost: a\r\nCookie: k=v\r\nAccept: */*\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nposted",
        "POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        "\x81\x85\x01\x02\x03\x04xxxxx\x82\xfe\x01\x00\x01\x02\x03\x04",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    struct site *site = site_start(free_ports);
    uint32_t random = 1;
    for (int round = 0; round < 400; round++) {
        const char *seed = seeds[round % (int)(sizeof seeds / sizeof seeds[0])];
        char text[512];
        size_t n = strlen(seed);
        memcpy(text, seed, n);
        for (int k = 0; round >= 8 && k < 1 + round % 5; k++) {
            random = random * 1664525 + 1013904223;
            text[(random >> 8) % n] = (char)(random >> 24);
        }
        if (round % 3 == 2)
            n = (random >> 4) % n;
        int fd = client_connect(site->ports[ORIEL_LISTENER_HTTP]);
        assert_true(fd >= 0);
        client_write(fd, text, n);
        if (round % 7 == 0)
            site_sleep(2);
        close(fd);
    }
    int fd = client_connect(site->ports[ORIEL_LISTENER_HTTP]);
    char head[4096];
    assert_int_equal(get(fd, "GET", "/x", NULL, head, sizeof head), 200);
    close(fd);
    site_stop(site);
}

int main(void)
{
    transport = bench_load("transport-websocket.so", ORIEL_TRANSPORT_V1);
    if (!transport)
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_http_on_one_connection),
        cmocka_unit_test(serves_under_a_prefix_only),
        cmocka_unit_test(survives_garbage),
    };
    return cmocka_run_group_tests_name("transport/websocket: http", tests, NULL, NULL);
}
