/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/script.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab/recording.h"
#include "util/check.h"
#include "util/file.h"
#include "util/nearest.h"

#define MAX_STEPS 10000000u
#define MAX_LINE (16u << 20)

/* Takes `what`. */
static void add(struct script *script, uint32_t frame, cJSON *what)
{
    uint32_t count = script->count;
    if ((count & (count - 1)) == 0)
        script->steps =
            xrealloc(script->steps, (count ? 2 * (size_t)count : 1) * sizeof *script->steps);
    script->steps[script->count++] = (struct script_step){frame, what};
    if (frame >= script->frames)
        script->frames = frame + 1;
}

void script_finish(struct script *script)
{
    for (uint32_t i = 0; i < script->count; i++)
        cJSON_Delete(script->steps[i].what);
    free(script->steps);
    *script = (struct script){0};
}

/* --- files --- */

static bool take_line(struct script *script, cJSON *line, const char *path, unsigned number,
                      struct error *err)
{
    static const char *const known[] = {"frame", "update", "call", "t_ns"};
    cJSON *item;
    cJSON_ArrayForEach(item, line)
    {
        struct nearest nearest = nearest_begin(item->string ? item->string : "");
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            nearest_offer(&nearest, known[i]);
            found |= strcmp(nearest.name, known[i]) == 0;
        }
        if (!found)
            return error_set(err, "%s:%u: unknown key \"%s\"%s", path, number, nearest.name,
                             nearest_hint(&nearest));
    }
    const cJSON *frame = cJSON_GetObjectItemCaseSensitive(line, "frame");
    cJSON *update = cJSON_GetObjectItemCaseSensitive(line, "update");
    cJSON *call = cJSON_GetObjectItemCaseSensitive(line, "call");
    double at = cJSON_IsNumber(frame) ? frame->valuedouble : -1;
    if (!(at >= 0 && at < MAX_STEPS && at == floor(at)))
        return error_set(err, "%s:%u: frame: wants a whole number", path, number);
    if (cJSON_IsObject(update) == cJSON_IsObject(call))
        return error_set(err, "%s:%u: wants \"update\" or \"call\", an object", path, number);
    if (script->count && at < script->steps[script->count - 1].frame)
        return error_set(err, "%s:%u: frame: %g comes after %u", path, number, at,
                         script->steps[script->count - 1].frame);
    cJSON *what = cJSON_CreateObject();
    cJSON *body = cJSON_DetachItemViaPointer(line, update ? update : call);
    cJSON_AddItemToObject(what, update ? "update" : "call", body);
    add(script, (uint32_t)at, what);
    return true;
}

static bool read_recording(struct script *script, const char *path, struct error *err)
{
    struct recording *recording = recording_open(path, err);
    if (!recording)
        return false;
    bool good = true;
    for (uint64_t i = 0; good && i < recording->input_count; i++) {
        cJSON *what = cJSON_Duplicate(recording->inputs[i].what, true);
        cJSON_DeleteItemFromObjectCaseSensitive(what, "frame");
        cJSON_DeleteItemFromObjectCaseSensitive(what, "t_ns");
        good =
            !cJSON_HasObjectItem(what, "told") ||
            error_set(err, "%s: is of a live session: what a server told cannot be said to another",
                      path);
        add(script, (uint32_t)recording->inputs[i].frame, what);
    }
    script->frames = (uint32_t)recording->frame_count;
    recording_close(recording);
    return good;
}

bool script_read(struct script *script, const char *path, struct error *err)
{
    *script = (struct script){0};
    FILE *file = fopen(path, "re");
    if (!file)
        return error_set(err, "%s: %s", path, strerror(errno));
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    unsigned number = 1;
    bool good = true, recording = false;
    for (; good && (length = file_line(file, &text, &room, MAX_LINE)) >= 0; number++) {
        if (text[strspn(text, " \t\r\n")] == '\0')
            continue;
        cJSON *line = cJSON_ParseWithLength(text, (size_t)length);
        recording = number == 1 && cJSON_HasObjectItem(line, "oriel_recording");
        if (!recording)
            good = cJSON_IsObject(line)
                       ? take_line(script, line, path, number, err)
                       : error_set(err, "%s:%u: is no object of JSON", path, number);
        cJSON_Delete(line);
        if (recording)
            break;
    }
    if (good && !recording && !feof(file))
        good = error_set(err, "%s:%u: %s", path, number, strerror(errno));
    free(text);
    fclose(file);
    if (recording)
        good = read_recording(script, path, err);
    if (!good)
        script_finish(script);
    return good;
}

/* --- motions --- */

static void add_update(struct script *script, uint32_t frame, const char *scope, const char *target,
                       const char *key, cJSON *value)
{
    cJSON *what = cJSON_CreateObject(), *update = cJSON_AddObjectToObject(what, "update");
    cJSON_AddStringToObject(update, "scope", scope);
    cJSON_AddStringToObject(update, "target", target);
    cJSON_AddStringToObject(update, "key", key);
    cJSON_AddItemToObject(update, "value", value);
    add(script, frame, what);
}

static void add_pose(struct script *script, uint32_t frame, unsigned ndisplay,
                     const double center[3], double zoom, const double quat[4])
{
    cJSON *pose = cJSON_CreateObject();
    cJSON_AddNumberToObject(pose, "rev", frame + 1.0);
    cJSON_AddNumberToObject(pose, "ndisplay", ndisplay);
    cJSON_AddItemToObject(pose, "center", cJSON_CreateDoubleArray(center, 3));
    cJSON_AddNumberToObject(pose, "zoom", zoom);
    cJSON_AddItemToObject(pose, "quat", cJSON_CreateDoubleArray(quat, 4));
    cJSON_AddNumberToObject(pose, "fov", 0);
    add_update(script, frame, "view", "main", "pose", pose);
}

static double number_at(const cJSON *array, int index, double otherwise)
{
    const cJSON *item = cJSON_GetArrayItem(array, index);
    return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

/* The world box of the displayed axes. */
static void read_box(const cJSON *view, double low[3], double high[3])
{
    const cJSON *extent = cJSON_GetObjectItemCaseSensitive(view, "extent");
    for (int a = 0; a < 3; a++) {
        low[a] = number_at(cJSON_GetArrayItem(extent, 0), a, 0);
        high[a] = number_at(cJSON_GetArrayItem(extent, 1), a, 0);
    }
}

/* Once around the vertical axis, nodding a little, while it fills the picture. */
static void orbit(struct script *script, const cJSON *view, uint32_t frames, double height)
{
    double low[3], high[3], center[3], longest = 0;
    read_box(view, low, high);
    for (int a = 0; a < 3; a++) {
        center[a] = (low[a] + high[a]) / 2;
        longest += (high[a] - low[a]) * (high[a] - low[a]);
    }
    double zoom = longest > 0 ? 1.2 * height / sqrt(longest) : 1;
    for (uint32_t i = 0; i < frames; i++) {
        double turn = M_PI * i / frames, nod = 0.15 * sin(2 * turn); /* half angles */
        const double quat[4] = {cos(turn) * cos(nod), cos(turn) * sin(nod), sin(turn) * cos(nod),
                                -sin(turn) * sin(nod)};
        add_pose(script, i, 3, center, zoom, quat);
    }
}

/* A figure of eight over the middle, in as it goes, and out again. */
static void pan(struct script *script, const cJSON *view, uint32_t frames)
{
    double low[3], high[3];
    read_box(view, low, high);
    const cJSON *camera = cJSON_GetObjectItemCaseSensitive(view, "camera");
    const cJSON *home = cJSON_GetObjectItemCaseSensitive(camera, "zoom");
    double start = cJSON_IsNumber(home) && home->valuedouble > 0 ? home->valuedouble : 1;
    const double quat[4] = {1, 0, 0, 0};
    for (uint32_t i = 0; i < frames; i++) {
        double t = 2 * M_PI * i / frames;
        const double center[3] = {(low[0] + high[0]) / 2 + (high[0] - low[0]) / 5 * sin(t),
                                  (low[1] + high[1]) / 2 + (high[1] - low[1]) / 6 * sin(2 * t), 0};
        add_pose(script, i, 2, center, start * (1.75 - 0.75 * cos(t)), quat);
    }
}

/* Through time, else through the first axis that is not shown; back and forth. */
static bool play(struct script *script, const cJSON *view, uint32_t frames, struct error *err)
{
    const cJSON *axes = cJSON_GetObjectItemCaseSensitive(view, "axes"), *axis, *found = NULL;
    const cJSON *order = cJSON_GetObjectItemCaseSensitive(view, "order");
    const cJSON *shown = cJSON_GetObjectItemCaseSensitive(view, "ndisplay");
    int hidden = cJSON_GetArraySize(order) - (cJSON_IsNumber(shown) ? shown->valueint : 2);
    for (int i = 0; i < hidden; i++) {
        axis = cJSON_GetArrayItem(axes, (int)number_at(order, i, 0));
        const cJSON *type = cJSON_GetObjectItemCaseSensitive(axis, "type");
        const cJSON *size = cJSON_GetObjectItemCaseSensitive(axis, "size");
        bool time = cJSON_IsString(type) && strcmp(type->valuestring, "time") == 0;
        if (cJSON_IsNumber(size) && size->valueint > 1 && (!found || time))
            found = axis;
    }
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(found, "name");
    if (!cJSON_IsString(name))
        return error_set(err, "--play: there is no axis with a slider");
    int last = cJSON_GetObjectItemCaseSensitive(found, "size")->valueint - 1;
    for (uint32_t i = 0; i < frames; i++) {
        int step = (int)(i % (2 * (uint32_t)last));
        add_update(script, i, "dims", name->valuestring, "index",
                   cJSON_CreateNumber(step <= last ? step : 2 * last - step));
    }
    return true;
}

bool script_motion(struct script *script, const struct record_request *request, const cJSON *view,
                   uint32_t frames, struct error *err)
{
    *script = (struct script){.frames = frames};
    if (request->play)
        return play(script, view, frames, err);
    const cJSON *canvas = cJSON_GetObjectItemCaseSensitive(view, "canvas");
    if (request->orbit)
        orbit(script, view, frames,
              number_at(cJSON_GetObjectItemCaseSensitive(canvas, "size"), 1, 720));
    else
        pan(script, view, frames);
    return true;
}
