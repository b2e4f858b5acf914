/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ab/picture.h"
#include "ab/recording.h"
#include "util/check.h"

struct recorder {
    FILE *file;
    char *path;
    uint64_t bytes; /* of a frame */
    uint64_t frames;
};

static bool failed(const struct recorder *recorder, struct error *err)
{
    return error_set(err, "%s: %s", recorder->path, strerror(errno ? errno : EIO));
}

static bool write_line(struct recorder *recorder, cJSON *json, struct error *err)
{
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    CHECK(text);
    errno = 0;
    bool good = fputs(text, recorder->file) >= 0 && fputc('\n', recorder->file) != EOF;
    cJSON_free(text);
    return good || failed(recorder, err);
}

static const char *matrix_name(uint8_t matrix)
{
    return matrix == ORIEL_MATRIX_BT709 ? "bt709" : "bt601";
}

struct recorder *recorder_create(const char *path, const struct oriel_format *format, double fps,
                                 cJSON *about, struct error *err)
{
    struct recorder *recorder = xcalloc(1, sizeof *recorder);
    recorder->path = xstrdup(path);
    recorder->bytes = frame_bytes(format);
    CHECK(recorder->bytes);
    cJSON *head = cJSON_CreateObject();
    cJSON_AddNumberToObject(head, "oriel_recording", 1);
    cJSON *samples = cJSON_AddObjectToObject(head, "format");
    cJSON_AddStringToObject(samples, "samples", samples_name(format->fourcc));
    cJSON_AddNumberToObject(samples, "width", format->width);
    cJSON_AddNumberToObject(samples, "height", format->height);
    cJSON_AddStringToObject(samples, "matrix", matrix_name(format->matrix));
    cJSON_AddStringToObject(samples, "range", format->full_range ? "full" : "limited");
    cJSON_AddNumberToObject(samples, "primaries", format->primaries);
    cJSON_AddNumberToObject(samples, "transfer", format->transfer);
    cJSON_AddNumberToObject(head, "fps", fps);
    while (about->child) {
        cJSON *item = cJSON_DetachItemViaPointer(about, about->child);
        cJSON_AddItemToObject(head, item->string, item);
    }
    cJSON_Delete(about);
    recorder->file = fopen(path, "wbe");
    if (recorder->file ? write_line(recorder, head, err) : failed(recorder, err))
        return recorder;
    if (!recorder->file)
        cJSON_Delete(head);
    recorder_abandon(recorder);
    return NULL;
}

static cJSON *stamp_json(const struct oriel_stamp *s)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "seq", (double)s->seq);
    cJSON_AddNumberToObject(json, "revision", (double)s->revision);
    cJSON_AddNumberToObject(json, "pts_ns", (double)s->pts_ns);
    cJSON_AddNumberToObject(json, "t_input_ns", (double)s->t_input_ns);
    cJSON_AddNumberToObject(json, "t_begin_ns", (double)s->t_begin_ns);
    cJSON_AddNumberToObject(json, "t_drawn_ns", (double)s->t_drawn_ns);
    cJSON_AddNumberToObject(json, "t_captured_ns", (double)s->t_captured_ns);
    cJSON_AddNumberToObject(json, "flags", s->flags);
    cJSON_AddNumberToObject(json, "level", s->level);
    cJSON_AddNumberToObject(json, "level_count", s->level_count);
    cJSON_AddNumberToObject(json, "coverage", s->coverage);
    cJSON_AddNumberToObject(json, "outstanding", (double)s->outstanding);
    return json;
}

bool recorder_frame(struct recorder *recorder, const struct oriel_stamp *stamp,
                    const uint8_t *packed, struct error *err)
{
    char crc[9];
    snprintf(crc, sizeof crc, "%08lx", crc32_z(0, packed, recorder->bytes));
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "frame", (double)recorder->frames);
    cJSON_AddNumberToObject(line, "bytes", (double)recorder->bytes);
    cJSON_AddStringToObject(line, "crc32", crc);
    cJSON_AddItemToObject(line, "stamp", stamp_json(stamp));
    if (!write_line(recorder, line, err))
        return false;
    errno = 0;
    if (fwrite(packed, 1, recorder->bytes, recorder->file) != recorder->bytes ||
        fputc('\n', recorder->file) == EOF)
        return failed(recorder, err);
    recorder->frames++;
    return true;
}

bool recorder_input(struct recorder *recorder, int64_t t_ns, cJSON *what, struct error *err)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddItemToObject(line, "input", what);
    cJSON_AddNumberToObject(what, "frame", (double)recorder->frames);
    cJSON_AddNumberToObject(what, "t_ns", (double)t_ns);
    return write_line(recorder, line, err);
}

uint64_t recorder_frames(const struct recorder *recorder)
{
    return recorder->frames;
}

bool recorder_close(struct recorder *recorder, struct error *err)
{
    if (!recorder)
        return true;
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(line, "end"), "frames",
                            (double)recorder->frames);
    bool good = write_line(recorder, line, err);
    errno = 0;
    good = (fflush(recorder->file) == 0 || failed(recorder, err)) && good;
    recorder_abandon(recorder);
    return good;
}

void recorder_abandon(struct recorder *recorder)
{
    if (!recorder)
        return;
    if (recorder->file)
        fclose(recorder->file);
    free(recorder->path);
    free(recorder);
}
