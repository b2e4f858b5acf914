/* SPDX-License-Identifier: BSD-3-Clause */
/* Which branch a client belongs to. */
#include <stdlib.h>
#include <string.h>

#include "pixel/arm.h"
#include "pixel/room.h"
#include "util/clock.h"
#include "util/log.h"

void stream_learn_codecs(struct stream *stream, struct rungs *ladder)
{
    pthread_mutex_lock(&stream->catalog_lock);
    for (uint32_t i = 0; !ladder->codecs_known && i < ladder->count; i++) {
        struct rung *rung = &ladder->at[i];
        uint32_t written[CODEC_COUNT] = {0};
        instance_codecs(stream->registry, rung->id, written, CODEC_COUNT);
        pthread_mutex_lock(&stream->lock);
        memcpy(rung->codecs, written, sizeof written);
        pthread_mutex_unlock(&stream->lock);
    }
    ladder->codecs_known = true;
    pthread_mutex_unlock(&stream->catalog_lock);
}

/* Under the lock from here on. */

static bool somebody_writes(const struct stream *stream, uint32_t codec)
{
    int64_t now = clock_ns();
    const struct rungs *ladder = stream->ladder;
    for (uint32_t i = 0; i < ladder->count; i++) {
        const struct rung *rung = &ladder->at[i];
        for (uint32_t k = 0; k < CODEC_COUNT; k++) {
            if (rung->codecs[k] == codec && (!rung->failed || now >= rung->retry_ns))
                return true;
        }
    }
    return false;
}

bool branch_has_rows(const struct branch *branch, enum row_order rows)
{
    return rows == ROWS_ANY || branch->top_down == (rows == ROWS_TOP_FIRST);
}

/* Its pictures have that order of rows, or can be turned since nobody but `client` needs theirs. */
static bool suits(const struct branch *branch, enum row_order rows, const struct client *client)
{
    if (branch_has_rows(branch, rows))
        return true;
    for (const struct client *other = branch->stream->clients; other; other = other->next) {
        if (other != client && other->branch == branch && other->wish.rows != ROWS_ANY)
            return false;
    }
    return true;
}

/* For `client`, which may be NULL. */
static struct branch *find(struct stream *stream, uint32_t codec, enum row_order rows,
                           const struct client *client)
{
    for (uint32_t i = 0; i < stream->branch_count; i++) {
        struct branch *branch = stream->branches[i];
        if (!branch->arm && !branch->still && branch->codec == codec && suits(branch, rows, client))
            return branch;
    }
    return NULL;
}

static struct branch *find_still(struct stream *stream)
{
    for (uint32_t i = 0; i < stream->branch_count; i++) {
        if (stream->branches[i]->still)
            return stream->branches[i];
    }
    return NULL;
}

const struct branch *stream_classic(struct stream *stream)
{
    const struct branch *arm = experiment_classic(stream);
    if (arm)
        return arm;
    for (const struct client *client = stream->clients; client; client = client->next) {
        if (!client->wish.ext && client->branch && !client->branch->arm)
            return client->branch;
    }
    const struct branch *branch = find(stream, ORIEL_CODEC_H264, ROWS_BOTTOM_FIRST, NULL);
    /* The next to come gets one of its own, most likely of the same encoder. */
    return branch ? branch : find(stream, ORIEL_CODEC_H264, ROWS_ANY, NULL);
}

static void start(struct branch *branch)
{
    struct error err;
    if (branch_start(branch, &err))
        return;
    log_error(LOG_PIXEL, "%s", err.text);
    branch->dead = true;
}

static struct branch *make(struct stream *stream, bool still, uint32_t codec)
{
    if (stream->branch_count == MAX_BRANCHES)
        return NULL;
    struct branch *branch = branch_create(stream, false, still, codec);
    start(branch);
    return branch;
}

/* It works, or may again by now. */
static bool alive(struct branch *branch)
{
    if (branch->dead && clock_ns() >= branch->upgrade_ns) {
        branch->dead = false;
        branch->upgrade_ns = INT64_MAX;
    }
    return !branch->dead;
}

static struct branch *choose(struct stream *stream, const struct client *client)
{
    struct branch *main = stream->branches[0];
    const struct client_wish *wish = &client->wish;
    if (alive(main) && client_wish_has(wish, main->codec) && suits(main, wish->rows, client))
        return main;
    for (uint32_t i = 0; i < wish->codec_count; i++) {
        if (!somebody_writes(stream, wish->codecs[i]))
            continue;
        struct branch *branch = find(stream, wish->codecs[i], wish->rows, client);
        if (!branch)
            branch = make(stream, false, wish->codecs[i]);
        if (branch && alive(branch))
            return branch;
    }
    return NULL;
}

void stream_prepare_classic(struct stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool there = stream_classic(stream);
    pthread_mutex_unlock(&stream->lock);
    if (there)
        return;
    stream_learn_codecs(stream, stream->ladder);
    pthread_mutex_lock(&stream->lock);
    struct branch *branch = somebody_writes(stream, ORIEL_CODEC_H264)
                                ? branch_create(stream, false, false, ORIEL_CODEC_H264)
                                : NULL;
    uint32_t width = stream->width, height = stream->height;
    pthread_mutex_unlock(&stream->lock);
    if (!branch)
        return;
    struct error err;
    if (!branch_open(branch, ORIEL_CODEC_H264, width, height, &err))
        log_warn(LOG_PIXEL, "%s", err.text); /* and again when somebody comes */
    branch_close(branch);
    pthread_mutex_lock(&stream->lock);
    start(branch);
    pthread_mutex_unlock(&stream->lock);
}

bool stream_place(struct stream *stream, struct client *client, struct error *err)
{
    pthread_mutex_lock(&stream->lock);
    const struct branch *main = stream->branches[0];
    bool enough = experiment_place(stream, client) ||
                  (!main->dead && client_wish_has(&client->wish, main->codec) &&
                   suits(main, client->wish.rows, client));
    pthread_mutex_unlock(&stream->lock);
    if (!enough)
        stream_learn_codecs(stream, stream->ladder);

    pthread_mutex_lock(&stream->lock);
    struct branch *arm = experiment_place(stream, client);
    if (arm) {
        client_move(client, arm);
    } else {
        client->branch = choose(stream, client);
        if (client->branch && !branch_has_rows(client->branch, client->wish.rows)) {
            client->branch->top_down = !client->branch->top_down;
            client->branch->turning = true;
        }
        client->former = NULL;
        client->waiting_key = true;
        client->configured = 0;
    }
    if (client->branch) {
        pthread_cond_signal(&client->branch->wake);
        struct branch *stills = NULL;
        if (client->wish.still && stream->stills->count && !(stills = find_still(stream)))
            stills = make(stream, true, 0);
        if (stills)
            pthread_cond_signal(&stills->wake);
    }
    bool placed = client->branch;
    pthread_mutex_unlock(&stream->lock);
    return placed || error_set(err, "no encoder for any of %s", client->wish.names);
}

void stream_evict(struct branch *branch)
{
    struct stream *stream = branch->stream;
    struct client **held = malloc(MAX_CLIENTS * sizeof *held);
    uint32_t count = held && !branch->still ? clients_hold(branch, held, MAX_CLIENTS) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct client *client = held[i];
        struct error err;
        pthread_mutex_lock(&stream->lock);
        bool stays = client->branch != branch || /* has gone from it already */
                     (!branch->dead && client_wish_has(&client->wish, branch->codec));
        pthread_mutex_unlock(&stream->lock);
        if (stays || stream_place(stream, client, &err))
            continue;
        log_warn(LOG_PIXEL, "%s: %s", client->peer, err.text);
        client->transport->close(client->self, client->conn, 4400, err.text);
    }
    if (held)
        clients_release(stream, held, count);
    free(held);
}
