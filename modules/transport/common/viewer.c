/* SPDX-License-Identifier: BSD-3-Clause */
#include "viewer.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oriel/draft/transport_handover.h"

int64_t viewer_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void viewer_log(const struct viewer *viewer, uint32_t level, const char *format, ...)
{
    char text[768];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    viewer->host->log(viewer->host, level, text);
}

/* --- the queue --- */

static struct viewer_conn *find(struct viewer *viewer, uint64_t id)
{
    for (size_t i = 0; id && i < VIEWER_CONNS; i++) {
        if (viewer->conns[i].id == id)
            return &viewer->conns[i];
    }
    return NULL;
}

static uint64_t size_of(const struct viewer_message *message)
{
    return message->head_bytes + (message->buffer ? message->buffer->bytes : 0);
}

static void drop(const struct viewer *viewer, struct viewer_message *message)
{
    if (message->buffer)
        viewer->host->buffer_unref(viewer->host, message->buffer);
    free(message);
}

static struct viewer_message *make(uint64_t conn, uint32_t kind, const void *head, size_t bytes)
{
    struct viewer_message *message = calloc(1, sizeof *message + bytes + 1);
    if (!message)
        return NULL;
    message->conn = conn;
    message->kind = kind;
    message->head_bytes = (uint32_t)bytes;
    message->queued_ns = viewer_now();
    if (bytes)
        memcpy(message->head, head, bytes);
    return message;
}

/* Under the lock. */
static void queue(struct viewer *viewer, struct viewer_conn *conn, struct viewer_message *message)
{
    if (viewer->last)
        viewer->last->next = message;
    else
        viewer->first = message;
    viewer->last = message;
    if (message->kind != VIEWER_CLOSED) {
        if (!conn->unsent.messages++)
            conn->unsent.oldest_ns = message->queued_ns;
        conn->unsent.bytes += size_of(message);
    }
    pthread_cond_broadcast(&viewer->changed);
}

oriel_result viewer_send(void *self, uint64_t conn, const struct oriel_message *message)
{
    struct viewer *viewer = self;
    if (message->head_bytes > ORIEL_MESSAGE_HEAD_MAX)
        return ORIEL_INVALID;
    struct viewer_message *copy =
        make(conn, message->kind, message->head, (size_t)message->head_bytes);
    if (!copy)
        return ORIEL_NOMEM;
    pthread_mutex_lock(&viewer->lock);
    struct viewer_conn *to = find(viewer, conn);
    bool fine = to && !to->shut;
    if (fine) {
        if (message->buffer)
            viewer->host->buffer_ref(viewer->host, message->buffer);
        copy->buffer = message->buffer;
        queue(viewer, to, copy);
    }
    pthread_mutex_unlock(&viewer->lock);
    if (!fine)
        free(copy);
    return fine ? ORIEL_OK : ORIEL_INVALID;
}

oriel_result viewer_queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    struct viewer *viewer = self;
    pthread_mutex_lock(&viewer->lock);
    const struct viewer_conn *of = find(viewer, conn);
    struct oriel_queued found = of ? of->unsent : (struct oriel_queued){0};
    pthread_mutex_unlock(&viewer->lock);
    if (!of)
        return ORIEL_INVALID;
    found.size = queued->size;
    memcpy(queued, &found, queued->size < sizeof found ? queued->size : sizeof found);
    return ORIEL_OK;
}

void viewer_shut(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    struct viewer *viewer = self;
    (void)code;
    struct viewer_message *message =
        make(conn, VIEWER_CLOSED, reason ? reason : "", reason ? strlen(reason) : 0);
    pthread_mutex_lock(&viewer->lock);
    struct viewer_conn *of = find(viewer, conn);
    if (of && !of->shut && message) {
        of->shut = true;
        queue(viewer, of, message);
        message = NULL;
    }
    pthread_mutex_unlock(&viewer->lock);
    free(message);
}

/* Under the lock. NULL: there is none. */
static struct viewer_message *take(struct viewer *viewer)
{
    struct viewer_message *message = viewer->first;
    if (message && !(viewer->first = message->next))
        viewer->last = NULL;
    return message;
}

/* It has been used: the host may send more. */
static void taken(struct viewer *viewer, struct viewer_message *message)
{
    bool empty = false;
    pthread_mutex_lock(&viewer->lock);
    struct viewer_conn *conn = find(viewer, message->conn);
    if (conn && message->kind != VIEWER_CLOSED) {
        conn->unsent.bytes -= size_of(message);
        empty = --conn->unsent.messages == 0;
        conn->unsent.oldest_ns = 0;
        for (const struct viewer_message *m = viewer->first; m && !conn->unsent.oldest_ns && !empty;
             m = m->next)
            conn->unsent.oldest_ns = m->conn == conn->id ? m->queued_ns : 0;
    }
    pthread_mutex_unlock(&viewer->lock);
    if (empty)
        viewer->to->writable(viewer->to, message->conn);
    drop(viewer, message);
}

/* --- connections --- */

static const char *header(const struct oriel_request *request, const char *name)
{
    return strcmp(name, "authorization") == 0 ? request->data : NULL;
}

uint64_t viewer_open(struct viewer *viewer, const char *path, const char *query, const char *token,
                     uint32_t *status)
{
    char bearer[320];
    snprintf(bearer, sizeof bearer, "Bearer %s", token ? token : "");
    struct oriel_request request = {.size = sizeof request,
                                    .listener = ORIEL_LISTENER_HTTP,
                                    .method = "GET",
                                    .path = path,
                                    .query = query,
                                    .peer = viewer->peer,
                                    .header = header,
                                    .data = token && *token ? bearer : NULL};
    pthread_mutex_lock(&viewer->lock);
    struct viewer_conn *conn = viewer->conns;
    while (conn < viewer->conns + VIEWER_CONNS && conn->id)
        conn++;
    bool room = conn < viewer->conns + VIEWER_CONNS;
    uint64_t id = ++viewer->next_id;
    if (room)
        *conn = (struct viewer_conn){.id = id, .unsent = {.size = sizeof conn->unsent}};
    pthread_mutex_unlock(&viewer->lock);
    *status = room ? viewer->to->opened(viewer->to, id, &request) : 503;
    if (!*status)
        return id;
    pthread_mutex_lock(&viewer->lock);
    if (room)
        conn->id = 0;
    pthread_mutex_unlock(&viewer->lock);
    return 0;
}

void viewer_say(struct viewer *viewer, uint64_t conn, const char *text)
{
    viewer->to->message(viewer->to, conn, ORIEL_MESSAGE_TEXT, (const uint8_t *)text, strlen(text));
}

void viewer_close(struct viewer *viewer, uint64_t id)
{
    pthread_mutex_lock(&viewer->lock);
    struct viewer_conn *conn = find(viewer, id);
    struct viewer_message *gone = NULL, **at = &viewer->first;
    if (conn)
        conn->id = 0;
    viewer->last = NULL;
    while (*at) {
        struct viewer_message *message = *at;
        if (conn && message->conn == id) {
            *at = message->next;
            message->next = gone;
            gone = message;
        } else {
            viewer->last = message;
            at = &message->next;
        }
    }
    pthread_mutex_unlock(&viewer->lock);
    for (struct viewer_message *next; gone; gone = next) {
        next = gone->next;
        drop(viewer, gone);
    }
    if (conn)
        viewer->to->closed(viewer->to, id);
}

/* --- the thread --- */

static void finish(struct viewer *viewer)
{
    viewer->work->end(viewer->owner);
    for (size_t i = 0; i < VIEWER_CONNS; i++)
        viewer_close(viewer, viewer->conns[i].id);
}

/* Under the lock. */
static void wait_until(struct viewer *viewer, int64_t deadline)
{
    if (deadline == INT64_MAX) {
        pthread_cond_wait(&viewer->changed, &viewer->lock);
        return;
    }
    const struct timespec until = {deadline / 1000000000, deadline % 1000000000};
    pthread_cond_timedwait(&viewer->changed, &viewer->lock, &until);
}

static void *run(void *data)
{
    struct viewer *viewer = data;
    int64_t deadline = 0;
    pthread_mutex_lock(&viewer->lock);
    for (;;) {
        struct viewer_message *message = viewer->active ? take(viewer) : NULL;
        bool over = !message && (viewer->stop || viewer->rest);
        if (over && !viewer->active) {
            if (viewer->stop)
                break;
            wait_until(viewer, INT64_MAX);
            continue;
        }
        if (!over && !message && viewer->active && !viewer->poked && viewer_now() < deadline) {
            wait_until(viewer, deadline);
            continue;
        }
        viewer->poked = false;
        bool begins = !viewer->active;
        pthread_mutex_unlock(&viewer->lock);
        if (over)
            finish(viewer);
        else if (begins)
            viewer->work->begin(viewer->owner);
        else if (message)
            viewer->work->message(viewer->owner, message);
        if (message)
            taken(viewer, message);
        if (!over)
            deadline = viewer->work->tick(viewer->owner, viewer_now());
        pthread_mutex_lock(&viewer->lock);
        if (over || begins) {
            viewer->active = begins && !over;
            pthread_cond_broadcast(&viewer->changed);
        }
    }
    pthread_mutex_unlock(&viewer->lock);
    return NULL;
}

bool viewer_start(struct viewer *viewer, const struct oriel_host *host,
                  const struct oriel_transport_host *to, const char *peer,
                  const struct viewer_work *work, void *owner)
{
    viewer->host = host;
    viewer->to = to;
    viewer->peer = peer;
    viewer->work = work;
    viewer->owner = owner;
    pthread_mutex_init(&viewer->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&viewer->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}; /* the thread's own */
    sigset_t all, old;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    viewer->running = pthread_create(&viewer->thread, NULL, run, viewer) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (viewer->running)
        pthread_setname_np(viewer->thread, peer);
    return viewer->running;
}

void viewer_stop(struct viewer *viewer)
{
    if (!viewer->work)
        return;
    pthread_mutex_lock(&viewer->lock);
    viewer->stop = true;
    pthread_cond_broadcast(&viewer->changed);
    pthread_mutex_unlock(&viewer->lock);
    if (viewer->running)
        pthread_join(viewer->thread, NULL);
    pthread_cond_destroy(&viewer->changed);
    pthread_mutex_destroy(&viewer->lock);
    viewer->work = NULL;
}

void viewer_poke(struct viewer *viewer)
{
    pthread_mutex_lock(&viewer->lock);
    viewer->poked = true;
    pthread_cond_broadcast(&viewer->changed);
    pthread_mutex_unlock(&viewer->lock);
}

void viewer_rest(struct viewer *viewer, bool rest)
{
    pthread_mutex_lock(&viewer->lock);
    viewer->rest = rest;
    pthread_cond_broadcast(&viewer->changed);
    while (viewer->active == rest && !viewer->stop)
        pthread_cond_wait(&viewer->changed, &viewer->lock);
    pthread_mutex_unlock(&viewer->lock);
}

/* --- the rest of a transport's table --- */

void viewer_destroy(void *self)
{
    if (self)
        viewer_stop(self);
    free(self);
}

oriel_result viewer_endpoint(void *self, uint32_t index, struct oriel_endpoint *endpoint)
{
    (void)self;
    (void)index;
    (void)endpoint;
    return ORIEL_UNSUPPORTED;
}

void viewer_respond(void *self, uint64_t id, const struct oriel_response *response)
{
    (void)self; /* it asks for nothing */
    (void)id;
    (void)response;
}

static oriel_result stop_listening(void *self)
{
    viewer_rest(self, true);
    return ORIEL_OK;
}

static oriel_result listen_again(void *self)
{
    viewer_rest(self, false);
    return ORIEL_OK;
}

const void *viewer_interface(void *self, const char *id)
{
    static const struct oriel_transport_handover handover = {
        .size = sizeof handover, .stop_listening = stop_listening, .listen_again = listen_again};
    (void)self;
    return strcmp(id, ORIEL_TRANSPORT_HANDOVER_V1) == 0 ? &handover : NULL;
}
