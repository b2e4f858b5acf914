/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening sockets are our own: lws logs why it cannot bind but does not say so, and it knows
 * nothing of a free port. They run in its loop as plain files, and what they accept is handed to
 * it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

#define REFUSAL_LOG_NS (INT64_C(10) * 1000000000)

static void set_option(int fd, int level, int name, int value)
{
    setsockopt(fd, level, name, &value, sizeof value); /* a wish; the socket works without */
}

/* "127.0.0.1" and its port; an IPv4 address that came in over IPv6 looks like IPv4. */
static uint32_t address_text(const struct sockaddr_storage *address, char *text, socklen_t room)
{
    text[0] = '\0';
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *a = (const struct sockaddr_in *)(const void *)address;
        inet_ntop(AF_INET, &a->sin_addr, text, room);
        return ntohs(a->sin_port);
    }
    const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)(const void *)address;
    if (IN6_IS_ADDR_V4MAPPED(&a->sin6_addr))
        inet_ntop(AF_INET, a->sin6_addr.s6_addr + 12, text, room);
    else
        inet_ntop(AF_INET6, &a->sin6_addr, text, room);
    return ntohs(a->sin6_port);
}

static int listen_at(const struct addrinfo *at, uint32_t port)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    struct sockaddr_storage address;
    memset(&address, 0, sizeof address);
    memcpy(&address, at->ai_addr, at->ai_addrlen);
    if (at->ai_family == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0); /* "::" is every interface of both kinds */
        ((struct sockaddr_in6 *)(void *)&address)->sin6_port = htons((uint16_t)port);
    } else {
        ((struct sockaddr_in *)(void *)&address)->sin_port = htons((uint16_t)port);
    }
    if (bind(fd, (struct sockaddr *)&address, at->ai_addrlen) != 0 || listen(fd, 128) != 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

static oriel_result fail(struct server *server, uint32_t port, const char *cause)
{
    char text[512];
    bool v6 = strchr(server->name, ':') != NULL;
    snprintf(text, sizeof text, "cannot listen on %s%s%s:%u: %s", v6 ? "[" : "", server->name,
             v6 ? "]" : "", port, cause);
    return server->host->fail(server->host, ORIEL_IO, text);
}

/* A name may have several addresses; all of them listen, on one port. */
static oriel_result open_one(struct server *server, uint32_t kind, uint32_t port)
{
    bool any = !*server->name || strcmp(server->name, "*") == 0;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *all;
    int failed = getaddrinfo(any ? "0.0.0.0" : server->name, NULL, &hints, &all);
    if (failed)
        return fail(server, port, failed == EAI_SYSTEM ? strerror(errno) : gai_strerror(failed));
    uint32_t opened = 0;
    int cause = 0;
    for (struct addrinfo *at = all; at && server->listener_count < SERVER_LISTENERS;
         at = at->ai_next) {
        int fd = listen_at(at, port);
        if (fd < 0) {
            cause = errno;
            if (cause == EADDRNOTAVAIL || cause == EAFNOSUPPORT)
                continue; /* a name's IPv6 address where there is no IPv6 */
            break;
        }
        struct listener *listener = &server->listeners[server->listener_count++];
        struct sockaddr_storage bound;
        socklen_t size = sizeof bound;
        memset(&bound, 0, sizeof bound);
        getsockname(fd, (struct sockaddr *)&bound, &size);
        listener->kind = kind;
        listener->fd = fd;
        listener->port = address_text(&bound, listener->host, sizeof listener->host);
        port = listener->port;
        opened++;
        cause = 0;
    }
    freeaddrinfo(all);
    if (opened && (!cause || cause == EADDRNOTAVAIL || cause == EAFNOSUPPORT))
        return ORIEL_OK;
    return fail(server, port, strerror(cause));
}

oriel_result listeners_open(struct server *server, const struct oriel_config *config)
{
    static const struct {
        uint32_t kind;
        const char *option;
    } ports[] = {
        {ORIEL_LISTENER_HTTP, "port"},
        {ORIEL_LISTENER_PIXEL, "pixel_port"},
        {ORIEL_LISTENER_METRICS, "metrics_port"},
    };
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        int64_t port = config->get_int(config, ports[i].option);
        if (port < 0)
            continue;
        oriel_result result = open_one(server, ports[i].kind, (uint32_t)port);
        if (result != ORIEL_OK)
            return result;
    }
    if (!server->listener_count)
        return server->host->fail(
            server->host, ORIEL_INVALID,
            "port, pixel_port and metrics_port are all -1: nothing to listen on");
    return ORIEL_OK;
}

/* Without a descriptor the connection would stay in the backlog and wake the loop for ever: a spare
 * one is given up to take it and hang up. */
static void refuse_one(struct server *server, const struct listener *listener)
{
    if (server->spare_fd < 0)
        return;
    close(server->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    server_log(server, ORIEL_LOG_WARN, "out of file descriptors: a connection was refused");
}

/* One line of what cannot be taken; a log line a while. */
static void refuse_full(struct server *server, int fd, const char *peer)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n"
                                 "retry-after: 10\r\ncontent-length: 0\r\n\r\n";
    send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    close(fd);
    int64_t now = now_ns();
    server->refusals++;
    if (server->refusal_told_ns && now - server->refusal_told_ns < REFUSAL_LOG_NS)
        return;
    server_log(server, ORIEL_LOG_WARN,
               "%s was refused: there are %lld connections, the most allowed (%llu refused)", peer,
               (long long)server->max_connections, (unsigned long long)server->refusals);
    server->refusal_told_ns = now;
    server->refusals = 0;
}

/* A peer that vanished is noticed by the kernel too, for plain HTTP and for what is still unsent
 * when a connection has been closed. */
static void watch_peer(const struct server *server, int fd)
{
    if (!server->ping_s)
        return;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)server->ping_s);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)(server->ping_timeout_s + 3) / 4);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
               (int)(server->ping_s + server->ping_timeout_s) * 1000);
}

bool listener_reopen(struct listener *listener)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *at;
    if (getaddrinfo(listener->host, NULL, &hints, &at) != 0) {
        errno = EADDRNOTAVAIL;
        return false;
    }
    listener->fd = listen_at(at, listener->port);
    int cause = errno;
    freeaddrinfo(at);
    errno = cause;
    return listener->fd >= 0;
}

bool listener_accept(struct server *server, const struct listener *listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    memset(&address, 0, sizeof address);
    int fd =
        accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            refuse_one(server, listener);
        return false;
    }
    char host[INET6_ADDRSTRLEN], peer[sizeof((struct session *)0)->peer];
    uint32_t port = address_text(&address, host, sizeof host);
    bool v6 = strchr(host, ':') != NULL;
    snprintf(peer, sizeof peer, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
    if (server->session_count >= server->max_connections) {
        refuse_full(server, fd, peer);
        return true;
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    watch_peer(server, fd);

    struct session *session = calloc(1, sizeof *session);
    if (!session) {
        close(fd);
        return true;
    }
    session->server = server;
    session->listener = listener;
    memcpy(session->peer, peer, sizeof session->peer);

    struct lws *wsi = lws_adopt_socket_vhost(server->vhost, fd);
    if (!wsi) { /* lws has closed it */
        free(session);
        return true;
    }
    session->wsi = wsi;
    lws_set_opaque_user_data(wsi, session);
    session->next = server->sessions;
    if (session->next)
        session->next->prev = session;
    server->sessions = session;
    pthread_mutex_lock(&server->lock);
    server->session_count++;
    pthread_mutex_unlock(&server->lock);
    session_deadline(session, server->request_s, "no request came");
    return true;
}

void listener_tune(const struct server *server, struct lws *wsi)
{
    int fd = lws_get_socket_fd(wsi);
    if (server->sndbuf)
        set_option(fd, SOL_SOCKET, SO_SNDBUF, (int)server->sndbuf);
    if (server->notsent_lowat)
        set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)server->notsent_lowat);
}
