/* SPDX-License-Identifier: BSD-3-Clause */
/* An arm of an experiment, for the files of this room. */
#ifndef PIXEL_ARM_H
#define PIXEL_ARM_H

#include "pixel/arms.h"
#include "pixel/room.h"
#include "pixel/rows.h"

#define OPEN_ROWS 512u

enum arm_drop {
    DROP_NEWER,   /* a newer frame took its place while the encoder was busy */
    DROP_CLIENT,  /* … while no client could take one */
    DROP_IDLE,    /* nobody was to see it of this arm */
    DROP_ENCODER, /* it was lost in the encoder */
    DROP_CAPTURE, /* the arm was not given it */
    DROP_STOPPED, /* it waited when the arm ended */
    DROP_KINDS
};
const char *arm_drop_name(enum arm_drop drop);

enum arm_state { ARM_OPENING, ARM_WORKS, ARM_STOPPED };

struct arm {
    /* Constant. */
    struct experiment *experiment;
    const struct experiment_arm *spec;
    uint32_t index;
    bool shadow;
    struct config *config;
    struct rungs rungs; /* its module alone */
    struct {
        struct metric *frames, *bytes, *keys, *drops[DROP_KINDS], *errors, *stopped;
        struct metric *wait, *encode, *total, *decode, *present, *back;
    } metrics;

    /* Under the stream's lock. */
    struct branch *branch; /* NULL: gone */
    enum arm_state state;
    char why[512];       /* it was stopped */
    uint64_t since_seq;  /* it is its turn from this frame on … */
    int64_t since_ns;    /* … which came then to one of the arms */
    uint64_t newest_seq; /* of the frames that have come to it */

    /* Under the book's. */
    struct row *open; /* rows that may still be filled in, oldest first */
    uint32_t first, count;
    uint64_t next_id, seen_seq; /* of the frame that came last; 0: none */
    uint32_t repeat;
    uint64_t frames, bytes, keys, drops;
    struct arm_watch watch;
    char tripped[256]; /* which limit it has passed; "": none */
};

enum experiment_state { EXPERIMENT_RUNS, EXPERIMENT_ENDS, EXPERIMENT_ENDED };

struct experiment {
    /* Constant. */
    struct stream *stream;
    struct experiment_spec spec;
    struct arm arms[EXPERIMENT_MOST_ARMS];
    pthread_t thread;
    struct metric *running, *rows_lost;

    /* Under the stream's lock. */
    pthread_cond_t wake;
    enum experiment_state state;
    bool done;         /* its thread has nothing left to do */
    bool news, drowsy; /* drowsy: its thread waits without looking at rows */
    uint32_t current;  /* the arm that is seen, where all see the same */
    int64_t begin_ns, end_ns;
    uint64_t first_seq; /* of the frames; 0: none came */
    char why[512];      /* it has ended */

    pthread_mutex_t book; /* taken last */
    struct rows *rows;    /* NULL: none are kept, or not any more */
    enum { BOOK_SHUT, BOOK_CLOSING, BOOK_OPEN } recording; /* CLOSING: no new rows */
    uint64_t written, lost;
};

/* experiment.c. Under the stream's lock: */
/* The branch of the arm that a client is to see; NULL: none, or there is no experiment. */
struct branch *experiment_place(struct stream *stream, const struct client *client);
/* What every client without a query sees, if that is an arm. */
const struct branch *experiment_classic(struct stream *stream);
/* A frame has come for an arm: whose turn is it from now on? */
void experiment_turn(struct arm *arm, const struct oriel_frame *frame, int64_t now);
/* This arm is to encode what comes. */
bool arm_is_on(const struct arm *arm);
/* … but has not got the frame that it begins with; until then it waits, or that long. INT64_MIN:
 * it has. */
int64_t arm_waits_until(const struct arm *arm, int64_t now);
/* … and for somebody. */
bool arm_is_watched(const struct arm *arm);
/* A client belongs to another branch from now on, and sees the one before until that one's key. */
void client_move(struct client *client, struct branch *to);

/* Without it: */
void arm_open(struct arm *arm); /* [its branch's thread] */
/* It works no more: those who see it go to the first. [any-thread but a capture's] */
void arm_down(struct arm *arm, const char *why);
/* No branch runs any more. */
void experiment_free(struct experiment *experiment); /* NULL is fine */
/* Its thread ends; its branches stay. */
void experiment_quit(struct experiment *experiment); /* NULL is fine */

/* shadow.c: an arm that nobody sees does not compete with the one that is seen. */
/* The thread, and those that its encoder makes, get less of a core that others want. [the
 * branch's thread, first of all] */
void shadow_begin(const struct branch *branch); /* does nothing for others */
/* Under the lock: when it may encode its pending frame; before, the arm that is seen is still at
 * it, or has not got it yet. INT64_MIN: it may. */
int64_t shadow_waits_until(const struct branch *branch);
/* Under the lock: the branch is done with a frame. */
void shadows_wake(const struct branch *branch);

/* book.c: what becomes of each frame. Any of them may be called under the stream's lock, but
 * book_watch. [any-thread] */
void book_open(struct arm *arm);
void book_close(struct arm *arm);
void book_frame(struct arm *arm, const struct oriel_stamp *stamp); /* it has come */
void book_drop(struct arm *arm, const struct oriel_stamp *stamp, enum arm_drop drop);
void book_submit(struct arm *arm, const struct oriel_stamp *stamp);
/* The frame that was given to the encoder last was lost in it. */
void book_lost(struct arm *arm);
uint64_t book_row(struct arm *arm, const struct oriel_stamp *stamp); /* 0: none */
void book_packet(struct arm *arm, const struct oriel_packet *packet, uint32_t clients);
void book_shown(struct arm *arm, uint64_t row, double decode_ms, double present_ms, double back_ms);
/* Another error of its encoder; true: one too many. */
bool book_error(struct arm *arm);
/* Rows that nothing more is awaited for are written; true: others remain. */
bool book_flush(struct arm *arm, bool all);

#endif
