/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients are told: frames, changes of the scene, pictures of layers, numbers, faults.
 * [control] */
#ifndef CONTROL_TELL_H
#define CONTROL_TELL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/session.h"
#include "pixel/stream.h"
#include "render/render.h"
#include "scene/spec.h"

struct control;
struct config;

#define VIEW_INTERVAL_NS (NS_PER_S / 30)   /* camera echoes of poses, at most */
#define STATE_INTERVAL_NS (50 * NS_PER_MS) /* loading, level, … of layers */
#define STATUS_INTERVAL_NS (500 * NS_PER_MS)
#define TELEMETRY_INTERVAL_NS NS_PER_S

/* frame.c: sends. `payload` is JSON text of an object. */
struct envelope {
    const char *type;
    const char *frame_id; /* NULL: none */
    bool cursor;          /* with seq and token */
    uint64_t seq;
    const char *token;
    const char *intent; /* NULL or "": none */
};
void frame_id_make(struct control *control, const char *prefix, char id[64]);
void frame_send(struct control *control, struct session *session, const struct envelope *envelope,
                const char *payload);
/* The same with a payload to print; takes it. */
void frame_send_json(struct control *control, struct session *session,
                     const struct envelope *envelope, cJSON *payload);
/* To every ready session that looks at `view` (NULL: at any) and for which `filter` (or NULL)
 * holds; payloads by class, NULL skips that class. */
void frame_broadcast(struct control *control, const struct envelope *envelope,
                     const char *const payload[SPEC_CLASSES], const struct view *view,
                     bool (*filter)(const struct session *));

/* notify.c */
struct resume {
    bool layers, stream; /* replay instead of everything */
    char layers_token[64], stream_token[64];
};
void notify_baseline(struct control *control, struct session *session, const struct resume *resume);
/* The session looks at another view. */
void notify_view_entered(struct control *control, struct session *session);
/* Tells what changed since the last time, and posts the snapshot. */
void notify_changes(struct control *control, int64_t now);
void notify_timers(struct control *control, int64_t now, int64_t *deadline);
void notify_camera_delta(struct control *control, const struct view *view, const char *mode,
                         const cJSON *delta, const char *intent);
/* The session is told the view at the next turn, also if it has not changed. */
void notify_view_again(struct session *session);
/* A frame without a cursor, the same for all classes. */
void notify_plain(struct control *control, const char *type, const char *payload,
                  const struct view *view, bool (*filter)(const struct session *),
                  const char *intent);

/* thumbnails.c */
struct thumbnails *thumbnails_create(const struct config *config);
void thumbnails_destroy(struct thumbnails *self); /* NULL is fine */
/* The record has changed: some of it may matter to them. */
void thumbnails_changed(struct control *control, int64_t now);
void thumbnails_timers(struct control *control, int64_t now, int64_t *deadline);
void thumbnails_send(struct control *control, struct session *session); /* all that there are */
/* JSON of a layer's for the napari-cuda client; NULL: none yet. */
const char *thumbnails_classic(const struct control *control, const struct scene_layer *layer);

/* numbers.c */
void numbers_send_level(struct control *control, struct session *session);
void numbers_level(struct control *control, struct view *view, uint32_t level);
void numbers_timers(struct control *control, int64_t now, int64_t *deadline);

/* notices.c */
void notice_take(struct control *control, const char *view, const struct render_notice *notice);
void notice_stream(struct control *control, const char *view, const struct stream_info *info);
/* Something that is wrong with the rooms of a view, for those who look at it. */
void notice_view_fault(struct control *control, const char *view, const char *domain,
                       const char *code, const char *text);
void notice_view_begins(struct control *control, struct view *view);
void notice_view_ends(struct control *control, struct view *view);
/* The live part of a layer's `oriel` object as the renderer of `view` has it. */
cJSON *notice_layer_state(const struct view *view, const struct scene_layer *layer);
/* Layers have come or gone: what was said about those that are gone is forgotten. */
void notice_forget_layers(struct control *control);
void notice_fault(struct control *control, const char *domain, const char *code, const char *text,
                  const char *layer_id, const char *ref);
void notice_clear(struct control *control, const char *code, const char *layer_id);
/* An error for one session, or for all (NULL); only Oriel's clients get it. */
void notice_send(struct control *control, struct session *session, const cJSON *payload);
/* notify.stream's payload for clients that decode AVCC; NULL for another codec. */
cJSON *stream_payload(const struct stream_info *info);
char *status_payload(struct control *control, const struct view *view);

#endif
