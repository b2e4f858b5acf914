/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of a journal. A segment holds records; a snapshot stands for all records up to one. The
 * name says which process wrote it (its epoch) and which of its files it is (the part); the first
 * line says after which record it begins:
 *   journal-0000000007-000001.log     <crc> 812 <bytes> {"oriel_journal":1,"epoch":7,"part":1}
 *   snapshot-0000000007-000002.json   <crc> 1044 <bytes> {"oriel_snapshot":1,"epoch":7,"part":2}
 */
#ifndef JOURNAL_PIECES_H
#define JOURNAL_PIECES_H

#include "journal/folder.h"
#include "journal/line.h"

#define PIECE_NAME_MAX 64
#define PIECE_HEAD_MAX 160

struct piece {
    bool snapshot;
    uint64_t epoch, part;
    uint64_t base;       /* number of the last record before a segment, or in a snapshot */
    enum line_kind head; /* LINE_WHOLE: base is known; LINE_END: it was never begun */
};

/* In the order of epoch and part. */
struct pieces {
    struct piece *list;
    size_t count, capacity;
};

void piece_name(const struct piece *piece, char name[PIECE_NAME_MAX]);
/* The first line. Returns its length. */
size_t piece_head(const struct piece *piece, char head[PIECE_HEAD_MAX]);

void pieces_finish(struct pieces *pieces);
void pieces_add(struct pieces *pieces, const struct piece *piece);
void pieces_remove(struct pieces *pieces, const struct piece *piece);
/* The names that are there; half-written snapshots of interrupted processes are removed. */
bool pieces_list(struct pieces *pieces, const struct folder *folder, struct error *err);
/* Reads the first lines. False: a file belongs to something else. */
bool pieces_heads(struct pieces *pieces, const struct folder *folder, struct error *err);
/* Records of pieces[index] with higher numbers do not count: a later segment began after this one.
 * A process that was fenced while it wrote leaves such records. UINT64_MAX: all count. */
uint64_t pieces_limit(const struct pieces *pieces, size_t index);
/* Takes out of the list what the two newest snapshots make needless, the caller frees. */
struct pieces pieces_needless(struct pieces *pieces);

#endif
