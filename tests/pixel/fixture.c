/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/config.h"
#include "module/services.h"
#include "pixel/times.h"
#include "render/render.h"
#include "util/check.h"
#include "util/clock.h"

void fixture_sleep(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* --- render --- */

#define TAPS 16
static struct {
    pthread_mutex_t lock;
    pthread_cond_t idle;
    struct {
        uint32_t id;
        bool busy, held;
        uint64_t seen; /* of the frame it was given last: each comes once */
        struct render_tap want;
    } taps[TAPS];
    uint32_t next_id;
    uint32_t width, height;
    uint64_t seq, revision;
    unsigned flags;
    int alive, most;
    bool hold;
} screen = {.lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

static const struct oriel_format formats[] = {
    {.domain = ORIEL_DOMAIN_CPU,
     .fourcc = ORIEL_FMT_RGBA,
     .matrix = ORIEL_MATRIX_IDENTITY,
     .full_range = 1,
     .primaries = ORIEL_PRIMARIES_BT709,
     .transfer = ORIEL_TRANSFER_SRGB},
    {.domain = ORIEL_DOMAIN_CPU,
     .fourcc = ORIEL_FMT_NV12,
     .matrix = ORIEL_MATRIX_BT601,
     .full_range = 1,
     .primaries = ORIEL_PRIMARIES_BT709,
     .transfer = ORIEL_TRANSFER_SRGB},
    {.domain = ORIEL_DOMAIN_CUDA, /* only said to be there: the encoders look at no sample */
     .fourcc = ORIEL_FMT_NV12,
     .matrix = ORIEL_MATRIX_BT601,
     .full_range = 1,
     .primaries = ORIEL_PRIMARIES_BT709,
     .transfer = ORIEL_TRANSFER_SRGB},
};

static atomic_bool no_gpu;

uint32_t render_formats(const struct render *render, struct oriel_format *out, uint32_t room)
{
    (void)render;
    assert_true(room * sizeof *out >= sizeof formats);
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (formats[i].domain == ORIEL_DOMAIN_CPU || !atomic_load(&no_gpu))
            out[count++] = formats[i];
    }
    return count;
}

void fixture_gpu(bool there)
{
    atomic_store(&no_gpu, !there);
    pthread_mutex_lock(&screen.lock);
    for (int i = 0; i < TAPS && !there; i++) {
        const struct render_tap *want = &screen.taps[i].want;
        if (screen.taps[i].id && want->format.domain != ORIEL_DOMAIN_CPU)
            want->refused(want->data, "the GPU is gone");
    }
    pthread_mutex_unlock(&screen.lock);
}

const struct oriel_host_gl_share *render_gl_share(const struct render *render)
{
    (void)render;
    return NULL;
}

const char *render_capture_id(const struct render *render, const struct oriel_format *format)
{
    (void)render;
    (void)format;
    return "capture/fake";
}

static void frame_release(const struct oriel_frame *frame, const struct oriel_fence *done)
{
    (void)done;
    pthread_mutex_lock(&screen.lock);
    screen.alive--;
    pthread_mutex_unlock(&screen.lock);
    free((void *)(uintptr_t)frame);
}

/* Under the lock, which is given up for the call. */
static void hand_over(int i)
{
    if (screen.taps[i].seen == screen.seq || screen.taps[i].held)
        return;
    screen.taps[i].seen = screen.seq;
    int64_t now = clock_ns();
    struct oriel_frame *frame = xcalloc(1, sizeof *frame);
    *frame = (struct oriel_frame){
        .size = sizeof *frame, .format = screen.taps[i].want.format, .release = frame_release};
    frame->format.width = screen.width;
    frame->format.height = screen.height;
    frame->stamp =
        (struct oriel_stamp){.seq = screen.seq,
                             .revision = screen.revision,
                             .pts_ns = now,
                             .t_input_ns = now - 9000000,
                             .t_begin_ns = now - 7000000,
                             .t_drawn_ns = now - 3000000,
                             .t_captured_ns = now,
                             .flags = (screen.taps[i].want.top_down ? 0u : ORIEL_FRAME_BOTTOM_UP) |
                                      (screen.flags & DRAW_COMPLETE ? ORIEL_FRAME_COMPLETE : 0u),
                             .level = 2,
                             .level_count = 5,
                             .coverage = 0.5f,
                             .outstanding = UINT64_C(1) << 40};
    screen.alive++;
    screen.most = screen.alive > screen.most ? screen.alive : screen.most;
    screen.taps[i].busy = true;
    pthread_mutex_unlock(&screen.lock);
    frame_ref(frame);
    screen.taps[i].want.frame(screen.taps[i].want.data, frame);
    frame_unref(frame);
    pthread_mutex_lock(&screen.lock);
    screen.taps[i].busy = false;
    pthread_cond_broadcast(&screen.idle);
}

uint32_t render_tap_add(struct render *render, const struct render_tap *want)
{
    (void)render;
    pthread_mutex_lock(&screen.lock);
    int i = 0;
    while (screen.taps[i].id)
        i++;
    CHECK(i < TAPS);
    uint32_t id = screen.taps[i].id = ++screen.next_id;
    screen.taps[i].want = *want;
    screen.taps[i].seen = 0;
    screen.taps[i].held = screen.hold;
    if (screen.seq && (!want->complete_only || screen.flags & DRAW_COMPLETE))
        hand_over(i);
    pthread_mutex_unlock(&screen.lock);
    return id;
}

void render_tap_remove(struct render *render, uint32_t id)
{
    (void)render;
    pthread_mutex_lock(&screen.lock);
    int i = 0;
    while (i < TAPS && screen.taps[i].id != id)
        i++;
    CHECK(i < TAPS);
    screen.taps[i].id = 0;
    while (screen.taps[i].busy)
        pthread_cond_wait(&screen.idle, &screen.lock);
    pthread_mutex_unlock(&screen.lock);
}

uint64_t fixture_draw(uint64_t revision, unsigned flags)
{
    pthread_mutex_lock(&screen.lock);
    screen.revision = revision;
    screen.flags = flags;
    uint64_t seq = ++screen.seq;
    for (int i = 0; i < TAPS; i++) {
        if (screen.taps[i].id && (!screen.taps[i].want.complete_only || flags & DRAW_COMPLETE))
            hand_over(i);
    }
    pthread_mutex_unlock(&screen.lock);
    return seq;
}

void fixture_resize(uint32_t width, uint32_t height)
{
    pthread_mutex_lock(&screen.lock);
    screen.width = width;
    screen.height = height;
    pthread_mutex_unlock(&screen.lock);
}

void fixture_hold_taps(bool hold)
{
    pthread_mutex_lock(&screen.lock);
    screen.hold = hold;
    for (int i = 0; i < TAPS && !hold; i++)
        screen.taps[i].held = false;
    pthread_mutex_unlock(&screen.lock);
}

int fixture_taps(void)
{
    int count = 0;
    pthread_mutex_lock(&screen.lock);
    for (int i = 0; i < TAPS; i++)
        count += screen.taps[i].id != 0;
    pthread_mutex_unlock(&screen.lock);
    return count;
}

int fixture_frames(void)
{
    pthread_mutex_lock(&screen.lock);
    int alive = screen.alive;
    pthread_mutex_unlock(&screen.lock);
    return alive;
}

int fixture_most_frames(void)
{
    pthread_mutex_lock(&screen.lock);
    int most = screen.most;
    pthread_mutex_unlock(&screen.lock);
    return most;
}

/* --- transport --- */

static pthread_mutex_t wire = PTHREAD_MUTEX_INITIALIZER;

static struct peer *find(struct fixture *fixture, uint64_t conn)
{
    for (unsigned i = 0; i < fixture->peer_count; i++) {
        if (fixture->peers[i].conn == conn)
            return &fixture->peers[i];
    }
    return NULL;
}

static oriel_result transport_send(void *self, uint64_t conn, const struct oriel_message *message)
{
    pthread_mutex_lock(&wire);
    struct peer *peer = find(self, conn);
    oriel_result result = peer ? ORIEL_OK : ORIEL_INVALID;
    int count = peer ? atomic_load(&peer->count) : 0;
    if (peer && count < (int)(sizeof peer->got / sizeof peer->got[0])) {
        struct got *got = &peer->got[count];
        CHECK(message->kind == ORIEL_MESSAGE_BINARY && message->head_bytes <= sizeof got->head);
        got->head_bytes = (uint32_t)message->head_bytes;
        memcpy(got->head, message->head, got->head_bytes);
        got->bytes = message->buffer->bytes;
        got->data = malloc(got->bytes + 1);
        memcpy(got->data, message->buffer->data, got->bytes);
        got->data[got->bytes] = '\0';
        if (peer->blocked) {
            peer->oldest_ns = peer->waiting ? peer->oldest_ns : clock_ns();
            peer->waiting++;
            peer->waiting_bytes += got->head_bytes + got->bytes;
        }
        atomic_store(&peer->count, count + 1);
    }
    pthread_mutex_unlock(&wire);
    return result;
}

static oriel_result transport_queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    pthread_mutex_lock(&wire);
    struct peer *peer = find(self, conn);
    if (peer) {
        queued->messages = peer->waiting;
        queued->bytes = peer->waiting_bytes;
        queued->oldest_ns = peer->waiting ? peer->oldest_ns : 0;
    }
    pthread_mutex_unlock(&wire);
    return peer ? ORIEL_OK : ORIEL_INVALID;
}

static void transport_close(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    pthread_mutex_lock(&wire);
    struct peer *peer = find(self, conn);
    if (peer) {
        snprintf(peer->close_reason, sizeof peer->close_reason, "%s", reason);
        atomic_store(&peer->close_code, code);
    }
    pthread_mutex_unlock(&wire);
}

static const struct oriel_transport transport = {.size = sizeof transport,
                                                 .send = transport_send,
                                                 .queued = transport_queued,
                                                 .close = transport_close};

/* --- events --- */

static void on_config(void *data, const struct stream_info *info)
{
    struct fixture *fixture = data;
    pthread_mutex_lock(&wire);
    fixture->info = *info;
    pthread_mutex_unlock(&wire);
    atomic_fetch_add(&fixture->configs, 1);
}

static void on_fault(void *data, const char *text)
{
    struct fixture *fixture = data;
    pthread_mutex_lock(&wire);
    snprintf(fixture->fault, sizeof fixture->fault, "%s", text);
    pthread_mutex_unlock(&wire);
    atomic_fetch_add(&fixture->faults, 1);
}

/* --- all together --- */

static struct fixture *start(const char *const *sets, struct error *err)
{
    struct fixture *fixture = xcalloc(1, sizeof *fixture);
    static const char *const defaults[] = {
        "canvas.width=1280",
        "canvas.height=720",
        "stream.settle_ms=40",
        "stream.refine=0",
        "stream.prefer=order", /* what is measured differs from run to run */
        "stream.key_cooldown_ms=100",
        "stream.queue_ms=10000",
        "stream.queue_bytes=1000000",
        "modules.encoder=[\"encode/a\",\"encode/b\",\"encode/v\",\"encode/j\"]",
        "modules.still=[\"encode/p\"]"};
    const char *all[32];
    size_t n = 0;
    for (; n < sizeof defaults / sizeof defaults[0]; n++)
        all[n] = defaults[n];
    for (; sets && *sets; sets++)
        all[n++] = *sets;
    struct config_inputs inputs = {.sets = all, .set_count = n};
    fixture->config = config_create(&inputs, err);
    if (!fixture->config) {
        printf("# %s\n", err->text);
        abort();
    }
    times_forget();
    fakes.failing = fakes.limited = NULL;
    atomic_store(&fakes.fails, 0);
    atomic_store(&fakes.encodes, 0);
    atomic_store(&fakes.keys, 0);
    atomic_store(&fakes.creates, 0);
    atomic_store(&fakes.destroys, 0);
    atomic_store(&fakes.resizes, 0);
    atomic_store(&fakes.bitrate, 0);
    atomic_store(&fakes.resize_result, ORIEL_OK);
    screen.seq = 0;
    screen.hold = false;
    screen.most = 0;
    fixture_resize(1280, 720);
    fixture->metrics = metrics_create();
    struct stream_events events = {.config = on_config, .fault = on_fault, .data = fixture};
    fixture->stream =
        stream_create(fixture->config, NULL, NULL, fixture->metrics, "main", &events, err);
    return fixture;
}

static struct fixture *running;

static void finish(struct fixture *fixture)
{
    running = NULL;
    stream_destroy(fixture->stream);
    metrics_destroy(fixture->metrics);
    config_destroy(fixture->config);
    for (unsigned i = 0; i < fixture->peer_count; i++) {
        for (int k = 0; k < atomic_load(&fixture->peers[i].count); k++)
            free(fixture->peers[i].got[k].data);
    }
    free(fixture);
    assert_int_equal(fixture_frames(), 0);
    assert_int_equal(fixture_taps(), 0);
    assert_int_equal(atomic_load(&fakes.creates), atomic_load(&fakes.destroys));
    assert_int_equal(atomic_load(&fakes.opened), 0);
}

struct fixture *fixture_start(const char *const *sets)
{
    struct error err = {""};
    struct fixture *fixture = start(sets, &err);
    if (!fixture->stream)
        printf("# %s\n", err.text);
    assert_non_null(fixture->stream);
    running = fixture;
    return fixture;
}

void fixture_refused(const char *const *sets, const char *text)
{
    struct error err = {""};
    struct fixture *fixture = start(sets, &err);
    assert_null(fixture->stream);
    assert_string_equal(err.text, text);
    finish(fixture);
}

void fixture_stop(struct fixture *fixture)
{
    for (unsigned i = 0; i < fixture->peer_count; i++)
        fixture_leave(fixture, &fixture->peers[i]);
    finish(fixture);
}

int fixture_abandon(void **state)
{
    (void)state;
    fixture_slow(NULL, 0);
    atomic_store(&fakes.fails, 0);
    if (running)
        fixture_stop(running);
    return 0;
}

static struct peer *arrive(struct fixture *fixture)
{
    pthread_mutex_lock(&wire);
    struct peer *peer = &fixture->peers[fixture->peer_count++];
    peer->conn = 100 + fixture->peer_count;
    pthread_mutex_unlock(&wire);
    return peer;
}

struct peer *fixture_join(struct fixture *fixture, const char *query)
{
    struct peer *peer = arrive(fixture);
    struct error err = {""};
    if (!stream_conn_open(fixture->stream, &transport, fixture, peer->conn, query, "peer", &err)) {
        printf("# refused: %s\n", err.text);
        fail();
    }
    return peer;
}

void fixture_refuse_join(struct fixture *fixture, const char *query, const char *text)
{
    struct peer *peer = arrive(fixture);
    struct error err = {""};
    assert_false(
        stream_conn_open(fixture->stream, &transport, fixture, peer->conn, query, "peer", &err));
    assert_string_equal(err.text, text);
}

void fixture_leave(struct fixture *fixture, struct peer *peer)
{
    stream_conn_closed(fixture->stream, peer->conn);
}

void fixture_say(struct fixture *fixture, const struct peer *peer, const char *text)
{
    stream_conn_message(fixture->stream, peer->conn, ORIEL_MESSAGE_TEXT, (const uint8_t *)text,
                        strlen(text));
}

void fixture_block(struct peer *peer, bool blocked)
{
    pthread_mutex_lock(&wire);
    peer->blocked = blocked;
    pthread_mutex_unlock(&wire);
}

void fixture_unblock(struct fixture *fixture, struct peer *peer)
{
    pthread_mutex_lock(&wire);
    peer->blocked = false;
    peer->waiting = 0;
    peer->waiting_bytes = 0;
    pthread_mutex_unlock(&wire);
    stream_conn_writable(fixture->stream, peer->conn);
}

const struct got *fixture_get(struct peer *peer, int index)
{
    eventually(atomic_load(&peer->count) > index);
    return &peer->got[index];
}

const struct fake_tail *got_tail(const struct got *got)
{
    static struct fake_tail tail;
    const char *text = NULL;
    for (uint64_t i = 0; i < got->bytes && !text; i++)
        text = got->data[i] == '|' ? (const char *)got->data + i : NULL;
    unsigned long long seq;
    assert_non_null(text);
    assert_int_equal(sscanf(text, "|%u %u %u %u %llu|", &tail.instance, &tail.number, &tail.key,
                            &tail.repeat, &seq),
                     5);
    tail.frame_seq = seq;
    return &tail;
}

uint64_t got_u(const struct got *got, unsigned offset, unsigned bytes)
{
    uint64_t value = 0;
    assert_true(offset + bytes <= got->head_bytes);
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | got->head[offset + i];
    return value;
}

double got_f(const struct got *got, unsigned offset)
{
    uint64_t bits = got_u(got, offset, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void fixture_quiet(struct peer *peer, int ms)
{
    int before = atomic_load(&peer->count);
    fixture_sleep(ms);
    assert_int_equal(atomic_load(&peer->count), before);
}
