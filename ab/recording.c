/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "ab/picture.h"
#include "util/check.h"
#include "util/file.h"

#define MAX_LINE (16u << 20) /* what a server told of its scene may be long */
#define MAX_SIDE 16384
#define MAX_FRAMES 10000000u

/* --- JSON of others --- */

static double number(const cJSON *object, const char *key, double low, double high)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    double value = cJSON_IsNumber(item) ? item->valuedouble : NAN;
    return value >= low && value <= high ? value : NAN;
}

static const char *text(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* What is missing or impossible in a stamp counts as 0: nothing depends on it but what is shown. */
static int64_t time_of(const cJSON *stamp, const char *key)
{
    double value = number(stamp, key, -9e15, 9e18);
    return isnan(value) ? 0 : (int64_t)value;
}

static struct oriel_stamp stamp_of(const cJSON *json)
{
    double flags = number(json, "flags", 0, UINT32_MAX), level = number(json, "level", 0, 64);
    double levels = number(json, "level_count", 0, 64), coverage = number(json, "coverage", 0, 1);
    double outstanding = number(json, "outstanding", 0, 9e15), seq = number(json, "seq", 0, 9e15);
    double revision = number(json, "revision", 0, 9e15);
    return (struct oriel_stamp){
        .seq = isnan(seq) ? 0 : (uint64_t)seq,
        .revision = isnan(revision) ? 0 : (uint64_t)revision,
        .pts_ns = time_of(json, "pts_ns"),
        .t_input_ns = time_of(json, "t_input_ns"),
        .t_begin_ns = time_of(json, "t_begin_ns"),
        .t_drawn_ns = time_of(json, "t_drawn_ns"),
        .t_captured_ns = time_of(json, "t_captured_ns"),
        .flags = isnan(flags) ? 0 : (uint32_t)flags,
        .level = isnan(level) ? 0 : (uint32_t)level,
        .level_count = isnan(levels) ? 0 : (uint32_t)levels,
        .coverage = isnan(coverage) ? 0 : (float)coverage,
        .outstanding = isnan(outstanding) ? 0 : (uint64_t)outstanding,
    };
}

static bool read_head(struct recording *recording, struct error *err)
{
    const char *path = recording->path;
    const cJSON *head = recording->head;
    double version = number(head, "oriel_recording", 0, 1e9);
    if (isnan(version))
        return error_set(err, "%s: is no recording of Oriel", path);
    if (version != 1)
        return error_set(err, "%s: a recording of version %g, this program reads version 1", path,
                         version);
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(head, "format");
    uint32_t fourcc = samples_find(text(format, "samples"));
    double width = number(format, "width", 1, MAX_SIDE);
    double height = number(format, "height", 1, MAX_SIDE);
    const char *matrix = text(format, "matrix"), *range = text(format, "range");
    bool bt601 = strcmp(matrix, "bt601") == 0, full = strcmp(range, "full") == 0;
    if (!fourcc)
        return error_set(err, "%s: format.samples: wants i420, nv12, i444 or p010", path);
    if (isnan(width) || isnan(height) || width != floor(width) || height != floor(height))
        return error_set(err, "%s: format.width and format.height: want 1 to %d", path, MAX_SIDE);
    if (!bt601 && strcmp(matrix, "bt709") != 0)
        return error_set(err, "%s: format.matrix: wants bt601 or bt709", path);
    if (!full && strcmp(range, "limited") != 0)
        return error_set(err, "%s: format.range: wants full or limited", path);
    double primaries = number(format, "primaries", 1, 255);
    double transfer = number(format, "transfer", 1, 255);
    recording->format = (struct oriel_format){
        .modifier = ORIEL_MODIFIER_LINEAR,
        .domain = ORIEL_DOMAIN_CPU,
        .fourcc = fourcc,
        .width = (uint32_t)width,
        .height = (uint32_t)height,
        .primaries = isnan(primaries) ? ORIEL_PRIMARIES_BT709 : (uint8_t)primaries,
        .transfer = isnan(transfer) ? ORIEL_TRANSFER_SRGB : (uint8_t)transfer,
        .matrix = bt601 ? ORIEL_MATRIX_BT601 : ORIEL_MATRIX_BT709,
        .full_range = full,
    };
    recording->fps = number(head, "fps", 0.01, 1000);
    return !isnan(recording->fps) || error_set(err, "%s: fps: wants 0.01 to 1000", path);
}

/* --- the lines --- */

struct scan {
    struct recording *recording;
    FILE *file;
    uint64_t at, size;
    char *line;
    size_t room;
    uint64_t bytes; /* of a frame */
};

/* NULL at the end, or for what is no line of JSON; `*over` tells which. */
static cJSON *next_line(struct scan *scan, bool *over)
{
    ssize_t length = file_line(scan->file, &scan->line, &scan->room, MAX_LINE);
    *over = length < 0 && feof(scan->file);
    scan->at += (uint64_t)(length + 1);
    return length > 0 ? cJSON_ParseWithLength(scan->line, (size_t)length) : NULL;
}

static void *grown(void *list, uint64_t count, size_t size)
{
    return count & (count - 1) ? list : xrealloc(list, (count ? 2 * count : 1) * size);
}

static bool take_frame(struct scan *scan, const cJSON *line)
{
    struct recording *recording = scan->recording;
    uint64_t index = recording->frame_count;
    char *end = NULL;
    const char *crc = text(line, "crc32");
    unsigned long sum = strtoul(crc, &end, 16);
    if (index == MAX_FRAMES || number(line, "frame", 0, MAX_FRAMES) != (double)index ||
        number(line, "bytes", 0, 9e15) != (double)scan->bytes || strlen(crc) != 8 || *end) {
        snprintf(recording->cut, sizeof recording->cut,
                 "frame %" PRIu64 ": its line does not fit the head", index);
        return false;
    }
    uint64_t there = scan->size > scan->at ? scan->size - scan->at : 0;
    if (there < scan->bytes) {
        snprintf(recording->cut, sizeof recording->cut,
                 "frame %" PRIu64 " is cut off: %" PRIu64 " of %" PRIu64 " bytes", index, there,
                 scan->bytes);
        return false;
    }
    recording->frames = grown(recording->frames, index, sizeof *recording->frames);
    recording->frames[index] = (struct recorded_frame){
        .stamp = stamp_of(cJSON_GetObjectItemCaseSensitive(line, "stamp")),
        .at = scan->at,
        .crc32 = (uint32_t)sum,
    };
    recording->frame_count++;
    scan->at += scan->bytes;
    if (fseeko(scan->file, (off_t)scan->at, SEEK_SET) != 0 || getc(scan->file) != '\n') {
        snprintf(recording->cut, sizeof recording->cut,
                 "frame %" PRIu64 " is not followed by a line end", index);
        return false;
    }
    scan->at++;
    return true;
}

static void take_input(struct recording *recording, cJSON *what)
{
    double t = number(what, "t_ns", -9e15, 9e18);
    recording->inputs = grown(recording->inputs, recording->input_count, sizeof *recording->inputs);
    recording->inputs[recording->input_count++] = (struct recording_input){
        .frame = recording->frame_count, .t_ns = isnan(t) ? 0 : (int64_t)t, .what = what};
}

/* Up to the end, or to what is wrong. */
static void read_lines(struct scan *scan)
{
    struct recording *recording = scan->recording;
    for (;;) {
        bool over;
        cJSON *line = next_line(scan, &over);
        const cJSON *end = cJSON_GetObjectItemCaseSensitive(line, "end");
        cJSON *input = cJSON_GetObjectItemCaseSensitive(line, "input");
        bool whole = end && number(end, "frames", 0, MAX_FRAMES) == (double)recording->frame_count;
        bool more = false;
        if (cJSON_IsObject(input)) {
            take_input(recording, cJSON_DetachItemViaPointer(line, input));
            more = true;
        } else if (cJSON_HasObjectItem(line, "frame")) {
            more = take_frame(scan, line);
        } else if (!whole) {
            snprintf(recording->cut, sizeof recording->cut,
                     over   ? "it ends without its last line, after %" PRIu64 " frames"
                     : line ? "an unknown line after %" PRIu64 " frames"
                            : "what follows after %" PRIu64 " frames is no line of JSON",
                     recording->frame_count);
        }
        cJSON_Delete(line);
        if (!more)
            return;
    }
}

struct recording *recording_open(const char *path, struct error *err)
{
    struct recording *recording = xcalloc(1, sizeof *recording);
    recording->path = xstrdup(path);
    recording->fd = open(path, O_RDONLY | O_CLOEXEC);
    int copy = recording->fd >= 0 ? fcntl(recording->fd, F_DUPFD_CLOEXEC, 0) : -1;
    struct scan scan = {.recording = recording, .file = copy >= 0 ? fdopen(copy, "rb") : NULL};
    bool good = scan.file || error_set(err, "%s: %s", path, strerror(errno));
    off_t size = good ? lseek(recording->fd, 0, SEEK_END) : 0;
    if (good && (size < 0 || lseek(recording->fd, 0, SEEK_SET) < 0))
        good = error_set(err, "%s: is no regular file", path);
    scan.size = (uint64_t)size;
    bool over;
    if (good) {
        recording->head = next_line(&scan, &over);
        good = read_head(recording, err);
    }
    if (good) {
        scan.bytes = frame_bytes(&recording->format);
        read_lines(&scan);
        if (recording->frame_count == 0)
            good = error_set(err, "%s: has no whole frame%s%s", path, recording->cut[0] ? ": " : "",
                             recording->cut);
    }
    if (scan.file)
        fclose(scan.file);
    free(scan.line);
    if (good)
        return recording;
    recording_close(recording);
    return NULL;
}

void recording_close(struct recording *recording)
{
    if (!recording)
        return;
    for (uint64_t i = 0; i < recording->input_count; i++)
        cJSON_Delete(recording->inputs[i].what);
    free(recording->inputs);
    free(recording->frames);
    cJSON_Delete(recording->head);
    if (recording->fd >= 0)
        close(recording->fd);
    free(recording->path);
    free(recording);
}

bool recording_read(const struct recording *recording, uint64_t frame, uint8_t *packed,
                    struct error *err)
{
    CHECK(frame < recording->frame_count);
    uint64_t bytes = frame_bytes(&recording->format), done = 0;
    while (done < bytes) {
        ssize_t n = pread(recording->fd, packed + done, bytes - done,
                          (off_t)(recording->frames[frame].at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, "%s: frame %" PRIu64 ": %s", recording->path, frame,
                             n < 0 ? strerror(errno) : "the file has become shorter");
        done += (uint64_t)n;
    }
    if (crc32_z(0, packed, bytes) != recording->frames[frame].crc32)
        return error_set(err, "%s: frame %" PRIu64 " is not what was written (CRC)",
                         recording->path, frame);
    return true;
}
