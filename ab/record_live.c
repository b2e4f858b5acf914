/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "ab/record.h"

#ifndef AB_LIVE

bool record_live(const char *url, const struct record_request *request, struct error *err)
{
    (void)request;
    return error_set(err, "%s: this oriel-ab was built without libwebsockets", url);
}

#else

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ab/picture.h"
#include "ab/recording.h"
#include "ctl/client.h"
#include "ctl/link.h"
#include "util/check.h"
#include "util/clock.h"

/* The extended header: docs/protocol/pixel.md. */
enum { HEADER_BYTES = 160, CODEC_RAW = 8, MATRIX_BT709 = 1 };
#define START_NS (20 * NS_PER_S)

struct live {
    const struct record_request *request;
    struct ctl_url url;
    struct client_loop *loop;
    struct client *client;
    struct link *pixels;
    struct recorder *recorder;
    struct oriel_format format;
    uint64_t other_sizes, missing;
    uint64_t last_number; /* of the view's frames */
    int64_t first_ns, last_ns;
    char ticket[256], session[64];
    bool over;
    struct error err;
    cJSON **waiting; /* what was told before the first picture */
    size_t waiting_count;
};

static struct client_loop *interruptible;
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
    client_loop_wake(interruptible);
}

static uint64_t big(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static float real32(uint64_t value, double most)
{
    return (float)((double)value / most);
}

static bool fail(struct live *live, const char *what)
{
    live->over = true;
    return error_set(&live->err, "%s: %s", live->url.shown, what);
}

/* --- pictures --- */

static bool begin(struct live *live, const uint8_t *h)
{
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    /* encode/raw takes I420 first, and every capture module makes it. */
    live->format = (struct oriel_format){
        .modifier = ORIEL_MODIFIER_LINEAR,
        .domain = ORIEL_DOMAIN_CPU,
        .fourcc = ORIEL_FMT_I420,
        .width = (uint32_t)big(h + 12, 4),
        .height = (uint32_t)big(h + 16, 4),
        .primaries = ORIEL_PRIMARIES_BT709,
        .transfer = ORIEL_TRANSFER_SRGB,
        .matrix = h[29] == MATRIX_BT709 ? ORIEL_MATRIX_BT709 : ORIEL_MATRIX_BT601,
        .full_range = (big(h + 26, 2) & 16) != 0,
    };
    cJSON *about = cJSON_CreateObject();
    cJSON_AddStringToObject(about, "kind", "live");
    cJSON_AddStringToObject(about, "created", when);
    cJSON_AddStringToObject(about, "source", live->url.shown);
    cJSON_AddStringToObject(about, "motion", "of the session's clients");
    cJSON_AddStringToObject(about, "oriel", ORIEL_VERSION);
    live->recorder = recorder_create(live->request->target, &live->format, live->request->fps,
                                     about, &live->err);
    for (size_t i = 0; i < live->waiting_count; i++) {
        if (!live->recorder ||
            !recorder_input(live->recorder, clock_ns(), live->waiting[i], &live->err))
            live->over = true;
        live->waiting[i] = NULL;
    }
    live->waiting_count = 0;
    return live->recorder && !live->over;
}

static struct oriel_stamp stamp_of(const uint8_t *h)
{
    uint64_t flags = big(h + 26, 2);
    int64_t captured = 0;
    uint64_t bits = big(h + 4, 8);
    double seconds;
    memcpy(&seconds, &bits, sizeof seconds);
    if (isfinite(seconds) && seconds > 0 && seconds < 9e9)
        captured = (int64_t)(seconds * 1e9);
    int64_t capture = (int64_t)big(h + 144, 4) * 1000, draw = (int64_t)big(h + 140, 4) * 1000;
    int64_t plan = (int64_t)big(h + 136, 4) * 1000;
    return (struct oriel_stamp){
        .seq = big(h + 40, 8),
        .revision = big(h + 48, 8),
        .pts_ns = captured,
        .t_captured_ns = captured,
        .t_drawn_ns = captured - capture,
        .t_begin_ns = captured - capture - draw,
        .t_input_ns = captured - capture - draw - plan,
        .flags = (flags & 1 ? ORIEL_FRAME_BOTTOM_UP : 0u) | (flags & 2 ? ORIEL_FRAME_COMPLETE : 0u),
        .level = (uint32_t)big(h + 30, 2),
        .level_count = (uint32_t)big(h + 32, 2),
        .coverage = real32(big(h + 34, 2), 65535),
        .outstanding = big(h + 36, 4),
    };
}

static bool on_picture(void *user, const uint8_t *data, size_t bytes)
{
    struct live *live = user;
    if (bytes < HEADER_BYTES || big(data + 22, 2) != HEADER_BYTES - 24)
        return fail(live, "sent a picture without the extended header");
    if (data[20] != CODEC_RAW || (big(data + 26, 2) & 4))
        return true; /* stills and the like are not what was asked for */
    if (!live->recorder && !begin(live, data))
        return false;
    if (big(data + 12, 4) != live->format.width || big(data + 16, 4) != live->format.height) {
        live->other_sizes++;
        return true;
    }
    if (bytes - HEADER_BYTES != frame_bytes(&live->format))
        return fail(live, "sent raw samples that are not I420");
    struct oriel_stamp stamp = stamp_of(data);
    if (live->last_number && stamp.seq > live->last_number + 1)
        live->missing += stamp.seq - live->last_number - 1;
    live->last_number = stamp.seq;
    live->last_ns = clock_ns();
    if (!live->first_ns)
        live->first_ns = live->last_ns;
    if (!recorder_frame(live->recorder, &stamp, data + HEADER_BYTES, &live->err))
        live->over = true;
    if (live->request->frames && recorder_frames(live->recorder) >= live->request->frames)
        live->over = true;
    return !live->err.text[0];
}

static bool on_pixel_text(void *user, const char *text, size_t bytes)
{
    (void)user;
    (void)text;
    (void)bytes;
    return true;
}

static void on_pixels_closed(void *user, const struct ctl_error *why)
{
    struct live *live = user;
    live->over = true;
    if (live->err.text[0])
        return;
    bool refused = strstr(why->message, "no encoder") != NULL;
    error_set(&live->err, "%s: the pixel channel: %s%s", live->url.shown, why->message,
              refused ? "; the server has to have encode/raw in modules.encoder" : "");
}

/* --- what is told --- */

static void on_frame(void *user, const char *type, const cJSON *frame, const char *text,
                     size_t bytes)
{
    static const char *const kept[] = {"notify.scene", "notify.layers", "notify.view",
                                       "notify.status"};
    struct live *live = user;
    (void)text;
    (void)bytes;
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    if (strcmp(type, "session.welcome") == 0) {
        const cJSON *features = cJSON_GetObjectItemCaseSensitive(payload, "features");
        const cJSON *ticket = cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(features, "oriel"), "pixel_ticket");
        snprintf(live->ticket, sizeof live->ticket, "%s",
                 cJSON_IsString(ticket) ? ticket->valuestring : "");
    }
    bool wanted = false;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        wanted |= strcmp(type, kept[i]) == 0;
    if (!wanted || live->over)
        return;
    cJSON *what = cJSON_CreateObject(), *told = cJSON_AddObjectToObject(what, "told");
    cJSON_AddStringToObject(told, "type", type);
    cJSON_AddItemToObject(told, "payload", cJSON_Duplicate(payload, true));
    if (live->recorder) {
        if (!recorder_input(live->recorder, clock_ns(), what, &live->err))
            live->over = true;
        return;
    }
    live->waiting = xrealloc(live->waiting, (live->waiting_count + 1) * sizeof *live->waiting);
    live->waiting[live->waiting_count++] = what;
}

static void on_closed(void *user, const struct ctl_error *why)
{
    struct live *live = user;
    live->over = true;
    if (!live->err.text[0])
        error_set(&live->err, "%s: %s: %s", live->url.shown, why->code, why->message);
}

/* The state channel's address with another end. */
static bool open_pixels(struct live *live)
{
    static const struct link_events events = {
        .text = on_pixel_text, .closed = on_pixels_closed, .binary = on_picture};
    struct ctl_url url = live->url;
    size_t length = strlen(url.path);
    size_t tail = length >= 6 && strcmp(url.path + length - 6, "/state") == 0 ? 6 : 0;
    int n = snprintf(url.path + length - tail, sizeof url.path - length + tail,
                     "/pixel?ext=1&codecs=raw&session=%s&ticket=%s", client_session(live->client),
                     live->ticket);
    if (!tail || n >= (int)(sizeof url.path - length + tail))
        return fail(live, "wants the address that `oriel serve` prints");
    live->pixels = link_create(live->loop, &url, url.token, &events, live);
    return true;
}

static bool wait_welcome(struct live *live)
{
    int64_t deadline = clock_ns() + START_NS;
    while (!client_is_ready(live->client) && !live->over && !interrupted && clock_ns() < deadline)
        client_loop_turn(live->loop, deadline);
    return client_is_ready(live->client) || live->over || fail(live, "no welcome within 20 s");
}

static void collect(struct live *live)
{
    int64_t deadline = clock_ns() + START_NS;
    while (!live->over && !interrupted && clock_ns() < deadline) {
        client_loop_turn(live->loop, deadline);
        if (live->first_ns)
            deadline = live->first_ns + (int64_t)(live->request->seconds * (double)NS_PER_S);
    }
    if (!live->first_ns && !live->over && !interrupted)
        fail(live, "no picture came within 20 s");
}

static void report(const struct live *live)
{
    uint64_t frames = recorder_frames(live->recorder);
    fprintf(stderr,
            "oriel: ab: %llu pictures of %u x %u in %.1f s, as the server sent them to one more "
            "client\n",
            (unsigned long long)frames, live->format.width, live->format.height,
            (double)(live->last_ns - live->first_ns) / (double)NS_PER_S);
    if (live->missing)
        fprintf(stderr, "oriel: ab: %llu pictures between them never came here\n",
                (unsigned long long)live->missing);
    if (live->other_sizes)
        fprintf(stderr, "oriel: ab: %llu pictures of another size were left out\n",
                (unsigned long long)live->other_sizes);
}

bool record_live(const char *text, const struct record_request *request, struct error *err)
{
    static const struct client_events events = {.frame = on_frame, .closed = on_closed};
    struct live live = {.request = request};
    struct ctl_error why;
    if (!ctl_url_parse(text, &live.url, &why))
        return error_set(err, "%s", why.message);
    if (!(live.loop = client_loop_create()))
        return error_set(err, "no memory for a connection");
    interruptible = live.loop;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    const char *token = live.url.token[0] ? NULL : getenv("ORIEL_TOKEN");
    live.client = client_create(
        live.loop, &(struct client_options){.url = &live.url, .token = token, .name = "oriel-ab"},
        &events, &live);
    if (wait_welcome(&live) && !live.over && open_pixels(&live))
        collect(&live);
    bool good = live.recorder && recorder_frames(live.recorder) > 0;
    if (good) {
        report(&live);
        live.err.text[0] = '\0'; /* what ended it does not matter: the file is whole */
        good = recorder_close(live.recorder, err);
    } else {
        recorder_abandon(live.recorder);
        error_set(err, "%s", live.err.text[0] ? live.err.text : "interrupted before a picture");
    }
    if (live.pixels)
        link_destroy(live.pixels);
    client_destroy(live.client);
    client_loop_destroy(live.loop);
    for (size_t i = 0; i < live.waiting_count; i++)
        cJSON_Delete(live.waiting[i]);
    free(live.waiting);
    return good;
}

#endif
