/* SPDX-License-Identifier: BSD-3-Clause */
#include "pixel/stream.h"

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "pixel/arm.h"
#include "pixel/change.h"
#include "pixel/room.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/thread.h"

static void read_config(struct stream *stream, const struct config *config)
{
    stream->width = (uint32_t)config_int(config, "canvas.width");
    stream->height = (uint32_t)config_int(config, "canvas.height");
    stream->fps = config_float(config, "stream.fps");
    stream->dump_count = config_int(config, "debug.dump_bitstream");
    stream->dump_dir = config_string(config, "debug.dump_dir");
    stream_reconfigure(stream, config);
}

typedef struct metric *metric_make(struct metrics *, const char *, const char *, const char *);

/* One of the stream's metrics: those of forks are told from those of the shared view. */
static struct metric *own(metric_make *make, struct metrics *m, bool fork, const char *name,
                          const char *labels, const char *help)
{
    if (!fork)
        return make(m, name, labels, help);
    char all[96];
    snprintf(all, sizeof all, "%s%sview=\"fork\"", labels ? labels : "", labels ? "," : "");
    return make(m, name, all, help);
}

static void register_metrics(struct stream *stream, struct metrics *m, bool fork)
{
    const char *dropped = "oriel_frames_dropped_total",
               *why = "Pictures that were not sent, by reason.";
    const char *stage = "oriel_stage_seconds", *stages = "Time a stage took.";
    const char *peer = "oriel_client_seconds", *peers = "Times at the clients.";
    stream->metrics.frames =
        own(metrics_counter, m, fork, "oriel_frames_total", NULL, "Pictures encoded.");
    stream->metrics.bytes =
        own(metrics_counter, m, fork, "oriel_bytes_total", NULL, "Bytes encoded.");
    stream->metrics.keys =
        own(metrics_counter, m, fork, "oriel_keys_total", NULL, "Key pictures encoded.");
    stream->metrics.key_requests =
        own(metrics_counter, m, fork, "oriel_key_requests_total", NULL, "Key pictures asked for.");
    stream->metrics.configs = own(metrics_counter, m, fork, "oriel_stream_configs_total", NULL,
                                  "New decoder configurations.");
    stream->metrics.resets = own(metrics_counter, m, fork, "oriel_encoder_resets_total", NULL,
                                 "Encoders made anew, for a size or after a failure.");
    stream->metrics.faults =
        own(metrics_counter, m, fork, "oriel_encoder_faults_total", NULL, "Encoders that failed.");
    stream->metrics.retries = own(metrics_counter, m, fork, "oriel_acks_lost_total", NULL,
                                  "Acknowledgements that did not come within a second.");
    stream->metrics.dropped_newest =
        own(metrics_counter, m, fork, dropped, "reason=\"newer\"", why);
    stream->metrics.dropped_slow =
        own(metrics_counter, m, fork, dropped, "reason=\"slow client\"", why);
    stream->metrics.dropped_error =
        own(metrics_counter, m, fork, dropped, "reason=\"encoder\"", why);
    stream->metrics.wait = own(metrics_histogram, m, fork, stage, "stage=\"wait\"", stages);
    stream->metrics.encode = own(metrics_histogram, m, fork, stage, "stage=\"encode\"", stages);
    stream->metrics.pack = own(metrics_histogram, m, fork, stage, "stage=\"pack\"", stages);
    stream->metrics.total = own(metrics_histogram, m, fork, stage, "stage=\"total\"", stages);
    stream->metrics.client_queue = own(metrics_histogram, m, fork, peer, "time=\"queue\"", peers);
    stream->metrics.client_decode = own(metrics_histogram, m, fork, peer, "time=\"decode\"", peers);
    stream->metrics.client_wait = own(metrics_histogram, m, fork, peer, "time=\"wait\"", peers);
    stream->metrics.clients =
        own(metrics_gauge, m, fork, "oriel_pixel_clients", NULL, "Pixel connections.");
    stream->metrics.queue_depth = own(metrics_gauge, m, fork, "oriel_frame_queue_depth", NULL,
                                      "Pictures that wait for an encoder.");
    stream->metrics.last_key_seq = own(metrics_gauge, m, fork, "oriel_last_key_seq", NULL,
                                       "Frame number of the newest key picture.");
    stream->metrics.last_key_time = own(metrics_gauge, m, fork, "oriel_last_key_timestamp_seconds",
                                        NULL, "Unix time of the newest key picture.");
}

struct stream *stream_create(const struct config *config, struct registry *registry,
                             struct render *render, struct metrics *metrics, const char *view,
                             const struct stream_events *events, struct error *err)
{
    bool fork = strcmp(view, "main") != 0;
    struct stream *stream = xcalloc(1, sizeof *stream);
    stream->all_metrics = metrics;
    stream->registry = registry;
    if (fork)
        snprintf(stream->prefix, sizeof stream->prefix, "%s/", view);
    stream->render = render;
    if (events)
        stream->events = *events;
    stream->unix_offset = clock_unix() - (double)clock_ns() * 1e-9;
    stream->notes = notes_create();
    pthread_mutex_init(&stream->lock, NULL);
    pthread_mutex_init(&stream->catalog_lock, NULL);
    pthread_mutex_init(&stream->changing, NULL);
    cond_init(&stream->idle);
    cond_init(&stream->obeyed);
    read_config(stream, config);
    register_metrics(stream, metrics, fork);
    struct branch *branch = branch_create(stream, true, false, 0);
    if (branch_open(branch, 0, stream->width, stream->height, err) && branch_start(branch, err)) {
        if (!fork)
            stream_prepare_classic(stream);
        return stream;
    }
    stream_destroy(stream);
    return NULL;
}

void stream_destroy(struct stream *stream)
{
    if (!stream)
        return;
    experiment_quit(stream->experiment);
    for (uint32_t i = 0; i < stream->branch_count; i++)
        branch_stop(stream->branches[i]);
    for (uint32_t i = 0; i < stream->branch_count; i++)
        branch_destroy(stream->branches[i]);
    experiment_free(stream->experiment);
    for (struct client *client = stream->clients, *next; client; client = next) {
        next = client->next;
        metric_add(stream->metrics.clients, -1);
        free(client);
    }
    notes_destroy(stream->notes);
    stream_forget_lists(stream);
    pthread_cond_destroy(&stream->obeyed);
    pthread_cond_destroy(&stream->idle);
    pthread_mutex_destroy(&stream->changing);
    pthread_mutex_destroy(&stream->catalog_lock);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}

/* --- connections --- */

/* Under the lock. */
static struct client **find_client(struct stream *stream, uint64_t conn)
{
    struct client **at = &stream->clients;
    while (*at && (*at)->conn != conn)
        at = &(*at)->next;
    return at;
}

/* Under the lock. Something about the client has changed; `news`: more than that it can take a
 * picture, which matters only to a branch that waits for that. */
static void wake(struct stream *stream, const struct client *client, bool news)
{
    for (uint32_t i = 0; i < stream->branch_count; i++) {
        struct branch *branch = stream->branches[i];
        bool its = branch_serves(branch, client) || (news && branch->arm); /* all get all frames */
        if (its && (news || branch->blocked))
            pthread_cond_signal(&branch->wake);
    }
}

static void remove_client(struct stream *stream, uint64_t conn)
{
    pthread_mutex_lock(&stream->lock);
    struct client **at = find_client(stream, conn), *client = *at;
    if (client) {
        *at = client->next;
        while (client->busy)
            pthread_cond_wait(&stream->idle, &stream->lock);
        wake(stream, client, true); /* perhaps nobody looks any more */
    }
    pthread_mutex_unlock(&stream->lock);
    if (client)
        metric_add(stream->metrics.clients, -1);
    free(client);
}

bool stream_conn_open(struct stream *stream, const struct oriel_transport *transport, void *self,
                      uint64_t conn, const char *query, const char *peer, struct error *err)
{
    struct client *client = xcalloc(1, sizeof *client);
    client->transport = transport;
    client->self = self;
    client->conn = conn;
    client->visible = true;
    client->waiting_key = true;
    snprintf(client->peer, sizeof client->peer, "%s", peer);
    client_wish_parse(&client->wish, query);
    client_identify(client);

    uint32_t count = 0;
    pthread_mutex_lock(&stream->lock);
    for (const struct client *other = stream->clients; other; other = other->next)
        count++;
    if (count < MAX_CLIENTS) {
        client->next = stream->clients;
        stream->clients = client;
    }
    pthread_mutex_unlock(&stream->lock);
    if (count >= MAX_CLIENTS) {
        free(client);
        return error_set(err, "too many clients look already (%u)", MAX_CLIENTS);
    }
    metric_add(stream->metrics.clients, 1);
    if (!stream_place(stream, client, err)) {
        remove_client(stream, conn);
        return false;
    }
    log_info(LOG_PIXEL, "%s looks%s%s", peer, client->wish.ext ? ", can decode " : "",
             client->wish.ext ? client->wish.names : "");
    return true;
}

void stream_dismiss(struct stream *stream, uint32_t code, const char *reason)
{
    pthread_mutex_lock(&stream->lock);
    uint32_t count = 0;
    for (struct client *client = stream->clients; client; client = client->next, count++)
        client->busy++; /* stays until it is let go */
    struct client **held = xcalloc(count + 1, sizeof *held);
    count = 0;
    for (struct client *client = stream->clients; client; client = client->next)
        held[count++] = client;
    pthread_mutex_unlock(&stream->lock);
    for (uint32_t i = 0; i < count; i++)
        held[i]->transport->close(held[i]->self, held[i]->conn, code, reason);
    clients_release(stream, held, count);
    free(held);
}

void stream_conn_closed(struct stream *stream, uint64_t conn)
{
    remove_client(stream, conn);
}

void stream_conn_writable(struct stream *stream, uint64_t conn)
{
    pthread_mutex_lock(&stream->lock);
    struct client *client = *find_client(stream, conn);
    if (client) {
        client->queued = (struct oriel_queued){.size = sizeof client->queued};
        client->writable_count++;
        wake(stream, client, false);
    }
    pthread_mutex_unlock(&stream->lock);
}

/* Under the lock: times of a picture of an experiment. */
static void report(struct stream *stream, const struct client *client,
                   const struct client_told *told)
{
    const struct client_sent *sent = &client->sent[told->seq % CLIENT_SENT];
    if (!stream->experiment || sent->seq != told->seq || !sent->row)
        return;
    book_shown(&stream->experiment->arms[sent->arm], sent->row, told->decode_ms, told->wait_ms,
               (double)(clock_ns() - sent->sent_ns) * 1e-6);
}

void stream_conn_message(struct stream *stream, uint64_t conn, uint32_t kind, const uint8_t *data,
                         uint64_t bytes)
{
    struct client_told told;
    if (kind != ORIEL_MESSAGE_TEXT)
        return;
    client_parse(data, bytes, &told);
    if (told.ask == CLIENT_NOTHING)
        return;
    if (told.ask == CLIENT_SHOWN) {
        metric_observe_ms(stream->metrics.client_decode, told.decode_ms);
        metric_observe_ms(stream->metrics.client_wait, told.wait_ms);
    }
    bool asked = false;
    char peer[sizeof((struct client *)NULL)->peer] = "";
    pthread_mutex_lock(&stream->lock);
    struct client *client = *find_client(stream, conn);
    if (client) {
        memcpy(peer, client->peer, sizeof peer);
        switch (told.ask) {
        case CLIENT_SHOWN:
            if (client_take_shown(client, told.seq))
                report(stream, client, &told);
            stream->decode_ms = told.decode_ms;
            break;
        case CLIENT_KEY:
            asked = !client->key_asked_ns || clock_ns() - client->key_asked_ns >= NS_PER_S;
            if (asked) {
                client->key_asked_ns = clock_ns();
                client->waiting_key = true;
                client->shown = client->seq; /* what is underway will not be shown */
            }
            break;
        case CLIENT_VISIBLE:
            if (told.visible && !client->visible) {
                client->waiting_key = true;
                client->shown = client->seq;
                client->still_seq = 0;
            }
            client->visible = told.visible;
            break;
        case CLIENT_NOTHING:
            break;
        }
        wake(stream, client, told.ask != CLIENT_SHOWN);
    }
    pthread_mutex_unlock(&stream->lock);
    if (asked) {
        metric_add(stream->metrics.key_requests, 1);
        log_debug(LOG_ENCODER_KEYFRAMES, "%s asks for a key picture: %s", peer, told.reason);
    }
}

/* --- what control tells --- */

void stream_request_key(struct stream *stream, const char *why)
{
    metric_add(stream->metrics.key_requests, 1);
    log_debug(LOG_ENCODER_KEYFRAMES, "a key picture is asked for: %s", why);
    pthread_mutex_lock(&stream->lock);
    for (uint32_t i = 0; i < stream->branch_count; i++) {
        if (stream->branches[i]->still)
            continue;
        stream->branches[i]->key_wanted = true;
        pthread_cond_signal(&stream->branches[i]->wake);
    }
    pthread_mutex_unlock(&stream->lock);
}

void stream_note_intent(struct stream *stream, const char *session, uint64_t rev, uint64_t revision)
{
    notes_intent(stream->notes, session, rev, revision);
}

void stream_session_closed(struct stream *stream, const char *session)
{
    notes_forget(stream->notes, session);
}

void stream_note_pose(struct stream *stream, uint64_t revision, const struct pixel_pose *pose)
{
    notes_pose(stream->notes, revision, pose);
}

bool stream_current(struct stream *stream, struct stream_info *info)
{
    pthread_mutex_lock(&stream->lock);
    const struct branch *branch = stream_classic(stream);
    bool known = branch && branch->configuration > 0;
    if (known)
        *info = branch->info;
    pthread_mutex_unlock(&stream->lock);
    return known;
}
