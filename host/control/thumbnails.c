/* SPDX-License-Identifier: BSD-3-Clause */
/* Thumbnails of layers: made when nobody has changed anything for a while, told when they look
 * different. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "control/room.h"
#include "render/png.h"
#include "render/thumbnail.h"
#include "scene/json.h"
#include "util/base64.h"
#include "util/check.h"
#include "util/log.h"

struct picture {
    struct picture *next;
    uint64_t key;
    char id[32];
    struct thumbnail thumbnail;
    char *json[SPEC_CLASSES]; /* `thumbnail` of notify.layers */
};

struct thumbnails {
    int64_t delay_ns; /* negative: there are none */
    int64_t due_ns;   /* INT64_MAX: nothing has changed */
    uint64_t seen;    /* revision up to which the record has been looked at */
    bool busy;
    struct picture *pictures;
};

struct thumbnails *thumbnails_create(const struct config *config)
{
    struct thumbnails *self = xcalloc(1, sizeof *self);
    self->delay_ns = config_bool(config, "thumbnails.enabled")
                         ? config_int(config, "thumbnails.delay_ms") * NS_PER_MS
                         : -1;
    self->due_ns = INT64_MAX;
    return self;
}

static void picture_free(struct picture *picture)
{
    for (int c = 0; c < SPEC_CLASSES; c++)
        free(picture->json[c]);
    free(picture);
}

void thumbnails_destroy(struct thumbnails *self)
{
    while (self && self->pictures) {
        struct picture *next = self->pictures->next;
        picture_free(self->pictures);
        self->pictures = next;
    }
    free(self);
}

/* A layer looks the same wherever the camera is and whatever is around it. */
static bool matters(const struct record_entry *entry)
{
    static const char *const not [] = {"canvas", "background", "play"};
    if (strcmp(entry->scope, "camera") == 0)
        return false;
    for (size_t i = 0; strcmp(entry->scope, "view") == 0 && i < sizeof not / sizeof *not ; i++) {
        if (strcmp(entry->key, not [i]) == 0)
            return false;
    }
    return scene_view_shows(SCENE_MAIN, entry);
}

void thumbnails_changed(struct control *control, int64_t now)
{
    struct thumbnails *self = control->thumbnails;
    if (self->delay_ns < 0)
        return;
    size_t cursor = 0;
    const struct record_entry *entry;
    while ((entry = record_next(control->scene->record, NULL, NULL, &cursor))) {
        if (entry->revision > self->seen && matters(entry))
            self->due_ns = now + self->delay_ns;
    }
    self->seen = record_revision(control->scene->record);
}

/* --- what is told ---------------------------------------------------------------------------- */

static char *classic_json(const struct thumbnail *t)
{
    cJSON *out = cJSON_CreateObject(), *rows = json_put(out, "array", cJSON_CreateArray());
    const uint8_t *at = t->rgba;
    for (uint32_t y = 0; y < t->height; y++) {
        cJSON *row = cJSON_CreateArray();
        for (uint32_t x = 0; x < t->width; x++, at += 4)
            cJSON_AddItemToArray(row, cJSON_CreateIntArray((int[]){at[0], at[1], at[2], at[3]}, 4));
        cJSON_AddItemToArray(rows, row);
    }
    json_put(out, "shape", json_from_integers((int64_t[]){t->height, t->width, 4}, 3));
    json_put_string(out, "dtype", "uint8");
    json_put_number(out, "generated_at", clock_unix());
    return json_print_free(out);
}

static char *oriel_json(const struct thumbnail *t)
{
    size_t bytes;
    uint8_t *png = encode_png(t->rgba, t->width, t->height, &bytes);
    char *text = png ? xcalloc(BASE64_SIZE(bytes), 1) : NULL;
    if (png)
        base64(png, bytes, text);
    cJSON *out = cJSON_CreateObject();
    json_put_string(out, "png", text ? text : "");
    json_put(out, "shape", json_from_integers((int64_t[]){t->height, t->width, 4}, 3));
    json_put_number(out, "generated_at", clock_unix());
    free(text);
    free(png);
    return json_print_free(out);
}

static void payloads(const struct picture *picture, char *payload[SPEC_CLASSES])
{
    for (int c = 0; c < SPEC_CLASSES; c++)
        payload[c] =
            xasprintf("{\"layer_id\":\"%s\",\"thumbnail\":%s}", picture->id, picture->json[c]);
}

/* With the newest cursor and not kept: who comes back gets them as they are then. */
static struct envelope envelope(const struct control *control)
{
    return (struct envelope){.type = "notify.layers",
                             .cursor = true,
                             .seq = history_seq(control->history, HISTORY_LAYERS),
                             .token = history_token(control->history, HISTORY_LAYERS)};
}

static void tell(struct control *control, const struct picture *picture)
{
    char *payload[SPEC_CLASSES];
    payloads(picture, payload);
    struct envelope e = envelope(control);
    frame_broadcast(control, &e, (const char *const *)payload, NULL, NULL);
    for (int c = 0; c < SPEC_CLASSES; c++)
        free(payload[c]);
}

void thumbnails_send(struct control *control, struct session *session)
{
    for (const struct picture *p = control->thumbnails->pictures; p; p = p->next) {
        if (!scene_find_key(control->scene, p->key))
            continue;
        char *payload[SPEC_CLASSES];
        payloads(p, payload);
        struct envelope e = envelope(control);
        frame_send(control, session, &e, payload[session->class]);
        for (int c = 0; c < SPEC_CLASSES; c++)
            free(payload[c]);
    }
}

const char *thumbnails_classic(const struct control *control, const struct scene_layer *layer)
{
    for (const struct picture *p = control->thumbnails->pictures; p; p = p->next) {
        if (p->key == layer->key)
            return p->json[SPEC_CLASSIC];
    }
    return NULL;
}

static struct picture *picture_of(struct thumbnails *self, const struct scene_layer *layer)
{
    for (struct picture *p = self->pictures; p; p = p->next) {
        if (p->key == layer->key)
            return p;
    }
    struct picture *picture = xcalloc(1, sizeof *picture);
    picture->key = layer->key;
    snprintf(picture->id, sizeof picture->id, "%s", layer->id);
    picture->next = self->pictures;
    self->pictures = picture;
    return picture;
}

static void take(struct control *control, const struct scene_layer *layer,
                 const struct thumbnail *made)
{
    struct picture *picture = picture_of(control->thumbnails, layer);
    const struct thumbnail *old = &picture->thumbnail;
    if (made->width == old->width && made->height == old->height &&
        memcmp(made->rgba, old->rgba, (size_t)made->width * made->height * 4) == 0)
        return;
    picture->thumbnail = *made;
    for (int c = 0; c < SPEC_CLASSES; c++)
        free(picture->json[c]);
    picture->json[SPEC_CLASSIC] = classic_json(made);
    picture->json[SPEC_ORIEL] = oriel_json(made);
    tell(control, picture);
}

static void forget_gone(struct control *control)
{
    for (struct picture **at = &control->thumbnails->pictures, *picture; (picture = *at);) {
        if (scene_find_key(control->scene, picture->key)) {
            at = &picture->next;
            continue;
        }
        *at = picture->next;
        picture_free(picture);
    }
}

/* --- making them ----------------------------------------------------------------------------- */

struct make_job {
    struct job job;
    struct render_pool *pool;
    struct scene_snapshot *snapshot;
    struct thumbnail *made; /* for each layer of the snapshot; width 0: failed */
};

static void make_drop(struct job *job)
{
    struct make_job *self = (struct make_job *)job;
    scene_snapshot_unref(self->snapshot);
    free(self->made);
    free(self);
}

static void make_run(struct job *job)
{
    struct make_job *self = (struct make_job *)job;
    for (uint32_t i = 0; i < self->snapshot->scene.layer_count; i++) {
        struct error err;
        if (!thumbnail_make(self->pool, self->snapshot, i, &self->made[i], &err)) {
            self->made[i].width = 0; /* the stream says what cannot be read */
            log_debug(LOG_LAYER, "no thumbnail: %s", err.text);
        }
    }
}

static void make_done(struct control *control, struct job *job)
{
    struct make_job *self = (struct make_job *)job;
    const struct oriel_snapshot *scene = &self->snapshot->scene;
    control->thumbnails->busy = false;
    forget_gone(control);
    for (uint32_t i = 0; i < scene->layer_count; i++) {
        const struct scene_layer *layer = scene_find_key(control->scene, scene->layers[i]->key);
        if (layer && self->made[i].width)
            take(control, layer, &self->made[i]);
    }
    make_drop(job);
}

void thumbnails_timers(struct control *control, int64_t now, int64_t *deadline)
{
    struct thumbnails *self = control->thumbnails;
    if (self->busy || !control->rooms.pool || !control->sessions)
        return;
    if (now < self->due_ns) {
        if (self->due_ns < *deadline)
            *deadline = self->due_ns;
        return;
    }
    self->due_ns = INT64_MAX;
    if (!control->scene->layer_count)
        return;
    struct make_job *job = xcalloc(1, sizeof *job);
    job->job =
        (struct job){.run = make_run, .done = make_done, .drop = make_drop, .kind = JOB_READ};
    job->pool = control->rooms.pool;
    job->snapshot = scene_snapshot_create(control->scene, SCENE_MAIN);
    job->made = xcalloc(job->snapshot->scene.layer_count, sizeof *job->made);
    self->busy = true;
    worker_add(control->worker, &job->job);
}
