/* SPDX-License-Identifier: BSD-3-Clause */
#include "udp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../common/viewer.h"

struct udp {
    int media, reports, end; /* sockets; an eventfd */
    struct sockaddr_storage to[2];
    socklen_t to_bytes;
    double pace;
    int64_t next_ns; /* when the next packet may go */
    void (*asked)(void *data);
    void *data;
    pthread_t thread;
    bool running;
};

/* Does one of the reports ask for a key picture? */
static bool asks_for_key(const uint8_t *p, size_t bytes)
{
    while (bytes >= 4) {
        size_t length = ((size_t)p[2] << 8 | p[3]) * 4 + 4;
        unsigned format = p[0] & 31u;
        if (p[0] >> 6 != 2 || length > bytes)
            return false;
        if (p[1] == 206 && (format == 1 || format == 4))
            return true;
        p += length;
        bytes -= length;
    }
    return false;
}

static void *listen_for_reports(void *data)
{
    struct udp *udp = data;
    struct pollfd polls[] = {{.fd = udp->reports, .events = POLLIN},
                             {.fd = udp->end, .events = POLLIN}};
    uint8_t packet[2048];
    while (poll(polls, 2, -1) >= 0 || errno == EINTR) {
        if (polls[1].revents)
            break;
        ssize_t n = recv(udp->reports, packet, sizeof packet, MSG_DONTWAIT);
        if (n > 0 && asks_for_key(packet, (size_t)n))
            udp->asked(udp->data);
    }
    return NULL;
}

/* 0, or errno. */
static int open_socket(int family, int ttl, int *fd)
{
    *fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return errno;
    if (family == AF_INET6)
        setsockopt(*fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &ttl, sizeof ttl);
    else
        setsockopt(*fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl);
    return 0;
}

/* What receivers report comes to the port that reports are sent from. */
static int bind_reports(const struct udp *udp, int family)
{
    struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
    return bind(udp->reports, (struct sockaddr *)&any, udp->to_bytes) == 0 ? 0 : errno;
}

static bool resolve(struct udp *udp, const char *host, unsigned port, int *family, char why[256])
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
    for (unsigned i = 0; i < 2; i++) {
        char service[8];
        struct addrinfo *found = NULL;
        snprintf(service, sizeof service, "%u", port + i);
        int result = getaddrinfo(host, service, &hints, &found);
        if (result != 0) {
            snprintf(why, 256, "%s: %s", host, gai_strerror(result));
            return false;
        }
        memcpy(&udp->to[i], found->ai_addr, found->ai_addrlen);
        udp->to_bytes = found->ai_addrlen;
        *family = found->ai_family;
        freeaddrinfo(found);
    }
    return true;
}

struct udp *udp_open(const char *host, unsigned port, int ttl, double pace,
                     void (*asked)(void *data), void *data, char why[256])
{
    struct udp *udp = calloc(1, sizeof *udp);
    int family, error;
    snprintf(why, 256, "out of memory");
    if (!udp)
        return NULL;
    *udp = (struct udp){
        .media = -1, .reports = -1, .end = -1, .pace = pace, .asked = asked, .data = data};
    if (!resolve(udp, host, port, &family, why)) {
        udp_close(udp);
        return NULL;
    }
    error = open_socket(family, ttl, &udp->media);
    if (!error)
        error = open_socket(family, ttl, &udp->reports);
    if (!error)
        error = bind_reports(udp, family);
    udp->end = eventfd(0, EFD_CLOEXEC);
    if (!error && udp->end < 0)
        error = errno;
    if (!error)
        error = pthread_create(&udp->thread, NULL, listen_for_reports, udp);
    udp->running = !error;
    if (!error)
        return udp;
    snprintf(why, 256, "%s port %u: %s", host, port, strerror(error));
    udp_close(udp);
    return NULL;
}

void udp_close(struct udp *udp)
{
    if (!udp)
        return;
    if (udp->running) {
        eventfd_write(udp->end, 1);
        pthread_join(udp->thread, NULL);
    }
    const int all[] = {udp->media, udp->reports, udp->end};
    for (int i = 0; i < 3; i++) {
        if (all[i] >= 0)
            close(all[i]);
    }
    free(udp);
}

static void pace(struct udp *udp, unsigned bytes)
{
    if (udp->pace <= 0)
        return;
    int64_t now = viewer_now();
    if (udp->next_ns > now) {
        const struct timespec until = {udp->next_ns / 1000000000, udp->next_ns % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    } else {
        udp->next_ns = now;
    }
    udp->next_ns += (int64_t)(bytes * 8.0 / udp->pace * 1e9);
}

void udp_send(struct udp *udp, const uint8_t *packet, unsigned bytes)
{
    bool report = bytes > 1 && packet[1] >= 200 && packet[1] <= 207;
    if (!report)
        pace(udp, bytes);
    sendto(report ? udp->reports : udp->media, packet, bytes, MSG_NOSIGNAL,
           (struct sockaddr *)&udp->to[report], udp->to_bytes);
}
