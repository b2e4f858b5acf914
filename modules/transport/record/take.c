/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "recorder.h"

#define NEVER INT64_MAX
#define FORMAT_VERSION 1

struct take {
    struct recorder *recorder;
    uint64_t state, classic, pixel; /* connections; 0: none */
    char path[PATH_MAX];            /* without an ending */
    FILE *lines;
    struct film *film; /* from the first picture on */
    AVCodecParameters *par;
    bool bottom_up;
    struct head { /* of a picture that is in no file yet */
        double time;
        bool key;
        uint8_t bytes[PICTURE_HEAD_BYTES];
    } * heads;
    size_t head_count, head_room;
    size_t head_first;
    int64_t begun_ns, fragment_ns; /* the first picture; of the fragment, 0: it is empty */
    int64_t key_ns;                /* when a key came, or was asked for */
    bool moved;                    /* pictures have come since the last key */
    bool ended;
    char why[512]; /* "" while it goes on */
};

static void fail(struct take *take, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct take *take, const char *format, ...)
{
    if (take->why[0])
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(take->why, sizeof take->why, format, args);
    va_end(args);
}

bool take_rolls(const struct take *take)
{
    return take->film;
}

bool take_full(const struct take *take, int64_t now)
{
    const struct recorder_options *options = &take->recorder->options;
    if (!take->film)
        return false;
    return (options->most_bytes && film_bytes(take->film) >= options->most_bytes) ||
           (options->most_ns && now - take->begun_ns >= options->most_ns);
}

const char *take_failed(const struct take *take)
{
    return take->why[0] ? take->why : NULL;
}

bool take_ended(const struct take *take)
{
    return take->ended;
}

/* --- lines --- */

static double unix_time(const struct take *take, int64_t ns)
{
    return take->recorder->unix_offset + (double)ns * 1e-9;
}

/* The pattern is the user's. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static size_t expand(char *name, size_t room, const char *pattern, const struct tm *time)
{
    return strftime(name, room, pattern, time);
}
#pragma GCC diagnostic pop

/* The folder is there and `path` is a name that nothing has. */
static bool name_files(struct take *take)
{
    const struct recorder_options *options = &take->recorder->options;
    struct timespec now;
    struct tm parts;
    char name[300] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    if (!expand(name, sizeof name, options->name, &parts))
        snprintf(name, sizeof name, "oriel");
    if (mkdir(options->folder, 0777) != 0 && errno != EEXIST) {
        fail(take, "%s: %s", options->folder, strerror(errno));
        return false;
    }
    for (int n = 1; n < 10000; n++) {
        char again[16] = "";
        if (n > 1)
            snprintf(again, sizeof again, "-%d", n);
        snprintf(take->path, sizeof take->path, "%s/%s%s", options->folder, name, again);
        char lines[PATH_MAX + 16];
        snprintf(lines, sizeof lines, "%s.ndjson", take->path);
        int fd = open(lines, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
        if (fd < 0 && errno == EEXIST)
            continue;
        take->lines = fd < 0 ? NULL : fdopen(fd, "a");
        if (!take->lines) {
            fail(take, "%s: %s", lines, strerror(errno));
            if (fd >= 0)
                close(fd);
            return false;
        }
        fprintf(take->lines, "{\"oriel_recording\":%d,\"t\":%.6f}\n", FORMAT_VERSION,
                unix_time(take, viewer_now()));
        return true;
    }
    fail(take, "%s: no free name for a recording", take->path);
    return false;
}

static void lines_written(struct take *take)
{
    if (take->lines && (fflush(take->lines) != 0 || ferror(take->lines)))
        fail(take, "%s.ndjson: %s", take->path, strerror(errno));
}

static void base64(const uint8_t *bytes, size_t count, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t v = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                     (left > 2 ? bytes[i + 2] : 0u);
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = left > 1 ? digits[v >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[v & 63] : '=';
    }
    *out = '\0';
}

/* A picture is in the video's file. */
static void on_written(void *data, uint64_t at, uint64_t bytes)
{
    struct take *take = data;
    const struct head *head = &take->heads[take->head_first++];
    char text[(PICTURE_HEAD_BYTES + 2) / 3 * 4 + 1];
    base64(head->bytes, PICTURE_HEAD_BYTES, text);
    fprintf(take->lines,
            "{\"t\":%.6f,\"picture\":{\"at\":%llu,\"bytes\":%llu,\"key\":%s,\"head\":\"%s\"}}\n",
            head->time, (unsigned long long)at, (unsigned long long)bytes,
            head->key ? "true" : "false", text);
}

/* --- pictures --- */

static bool fits(enum film_container container, enum AVCodecID codec)
{
    return container == FILM_MATROSKA || codec != AV_CODEC_ID_VP8;
}

static bool begin_film(struct take *take, const struct picture *picture)
{
    struct recorder *recorder = take->recorder;
    enum film_container container = recorder->options.container;
    if (!fits(container, picture->codec))
        container = FILM_MATROSKA; /* MP4 has no VP8 */
    const char *ending = container == FILM_MP4 ? "mp4" : "mkv";
    char path[PATH_MAX + 16], why[256];
    snprintf(path, sizeof path, "%s.%s", take->path, ending);
    const struct film_events events = {on_written, take};
    take->bottom_up = picture->bottom_up;
    take->film = film_create(path, container, take->par, picture->bottom_up, &events, why);
    if (!take->film) {
        fail(take, "%s: %s", path, why);
        return false;
    }
    take->begun_ns = viewer_now();
    const char *file = strrchr(path, '/') + 1;
    cJSON *name = cJSON_CreateString(file);
    char *text = name ? cJSON_PrintUnformatted(name) : NULL;
    fprintf(take->lines,
            "{\"t\":%.6f,\"video\":{\"file\":%s,\"container\":\"%s\",\"codec\":\"%s\","
            "\"width\":%u,\"height\":%u}}\n",
            picture->time, text ? text : "\"\"", ending, avcodec_get_name(picture->codec),
            picture->width, picture->height);
    free(text);
    cJSON_Delete(name);
    viewer_log(&recorder->viewer, ORIEL_LOG_INFO, "%s: %s, %ux%u", path,
               avcodec_get_name(picture->codec), picture->width, picture->height);
    return true;
}

/* Does the picture belong to this film? Where there is none yet, one begins. */
static bool suits(struct take *take, const struct picture *picture)
{
    int error = 0;
    AVCodecParameters *par = picture_parameters(picture, &error);
    if (!par) {
        char text[AV_ERROR_MAX_STRING_SIZE] = "";
        av_strerror(error, text, sizeof text);
        fail(take, "a key picture of %s cannot be understood: %s", avcodec_get_name(picture->codec),
             text);
        return false;
    }
    if (!take->film) {
        avcodec_parameters_free(&take->par);
        take->par = par;
        return begin_film(take, picture);
    }
    take->ended = !picture_same_parameters(par, take->par) || picture->bottom_up != take->bottom_up;
    avcodec_parameters_free(&par);
    return !take->ended;
}

static bool note_head(struct take *take, const struct picture *picture)
{
    if (take->head_first == take->head_count)
        take->head_first = take->head_count = 0;
    if (take->head_count == take->head_room) {
        size_t room = take->head_room ? take->head_room * 2 : 64;
        struct head *heads = realloc(take->heads, room * sizeof *heads);
        if (!heads)
            return false;
        take->heads = heads;
        take->head_room = room;
    }
    struct head *head = &take->heads[take->head_count++];
    head->time = picture->time;
    head->key = picture->key;
    memcpy(head->bytes, picture->head, sizeof head->bytes);
    return true;
}

static void flush(struct take *take)
{
    char why[256];
    take->fragment_ns = 0;
    if (take->film && !film_flush(take->film, why))
        fail(take, "%s: %s", take->path, why);
    lines_written(take);
}

static void take_picture(struct take *take, const struct viewer_message *message)
{
    struct picture picture;
    char why[256];
    if (!picture_read(&picture, message) || picture.still || take->why[0] || take->ended)
        return;
    int64_t now = viewer_now();
    if (picture.key) {
        if (take->film && film_waiting(take->film))
            flush(take); /* a fragment begins with a key wherever there is one */
        if (take->why[0] || !suits(take, &picture))
            return;
        take->key_ns = now;
    } else if (!take->film) {
        return;
    }
    take->moved = !picture.key;
    if (!note_head(take, &picture)) {
        fail(take, "out of memory");
        return;
    }
    if (!film_add(take->film, &picture, why)) {
        fail(take, "%s: %s", take->path, why);
        return;
    }
    if (!take->fragment_ns)
        take->fragment_ns = now;
}

/* --- the state --- */

static void say_hello(struct take *take, uint64_t conn, bool oriel)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"type\":\"session.hello\",\"version\":2,\"frame_id\":\"hello\",\"timestamp\":%.3f,"
             "\"payload\":{\"protocols\":[2],\"features\":{\"notify.scene\":true,"
             "\"notify.layers\":true,\"notify.stream\":true,\"notify.dims\":%s,"
             "\"notify.camera\":%s,\"call.command\":true%s},"
             "\"client\":{\"name\":\"oriel record\",\"version\":\"0.1.0\",\"platform\":\"%s\"},"
             "\"resume_tokens\":{}}}",
             unix_time(take, viewer_now()), oriel ? "false" : "true", oriel ? "false" : "true",
             oriel ? ",\"oriel\":true" : "", oriel ? "page" : "desktop");
    viewer_say(&take->recorder->viewer, conn, text);
}

static void open_pixel(struct take *take, const cJSON *payload)
{
    struct recorder *recorder = take->recorder;
    const cJSON *session = cJSON_GetObjectItemCaseSensitive(payload, "session");
    const cJSON *features = cJSON_GetObjectItemCaseSensitive(payload, "features");
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(features, "oriel");
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(session, "id"));
    const char *ticket =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(own, "pixel_ticket"));
    char query[512];
    uint32_t status;
    snprintf(query, sizeof query, "ext=1&rows=%s&codecs=%s&session=%s&ticket=%s",
             recorder->options.rows, recorder->options.codecs, id ? id : "", ticket ? ticket : "");
    take->pixel = viewer_open(&recorder->viewer, "/pixel", query, NULL, &status);
    if (!take->pixel)
        fail(take, "the pixel channel is refused with %u", status);
}

/* One frame, as text. */
static void take_frame(struct take *take, bool oriel, const char *text, size_t bytes)
{
    cJSON *frame = cJSON_ParseWithLength(text, bytes);
    const cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(frame, "type"));
    bool kept = type && !memchr(text, '\n', bytes);
    if (type && strcmp(type, "session.heartbeat") == 0) {
        viewer_say(&take->recorder->viewer, oriel ? take->state : take->classic,
                   "{\"type\":\"session.ack\"}");
        kept = false;
    } else if (type &&
               (strcmp(type, "session.reject") == 0 || strcmp(type, "session.goodbye") == 0)) {
        const char *why =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(payload, "message"));
        fail(take, "the server says: %s", why ? why : type);
        kept = false;
    } else if (type && strcmp(type, "session.welcome") == 0) {
        kept = false; /* it has a secret, and is said anew to whoever sees the recording */
        if (oriel)
            open_pixel(take, payload);
    }
    if (kept && (take->lines || name_files(take))) {
        fprintf(take->lines, "{\"t\":%.6f,\"to\":\"%s\",\"frame\":", unix_time(take, viewer_now()),
                oriel ? "page" : "desktop");
        fwrite(text, 1, bytes, take->lines);
        fputs("}\n", take->lines);
        lines_written(take);
    }
    cJSON_Delete(frame);
}

static void take_text(struct take *take, const struct viewer_message *message)
{
    size_t tail = message->buffer ? (size_t)message->buffer->bytes : 0;
    char *text = malloc(message->head_bytes + tail + 1);
    if (!text) {
        fail(take, "out of memory");
        return;
    }
    memcpy(text, message->head, message->head_bytes);
    if (tail)
        memcpy(text + message->head_bytes, message->buffer->data, tail);
    take_frame(take, message->conn == take->state, text, message->head_bytes + tail);
    free(text);
}

/* --- its life --- */

struct take *take_open(struct recorder *recorder)
{
    struct take *take = calloc(1, sizeof *take);
    if (!take)
        return NULL;
    uint32_t status;
    const char *token = recorder->options.token;
    take->recorder = recorder;
    take->state = viewer_open(&recorder->viewer, "/state", "", token, &status);
    if (take->state)
        take->classic = viewer_open(&recorder->viewer, "/state", "", token, &status);
    if (!take->classic) {
        fail(take, "the state channel is refused with %u", status);
        return take;
    }
    say_hello(take, take->state, true);
    say_hello(take, take->classic, false);
    return take;
}

bool take_message(struct take *take, const struct viewer_message *message)
{
    if (message->conn != take->state && message->conn != take->classic &&
        message->conn != take->pixel)
        return false;
    if (message->kind == VIEWER_CLOSED)
        fail(take, "the server has closed: %s", (const char *)message->head);
    else if (message->conn != take->pixel)
        take_text(take, message);
    else if (take->lines || name_files(take))
        take_picture(take, message);
    return true;
}

int64_t take_tick(struct take *take, int64_t now)
{
    const struct recorder_options *options = &take->recorder->options;
    int64_t deadline = NEVER;
    if (take->why[0] || take->ended)
        return now;
    if (take->fragment_ns) {
        deadline = take->fragment_ns + options->fragment_ns;
        if (now >= deadline) {
            flush(take);
            deadline = NEVER;
        }
    }
    if (take->film && options->key_ns && take->moved) {
        int64_t due = take->key_ns + options->key_ns;
        if (now >= due) {
            viewer_say(&take->recorder->viewer, take->pixel,
                       "{\"type\":\"key\",\"reason\":\"a recording is searched by them\"}");
            take->key_ns = now;
            due = now + options->key_ns;
        }
        deadline = due < deadline ? due : deadline;
    }
    if (take->film && options->most_ns) {
        int64_t due = take->begun_ns + options->most_ns;
        if (due > now && due < deadline)
            deadline = due;
    }
    return deadline;
}

void take_close(struct take *take)
{
    if (!take)
        return;
    struct viewer *viewer = &take->recorder->viewer;
    char why[256];
    viewer_close(viewer, take->pixel);
    viewer_close(viewer, take->classic);
    viewer_close(viewer, take->state);
    if (take->film && !film_close(take->film, why))
        viewer_log(viewer, ORIEL_LOG_ERROR, "%s: %s", take->path, why);
    if (take->lines) {
        take->why[0] = '\0';
        lines_written(take);
        if (take->why[0])
            viewer_log(viewer, ORIEL_LOG_ERROR, "%s", take->why);
        fclose(take->lines);
    }
    avcodec_parameters_free(&take->par);
    free(take->heads);
    free(take);
}
