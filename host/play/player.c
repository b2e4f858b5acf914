/* SPDX-License-Identifier: BSD-3-Clause */
#include "play/player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play/room.h"
#include "util/check.h"
#include "util/clock.h"
#include "util/thread.h"

/* --- the clock of the recording --- */

double player_time(const struct player *player, int64_t now)
{
    return player->playing ? player->anchor + (double)(now - player->anchor_ns) * 1e-9
                           : player->anchor;
}

static void set_clock(struct player *player, double time, bool playing)
{
    const struct recording *recording = player->recording;
    player->anchor = time < recording->begin ? recording->begin
                     : time > recording->end ? recording->end
                                             : time;
    player->anchor_ns = clock_ns();
    player->playing = playing;
}

void player_seek(struct player *player, double time)
{
    set_clock(player, time, player->playing);
    for (struct listener *s = player->sessions; s; s = s->next)
        if (s->ready)
            listener_catch_up(player, s, player->anchor);
    for (struct looker *l = player->lookers; l; l = l->next)
        looker_seek(player, l, player->anchor);
}

static void play(struct player *player, bool playing)
{
    double time = player_time(player, clock_ns());
    if (playing && time >= player->recording->end)
        player_seek(player, player->recording->begin);
    else
        set_clock(player, time, playing);
    player->playing = playing;
}

void player_obey(struct player *player, enum player_order order, double by)
{
    switch (order) {
    case PLAYER_TOGGLE:
        play(player, !player->playing);
        break;
    case PLAYER_PLAY:
    case PLAYER_PAUSE:
        play(player, order == PLAYER_PLAY);
        break;
    case PLAYER_SKIP:
        player_seek(player, player_time(player, clock_ns()) + by);
        break;
    case PLAYER_LOOP:
        player->loop = !player->loop;
        break;
    case PLAYER_TELL:
        break;
    }
}

cJSON *player_status(const struct player *player)
{
    const struct recording *recording = player->recording;
    cJSON *status = cJSON_CreateObject();
    cJSON_AddStringToObject(status, "recording", recording->name);
    cJSON_AddNumberToObject(status, "seconds", player_time(player, clock_ns()) - recording->begin);
    cJSON_AddNumberToObject(status, "of", recording->end - recording->begin);
    cJSON_AddNumberToObject(status, "pictures", (double)recording->picture_count);
    cJSON_AddStringToObject(status, "codec", recording_codec(recording));
    cJSON_AddBoolToObject(status, "playing", player->playing);
    cJSON_AddBoolToObject(status, "loop", player->loop);
    return status;
}

static void tell(const struct player *player)
{
    const struct recording *recording = player->recording;
    printf("%8.2f of %.2f s, %s%s\n", player_time(player, clock_ns()) - recording->begin,
           recording->end - recording->begin, player->playing ? "playing" : "paused",
           player->loop ? ", again and again" : "");
    fflush(stdout);
}

/* --- the queue --- */

static void post(struct player *player, struct event event, const void *text, uint64_t bytes)
{
    struct event *copy = xcalloc(1, sizeof *copy + (size_t)bytes + 1);
    *copy = event;
    copy->bytes = bytes;
    if (bytes)
        memcpy(copy->text, text, (size_t)bytes);
    pthread_mutex_lock(&player->lock);
    if (player->last)
        player->last->next = copy;
    else
        player->first = copy;
    player->last = copy;
    pthread_cond_signal(&player->wake);
    pthread_mutex_unlock(&player->lock);
}

void player_opened(struct player *player, uint64_t conn, enum player_channel channel,
                   const char *query, bool trusted)
{
    post(player,
         (struct event){.kind = EVENT_OPENED, .conn = conn, .channel = channel, .trusted = trusted},
         query, strlen(query));
}

void player_message(struct player *player, uint64_t conn, const uint8_t *data, uint64_t bytes)
{
    post(player, (struct event){.kind = EVENT_MESSAGE, .conn = conn}, data, bytes);
}

void player_writable(struct player *player, uint64_t conn)
{
    post(player, (struct event){.kind = EVENT_WRITABLE, .conn = conn}, NULL, 0);
}

void player_closed(struct player *player, uint64_t conn)
{
    post(player, (struct event){.kind = EVENT_CLOSED, .conn = conn}, NULL, 0);
}

void player_order(struct player *player, enum player_order order, double by)
{
    post(player, (struct event){.kind = EVENT_ORDER, .order = order, .by = by}, NULL, 0);
}

/* --- connections --- */

void player_send(const struct player *player, uint64_t conn, uint32_t kind, const void *head,
                 size_t head_bytes, const struct oriel_buffer *buffer)
{
    const struct oriel_message message = {.size = sizeof message,
                                          .kind = kind,
                                          .head = head,
                                          .head_bytes = head_bytes,
                                          .buffer = buffer};
    player->transport->send(player->self, conn, &message); /* if it is gone, closed() tells */
}

static void opened(struct player *player, const struct event *event)
{
    if (event->channel == PLAYER_STATE) {
        struct listener *session = xcalloc(1, sizeof *session);
        session->conn = event->conn;
        session->trusted = event->trusted;
        session->beat_ns = INT64_MAX;
        session->next = player->sessions;
        player->sessions = session;
        return;
    }
    bool may = event->trusted;
    const char *ticket = strstr(event->text, "ticket=");
    for (const struct listener *s = player->sessions; ticket && s; s = s->next)
        may |= s->ready && s->ticket[0] && strncmp(ticket + 7, s->ticket, strlen(s->ticket)) == 0;
    struct looker *looker = xcalloc(1, sizeof *looker);
    looker->conn = event->conn;
    if (!may) {
        player->transport->close(player->self, event->conn, 4400, "a token is needed");
    } else if (looker_open(player, looker, event->text)) {
        looker->next = player->lookers;
        player->lookers = looker;
        return;
    }
    free(looker);
}

static void closed(struct player *player, uint64_t conn)
{
    struct listener **session = &player->sessions;
    while (*session && (*session)->conn != conn)
        session = &(*session)->next;
    struct listener *left = *session;
    if (left)
        *session = left->next;
    free(left);
    struct looker **looker = &player->lookers;
    while (*looker && (*looker)->conn != conn)
        looker = &(*looker)->next;
    struct looker *gone = *looker;
    if (gone)
        *looker = gone->next;
    free(gone);
}

static void handle(struct player *player, const struct event *event)
{
    switch (event->kind) {
    case EVENT_OPENED:
        opened(player, event);
        break;
    case EVENT_CLOSED:
        closed(player, event->conn);
        break;
    case EVENT_ORDER:
        player_obey(player, event->order, event->by);
        tell(player);
        break;
    case EVENT_WRITABLE: /* it is looked at anyway */
        break;
    case EVENT_MESSAGE:
        for (struct listener *s = player->sessions; s; s = s->next)
            if (s->conn == event->conn)
                listener_text(player, s, event->text);
        for (struct looker *l = player->lookers; l; l = l->next)
            if (l->conn == event->conn)
                looker_text(l, event->text);
        break;
    }
}

/* --- the thread --- */

/* Sends what is due; when something is again. */
static int64_t advance(struct player *player)
{
    int64_t now = clock_ns(), deadline = INT64_MAX;
    double time = player_time(player, now);
    if (player->playing && time >= player->recording->end) {
        if (player->loop)
            player_seek(player, player->recording->begin);
        else
            set_clock(player, player->recording->end, false);
        time = player_time(player, now = clock_ns());
    }
    for (struct listener *s = player->sessions; s; s = s->next) {
        int64_t due = listener_advance(player, s, time, now);
        deadline = due < deadline ? due : deadline;
    }
    for (struct looker *l = player->lookers; l; l = l->next) {
        int64_t due = looker_advance(player, l, time, now);
        deadline = due < deadline ? due : deadline;
    }
    if (player->playing) {
        int64_t end = now + (int64_t)((player->recording->end - time) * 1e9) + 1000;
        deadline = end < deadline ? end : deadline;
    }
    return deadline;
}

static void *run(void *data)
{
    struct player *player = data;
    int64_t deadline = 0;
    pthread_mutex_lock(&player->lock);
    while (!player->stop) {
        struct event *event = player->first;
        if (!event && clock_ns() < deadline) {
            cond_wait_until(&player->wake, &player->lock, deadline);
            continue;
        }
        if (event && !(player->first = event->next))
            player->last = NULL;
        bool more = player->first;
        pthread_mutex_unlock(&player->lock);
        if (event)
            handle(player, event);
        free(event);
        if (!more)
            deadline = advance(player);
        pthread_mutex_lock(&player->lock);
    }
    pthread_mutex_unlock(&player->lock);
    return NULL;
}

struct player *player_create(const struct recording *recording,
                             const struct player_options *options,
                             const struct oriel_transport *transport, void *self, struct error *err)
{
    struct player *player = xcalloc(1, sizeof *player);
    player->recording = recording;
    player->options = *options;
    player->transport = transport;
    player->self = self;
    player->loop = options->loop;
    pthread_mutex_init(&player->lock, NULL);
    cond_init(&player->wake);
    set_clock(player, recording->begin + options->at, !options->paused);
    player->running = thread_start(&player->thread, "player", run, player);
    if (player->running)
        return player;
    error_set(err, "no thread for the player");
    player_destroy(player);
    return NULL;
}

void player_stop(struct player *player)
{
    if (!player || !player->running)
        return;
    pthread_mutex_lock(&player->lock);
    player->stop = true;
    pthread_cond_signal(&player->wake);
    pthread_mutex_unlock(&player->lock);
    pthread_join(player->thread, NULL);
    player->running = false;
}

void player_destroy(struct player *player)
{
    if (!player)
        return;
    player_stop(player);
    for (struct event *event = player->first, *next; event; event = next) {
        next = event->next;
        free(event);
    }
    while (player->sessions)
        closed(player, player->sessions->conn);
    while (player->lookers)
        closed(player, player->lookers->conn);
    pthread_cond_destroy(&player->wake);
    pthread_mutex_destroy(&player->lock);
    free(player);
}
