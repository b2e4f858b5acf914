/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of this room share: the stream, its branches, its clients.
 *
 * One lock for all of it, held for moments: never while a module, the render room or an event is
 * called. A branch's thread owns its encoder; the encoder's sink may be on another thread. */
#ifndef PIXEL_ROOM_H
#define PIXEL_ROOM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "config/experiments.h"
#include "metrics/metrics.h"
#include "pixel/client.h"
#include "pixel/instance.h"
#include "pixel/ladder.h"
#include "pixel/notes.h"
#include "pixel/stream.h"
#include "render/render.h"

#define MAX_LADDER 16u /* encoders in a list */
/* The main one, the stills, and of each codec one for each order of rows. */
#define MAX_BRANCHES (2 * CODEC_COUNT + 2u + EXPERIMENT_MOST_ARMS)

struct arm;
struct experiment;
struct stream;

/* One encoder of a list, for all branches of a stream. Under the lock, but for `id`. */
struct rung {
    const char *id;
    uint32_t codecs[CODEC_COUNT]; /* what it says it writes, once that is known; 0 ends */
    bool failed;                  /* while it ran: not asked again before `retry_ns` */
    int64_t retry_ns; /* when one that failed, or was refused for now, gets its chance */
    int64_t pause_ns; /* before that; doubles */
    int64_t taken_ns; /* when it was taken last, 0: not since its last failure */
    char why[192];    /* of `failed` */
};

struct rungs {
    struct rung at[MAX_LADDER];
    uint32_t count;
    char wished[64];      /* taken wherever it works, whatever the ladder says; "": none */
    bool codecs_known;    /* under the catalog lock */
    struct rungs *former; /* constant: choices may still be at it */
};

/* What was found out about a rung when the branch's encoder was chosen. */
struct verdict {
    const char *id; /* of the rung; NULL ends them */
    bool taken;
    double ms;     /* for a picture; negative: not measured */
    char why[256]; /* it was not taken; "" where that was never asked */
};

/* What is encoded once for everyone who decodes one codec; or the stills. Made when somebody needs
 * it, kept asleep when nobody does. */
struct branch {
    /* Constant. */
    struct stream *stream;
    bool main, still;
    struct arm *arm; /* of an experiment; NULL: of the stream itself */
    char label[16];  /* "main", "vp8", "still", an arm's */
    pthread_t thread;

    /* Under the lock. */
    pthread_cond_t wake;
    bool stop;
    bool dead;      /* no encoder of the list writes its codec */
    uint32_t codec; /* the main branch's changes when its encoders are used up */
    bool top_down;  /* of its pictures the first row is the top one; choice.c */
    bool turning;   /* … from now on: those who need that get no others any more */
    const struct oriel_frame *pending; /* newest, not yet encoded; a reference */
    int64_t pending_ns;                /* since when there is one */
    uint64_t given_seq, out_seq; /* frame that the encoder was given last; whose packet is out */
    char unmade[256]; /* why nobody makes pictures for the instance any more; "": they come */
    bool key_wanted;
    int64_t last_key_ns;
    bool blocked;            /* a client that can take something may change the plan */
    bool tell;               /* … which is told again with the next key */
    uint64_t configuration;  /* counts decoder configurations, from 1 */
    struct stream_info info; /* the newest of them */
    char encoder[64], chain[256], reason[512]; /* of the instance, which may have none yet */
    struct verdict verdicts[MAX_LADDER];
    int64_t upgrade_ns; /* when an encoder that was out gets its chance; INT64_MAX: none is */
    struct metric *encoder_info; /* constant */
    struct order *order;         /* of somebody who waits until it is obeyed; NULL: none */
    struct ahead {
        const struct oriel_format *format; /* of the successor; NULL: none is awaited */
        const struct oriel_frame *frame;   /* the newest; a reference */
        int64_t until_ns;                  /* INT64_MAX where none is awaited */
        uint32_t tap;                      /* the branch's thread; 0: none */
    } ahead;                               /* ahead.c */
    uint64_t frames, keys, bytes, dropped;
    int64_t rate_second;
    uint64_t rate_now, rate_last; /* bytes in this and in the last second */
    struct still {
        const struct oriel_buffer *file; /* the newest still; a reference */
        struct oriel_packet packet;      /* without its data */
    } newest_still;

    /* The branch's thread. */
    struct instance *instance; /* NULL: none */
    unsigned failures;         /* pictures lost in the encoder, one after the other */
    uint32_t tap;
    const struct oriel_frame *last; /* encoded last; a reference */
    int64_t refine_ns;              /* when the next refinement is due */
    unsigned refine_left;
    bool owed; /* the last picture was lost in the encoder */
    /* The sink's, never two at a time. */
    FILE *dump;
    int64_t dump_left;
};

struct stream {
    /* Constant. */
    struct registry *registry;
    struct render *render;
    struct stream_events events;
    char prefix[20]; /* before the branches' names in the log: "v1/", of the shared view "" */
    struct notes *notes;
    double fps;
    int64_t dump_count;
    const char *dump_dir;
    struct metrics *all_metrics;
    double unix_offset; /* Unix seconds when the monotonic clock was 0 */
    struct {
        struct metric *frames, *bytes, *keys, *key_requests, *configs, *resets, *faults, *retries;
        struct metric *dropped_newest, *dropped_slow, *dropped_error;
        struct metric *wait, *encode, *pack, *total, *client_queue, *client_decode, *client_wait;
        struct metric *clients, *last_key_seq, *last_key_time, *queue_depth;
    } metrics;

    /* What stream_reconfigure changes. */
    struct rungs *_Atomic ladder; /* modules.encoder */
    struct rungs *_Atomic stills; /* modules.still */
    _Atomic(enum ladder_prefer) prefer;
    _Atomic int64_t retry_ns; /* before an encoder that failed is asked again for the first time */
    _Atomic int64_t key_cooldown_ns, settle_ns;
    atomic_uint refine;

    pthread_mutex_t lock;
    struct client_limits limits;
    pthread_cond_t idle;   /* a client's busy count went down */
    pthread_cond_t obeyed; /* a branch's order */
    struct client *clients;
    struct branch *branches[MAX_BRANCHES];
    uint32_t branch_count;
    struct experiment *experiment; /* that runs, or has ended; NULL: none */
    uint32_t width, height;        /* of the newest frame, or the canvas as configured */
    uint64_t newest_seq;           /* of all frames seen */
    int64_t newest_ns;             /* when it came */
    double decode_ms;              /* that a client reported last */

    /* Held while modules are asked what they write. */
    pthread_mutex_t catalog_lock;
    pthread_mutex_t changing; /* held by stream_change */
};

/* branch.c. Under the lock: */
struct branch *branch_create(struct stream *stream, bool main, bool still, uint32_t codec);
bool branch_start(struct branch *branch, struct error *err);
void branch_stop(struct branch *branch);    /* once; joins; without the lock */
void branch_close(struct branch *branch);   /* its encoder, if it has one; its thread or none */
void branch_destroy(struct branch *branch); /* no branch runs any more, since they see each other */
/* pick.c. Both fill the instance with the encoder that stream.prefer means, with that codec, or any
 * where it is 0; [the branch's thread, or main before it starts]. */
/* The instance there is goes first; false where none works, with all reasons. */
bool branch_open(struct branch *branch, uint32_t codec, uint32_t width, uint32_t height,
                 struct error *err);
/* For pictures of another size: the instance there is goes on where it is chosen again and can. */
bool branch_resize(struct branch *branch, uint32_t codec, uint32_t width, uint32_t height,
                   bool *goes_on, struct error *err);
/* The instance there is goes on until a better one works; true when one has taken over. */
bool branch_upgrade(struct branch *branch, uint32_t codec);
/* What is to take over from the encoder of a branch, ready: the one of that id, or (NULL) what the
 * ladder says. NULL with the reason; without one the encoder in use is the right one, unless it is
 * to be made `anew`. [any-thread, one at a time] */
struct successor *successor_create(struct branch *branch, const char *id, bool anew,
                                   struct error *err);
/* [the branch's thread] */
void successor_take_over(struct branch *branch, struct successor *successor);
const struct oriel_format *successor_format(const struct successor *successor);
/* Ends it, or the encoder in whose place it is. */
void successor_destroy(struct successor *successor);
/* Its encoder failed while it ran. */
void branch_set_back(struct branch *branch, const char *why);

/* It belongs to the client's branch, or is the stills' and the client wants some. */
bool branch_serves(const struct branch *branch, const struct client *client);

/* loop.c */
void *branch_run(void *data);
/* What the renderer calls with a branch. */
void branch_frame(void *data, const struct oriel_frame *frame);
void branch_frame_refused(void *data, const char *why);
/* A demand for pictures; 0: the renderer takes no more. */
uint32_t branch_tap(struct branch *branch, const struct oriel_format *format,
                    void (*frame)(void *data, const struct oriel_frame *frame),
                    void (*refused)(void *data, const char *why));
/* Another encoder has taken over, in place of one with `format`. [the branch's thread] */
void branch_changed_over(struct branch *branch, const struct oriel_format *format);

/* ahead.c: pictures for the encoder that is to take over. [the branch's thread] */
bool same_samples(const struct oriel_format *a, const struct oriel_format *b);
/* The first has come, or is not to be waited for. Under the lock, which may be given up for it. */
bool ahead_there(struct branch *branch, const struct oriel_format *format);
/* It has taken over: what has come becomes the branch's, where that has no tap; else it goes.
 * Without the lock. */
void ahead_adopt(struct branch *branch);
void ahead_drop(struct branch *branch);

/* change.c: what others have asked for while it ran. [the branch's thread, without the lock] */
bool branch_order_due(struct branch *branch); /* as ahead_there */
void branch_obey(struct branch *branch);
void branch_refuse_orders(struct branch *branch); /* its thread ends; under the lock */
void stream_forget_lists(struct stream *stream);  /* no branch runs any more */

/* fanout.c */
void fanout_packet(const struct oriel_packet_sink *sink, const struct oriel_packet *packet);
/* The branch's newest still to those who want it and have none newer. */
void fanout_still(struct branch *branch);
/* What a key packet says about decoding. */
void fanout_describe(const struct stream *stream, const struct oriel_packet *packet,
                     struct stream_info *info);
/* Tells it, with the branch's encoder, when it is new. Without the lock. */
void fanout_configure(struct branch *branch, struct stream_info *info);
/* Holds clients while modules are called with them. At most `room`; without the lock. */
uint32_t clients_hold(struct branch *branch, struct client **held, uint32_t room);
void clients_release(struct stream *stream, struct client **held, uint32_t count);
/* How much waits to be sent to them; without the lock. */
void clients_look_at_queues(struct branch *branch);

/* choice.c: which branch a client belongs to. Without the lock. */
void stream_learn_codecs(struct stream *stream, struct rungs *ladder);
bool stream_place(struct stream *stream, struct client *client, struct error *err);
/* Under the lock. */
bool branch_has_rows(const struct branch *branch, enum row_order rows);
/* The branch of H.264, which classic clients get; NULL: none. Under the lock. */
const struct branch *stream_classic(struct stream *stream);
/* Such clients wait to be told how to decode before they look: makes that branch where the main one
 * writes something else, tries its encoder and lets it go. [main, before anyone looks] */
void stream_prepare_classic(struct stream *stream);
/* The branch cannot go on: its clients go elsewhere, or are told why not. */
void stream_evict(struct branch *branch);

#define MAX_CLIENTS 1024u

#endif
