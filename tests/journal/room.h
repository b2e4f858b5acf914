/* SPDX-License-Identifier: BSD-3-Clause */
/* State directories for tests. Records are "{"n":1}", "{"n":2}", … so that what comes back can be
 * told from what was written; a snapshot is {"upto":n}. */
#ifndef TESTS_JOURNAL_ROOM_H
#define TESTS_JOURNAL_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "journal/journal.h"

/* A directory that is not there yet; the same text until the next call. */
const char *room_new(void);
/* Where syncing costs nothing, if there is such a place. */
const char *room_new_in_memory(void);
void room_remove(const char *folder);
void room_copy(const char *from, const char *to);

/* The only file in the folder whose name begins so. */
void room_file(const char *folder, const char *start, char path[4096]);
size_t room_count(const char *folder, const char *start);
char *room_read(const char *path, size_t *bytes);
void room_write(const char *path, const char *data, size_t bytes);
uint64_t room_bytes(const char *folder, const char *start); /* of all such files */

extern uint64_t room_snapshot_bytes; /* of the next room_open; 1024 */
struct journal *room_open(const char *folder, enum journal_sync sync, enum journal_result *result,
                          struct error *err);
struct journal *room_must_open(const char *folder);
void room_append(struct journal *journal, unsigned n);
char *room_snapshot_text(unsigned n);

/* What came back: every number from 1 to `last`, in order; fails the test when it is anything else
 * (a snapshot stands for all up to its number). */
struct room_found {
    bool any;
    unsigned last, snapshot;
    size_t records;
};
struct room_found room_recover(struct journal *journal);
/* Opens, recovers, closes. */
struct room_found room_look(const char *folder);

/* Thousands of damaged files would be thousands of lines in the log of room_open. */
extern bool room_silent;

/* Runs `run` in a child process and returns its wait status. */
int room_child(int (*run)(void *data), void *data);

#endif
