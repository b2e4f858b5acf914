/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a journal back: the newest snapshot that is whole, and every record after it up to the
 * first that is not. An interrupted process leaves a beginning of a line at the end of its last
 * segment, which is dropped. Anything else is damage: it is said, the file is kept under a second
 * name, and recovery ends before it. */
#ifndef JOURNAL_RECOVERY_H
#define JOURNAL_RECOVERY_H

#include "journal/pieces.h"

struct recovery {
    char *snapshot; /* the file; NULL: none */
    const char *snapshot_payload;
    size_t snapshot_bytes;
    char **texts; /* the segments that hold the records */
    size_t text_count;
    struct line *records;
    size_t record_count, record_capacity;
    uint64_t number; /* of the last record */
    uint64_t bytes;  /* of the records */
    bool damaged;
};

/* Snapshots that do not count are marked in `pieces`. NULL: err. */
struct recovery *recovery_read(const struct folder *folder, struct pieces *pieces,
                               struct error *err);
void recovery_destroy(struct recovery *recovery); /* NULL is fine */

#endif
