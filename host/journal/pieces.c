/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal/pieces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/check.h"
#include "util/log.h"

void piece_name(const struct piece *piece, char name[PIECE_NAME_MAX])
{
    snprintf(name, PIECE_NAME_MAX, "%s-%010" PRIu64 "-%06" PRIu64 ".%s",
             piece->snapshot ? "snapshot" : "journal", piece->epoch, piece->part,
             piece->snapshot ? "json" : "log");
}

static void head_payload(const struct piece *piece, char text[PIECE_HEAD_MAX])
{
    snprintf(text, PIECE_HEAD_MAX, "{\"oriel_%s\":1,\"epoch\":%" PRIu64 ",\"part\":%" PRIu64 "}",
             piece->snapshot ? "snapshot" : "journal", piece->epoch, piece->part);
}

size_t piece_head(const struct piece *piece, char head[PIECE_HEAD_MAX])
{
    char payload[PIECE_HEAD_MAX], start[LINE_HEAD_MAX];
    head_payload(piece, payload);
    line_head(start, piece->base, payload, strlen(payload));
    int n = snprintf(head, PIECE_HEAD_MAX, "%s%s\n", start, payload);
    CHECK(n < PIECE_HEAD_MAX);
    return (size_t)n;
}

void pieces_finish(struct pieces *pieces)
{
    free(pieces->list);
    *pieces = (struct pieces){0};
}

static int compare(const void *left, const void *right)
{
    const struct piece *a = left, *b = right;
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    if (a->part != b->part)
        return a->part < b->part ? -1 : 1;
    return (int)b->snapshot - (int)a->snapshot; /* a snapshot stands before the segment */
}

void pieces_add(struct pieces *pieces, const struct piece *piece)
{
    if (pieces->count == pieces->capacity) {
        pieces->capacity = pieces->capacity ? 2 * pieces->capacity : 8;
        pieces->list = xrealloc(pieces->list, pieces->capacity * sizeof *pieces->list);
    }
    pieces->list[pieces->count++] = *piece;
    qsort(pieces->list, pieces->count, sizeof *pieces->list, compare);
}

void pieces_remove(struct pieces *pieces, const struct piece *piece)
{
    size_t kept = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        if (compare(&pieces->list[i], piece) != 0)
            pieces->list[kept++] = pieces->list[i];
    }
    pieces->count = kept;
}

static bool parse_name(const char *name, struct piece *piece)
{
    char again[PIECE_NAME_MAX], *end;
    const char *digits = strchr(name, '-');
    if (!digits)
        return false;
    *piece = (struct piece){.snapshot = name[0] == 's'};
    piece->epoch = strtoull(digits + 1, &end, 10);
    piece->part = end[0] == '-' ? strtoull(end + 1, NULL, 10) : 0;
    piece_name(piece, again);
    return strcmp(name, again) == 0 && piece->epoch < INT64_MAX;
}

static bool half_written(const char *name)
{
    size_t length = strlen(name);
    return (strncmp(name, "snapshot-", 9) == 0 || strncmp(name, "epoch.", 6) == 0) && length > 4 &&
           strcmp(name + length - 4, ".tmp") == 0;
}

bool pieces_list(struct pieces *pieces, const struct folder *folder, struct error *err)
{
    pieces_finish(pieces);
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        error_set(err, "%s: %s", folder->path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    const struct dirent *entry;
    while ((entry = (errno = 0, readdir(dir)))) {
        struct piece piece;
        if (parse_name(entry->d_name, &piece))
            pieces_add(pieces, &piece);
        else if (half_written(entry->d_name))
            folder_remove(folder, entry->d_name);
    }
    bool fine = errno == 0 || error_set(err, "%s: %s", folder->path, strerror(errno));
    closedir(dir);
    return fine;
}

static bool read_head(struct piece *piece, const struct folder *folder, struct error *err)
{
    char name[PIECE_NAME_MAX], expected[PIECE_HEAD_MAX];
    size_t bytes;
    piece_name(piece, name);
    head_payload(piece, expected);
    char *text = folder_read(folder, name, 2 * PIECE_HEAD_MAX, &bytes, err);
    if (!text) {
        piece->head = LINE_BAD;
        return errno == EIO; /* the disk's fault; anything else somebody can put right */
    }
    struct line line;
    piece->head = line_parse(text, bytes, &line);
    bool fine = piece->head != LINE_WHOLE ||
                (line.bytes == strlen(expected) && memcmp(line.payload, expected, line.bytes) == 0);
    if (piece->head == LINE_WHOLE)
        piece->base = line.number;
    else if (piece->head == LINE_CUT)
        piece->head = LINE_END;
    free(text);
    return fine || error_set(err, "%s/%s: was renamed, or is of another version of oriel",
                             folder->path, name);
}

bool pieces_heads(struct pieces *pieces, const struct folder *folder, struct error *err)
{
    for (size_t i = 0; i < pieces->count; i++) {
        if (!read_head(&pieces->list[i], folder, err))
            return false;
    }
    return true;
}

uint64_t pieces_limit(const struct pieces *pieces, size_t index)
{
    const struct piece *piece = &pieces->list[index];
    uint64_t limit = UINT64_MAX;
    for (size_t i = index + 1; i < pieces->count; i++) {
        const struct piece *later = &pieces->list[i];
        /* The process of a snapshot went on with segments of its own. */
        if (later->snapshot || later->head != LINE_WHOLE ||
            (piece->snapshot && later->epoch == piece->epoch))
            continue;
        if (later->base < limit)
            limit = later->base;
    }
    return limit;
}

struct pieces pieces_needless(struct pieces *pieces)
{
    struct pieces out = {0};
    size_t snapshots = 0;
    uint64_t covered = 0;
    for (size_t i = pieces->count; i-- > 0 && snapshots < 2;) {
        const struct piece *piece = &pieces->list[i];
        if (piece->snapshot && piece->head == LINE_WHOLE) {
            covered = piece->base;
            snapshots++;
        }
    }
    if (snapshots < 2)
        return out; /* a journal without a snapshot is the generation before the first */
    for (size_t i = 0; i < pieces->count; i++) {
        const struct piece *piece = &pieces->list[i];
        bool needless = piece->snapshot ? piece->head != LINE_WHOLE || piece->base < covered
                                        : pieces_limit(pieces, i) <= covered;
        if (needless)
            pieces_add(&out, piece);
    }
    for (size_t i = 0; i < out.count; i++)
        pieces_remove(pieces, &out.list[i]);
    return out;
}
