/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the journal. */
#ifndef JOURNAL_ROOM_H
#define JOURNAL_ROOM_H

#include <pthread.h>

#include "journal/recovery.h"
#include "util/clock.h"

#define JOURNAL_RETRY_NS NS_PER_S /* between attempts to become whole again */

/* A snapshot on its way to the disk. */
struct snapshot_job {
    char *text; /* NULL: none */
    struct piece piece;
    int old; /* the segment before it, to sync and close; -1: none */
};

struct journal {
    struct folder folder;
    enum journal_sync sync;
    int64_t sync_ns;
    uint64_t snapshot_bytes;
    void (*changed)(void *data);
    void *changed_data;

    /* The owner's thread. */
    int segment;
    struct piece piece; /* the segment's */
    uint64_t last_part; /* that has a file */
    off_t good;         /* where its last whole batch ends */
    uint64_t number;    /* of the last record */
    char *batch;
    size_t batch_bytes, batch_capacity;
    uint64_t since_snapshot; /* bytes of records */
    bool fenced, broken;
    struct error why;          /* of either */
    struct recovery *recovery; /* until journal_recover */

    pthread_t keeper;
    bool started;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    struct pieces pieces;
    bool stopping;
    int sync_segment;
    int64_t sync_due;        /* INT64_MAX: nothing is to be synced */
    struct snapshot_job job; /* handed over */
    bool writing;            /* a snapshot, handed over or being written */
    bool mending;            /* it makes a broken journal whole */
    bool wanted;             /* a snapshot, however few records there are */
    int64_t retry_ns;        /* no snapshot before that */
    bool failed;             /* the keeper could not write; `failure` says why */
    struct error failure;
    struct error said; /* last in the log; empty when all is well */
};

/* keeper.c: the journal's own thread. */
void *keeper_run(void *journal);
/* One line in the log, not again and again. */
void journal_complain(struct journal *journal, const char *what, const struct error *err);

#endif
