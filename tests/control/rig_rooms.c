/* SPDX-License-Identifier: BSD-3-Clause */
/* The rig's render and pixel rooms, made of lists, and what was asked of them. */
#include "rig_rooms.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/thumbnail.h"
#include "render/value.h"
#include "rig.h"
#include "util/cancel.h"
#include "util/check.h"
#include "util/clock.h"

/* The rooms of one view: the first is the shared one, the others are made and ended. */
struct render {
    bool used;
    char id[16];
    struct scene_snapshot *posted;
    unsigned posts;
};
struct stream {
    int unused;
};
#define MAX_ROOMS 8
static struct render renders[MAX_ROOMS] = {{.used = true, .id = "main"}};
static struct stream streams[MAX_ROOMS];
static pthread_mutex_t rooms_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t rooms_changed = PTHREAD_COND_INITIALIZER;
static const char *refusal;
static bool rooms_wait, ends_wait, pictures_wait;
static int pictures, thumbnails;
static int key_requests;
static uint64_t intent_rev, intent_revision;

/* Under the mutex. */
static struct render *room_of(const char *id)
{
    for (int i = 0; i < MAX_ROOMS; i++) {
        if (renders[i].used && strcmp(renders[i].id, id) == 0)
            return &renders[i];
    }
    return NULL;
}

static bool open_view(void *data, const char *id, struct render **render, struct stream **stream,
                      struct error *err)
{
    (void)data;
    pthread_mutex_lock(&rooms_mutex);
    while (rooms_wait)
        pthread_cond_wait(&rooms_changed, &rooms_mutex);
    int i = 0;
    while (renders[i].used)
        i++;
    bool fine = !refusal || error_set(err, "%s", refusal);
    CHECK(i < MAX_ROOMS && !room_of(id));
    if (fine) {
        renders[i] = (struct render){.used = true};
        snprintf(renders[i].id, sizeof renders[i].id, "%s", id);
        *render = &renders[i];
        *stream = &streams[i];
    }
    pthread_cond_broadcast(&rooms_changed);
    pthread_mutex_unlock(&rooms_mutex);
    return fine;
}

static void close_view(void *data, const char *id)
{
    (void)data;
    pthread_mutex_lock(&rooms_mutex);
    while (ends_wait)
        pthread_cond_wait(&rooms_changed, &rooms_mutex);
    struct render *render = room_of(id);
    CHECK(render);
    scene_snapshot_unref(render->posted);
    *render = (struct render){.used = false};
    pthread_cond_broadcast(&rooms_changed);
    pthread_mutex_unlock(&rooms_mutex);
}

void rig_refuse_views(const char *why)
{
    pthread_mutex_lock(&rooms_mutex);
    refusal = why;
    pthread_mutex_unlock(&rooms_mutex);
}

void rig_hold_views(bool hold)
{
    pthread_mutex_lock(&rooms_mutex);
    rooms_wait = hold;
    pthread_cond_broadcast(&rooms_changed);
    pthread_mutex_unlock(&rooms_mutex);
}

static void set_flag(bool *flag, bool value)
{
    pthread_mutex_lock(&rooms_mutex);
    *flag = value;
    pthread_cond_broadcast(&rooms_changed);
    pthread_mutex_unlock(&rooms_mutex);
}

void rig_hold_ends(bool hold)
{
    set_flag(&ends_wait, hold);
}

void rig_hold_pictures(bool hold)
{
    set_flag(&pictures_wait, hold);
}

static int read_count(const int *count)
{
    pthread_mutex_lock(&rooms_mutex);
    int n = *count;
    pthread_mutex_unlock(&rooms_mutex);
    return n;
}

int rig_pictures(void)
{
    return read_count(&pictures);
}

int rig_thumbnails(void)
{
    return read_count(&thumbnails);
}

bool rig_wait_views(int count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    int open, late = 0;
    pthread_mutex_lock(&rooms_mutex);
    for (;;) {
        open = 0;
        for (int i = 1; i < MAX_ROOMS; i++)
            open += renders[i].used;
        if (open == count || late)
            break;
        late = pthread_cond_timedwait(&rooms_changed, &rooms_mutex, &until);
    }
    pthread_mutex_unlock(&rooms_mutex);
    return open == count;
}

struct stream *rig_stream(const char *view)
{
    pthread_mutex_lock(&rooms_mutex);
    struct render *render = room_of(view);
    pthread_mutex_unlock(&rooms_mutex);
    return render ? &streams[render - renders] : NULL;
}

unsigned rig_posts(const char *view)
{
    pthread_mutex_lock(&rooms_mutex);
    struct render *render = room_of(view);
    unsigned posts = render ? render->posts : 0;
    pthread_mutex_unlock(&rooms_mutex);
    return posts;
}

void render_expect(struct render *render)
{
    (void)render;
}

void render_post(struct render *render, struct scene_snapshot *snapshot)
{
    pthread_mutex_lock(&rooms_mutex);
    scene_snapshot_unref(render->posted);
    render->posted = scene_snapshot_ref(snapshot);
    render->posts++;
    pthread_cond_broadcast(&rooms_changed);
    pthread_mutex_unlock(&rooms_mutex);
}

bool data_probe(struct render_pool *pool, const struct layer_binding *binding,
                const int64_t index[ORIEL_MAX_AXES], struct data_value *value, struct error *err)
{
    (void)pool;
    (void)err;
    uint16_t sum = 0;
    for (uint32_t a = 0; a < binding->axis_count; a++)
        sum = (uint16_t)(sum + (binding->layer_axis[a] < 0 ? (int64_t)binding->start[a]
                                                           : index[binding->layer_axis[a]]));
    *value = (struct data_value){.dtype = ORIEL_U16};
    memcpy(value->bytes, &sum, sizeof sum);
    return true;
}

bool thumbnail_make(struct render_pool *pool, const struct scene_snapshot *snapshot, uint32_t layer,
                    struct thumbnail *out, struct error *err)
{
    (void)pool;
    (void)err;
    pthread_mutex_lock(&rooms_mutex);
    thumbnails++;
    pthread_mutex_unlock(&rooms_mutex);
    *out = (struct thumbnail){.width = 32, .height = 8};
    double gamma = snapshot->scene.layers[layer]->gamma; /* what it looks like */
    memset(out->rgba, (int)(100 * gamma), sizeof out->rgba);
    return true;
}

static void picture_cancelled(void *data)
{
    set_flag(data, true);
}

bool render_screenshot(struct render_pool *pool, struct scene_snapshot *snapshot, uint32_t width,
                       uint32_t height, int64_t timeout_ns, struct cancel *cancel, uint8_t *rgba,
                       struct error *err)
{
    (void)pool;
    (void)snapshot;
    if (timeout_ns < NS_PER_S)
        return error_set(err, "it takes a second");
    bool cancelled = false;
    cancel_watch(cancel, picture_cancelled, &cancelled);
    pthread_mutex_lock(&rooms_mutex);
    pictures++;
    while (pictures_wait && !cancelled)
        pthread_cond_wait(&rooms_changed, &rooms_mutex);
    pictures--;
    pthread_mutex_unlock(&rooms_mutex);
    cancel_unwatch(cancel);
    if (cancelled)
        return error_set(err, "nobody waits for it");
    memset(rgba, 200, (size_t)width * height * 4);
    return true;
}

const char *render_renderer(const struct render *render)
{
    (void)render;
    return "llvmpipe (test)";
}

const char *render_capture_id(const struct render *render, const struct oriel_format *format)
{
    (void)render;
    (void)format;
    return "capture/test";
}

const char *render_scene_id(const struct render *render)
{
    (void)render;
    return "scene/test";
}

void stream_request_key(struct stream *stream, const char *why)
{
    (void)stream;
    (void)why;
    pthread_mutex_lock(&rooms_mutex);
    key_requests++;
    pthread_mutex_unlock(&rooms_mutex);
}

void stream_note_intent(struct stream *stream, const char *session, uint64_t rev, uint64_t revision)
{
    (void)stream;
    (void)session;
    pthread_mutex_lock(&rooms_mutex);
    intent_rev = rev;
    intent_revision = revision;
    pthread_mutex_unlock(&rooms_mutex);
}

void stream_note_pose(struct stream *stream, uint64_t revision, const struct pixel_pose *pose)
{
    (void)stream;
    (void)revision;
    (void)pose;
}

void stream_session_closed(struct stream *stream, const char *session)
{
    (void)stream;
    (void)session;
}

bool stream_current(struct stream *stream, struct stream_info *info)
{
    (void)stream;
    (void)info;
    return false;
}

void stream_load(struct stream *stream, struct stream_load *load)
{
    (void)stream;
    *load = (struct stream_load){0};
}

char *stream_status_json(struct stream *stream)
{
    (void)stream;
    return xstrdup("{\"codec\":\"h264\"}");
}

struct scene_snapshot *rig_posted(struct rig *rig)
{
    (void)rig;
    pthread_mutex_lock(&rooms_mutex);
    struct scene_snapshot *posted = renders[0].posted;
    struct scene_snapshot *snapshot = posted ? scene_snapshot_ref(posted) : NULL;
    pthread_mutex_unlock(&rooms_mutex);
    return snapshot;
}

struct scene_snapshot *rig_wait_posted_at(const char *view, uint64_t revision)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&rooms_mutex);
    struct scene_snapshot *snapshot = NULL;
    for (int late = 0; !snapshot && !late;) {
        const struct render *render = room_of(view);
        if (render && render->posted && render->posted->scene.revision >= revision)
            snapshot = scene_snapshot_ref(render->posted);
        else
            late = pthread_cond_timedwait(&rooms_changed, &rooms_mutex, &until);
    }
    pthread_mutex_unlock(&rooms_mutex);
    assert_non_null(snapshot);
    return snapshot;
}

struct scene_snapshot *rig_wait_posted(struct rig *rig, uint64_t revision)
{
    (void)rig;
    return rig_wait_posted_at("main", revision);
}

int rig_key_requests(void)
{
    pthread_mutex_lock(&rooms_mutex);
    int n = key_requests;
    pthread_mutex_unlock(&rooms_mutex);
    return n;
}

void rig_intent(uint64_t *rev, uint64_t *revision)
{
    pthread_mutex_lock(&rooms_mutex);
    *rev = intent_rev;
    *revision = intent_revision;
    pthread_mutex_unlock(&rooms_mutex);
}

struct control_rooms rig_rooms(void)
{
    return (struct control_rooms){.pool = (struct render_pool *)&renders,
                                  .render = &renders[0],
                                  .stream = &streams[0],
                                  .open_view = open_view,
                                  .close_view = close_view};
}

void rig_rooms_clear(void)
{
    pthread_mutex_lock(&rooms_mutex);
    scene_snapshot_unref(renders[0].posted);
    renders[0].posted = NULL;
    renders[0].posts = 0;
    key_requests = 0;
    pthread_mutex_unlock(&rooms_mutex);
}
