/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal: what must survive a crash, as an append-only list of records in a state directory,
 * and snapshots that stand for all records before them. A record is one line of JSON text that
 * means something to the caller alone. docs/state.md describes the directory.
 *
 * One process owns the directory: it holds the lock, and has raised the epoch, which is in the name
 * of every file it writes. A process that lost the lock without knowing (a file system that came
 * back, a machine that was asleep) finds another epoch before it writes and is fenced.
 *
 * All functions belong to one thread; a thread of the journal's own syncs at intervals and writes
 * snapshots. A failure to write is a result, never the end: the journal is then "broken", drops
 * what is appended, and is whole again with the next snapshot that reaches the disk. */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

enum journal_sync {
    JOURNAL_SYNC_BATCH,    /* on the disk before journal_commit returns */
    JOURNAL_SYNC_INTERVAL, /* at most sync_ms later; the kernel has it before */
    JOURNAL_SYNC_OFF       /* when the kernel likes; synced at close */
};

enum journal_result {
    JOURNAL_OK,
    JOURNAL_FAILED, /* disk full, I/O error, no permission, … */
    JOURNAL_BUSY,   /* another process owns the directory: exit status 75 */
    JOURNAL_FENCED  /* another process has taken the directory over: exit status 76 */
};

struct journal_options {
    const char *folder; /* made when it is not there; its parent must be */
    enum journal_sync sync;
    unsigned sync_ms;
    uint64_t snapshot_bytes; /* of records, after which a snapshot is due */
    /* NULL is fine. On the journal's thread, which met an error or has written a snapshot: what an
     * empty batch and journal_snapshot_due say may be new. Must not call the journal. */
    void (*changed)(void *data);
    void *data;
};

/* What recovery found. `text` is followed by a zero byte and valid during the call. */
struct journal_visitor {
    void (*snapshot)(void *data, const char *text,
                     size_t bytes);                             /* not called when there is none */
    void (*record)(void *data, const char *text, size_t bytes); /* after it, in order */
    void *data;
};

struct journal;

/* Locks, raises the epoch, reads what is there and begins a segment of its own. NULL: `result` and
 * `err` say why. What was damaged is in the log, and kept. */
struct journal *journal_open(const struct journal_options *options, enum journal_result *result,
                             struct error *err);
/* Syncs, finishes a snapshot that is being written, unlocks. NULL is fine. */
void journal_close(struct journal *journal);

uint64_t journal_epoch(const struct journal *journal);
/* Once, before the first append. False: there is nothing, the directory is new. */
bool journal_recover(struct journal *journal, const struct journal_visitor *visitor);

/* Adds a record to the batch. No line feed in `text`. */
void journal_append(struct journal *journal, const char *text, size_t bytes);
/* Writes the batch. JOURNAL_OK: all of it is stored as the sync mode promises. JOURNAL_FAILED: it
 * may be lost until a snapshot is written. JOURNAL_FENCED: nothing was stored, and nothing will be.
 * An empty batch touches no file and tells the state of the last one. */
enum journal_result journal_commit(struct journal *journal, struct error *err);

/* When (CLOCK_MONOTONIC) the caller should hand over a snapshot: 0 now, INT64_MAX not yet. */
int64_t journal_snapshot_due(struct journal *journal);
/* Takes `text`, which stands for every record so far, the batch being empty. It is written in the
 * background; after that older files go, except for those of the snapshot before. */
enum journal_result journal_snapshot(struct journal *journal, char *text, struct error *err);

#endif
