/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal's thread: syncs at intervals, writes snapshots, removes what they make needless. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/room.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

/* False when nothing was written, or another process owns the directory. */
static bool write_snapshot(const struct journal *journal, const struct snapshot_job *job,
                           struct error *err)
{
    char name[PIECE_NAME_MAX], head[PIECE_HEAD_MAX], start[LINE_HEAD_MAX], end[] = "\n";
    size_t bytes = strlen(job->text);
    piece_name(&job->piece, name);
    struct iovec parts[] = {
        {.iov_base = head, .iov_len = piece_head(&job->piece, head)},
        {.iov_base = start, .iov_len = line_head(start, job->piece.base, job->text, bytes)},
        {.iov_base = job->text, .iov_len = bytes},
        {.iov_base = end, .iov_len = 1}};
    return folder_check(&journal->folder, err) == JOURNAL_OK &&
           folder_replace(&journal->folder, name, parts, 4, err);
}

static void remove_needless(struct journal *journal)
{
    struct error err;
    if (folder_check(&journal->folder, &err) != JOURNAL_OK)
        return;
    pthread_mutex_lock(&journal->mutex);
    struct pieces needless = pieces_needless(&journal->pieces);
    pthread_mutex_unlock(&journal->mutex);
    for (size_t i = 0; i < needless.count; i++) {
        char name[PIECE_NAME_MAX];
        piece_name(&needless.list[i], name);
        folder_remove(&journal->folder, name);
    }
    pieces_finish(&needless);
}

void journal_complain(struct journal *journal, const char *what, const struct error *err)
{
    pthread_mutex_lock(&journal->mutex);
    bool known = strcmp(journal->said.text, err->text) == 0;
    journal->said = *err;
    pthread_mutex_unlock(&journal->mutex);
    if (!known)
        log_error(LOG_STATE, "%s: %s", what, err->text);
}

/* Called and returns with the mutex held. */
static void tell(struct journal *journal)
{
    pthread_mutex_unlock(&journal->mutex);
    if (journal->changed)
        journal->changed(journal->changed_data);
    pthread_mutex_lock(&journal->mutex);
}

/* Called and returns with the mutex held. */
static void run_job(struct journal *journal)
{
    struct snapshot_job job = journal->job;
    journal->job = (struct snapshot_job){.old = -1};
    pthread_mutex_unlock(&journal->mutex);
    if (job.old >= 0) {
        /* If this fails the snapshot still stands for what was in it. */
        if (journal->sync == JOURNAL_SYNC_INTERVAL && fdatasync(job.old) != 0)
            log_warn(LOG_STATE, "%s: a finished segment could not be synced", journal->folder.path);
        close(job.old);
    }
    struct error err;
    bool fine = write_snapshot(journal, &job, &err);
    free(job.text);
    if (!fine)
        journal_complain(journal, "no snapshot", &err);

    pthread_mutex_lock(&journal->mutex);
    if (fine) {
        pieces_add(&journal->pieces, &job.piece);
        if (journal->mending)
            log_info(LOG_STATE, "%s: the state is stored again", journal->folder.path);
        journal->mending = false;
        journal->said.text[0] = '\0';
    } else {
        journal->wanted = true;
        journal->retry_ns = clock_ns() + JOURNAL_RETRY_NS;
        if (journal->mending) {
            journal->failed = true;
            journal->failure = err;
        }
    }
    pthread_mutex_unlock(&journal->mutex);
    if (fine)
        remove_needless(journal);
    pthread_mutex_lock(&journal->mutex);
    journal->writing = false;
    tell(journal);
}

/* Called and returns with the mutex held. */
static void run_sync(struct journal *journal)
{
    char name[PIECE_NAME_MAX];
    struct error err;
    int segment = journal->sync_segment;
    piece_name(&journal->piece, name);
    journal->sync_due = INT64_MAX;
    pthread_mutex_unlock(&journal->mutex);
    /* The segment stays open until this thread closes it. */
    bool fine = folder_sync_file(&journal->folder, segment, name, &err);
    pthread_mutex_lock(&journal->mutex);
    if (!fine) {
        journal->failed = true;
        journal->failure = err;
        tell(journal);
    }
}

void *keeper_run(void *data)
{
    struct journal *journal = data;
    pthread_mutex_lock(&journal->mutex);
    for (;;) {
        if (journal->job.text)
            run_job(journal);
        else if (journal->stopping)
            break;
        else if (journal->sync_due <= clock_ns())
            run_sync(journal);
        else
            cond_wait_until(&journal->wake, &journal->mutex, journal->sync_due);
    }
    pthread_mutex_unlock(&journal->mutex);
    return NULL;
}
