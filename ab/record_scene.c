/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ab/picture.h"
#include "ab/record.h"
#include "ab/recording.h"
#include "ab/script.h"
#include "ab/session.h"
#include "util/check.h"
#include "util/clock.h"

#define FRAMES 120 /* of a motion, unless something else is asked for */

static cJSON *about(const struct session *session, const struct record_request *request)
{
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", "scripted");
    cJSON_AddStringToObject(json, "created", when);
    cJSON_AddStringToObject(json, "source", request->data ? request->data : request->scene);
    cJSON_AddStringToObject(json, "motion",
                            request->script  ? request->script
                            : request->orbit ? "orbit"
                            : request->pan   ? "pan"
                            : request->play  ? "play"
                                             : "still");
    cJSON_AddStringToObject(json, "oriel", ORIEL_VERSION);
    cJSON_AddStringToObject(json, "capture", session_capture(session));
    cJSON_AddStringToObject(json, "renderer", session_renderer(session));
    return json;
}

/* As many displayed dimensions as the motion wants. */
static bool prepare(struct session *session, const struct record_request *request,
                    struct recorder *recorder, struct error *err)
{
    if (!request->orbit && !request->pan)
        return true;
    cJSON *what = cJSON_CreateObject(), *update = cJSON_AddObjectToObject(what, "update");
    cJSON_AddStringToObject(update, "scope", "view");
    cJSON_AddStringToObject(update, "target", "main");
    cJSON_AddStringToObject(update, "key", "ndisplay");
    cJSON_AddNumberToObject(update, "value", request->orbit ? 3 : 2);
    bool good = session_update(session, update, err);
    if (good)
        return recorder_input(recorder, clock_ns(), what, err);
    cJSON_Delete(what);
    return false;
}

static bool say_step(struct session *session, struct recorder *recorder,
                     const struct script_step *step, struct error *err)
{
    const cJSON *update = cJSON_GetObjectItemCaseSensitive(step->what, "update");
    const cJSON *call = cJSON_GetObjectItemCaseSensitive(step->what, "call");
    int64_t now = clock_ns();
    if (update ? !session_update(session, update, err) : !session_call(session, call, err))
        return error_prefix(err, "input before frame %u", step->frame);
    return recorder_input(recorder, now, cJSON_Duplicate(step->what, true), err);
}

static bool record_frames(struct session *session, const struct record_request *request,
                          const struct script *script, struct recorder *recorder, struct error *err)
{
    uint32_t frames = request->frames ? request->frames : script->frames ? script->frames : 1;
    uint64_t bytes = frame_bytes(session_format(session)), revision = 0;
    uint8_t *packed = malloc(bytes);
    struct oriel_stamp stamp = {0};
    bool good = packed || error_set(err, "no memory for a frame");
    for (uint32_t i = 0, step = 0; good && i < frames; i++) {
        for (; good && step < script->count && script->steps[step].frame <= i; step++)
            good = say_step(session, recorder, &script->steps[step], err);
        /* What changes nothing is shown by the same picture. */
        if (good && (i == 0 || session_revision(session) != revision))
            good =
                session_picture(session, packed, &stamp, err) || error_prefix(err, "frame %u", i);
        revision = stamp.revision;
        stamp.seq = i + 1;
        stamp.pts_ns = (int64_t)((double)i / request->fps * (double)NS_PER_S);
        good = good && recorder_frame(recorder, &stamp, packed, err);
    }
    free(packed);
    return good;
}

bool record_scene(const struct config *config, const struct record_request *request,
                  struct error *err)
{
    struct script script = {0};
    struct recorder *recorder = NULL;
    if (request->script && !script_read(&script, request->script, err))
        return false;
    struct session *session = session_create(config, request, err);
    bool good = session &&
                (recorder = recorder_create(request->target, session_format(session), request->fps,
                                            about(session, request), err)) &&
                prepare(session, request, recorder, err);
    if (good && (request->orbit || request->pan || request->play)) {
        const cJSON *view = session_view(session, err);
        good = view && script_motion(&script, request, view,
                                     request->frames ? request->frames : FRAMES, err);
    }
    good = good && record_frames(session, request, &script, recorder, err);
    if (good) {
        fprintf(stderr, "oriel: ab: %llu frames of %u x %u, complete and in full quality\n",
                (unsigned long long)recorder_frames(recorder), session_format(session)->width,
                session_format(session)->height);
        good = recorder_close(recorder, err);
    } else {
        recorder_abandon(recorder);
    }
    session_destroy(session);
    script_finish(&script);
    return good;
}
