/* SPDX-License-Identifier: BSD-3-Clause */
/* The scene record: (scope, target, key) → value, with a version of its own (from 1) for every key
 * and one revision for the whole. What is written together becomes visible together, as one
 * revision. A value that is the same as before is no write. Owned by one thread. */
#ifndef SCENE_RECORD_H
#define SCENE_RECORD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record;
struct record_batch;

/* Who wrote, so that clients can reconcile. Empty where it does not apply. */
struct record_origin {
    char session[40];     /* source_client_id */
    char intent[80];      /* intent id of the state.update */
    char interaction[80]; /* interaction_id */
    char phase[16];       /* "start", "update", "reset", … as the client says */
    uint64_t client_seq;  /* source_client_seq */
    int64_t received_ns;  /* CLOCK_MONOTONIC */
    bool shown;           /* a view.pose: the client moved its own view before it told us */
};

/* Valid until the next write of its key. `revision` is also the server_seq of the write. */
struct record_entry {
    const char *scope, *target, *key;
    const cJSON *value; /* NULL: cleared; the version goes on from there */
    uint64_t version;
    uint64_t revision;
    double timestamp; /* Unix seconds */
    struct record_origin origin;
    const cJSON *metadata; /* or NULL */
};

struct record *record_create(void);
void record_destroy(struct record *record); /* NULL is fine */
uint64_t record_revision(const struct record *record);

/* NULL when never written or cleared. */
const struct record_entry *record_find(const struct record *record, const char *scope,
                                       const char *target, const char *key);
const cJSON *record_value(const struct record *record, const char *scope, const char *target,
                          const char *key);
/* 0 when never written. */
uint64_t record_version(const struct record *record, const char *scope, const char *target,
                        const char *key);
/* All entries in the order of scope, target, key; those of one scope and target when these are
 * given. Start with *cursor = 0. Cleared entries come too. */
const struct record_entry *record_next(const struct record *record, const char *scope,
                                       const char *target, size_t *cursor);

struct record_batch *record_batch_create(void);
void record_batch_destroy(struct record_batch *batch); /* NULL is fine */
/* Takes `value`; NULL clears the key. The last put of a key in a batch counts. */
void record_put(struct record_batch *batch, const char *scope, const char *target, const char *key,
                cJSON *value);
/* Clears every key of (scope, target); of the whole scope when target is NULL. */
void record_put_clear(struct record_batch *batch, const struct record *record, const char *scope,
                      const char *target);
/* The value the key will have; NULL when this batch does not write it. */
const cJSON *record_batch_value(const struct record_batch *batch, const char *scope,
                                const char *target, const char *key);
bool record_batch_empty(const struct record_batch *batch);

/* Puts an entry back as it was, taking `value` (NULL: cleared). The record's revision is at least
 * that of the entry. */
void record_restore(struct record *record, const struct record_entry *entry, cJSON *value);
/* So that the next revision is higher than any that was ever told. */
void record_restore_revision(struct record *record, uint64_t revision);

/* Writes the batch and destroys it. Returns the new revision, or 0 when it changed nothing. */
uint64_t record_commit(struct record *record, struct record_batch *batch,
                       const struct record_origin *origin);

/* Drops the cleared keys of (scope, target), whose name will not be used again. */
void record_forget(struct record *record, const char *scope, const char *target);

#endif
