/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal/recovery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/check.h"
#include "util/log.h"

void recovery_destroy(struct recovery *recovery)
{
    if (!recovery)
        return;
    for (size_t i = 0; i < recovery->text_count; i++)
        free(recovery->texts[i]);
    free(recovery->texts);
    free(recovery->snapshot);
    free(recovery->records);
    free(recovery);
}

/* Keeps a damaged file from being removed with its generation. */
static void keep(struct recovery *r, const struct folder *folder, const struct piece *piece)
{
    char name[PIECE_NAME_MAX], kept[PIECE_NAME_MAX + 16];
    piece_name(piece, name);
    snprintf(kept, sizeof kept, "%s.damaged", name);
    r->damaged = true;
    if (linkat(folder->fd, name, folder->fd, kept, 0) == 0 || errno == EEXIST)
        log_error(LOG_STATE, "%s/%s: is kept as it is", folder->path, kept);
    else
        log_error(LOG_STATE, "%s/%s: cannot be kept: %s", folder->path, kept, strerror(errno));
}

/* The payload, which a zero byte then follows; NULL when the file is not whole. */
static const char *snapshot_payload(char *text, size_t bytes, uint64_t number, size_t *length)
{
    struct line head, line;
    if (line_parse(text, bytes, &head) != LINE_WHOLE ||
        line_parse(text + head.total, bytes - head.total, &line) != LINE_WHOLE ||
        line.number != number || head.total + line.total != bytes)
        return NULL;
    text[bytes - 1] = '\0';
    *length = line.bytes;
    return line.payload;
}

static bool read_snapshot(struct recovery *r, const struct folder *folder, struct pieces *pieces,
                          struct error *err)
{
    for (size_t i = pieces->count; i-- > 0;) {
        struct piece *piece = &pieces->list[i];
        if (!piece->snapshot || r->snapshot)
            continue;
        char name[PIECE_NAME_MAX];
        size_t bytes;
        piece_name(piece, name);
        if (piece->head == LINE_WHOLE && piece->base > pieces_limit(pieces, i)) {
            log_warn(LOG_STATE, "%s/%s: is of a process that was fenced: left out", folder->path,
                     name);
            piece->head = LINE_BAD;
            continue;
        }
        char *text = folder_read(folder, name, SIZE_MAX - 1, &bytes, err);
        if (!text && errno != EIO)
            return false;
        if (text && (r->snapshot_payload =
                         snapshot_payload(text, bytes, piece->base, &r->snapshot_bytes))) {
            r->snapshot = text;
            r->number = piece->base;
            continue;
        }
        free(text);
        log_error(LOG_STATE, "%s/%s: is damaged: going back to what was before it", folder->path,
                  name);
        keep(r, folder, piece);
        piece->head = LINE_BAD;
    }
    return true;
}

static void add_record(struct recovery *r, const struct line *line)
{
    if (r->record_count == r->record_capacity) {
        r->record_capacity = r->record_capacity ? 2 * r->record_capacity : 64;
        r->records = xrealloc(r->records, r->record_capacity * sizeof *r->records);
    }
    r->records[r->record_count++] = *line;
    r->number = line->number;
    r->bytes += line->total;
}

/* How many whole lines there are behind a bad one. */
static size_t count_after(const char *text, size_t bytes)
{
    size_t count = 0;
    const char *end = text + bytes, *feed;
    while ((feed = memchr(text, '\n', (size_t)(end - text)))) {
        struct line line;
        text = feed + 1;
        while (line_parse(text, (size_t)(end - text), &line) == LINE_WHOLE) {
            count++;
            text += line.total;
        }
    }
    return count;
}

/* Takes the records of one segment. False: nothing after it can be taken. */
static bool take_segment(struct recovery *r, const struct folder *folder, const struct piece *piece,
                         uint64_t limit, char *text, size_t bytes)
{
    char name[PIECE_NAME_MAX];
    piece_name(piece, name);
    uint64_t number = piece->base;
    struct line line;
    size_t at = 0;
    enum line_kind kind = line_parse(text, bytes, &line); /* the head */
    while (kind == LINE_WHOLE) {
        at += line.total;
        kind = line_parse(text + at, bytes - at, &line);
        if (kind == LINE_WHOLE && line.number != number + 1)
            kind = LINE_BAD;
        if (kind != LINE_WHOLE)
            break;
        if (line.number > limit) {
            log_warn(LOG_STATE,
                     "%s/%s: from byte %zu on written by a process that was fenced: left out",
                     folder->path, name, at);
            return true;
        }
        number = line.number;
        text[at + line.total - 1] = '\0';
        if (number > r->number)
            add_record(r, &line);
    }
    if (number >= limit)
        return true; /* what follows was dropped by the process that went on from here */
    if (kind == LINE_CUT && limit == UINT64_MAX) {
        log_warn(LOG_STATE,
                 "%s/%s: the last record, at byte %zu, is cut off: its %zu bytes are dropped",
                 folder->path, name, at, bytes - at);
        return true;
    }
    if (kind == LINE_END && limit == UINT64_MAX)
        return true;
    if (kind == LINE_BAD)
        log_error(LOG_STATE,
                  "%s/%s: is damaged at byte %zu; %zu whole records after it are left out",
                  folder->path, name, at, count_after(text + at, bytes - at));
    else
        log_error(LOG_STATE,
                  "%s/%s: ends at byte %zu with record %" PRIu64
                  ", but the next file begins after %" PRIu64,
                  folder->path, name, at, number, limit);
    keep(r, folder, piece);
    return false;
}

static bool read_records(struct recovery *r, const struct folder *folder,
                         const struct pieces *pieces, struct error *err)
{
    bool lost = false;
    for (size_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = &pieces->list[i];
        uint64_t limit = pieces_limit(pieces, i);
        if (piece->snapshot || piece->head == LINE_END || limit <= r->number)
            continue;
        char name[PIECE_NAME_MAX];
        piece_name(piece, name);
        if (!lost && (piece->head != LINE_WHOLE || piece->base > r->number))
            log_error(LOG_STATE,
                      "%s: what follows record %" PRIu64 " is missing or damaged; %s "
                      "and later files are left out",
                      folder->path, r->number, name);
        lost |= piece->head != LINE_WHOLE || piece->base > r->number;
        if (lost) {
            keep(r, folder, piece);
            continue;
        }
        size_t bytes;
        char *text = folder_read(folder, name, SIZE_MAX - 1, &bytes, err);
        if (!text && errno != EIO)
            return false;
        if (!text) {
            log_error(LOG_STATE, "%s", err->text);
            keep(r, folder, piece);
            lost = true;
            continue;
        }
        r->texts = xrealloc(r->texts, (r->text_count + 1) * sizeof *r->texts);
        r->texts[r->text_count++] = text;
        lost = !take_segment(r, folder, piece, limit, text, bytes);
    }
    return true;
}

struct recovery *recovery_read(const struct folder *folder, struct pieces *pieces,
                               struct error *err)
{
    struct recovery *r = xcalloc(1, sizeof *r);
    if (read_snapshot(r, folder, pieces, err) && read_records(r, folder, pieces, err))
        return r;
    recovery_destroy(r);
    return NULL;
}
