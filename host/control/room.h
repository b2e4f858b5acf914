/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the control room. Everything here belongs to the control thread, the queue aside. */
#ifndef CONTROL_ROOM_H
#define CONTROL_ROOM_H

#include <pthread.h>

#include "control/access.h"
#include "control/control.h"
#include "control/envelope.h"
#include "control/frame_log.h"
#include "control/files.h"
#include "control/history.h"
#include "control/limit.h"
#include "control/outbox.h"
#include "control/state.h"
#include "control/surface.h"
#include "control/worker.h"
#include "scene/layers.h"
#include "scene/reduce.h"
#include "scene/scene.h"
#include "scene/scene_file.h"
#include "scene/spec.h"
#include "util/cancel.h"
#include "util/clock.h"

#define SESSION_ID_BYTES 37
#define TICKET_BYTES 33
#define VIEW_INTERVAL_NS (NS_PER_S / 30)   /* camera echoes of poses, at most */
#define STATE_INTERVAL_NS (50 * NS_PER_MS) /* loading, level, … of layers */
#define STATUS_INTERVAL_NS (500 * NS_PER_MS)
#define TELEMETRY_INTERVAL_NS NS_PER_S
#define HELLO_TIMEOUT_NS (5 * NS_PER_S)

enum message_kind {
    MESSAGE_OPEN,
    MESSAGE_TEXT,
    MESSAGE_CLOSED,
    MESSAGE_FLOOD, /* more came from the connection than may wait */
    MESSAGE_NOTICE,
    MESSAGE_STREAM,
    MESSAGE_FAULT,
    MESSAGE_REQUEST,  /* of surface.h */
    MESSAGE_DONE,     /* a job of the worker */
    MESSAGE_DEFERRED, /* a module's */
    MESSAGE_STATE     /* the journal has something to say */
};

/* What surface.h takes. */
struct request {
    enum { REQUEST_UPDATE, REQUEST_CALL, REQUEST_CANCEL } kind;
    char id[64], view[SCENE_VIEW_ID]; /* of the actor */
    enum access_role role;
    char *scope, *target, *key; /* key is the command of a call */
    cJSON *value;               /* or kwargs */
    int64_t timeout_ms;
    uint64_t number;
    surface_done *done;
    void *data;
};

struct deferred {
    int64_t due_ns;
    void (*run)(void *data);
    void *data;
};

/* One event for the control thread. */
struct message {
    struct message *next;
    enum message_kind kind;
    int64_t received_ns;
    uint64_t conn;
    const struct oriel_transport *transport;
    void *self;
    char peer[64];
    enum access_role role; /* OPEN */
    uint32_t text_kind;
    size_t bytes;
    char *text;                   /* owned; TEXT, FAULT */
    char view[SCENE_VIEW_ID];     /* NOTICE, STREAM, FAULT */
    struct render_notice *notice; /* owned, as what follows */
    struct stream_info *stream;
    struct job *job;
    struct request *request;
    struct deferred deferred;
};

/* What the renderer of a view said last about a layer. That of the shared view is in the layer too,
 * with the error, which is the same for all. */
struct view_layer {
    struct view_layer *next;
    uint64_t key;
    bool loading, failed, told;
    uint32_t level;
};

/* A view and the rooms that draw and encode it. */
struct view {
    struct view *next;
    char id[SCENE_VIEW_ID];
    struct render *render; /* NULL: none */
    struct stream *stream; /* NULL: none */
    bool ending;           /* in control->aside: not on its way in, but out */
    struct view_layer *layers;
    cJSON *faults; /* errors of these rooms that hold now, as in struct control */
    /* What its clients have been told, as revisions of the record. */
    uint64_t posted, told_dims, told_pose;
    int64_t told_ns, due_ns; /* notify.view; INT64_MAX: nothing waits */
    char *last_dims, *last_status;
    int64_t telemetry_ns; /* when the newest notify.telemetry was made; 0: never */
    uint64_t pictures;    /* encoded until then */
    uint32_t level;       /* of the first layer, as the newest picture has it */
    struct {
        int64_t next_ns; /* INT64_MAX: still */
        int direction;
    } play;
};

/* Who asks for something. */
struct actor {
    const char *id; /* of the session, or as surface.h says */
    enum access_role role;
    struct view *view;
};

enum session_state { SESSION_NEW, SESSION_READY, SESSION_CLOSING };

struct session {
    struct session *next;
    const struct oriel_transport *transport;
    void *self;
    uint64_t conn;
    char peer[64];
    enum session_state state;
    char id[SESSION_ID_BYTES];
    char name[64]; /* what the client calls itself */
    enum spec_class class;
    enum access_role role;
    struct view *view;
    bool wants_dims, wants_camera, wants_error, wants_level, wants_telemetry;
    int64_t deadline_ns; /* hello due, then the next heartbeat */
    bool heard;          /* anything since the last heartbeat */
    unsigned missed;
    uint64_t view_told; /* revision of the newest view it knows */
    bool view_foreign;  /* that is not a pose of its own */
    bool view_pending;  /* scratch of notify.c */
    uint64_t rev;       /* its newest view.pose */
    uint32_t canvas[2]; /* that it asked for; 0: never did */
    struct limit updates, commands, others;
    int64_t limited_told_ns; /* the newest log line about them */
    uint64_t largest;        /* bytes of the largest frame that may still wait to be sent */
    unsigned garbage;        /* bad messages since garbage_ns */
    int64_t garbage_ns;
};

/* A layer that was removed and may come back. */
struct removed {
    struct removed *next;
    struct scene_layer *layer;
    size_t index;
    int64_t until_ns;
};

struct control {
    const struct config *config;
    struct registry *registry;
    struct metrics *metrics;
    struct access *access;
    struct thumbnails *thumbnails;
    double heartbeat_s;
    double fps;
    double update_rate, command_rate;
    struct metric *limited_updates, *limited_commands, *garbage_counter;
    struct metric *frames_made, *frames_sent;
    struct metric *sessions_gauge, *camera_counter, *connects_counter, *config_counter;

    struct scene *scene;
    struct view main;   /* the first of the views; never goes */
    struct view *aside; /* views whose rooms are being made or ended */
    struct control_rooms rooms;
    struct routes *routes;
    struct history *history;
    struct frame_log *frames; /* or NULL */
    struct outbox *outbox;
    struct state *state; /* NULL: nothing is kept */
    struct worker *worker;
    struct session *sessions;
    struct removed *removed;
    char **allowed; /* what may be opened without data.root: named on the command line */
    size_t allowed_count;

    /* What clients have been told, as revisions of the record. */
    uint64_t told_layers, told_scene;
    uint64_t forgotten; /* told_scene when command_forget was here last */
    bool keys_gone;     /* since then: of layers that could have come back until now */
    int64_t state_due_ns, status_due_ns; /* INT64_MAX: nothing waits */
    cJSON *faults; /* errors of the data that hold now: payloads of notify.error, for clients that
                      come later */
    struct stream_info stream;
    bool has_stream;
    struct call *calls; /* that have not been answered yet */
    uint64_t next_frame_id;
    struct message *deferred; /* by due time */

    pthread_t thread;
    bool started;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    struct message *head, **tail;
    struct inbox *inboxes; /* queue.c: of connections */
    uint64_t batch;        /* counts the times that the queue was emptied */
    bool stopping;
    uint64_t next_call;
    struct scene_snapshot *current; /* of the shared view */
};

/* queue.c [any-thread] */
struct message *message_create(enum message_kind kind, uint64_t conn);
void message_destroy(struct message *message);
void control_post(struct control *control, struct message *message); /* takes it */
/* All that waits, in order; waits for something until `deadline`. [control] */
struct message *control_collect(struct control *control, int64_t deadline, bool *stopping);
void inboxes_destroy(struct control *control);

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

/* session.c */
void session_open(struct control *control, const struct message *message);
void session_text(struct control *control, const struct message *message);
void session_closed(struct control *control, uint64_t conn);
void session_flood(struct control *control, uint64_t conn);
void session_timers(struct control *control, int64_t now, int64_t *deadline);
void session_goodbye(struct control *control, struct session *session, const char *code,
                     const char *message, const char *reason, uint32_t close_code);
struct session *session_find(const struct control *control, const char *id);
/* The largest width and height that sessions at `view` other than `except` (or NULL) asked for; 0:
 * none. */
void session_canvas(const struct control *control, const struct view *view,
                    const struct session *except, uint32_t size[2]);
/* The canvas is no larger than those who look at `view` need; nobody asked: as it was. `cause`: the
 * session that came or went. */
void session_fit_canvas(struct control *control, const struct view *view, const char *cause);
/* A log line that names the peer, and a notify.error for an Oriel client; who gives too much reason
 * for it is sent away. */
void session_complain(struct control *control, struct session *session, const char *what);
/* The session asked too often; a log line now and then. */
void session_limited(struct session *session, const char *what);

void session_actor(const struct session *session, struct actor *actor);

/* hello.c: the handshake. */
void hello_take(struct control *control, struct session *session, const struct message *message);
void hello_reject(struct control *control, struct session *session, const char *code,
                  const char *message, cJSON *details);

/* update.c */
void update_take(struct control *control, struct session *session, const cJSON *frame,
                 int64_t received_ns);
/* One request by `actor`, by scope, target, key and value of `request`, whose other members are
 * filled in here: checked against the role, reduced, committed. The caller finishes `out`. True
 * when it wrote something. */
bool update_apply(struct control *control, const struct actor *actor, struct session *session,
                  struct scene_request *request, const struct record_origin *origin,
                  struct reduction *out);

/* surface.c */
void request_take(struct control *control, struct request *request);
void request_drop(struct request *request); /* answers that the room stops */

/* views.c */
struct view *view_find(struct control *control, const char *id); /* NULL: there is none */
void view_init(struct view *view, const char *id);
void view_finish(struct view *view);
/* The session looks at the shared view again; a fork of its own ends. */
void view_follow(struct control *control, struct session *session);
/* Forks in the record belong to sessions of the past. Before the thread starts. */
void views_start(struct control *control);
/* Ends what is left of forks. The thread has ended, and the worker. */
void views_stop(struct control *control);

/* routes.c: which stream pixel connections get. Safe on any thread. */
struct routes *routes_create(void);
void routes_destroy(struct routes *routes); /* NULL is fine */
void routes_add_view(struct routes *routes, const char *view, struct stream *stream);
/* Nobody gets it any more. */
void routes_remove_view(struct routes *routes, const char *view);
/* Waits until nobody has it any more. */
void routes_wait(struct routes *routes, const char *view);
/* `ticket` "": it has none. */
void routes_add_session(struct routes *routes, const char *session, const char *ticket,
                        const char *view);
void routes_set_session(struct routes *routes, const char *session, const char *view);
void routes_remove_session(struct routes *routes, const char *session);

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
void notify_layer_state(struct control *control, int64_t now);

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

/* command.c */
const char *const *command_names(void); /* NULL-terminated; the reference's three first */
/* Removed layers that cannot come back any more go, and their data with them. */
void removed_expire(struct control *control, int64_t now, int64_t *deadline);
/* The keys of layers that are gone for good. After what was cleared has been stored. */
void command_forget(struct control *control);
/* Runs the command, or answers why not. Takes `call`. */
void command_run(struct control *control, struct call *call, const char *name, const cJSON *kwargs);

/* call.c: a call from its arrival until its command is done with it. It is answered once: by the
 * command, or before that because it was cancelled or took too long. */
struct call {
    struct control *control;
    struct call *next;
    uint64_t number;
    char actor[64]; /* id of the session, or as surface.h says */
    enum access_role role;
    char view[SCENE_VIEW_ID]; /* when it was called */
    char *in_reply_to;        /* frame_id of a session's; NULL: of surface.h */
    char *key;                /* idempotency_key, or NULL */
    surface_done *done;
    void *data;
    int64_t due_ns;
    bool answered;
    struct cancel cancel; /* set when it was answered before its command was done with it */
};
void call_take(struct control *control, struct session *session, const cJSON *frame,
               int64_t received_ns);
void call_cancel_take(struct control *control, struct session *session, const cJSON *frame);
struct call *call_create(struct control *control, const struct actor *actor, uint64_t number,
                         int64_t timeout_ms);
/* Answers that the server stops if nothing has been answered. */
void call_finish(struct call *call);
void call_reply(struct control *control, struct call *call,
                cJSON *result); /* takes it; may be NULL */
void call_error(struct control *control, struct call *call, const char *code, const char *message,
                cJSON *details); /* takes details; may be NULL */
void call_cancel(struct control *control, uint64_t number);
/* The room stops: nobody waits for what is being done for calls. */
void call_stop(struct control *control);
void call_timers(struct control *control, int64_t now, int64_t *deadline);
/* The view that the caller looks at. */
struct view *call_view(struct control *control, const struct call *call);
/* Whose a change by this call is. */
void call_origin(const struct call *call, struct record_origin *origin);
/* Each takes `call` over. views.c */
void command_fork(struct control *control, struct call *call, const cJSON *kwargs);
void command_follow(struct control *control, struct call *call, const cJSON *kwargs);
/* command_data.c, command_open.c */
void command_probe(struct control *control, struct call *call, const cJSON *kwargs);
void command_range(struct control *control, struct call *call, const cJSON *kwargs, bool apply);
void command_add(struct control *control, struct call *call, const cJSON *kwargs);
void command_listdir(struct control *control, struct call *call, const cJSON *kwargs);
void command_load(struct control *control, struct call *call, const cJSON *kwargs);
/* command_scene.c */
void command_scene_save(struct control *control, struct call *call, const cJSON *kwargs);
void command_scene_list(struct control *control, struct call *call, const cJSON *kwargs);
void command_scene_load(struct control *control, struct call *call, const cJSON *kwargs);
void command_close(struct control *control, struct call *call, const cJSON *kwargs);
/* command_picture.c */
void command_screenshot(struct control *control, struct call *call, const cJSON *kwargs);
/* command_about.c */
void command_modules(struct control *control, struct call *call, const cJSON *kwargs);
void command_streams(struct control *control, struct call *call, const cJSON *kwargs);
void command_describe(struct control *control, struct call *call, const cJSON *kwargs);
/* Says no, and is done with the call. Takes details. */
void command_refuse(struct control *control, struct call *call, const char *code,
                    const char *message, cJSON *details);
/* Faults of data that is not shown any more. */
void notice_clear_data(struct control *control);

/* open.c */
struct opened {
    struct scene_layer **layers;
    size_t count;
    char *note; /* worth saying, or NULL */
};
void opened_finish(struct opened *opened);
/* Reads data; [any-thread] */
bool open_uri(struct registry *registry, const char *uri, const struct layers_options *options,
              struct opened *opened, struct error *err);
/* The layers of the index-th entry of a file; one, unless `usual` splits channels. [any-thread] */
bool open_file_layer(struct registry *registry, const struct layers_options *usual,
                     const struct scene_file *file, size_t index, struct opened *opened,
                     struct error *err);
void open_options(const struct control *control, struct layers_options *options);
/* After a fresh scene was filled: what the configuration says about the first view, which fits the
 * canvas of `viewer` if there is one and it is known. */
void open_first_view(struct control *control, const struct session *viewer);
/* Makes the canvas of a file what the sessions at the main view asked for, as the scene's is;
 * nobody did: no larger than canvas.max. */
void open_fit_canvas(const struct control *control, struct scene_file *file);
void open_allow(struct control *control, const char *uri);
bool open_allowed(const struct control *control, const char *real); /* by open_allow */

/* loop.c */
void loop_take(struct control *control, struct message *message); /* takes it */
void loop_timers(struct control *control, int64_t now, int64_t *deadline);
/* Nothing can be deferred any more; what was is called now. After the thread's end. */
void loop_close(struct control *control);

/* play.c */
void play_changed(struct control *control, struct view *view, int64_t now);
void play_timers(struct control *control, int64_t now, int64_t *deadline);

#endif
