/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaving the addresses to another instance. libwebsockets' objects belong to the service thread,
 * so that does it, and who asked waits. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "oriel/draft/transport_handover.h"
#include "server.h"

#define WAIT_NS INT64_C(2000000000)

/* A socket that is shut down does not listen any more, whoever still has it open. */
static void leave(struct server *server)
{
    for (uint32_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (!listener->wsi)
            continue;
        while (listener_accept(server, listener)) {
        }
        shutdown(listener->fd, SHUT_RDWR);
        lws_set_opaque_user_data(listener->wsi, NULL);
        lws_set_timeout(listener->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        listener->wsi = NULL;
    }
}

static bool take(struct server *server)
{
    bool all = true;
    for (uint32_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (listener->wsi || listener->fd < 0)
            continue;
        if (!listener_adopt(server, listener)) {
            close(listener->fd);
            listener->fd = -1;
            all = false;
        }
    }
    return all;
}

void handover_serve(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    int what = server->handover;
    pthread_mutex_unlock(&server->lock);
    if (what == HAND_NONE)
        return;
    bool fine = true;
    if (what == HAND_LEAVE)
        leave(server);
    else
        fine = take(server);
    pthread_mutex_lock(&server->lock);
    server->handover = HAND_NONE;
    server->handover_failed = !fine;
    pthread_cond_broadcast(&server->handed);
    pthread_mutex_unlock(&server->lock);
}

static oriel_result ask(struct server *server, int what)
{
    int64_t end = now_ns() + WAIT_NS;
    struct timespec until = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
    pthread_mutex_lock(&server->lock);
    server->handover = what;
    lws_cancel_service(server->context);
    while (server->handover != HAND_NONE &&
           pthread_cond_timedwait(&server->handed, &server->lock, &until) != ETIMEDOUT)
        ;
    bool done = server->handover == HAND_NONE && !server->handover_failed;
    server->handover = HAND_NONE;
    pthread_mutex_unlock(&server->lock);
    return done ? ORIEL_OK
                : server->host->fail(server->host, ORIEL_IO, "its loop does not answer in time");
}

static oriel_result stop_listening(void *self)
{
    return ask(self, HAND_LEAVE);
}

static oriel_result listen_again(void *self)
{
    struct server *server = self;
    for (uint32_t i = 0; i < server->listener_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (listener_reopen(listener))
            continue;
        char text[256];
        snprintf(text, sizeof text, "cannot listen on %s port %u again: %s", listener->host,
                 listener->port, strerror(errno));
        while (i-- > 0) {
            close(server->listeners[i].fd);
            server->listeners[i].fd = -1;
        }
        return server->host->fail(server->host, ORIEL_IO, text);
    }
    return ask(server, HAND_TAKE);
}

static const struct oriel_transport_handover handover = {
    .size = sizeof handover,
    .stop_listening = stop_listening,
    .listen_again = listen_again,
};

const void *handover_interface(void)
{
    return &handover;
}
