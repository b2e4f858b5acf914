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

static struct branch *find(struct stream *stream, bool still, uint32_t codec)
{
    for (uint32_t i = 0; i < stream->branch_count; i++) {
        struct branch *branch = stream->branches[i];
        if (!branch->arm && branch->still == still && (still || branch->codec == codec))
            return branch;
    }
    return NULL;
}

const struct branch *stream_classic(struct stream *stream)
{
    const struct branch *arm = experiment_classic(stream);
    if (arm)
        return arm;
    struct branch *main = stream->branches[0];
    return main->codec == ORIEL_CODEC_H264 ? main : find(stream, false, ORIEL_CODEC_H264);
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
    struct branch *branch = find(stream, still, codec);
    if (branch || stream->branch_count == MAX_BRANCHES)
        return branch;
    branch = branch_create(stream, false, still, codec);
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

static struct branch *choose(struct stream *stream, const struct client_wish *wish)
{
    struct branch *main = stream->branches[0];
    if (alive(main) && client_wish_has(wish, main->codec))
        return main;
    for (uint32_t i = 0; i < wish->codec_count; i++) {
        if (!somebody_writes(stream, wish->codecs[i]))
            continue;
        struct branch *branch = make(stream, false, wish->codecs[i]);
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
                  (!main->dead && client_wish_has(&client->wish, main->codec));
    pthread_mutex_unlock(&stream->lock);
    if (!enough)
        stream_learn_codecs(stream, stream->ladder);

    pthread_mutex_lock(&stream->lock);
    struct branch *arm = experiment_place(stream, client);
    if (arm) {
        client_move(client, arm);
    } else {
        client->branch = choose(stream, &client->wish);
        client->former = NULL;
        client->waiting_key = true;
        client->configured = 0;
    }
    if (client->branch) {
        pthread_cond_signal(&client->branch->wake);
        struct branch *stills =
            client->wish.still && stream->stills->count ? make(stream, true, 0) : NULL;
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
