/* SPDX-License-Identifier: BSD-3-Clause */
#include "site.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct oriel_transport *transport;

void site_sleep(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

int64_t site_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static uint32_t on_opened(const struct oriel_transport_host *to, uint64_t conn,
                          const struct oriel_request *request)
{
    struct site *site = to->data;
    const char *cookie = request->header(request, "cookie");
    const char *custom = request->header(request, "x-own-header");
    pthread_mutex_lock(&site->lock);
    snprintf(site->seen, sizeof site->seen, "%u %s %s?%s %s %s", request->listener, request->method,
             request->path, request->query, cookie ? cookie : "-", custom ? custom : "-");
    pthread_mutex_unlock(&site->lock);
    if (strcmp(request->path, "/no") == 0)
        return 403;
    atomic_store(&site->last_conn, conn);
    atomic_fetch_add(&site->opened, 1);
    if (strcmp(request->path, "/early") == 0) {
        struct oriel_message hello = {.size = sizeof hello,
                                      .kind = ORIEL_MESSAGE_TEXT,
                                      .head = (const uint8_t *)"hello",
                                      .head_bytes = 5};
        transport->send(site->self, conn, &hello);
        transport->close(site->self, conn, 4400, "no encoder for any of hevc");
    }
    return 0;
}

static void on_message(const struct oriel_transport_host *to, uint64_t conn, uint32_t kind,
                       const uint8_t *data, uint64_t bytes)
{
    struct site *site = to->data;
    const struct oriel_buffer *buffer = bench_buffer(data, bytes);
    struct oriel_message echo = {.size = sizeof echo,
                                 .kind = kind,
                                 .head = (const uint8_t *)"<",
                                 .head_bytes = 1,
                                 .buffer = buffer};
    transport->send(site->self, conn, &echo);
    bench_buffer_drop(buffer);
}

static void on_writable(const struct oriel_transport_host *to, uint64_t conn)
{
    (void)conn;
    atomic_fetch_add(&((struct site *)to->data)->writable, 1);
}

static void on_closed(const struct oriel_transport_host *to, uint64_t conn)
{
    (void)conn;
    atomic_fetch_add(&((struct site *)to->data)->closed, 1);
}

static void respond(struct site *site, uint64_t id, uint32_t status, const void *body,
                    uint64_t bytes)
{
    const struct oriel_http_header headers[] = {
        {"content-type", "application/x-test"},
        {"x-answer", "42"},
        {"x-broken", "a\r\nset-cookie: evil"},
    };
    const struct oriel_buffer *buffer = body ? bench_buffer(body, bytes) : NULL;
    struct oriel_response response = {.size = sizeof response,
                                      .status = status,
                                      .header_count = 3,
                                      .headers = headers,
                                      .body = buffer};
    transport->respond(site->self, id, &response);
    if (buffer)
        bench_buffer_drop(buffer);
}

static void *respond_later(void *data)
{
    struct site *site = data;
    site_sleep(50);
    respond(site, site->respond_id, 200, "later", 5);
    return NULL;
}

uint8_t *site_pattern(size_t bytes)
{
    uint8_t *data = malloc(bytes);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(i * 31 + (i >> 8));
    return data;
}

static void on_http(const struct oriel_transport_host *to, uint64_t id,
                    const struct oriel_request *request)
{
    struct site *site = to->data;
    const char *agent = request->header(request, "user-agent");
    const char *none = request->header(request, "x-not-there");
    char line[1024];
    int n = snprintf(line, sizeof line, "%u %s %s?%s agent=%s none=%s body=%.*s peer=%.10s",
                     request->listener, request->method, request->path, request->query,
                     agent ? agent : "-", none ? none : "-", (int)request->body_bytes,
                     request->body ? (const char *)request->body : "", request->peer);
    if (strcmp(request->path, "/later") == 0) {
        site->respond_id = id;
        site->responding = true;
        pthread_create(&site->responder, NULL, respond_later, site);
    } else if (strcmp(request->path, "/big") == 0) {
        uint8_t *big = site_pattern(1 << 20);
        respond(site, id, 200, big, 1 << 20);
        free(big);
    } else if (strcmp(request->path, "/304") == 0) {
        respond(site, id, 304, NULL, 0);
    } else {
        respond(site, id, 200, line, (uint64_t)n);
    }
}

struct site *site_start(const struct bench_value *values)
{
    struct site *site = calloc(1, sizeof *site);
    bench_host_init(&site->bench, transport->options, values);
    pthread_mutex_init(&site->lock, NULL);
    site->to = (struct oriel_transport_host){.size = sizeof site->to,
                                             .data = site,
                                             .opened = on_opened,
                                             .message = on_message,
                                             .writable = on_writable,
                                             .closed = on_closed,
                                             .http = on_http};
    oriel_result result =
        transport->create(&site->bench.host, &site->bench.config, &site->to, &site->self);
    if (result != ORIEL_OK)
        printf("# create: %s\n", site->bench.failure);
    assert_int_equal(result, ORIEL_OK);
    struct oriel_endpoint at = {.size = sizeof at};
    for (uint32_t i = 0; transport->endpoint(site->self, i, &at) == ORIEL_OK; i++) {
        assert_string_equal(at.host, "127.0.0.1");
        assert_int_not_equal(at.port, 0);
        site->ports[at.listener] = at.port;
    }
    return site;
}

void site_stop(struct site *site)
{
    if (site->responding)
        pthread_join(site->responder, NULL);
    transport->destroy(site->self);
    assert_int_equal(atomic_load(&site->opened), atomic_load(&site->closed));
    pthread_mutex_destroy(&site->lock);
    free(site);
    assert_int_equal(bench_buffers(), 0);
}

const struct bench_value free_ports[] = {
    {"port", "0"},       {"pixel_port", "0"}, {"metrics_port", "0"}, {"message_bytes", "100000"},
    {"drain_ms", "300"}, {NULL, NULL},
};
