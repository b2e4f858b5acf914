/* SPDX-License-Identifier: BSD-3-Clause */
#include "play/recording.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/services.h"
#include "util/check.h"
#include "util/file.h"

#define FORMAT_VERSION 1
#define MAX_LINE (16u << 20) /* what a server told of its scene may be long */

static const char *const codecs[] = {"", "h264", "hevc", "av1", "vp8", "vp9", "jpeg"};

const char *recording_codec(const struct recording *recording)
{
    return codecs[recording->codec];
}

bool recording_is_top_down(const struct recording *recording)
{
    return !(recording->pictures[0].head[27] & 1);
}

/* --- a line --- */

static bool base64_read(const char *text, uint8_t *out, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text), n = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < length && text[i] != '='; i++) {
        const char *digit = strchr(digits, text[i]);
        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (n == bytes)
                return false;
            out[n++] = (uint8_t)(bits >> have);
        }
    }
    return n == bytes;
}

static bool number(const cJSON *of, const char *key, double *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(of, key);
    *value = cJSON_IsNumber(item) ? item->valuedouble : 0;
    return cJSON_IsNumber(item) && *value >= 0 && *value < 9e15;
}

static const char *text_of(const cJSON *of, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(of, key));
}

/* Who wrote what when orders the writes of one session (docs/protocol, "Who wins"); in a recording
 * time goes back, and the newest frame is right. */
static void drop_versions(cJSON *payload)
{
    cJSON *layer;
    cJSON_DeleteItemFromObjectCaseSensitive(payload, "versions");
    cJSON_DeleteItemFromObjectCaseSensitive(payload, "control_versions");
    cJSON_ArrayForEach(layer, cJSON_GetObjectItemCaseSensitive(payload, "layers"))
        cJSON_DeleteItemFromObjectCaseSensitive(layer, "control_versions");
}

static bool add_frame(struct recording *recording, const cJSON *line, double time, size_t at)
{
    const char *to = text_of(line, "to");
    const cJSON *frame = cJSON_GetObjectItemCaseSensitive(line, "frame");
    const char *type = text_of(frame, "type");
    cJSON *payload = cJSON_GetObjectItemCaseSensitive(frame, "payload");
    if (!to || !type || !cJSON_IsObject(payload))
        return false;
    unsigned audience = strcmp(to, "desktop") == 0 ? RECORDING_DESKTOP : RECORDING_PAGE;
    size_t count = recording->frame_count[audience];
    if ((count & (count - 1)) == 0)
        recording->frames[audience] = xrealloc(
            recording->frames[audience], (count ? count * 2 : 1) * sizeof **recording->frames);
    drop_versions(payload);
    char *printed = cJSON_PrintUnformatted(payload);
    CHECK(printed);
    recording->frames[audience][recording->frame_count[audience]++] = (struct recording_frame){
        .time = time,
        .line = at,
        .type = xasprintf("%s", type),
        .payload = printed,
        .counted = cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(frame, "seq"))};
    return true;
}

static bool add_picture(struct recording *recording, const cJSON *json, double time, size_t line)
{
    struct recording_picture picture = {.time = time, .line = line};
    const char *head = text_of(json, "head");
    double at, bytes;
    if (!head || !number(json, "at", &at) || !number(json, "bytes", &bytes) || bytes < 1 ||
        bytes > INT_MAX || !base64_read(head, picture.head, sizeof picture.head))
        return false;
    picture.at = (uint64_t)at;
    picture.bytes = (uint32_t)bytes;
    picture.key = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "key"));
    if (!picture.head[20] || picture.head[20] >= sizeof codecs / sizeof *codecs)
        return false;
    if (!recording->picture_count) {
        if (!picture.key)
            return true; /* nothing can be shown before a key */
        recording->codec = picture.head[20];
    }
    if (picture.head[20] != recording->codec)
        return false;
    size_t count = recording->picture_count;
    if ((count & (count - 1)) == 0)
        recording->pictures =
            xrealloc(recording->pictures, (count ? count * 2 : 1) * sizeof *recording->pictures);
    recording->pictures[recording->picture_count++] = picture;
    return true;
}

static bool add_line(struct recording *recording, const char *text, size_t at, char **video)
{
    cJSON *line = cJSON_Parse(text);
    double time;
    bool fine = cJSON_IsObject(line) && number(line, "t", &time);
    const cJSON *picture = cJSON_GetObjectItemCaseSensitive(line, "picture");
    const char *file = text_of(cJSON_GetObjectItemCaseSensitive(line, "video"), "file");
    if (fine && picture)
        fine = add_picture(recording, picture, time, at);
    else if (fine && cJSON_HasObjectItem(line, "frame"))
        fine = add_frame(recording, line, time, at);
    else if (fine && file && !*video)
        *video = xasprintf("%s", file);
    cJSON_Delete(line);
    return fine;
}

/* --- the whole --- */

static int by_frame_time(const void *a, const void *b)
{
    const struct recording_frame *x = a, *y = b;
    return x->time != y->time ? (x->time > y->time) - (x->time < y->time)
                              : (x->line > y->line) - (x->line < y->line);
}

static bool read_lines(struct recording *recording, const char *path, char **video,
                       struct error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(err, "%s: %s", path, strerror(errno));
    char *text = NULL;
    size_t room = 0, line = 0;
    double version = 0;
    ssize_t n = file_line(file, &text, &room, MAX_LINE);
    cJSON *first = n > 0 ? cJSON_Parse(text) : NULL;
    bool fine = number(first, "oriel_recording", &version) && version == FORMAT_VERSION;
    cJSON_Delete(first);
    if (!fine)
        error_set(err, "%s: not a recording of version %d", path, FORMAT_VERSION);
    while (fine && file_line(file, &text, &room, MAX_LINE) >= 0)
        recording->torn += !add_line(recording, text, ++line, video);
    if (fine && !feof(file))
        fine = error_set(err, "%s: line %zu: %s", path, line + 2, strerror(errno));
    free(text);
    fclose(file);
    return fine;
}

/* Pictures are where the lines say, in a file that a server may have been killed over. */
static bool open_video(struct recording *recording, const char *path, const char *video,
                       struct error *err)
{
    const char *slash = strrchr(path, '/');
    if (!video || !recording->picture_count)
        return error_set(err, "%s: no pictures are in it", path);
    if (strchr(video, '/'))
        return error_set(err, "%s: its video \"%s\" is not beside it", path, video);
    char *beside = xasprintf("%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, video);
    recording->video = open(beside, O_RDONLY | O_CLOEXEC);
    struct stat facts = {0};
    bool fine = recording->video >= 0 && fstat(recording->video, &facts) == 0;
    if (!fine)
        error_set(err, "%s: %s", beside, strerror(errno));
    for (size_t i = 0; i < recording->picture_count && fine; i++) {
        const struct recording_picture *picture = &recording->pictures[i];
        if (picture->at + picture->bytes > (uint64_t)facts.st_size)
            fine = error_set(err, "%s: ends before its picture %zu of %zu", beside, i + 1,
                             recording->picture_count);
    }
    free(beside);
    return fine;
}

static char *lines_beside(const char *path)
{
    size_t length = strlen(path);
    bool video = length > 4 &&
                 (strcmp(path + length - 4, ".mp4") == 0 || strcmp(path + length - 4, ".mkv") == 0);
    return video ? xasprintf("%.*s.ndjson", (int)(length - 4), path) : xasprintf("%s", path);
}

struct recording *recording_open(const char *path, struct error *err)
{
    struct recording *recording = xcalloc(1, sizeof *recording);
    recording->video = -1;
    char *lines = lines_beside(path), *video = NULL;
    const char *slash = strrchr(lines, '/');
    recording->name = xasprintf("%s", slash ? slash + 1 : lines);
    bool fine =
        read_lines(recording, lines, &video, err) && open_video(recording, lines, video, err);
    free(lines);
    free(video);
    if (!fine) {
        recording_close(recording);
        return NULL;
    }
    for (unsigned a = 0; a < RECORDING_AUDIENCES; a++)
        if (recording->frame_count[a])
            qsort(recording->frames[a], recording->frame_count[a], sizeof **recording->frames,
                  by_frame_time);
    for (size_t i = 1; i < recording->picture_count; i++) /* as the header promises */
        if (recording->pictures[i].time < recording->pictures[i - 1].time)
            recording->pictures[i].time = recording->pictures[i - 1].time;
    recording->begin = recording->pictures[0].time;
    recording->end = recording->pictures[recording->picture_count - 1].time;
    recording->lengths = recording->codec == 1 || recording->codec == 2;
    return recording;
}

void recording_close(struct recording *recording)
{
    if (!recording)
        return;
    for (unsigned a = 0; a < RECORDING_AUDIENCES; a++) {
        for (size_t i = 0; i < recording->frame_count[a]; i++) {
            free(recording->frames[a][i].type);
            free(recording->frames[a][i].payload);
        }
        free(recording->frames[a]);
    }
    if (recording->video >= 0)
        close(recording->video);
    free(recording->pictures);
    free(recording->name);
    free(recording);
}

/* Files have lengths of four bytes where Annex B has a start code of four. */
static bool lengths_to_annexb(uint8_t *data, size_t bytes)
{
    size_t at = 0;
    while (at + 4 <= bytes) {
        size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                        (size_t)data[at + 2] << 8 | data[at + 3];
        if (length > bytes - at - 4)
            return false;
        memcpy(data + at, (const uint8_t[]){0, 0, 0, 1}, 4);
        at += 4 + length;
    }
    return at == bytes;
}

const struct oriel_buffer *recording_read(const struct recording *recording, size_t index,
                                          bool desktop)
{
    const struct recording_picture *picture = &recording->pictures[index];
    uint8_t *data;
    const struct oriel_buffer *buffer = buffer_create(picture->bytes, &data);
    if (!buffer)
        return NULL;
    size_t got = 0;
    while (got < picture->bytes) {
        ssize_t n =
            pread(recording->video, data + got, picture->bytes - got, (off_t)(picture->at + got));
        if (n <= 0 && !(n < 0 && errno == EINTR))
            break;
        got += n > 0 ? (size_t)n : 0;
    }
    if (got == picture->bytes &&
        (desktop || !recording->lengths || lengths_to_annexb(data, picture->bytes)))
        return buffer;
    buffer_unref(buffer);
    return NULL;
}

size_t recording_picture_at(const struct recording *recording, double time)
{
    size_t low = 0, high = recording->picture_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (recording->pictures[middle].time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

size_t recording_frame_at(const struct recording *recording, enum recording_audience audience,
                          double time)
{
    size_t low = 0, high = recording->frame_count[audience];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (recording->frames[audience][middle].time <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

size_t recording_key_before(const struct recording *recording, size_t index)
{
    while (index && !recording->pictures[index].key)
        index--;
    return index;
}
