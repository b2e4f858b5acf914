/* SPDX-License-Identifier: BSD-3-Clause */
#include "journal/journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/room.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

/* From here on records are lost, until a snapshot makes up for them. */
static void set_broken(struct journal *journal, const struct error *why)
{
    journal->broken = true;
    journal->why = *why;
    journal_complain(journal, "the state is not stored", why);
}

/* Nothing is kept of a segment that holds no record, so that a disk that stays full does not get a
 * file with every try. */
static void drop_segment(struct journal *journal, const struct piece *piece)
{
    char name[PIECE_NAME_MAX];
    piece_name(piece, name);
    folder_remove(&journal->folder, name);
    pthread_mutex_lock(&journal->mutex);
    pieces_remove(&journal->pieces, piece);
    pthread_mutex_unlock(&journal->mutex);
}

/* Begins the next segment. JOURNAL_BUSY: its name is taken; the old one goes on. */
static enum journal_result begin_segment(struct journal *journal, bool durable, struct error *err)
{
    const struct folder *folder = &journal->folder;
    struct piece piece = {.epoch = folder->epoch,
                          .part = journal->last_part + 1,
                          .base = journal->number,
                          .head = LINE_WHOLE};
    char name[PIECE_NAME_MAX], head[PIECE_HEAD_MAX];
    piece_name(&piece, name);
    size_t bytes = piece_head(&piece, head);
    struct iovec part = {.iov_base = head, .iov_len = bytes};
    int fd = folder_create(folder, name, err);
    if (fd < 0)
        return errno == EEXIST ? JOURNAL_BUSY : JOURNAL_FAILED;
    journal->last_part++;
    bool fine = folder_write(folder, fd, name, &part, 1, err) &&
                (!durable || (folder_sync_file(folder, fd, name, err) && folder_sync(folder, err)));
    pthread_mutex_lock(&journal->mutex);
    pieces_add(&journal->pieces, &piece);
    if (fine) {
        journal->segment = journal->sync_segment = fd;
        journal->piece = piece;
        journal->good = (off_t)bytes;
    }
    pthread_mutex_unlock(&journal->mutex);
    if (fine)
        return JOURNAL_OK;
    close(fd);
    drop_segment(journal, &piece);
    set_broken(journal, err);
    return JOURNAL_FAILED;
}

/* An epoch higher than that of any process before. */
static bool raise_epoch(struct folder *folder, struct pieces *pieces, struct error *err)
{
    uint64_t epoch;
    if (!folder_read_epoch(folder, &epoch, err) || !pieces_list(pieces, folder, err))
        return false;
    for (size_t i = 0; i < pieces->count; i++) {
        if (pieces->list[i].epoch > epoch)
            epoch = pieces->list[i].epoch;
    }
    return folder_write_epoch(folder, epoch + 1, err);
}

static enum journal_result open_folder(struct journal *journal, const char *path, struct error *err)
{
    struct folder *folder = &journal->folder;
    enum journal_result result = folder_lock(folder, path, err);
    if (result != JOURNAL_OK)
        return result;
    /* The names once more: what is written after the epoch was raised does not count. */
    if (!raise_epoch(folder, &journal->pieces, err) ||
        !pieces_list(&journal->pieces, folder, err) ||
        !pieces_heads(&journal->pieces, folder, err) ||
        !(journal->recovery = recovery_read(folder, &journal->pieces, err)))
        return JOURNAL_FAILED;
    const struct recovery *found = journal->recovery;
    journal->number = found->number;
    journal->since_snapshot = found->bytes;
    journal->wanted = found->damaged;
    /* On a file system whose locks do not hold, two processes may raise the epoch to the same. */
    result = begin_segment(journal, journal->sync != JOURNAL_SYNC_OFF, err);
    if (result != JOURNAL_OK)
        return result;
    log_info(LOG_STATE, "%s: epoch %" PRIu64 ", %s%zu records recovered", folder->path,
             folder->epoch, found->snapshot ? "a snapshot and " : "", found->record_count);
    return JOURNAL_OK;
}

struct journal *journal_open(const struct journal_options *options, enum journal_result *result,
                             struct error *err)
{
    struct journal *journal = xcalloc(1, sizeof *journal);
    journal->sync = options->sync;
    journal->sync_ns = (int64_t)options->sync_ms * NS_PER_MS;
    journal->snapshot_bytes = options->snapshot_bytes;
    journal->changed = options->changed;
    journal->changed_data = options->data;
    journal->segment = journal->job.old = -1;
    journal->sync_due = INT64_MAX;
    pthread_mutex_init(&journal->mutex, NULL);
    cond_init(&journal->wake);
    *result = open_folder(journal, options->folder, err);
    if (*result == JOURNAL_OK) {
        journal->started = thread_start(&journal->keeper, "journal", keeper_run, journal);
        if (!journal->started) {
            error_set(err, "%s: the journal's thread cannot be started", options->folder);
            *result = JOURNAL_FAILED;
        }
    }
    if (*result == JOURNAL_OK)
        return journal;
    journal_close(journal);
    return NULL;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    if (journal->started) {
        pthread_mutex_lock(&journal->mutex);
        journal->stopping = true;
        pthread_cond_signal(&journal->wake);
        pthread_mutex_unlock(&journal->mutex);
        pthread_join(journal->keeper, NULL);
    }
    if (journal->segment >= 0) {
        if (fdatasync(journal->segment) != 0)
            log_error(LOG_STATE, "%s: the last records could not be synced: %s",
                      journal->folder.path, strerror(errno));
        close(journal->segment);
    }
    folder_close(&journal->folder);
    pieces_finish(&journal->pieces);
    recovery_destroy(journal->recovery);
    free(journal->batch);
    pthread_mutex_destroy(&journal->mutex);
    pthread_cond_destroy(&journal->wake);
    free(journal);
}

uint64_t journal_epoch(const struct journal *journal)
{
    return journal->folder.epoch;
}

bool journal_recover(struct journal *journal, const struct journal_visitor *visitor)
{
    struct recovery *found = journal->recovery;
    CHECK(found);
    journal->recovery = NULL;
    bool any = found->snapshot || found->record_count;
    if (found->snapshot)
        visitor->snapshot(visitor->data, found->snapshot_payload, found->snapshot_bytes);
    for (size_t i = 0; i < found->record_count; i++)
        visitor->record(visitor->data, found->records[i].payload, found->records[i].bytes);
    recovery_destroy(found);
    return any;
}

void journal_append(struct journal *journal, const char *text, size_t bytes)
{
    CHECK(!memchr(text, '\n', bytes));
    char head[LINE_HEAD_MAX];
    size_t head_bytes = line_head(head, ++journal->number, text, bytes);
    size_t total = head_bytes + bytes + 1;
    if (journal->batch_bytes + total > journal->batch_capacity) {
        journal->batch_capacity = 2 * (journal->batch_bytes + total);
        journal->batch = xrealloc(journal->batch, journal->batch_capacity);
    }
    char *at = journal->batch + journal->batch_bytes;
    memcpy(at, head, head_bytes);
    memcpy(at + head_bytes, text, bytes);
    at[total - 1] = '\n';
    journal->batch_bytes += total;
}

/* What the keeper met since. */
static void hear_keeper(struct journal *journal)
{
    pthread_mutex_lock(&journal->mutex);
    bool failed = journal->failed;
    struct error why = journal->failure;
    journal->failed = false;
    if (failed)
        journal->mending = false;
    pthread_mutex_unlock(&journal->mutex);
    if (failed)
        set_broken(journal, &why);
}

static enum journal_result write_batch(struct journal *journal, struct error *err)
{
    const struct folder *folder = &journal->folder;
    enum journal_result result = folder_check(folder, err);
    if (result != JOURNAL_OK)
        return result;
    char name[PIECE_NAME_MAX];
    piece_name(&journal->piece, name);
    struct iovec part = {.iov_base = journal->batch, .iov_len = journal->batch_bytes};
    if (!folder_write(folder, journal->segment, name, &part, 1, err) ||
        (journal->sync == JOURNAL_SYNC_BATCH &&
         !folder_sync_file(folder, journal->segment, name, err))) {
        /* A half record would be dropped at recovery as well. */
        if (ftruncate(journal->segment, journal->good) != 0)
            log_debug(LOG_STATE, "%s/%s: %s", folder->path, name, strerror(errno));
        return JOURNAL_FAILED;
    }
    journal->good += (off_t)journal->batch_bytes;
    journal->since_snapshot += journal->batch_bytes;
    /* Whoever raised the epoch after this has read what was written before it. */
    return folder_check(folder, err);
}

enum journal_result journal_commit(struct journal *journal, struct error *err)
{
    CHECK(!journal->recovery);
    hear_keeper(journal);
    bool stored = false;
    if (journal->batch_bytes && !journal->fenced && !journal->broken) {
        struct error why;
        enum journal_result result = write_batch(journal, &why);
        if (result == JOURNAL_FAILED)
            set_broken(journal, &why);
        journal->fenced = result == JOURNAL_FENCED;
        if (journal->fenced)
            journal->why = why;
        stored = result == JOURNAL_OK;
    }
    journal->batch_bytes = 0;
    pthread_mutex_lock(&journal->mutex);
    bool mending = journal->mending;
    if (stored && journal->sync == JOURNAL_SYNC_INTERVAL && journal->sync_due == INT64_MAX) {
        journal->sync_due = clock_ns() + journal->sync_ns;
        pthread_cond_signal(&journal->wake);
    }
    pthread_mutex_unlock(&journal->mutex);
    if (!journal->fenced && !journal->broken && !mending)
        return JOURNAL_OK;
    *err = journal->why;
    return journal->fenced ? JOURNAL_FENCED : JOURNAL_FAILED;
}

int64_t journal_snapshot_due(struct journal *journal)
{
    pthread_mutex_lock(&journal->mutex);
    bool due = !journal->fenced && !journal->writing &&
               (journal->broken || journal->failed || journal->wanted ||
                journal->since_snapshot >= journal->snapshot_bytes);
    int64_t at = due ? journal->retry_ns : INT64_MAX;
    pthread_mutex_unlock(&journal->mutex);
    return at <= clock_ns() ? 0 : at;
}

enum journal_result journal_snapshot(struct journal *journal, char *text, struct error *err)
{
    CHECK(journal->batch_bytes == 0 && !journal->recovery);
    hear_keeper(journal);
    int old = journal->segment;
    struct piece before = journal->piece;
    char head[PIECE_HEAD_MAX];
    bool empty = journal->good == (off_t)piece_head(&before, head);
    enum journal_result result =
        journal->fenced ? JOURNAL_FENCED : folder_check(&journal->folder, err);
    /* Else the snapshot, for which the directory is synced, comes soon. */
    bool durable = journal->sync == JOURNAL_SYNC_BATCH;
    if (result == JOURNAL_OK && begin_segment(journal, durable, err) != JOURNAL_OK)
        result = JOURNAL_FAILED;
    if (result == JOURNAL_OK && empty)
        drop_segment(journal, &before);
    if (result != JOURNAL_OK) {
        free(text);
        if (journal->fenced)
            *err = journal->why;
        if (result == JOURNAL_FENCED)
            journal->why = *err;
        journal->fenced = result == JOURNAL_FENCED;
        journal_complain(journal, "no snapshot", err);
    }
    pthread_mutex_lock(&journal->mutex);
    CHECK(!journal->writing);
    if (result == JOURNAL_OK) {
        struct piece piece = journal->piece;
        piece.snapshot = true;
        journal->job = (struct snapshot_job){.text = text, .piece = piece, .old = old};
        journal->writing = true;
        journal->mending |= journal->broken;
        journal->wanted = false;
        journal->broken = false;
        journal->since_snapshot = 0;
        pthread_cond_signal(&journal->wake);
    } else {
        journal->retry_ns = clock_ns() + JOURNAL_RETRY_NS;
    }
    pthread_mutex_unlock(&journal->mutex);
    return result;
}
