/* SPDX-License-Identifier: BSD-3-Clause */
#include "talk.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES 4

struct patience patience(int64_t ms)
{
    if (ms <= 0)
        return (struct patience){-1, 1};
    return (struct patience){(int)((ms + PIECES - 1) / PIECES), PIECES};
}

bool talk_send(struct talk *talk, uint32_t type, const void *a, size_t a_bytes, const void *b,
               size_t b_bytes, int passed)
{
    struct remote_head head = {.type = type, .bytes = a_bytes + b_bytes};
    struct iovec parts[] = {
        {&head, sizeof(head)}, {(void *)(uintptr_t)a, a_bytes}, {(void *)(uintptr_t)b, b_bytes}};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
    if (passed >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr *with = CMSG_FIRSTHDR(&message);
        with->cmsg_level = SOL_SOCKET;
        with->cmsg_type = SCM_RIGHTS;
        with->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(with), &passed, sizeof(int));
    }
    /* Questions are small beside the socket's buffer, so one that does not fit is not read. */
    size_t all = sizeof(head) + a_bytes + b_bytes;
    ssize_t n;
    do
        n = sendmsg(talk->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)all;
}

/* Up to `most` bytes, at least one. */
static enum talk_result receive(struct talk *talk, uint8_t *to, size_t most, struct patience *left,
                                size_t *got)
{
    for (;;) {
        ssize_t n = recv(talk->fd, to, most, MSG_DONTWAIT);
        *got = n > 0 ? (size_t)n : 0;
        if (n > 0)
            return TALK_OK;
        if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            return TALK_ENDED;
        if (errno == EINTR)
            continue;
        if (!left)
            return TALK_NOTHING;
        if (left->pieces <= 0)
            return TALK_LATE;
        struct pollfd fd = {talk->fd, POLLIN, 0};
        if (poll(&fd, 1, left->piece_ms) == 0)
            left->pieces--;
    }
}

static enum talk_result take(struct talk *talk, void *to, size_t bytes, struct patience *left)
{
    uint8_t *at = to;
    while (bytes > 0) {
        size_t got, there = talk->end - talk->begin;
        if (there > 0) {
            size_t n = there < bytes ? there : bytes;
            memcpy(at, talk->in + talk->begin, n);
            talk->begin += n;
            at += n;
            bytes -= n;
            continue;
        }
        bool direct = bytes >= sizeof(talk->in);
        enum talk_result result =
            receive(talk, direct ? at : talk->in, direct ? bytes : sizeof(talk->in), left, &got);
        if (result != TALK_OK)
            return result;
        if (direct) {
            at += got;
            bytes -= got;
        } else {
            talk->begin = 0;
            talk->end = got;
        }
    }
    return TALK_OK;
}

enum talk_result talk_receive(struct talk *talk, struct remote_head *head, const uint8_t **body,
                              struct patience *left)
{
    struct patience rest = patience(1000); /* of a message that has begun */
    if (!left && talk->begin == talk->end) {
        enum talk_result some = receive(talk, talk->in, sizeof(talk->in), NULL, &talk->end);
        talk->begin = 0;
        if (some != TALK_OK)
            return some;
    }
    left = left ? left : &rest;
    enum talk_result result = take(talk, head, sizeof(*head), left);
    if (result != TALK_OK)
        return result;
    if (head->bytes > talk->most)
        return TALK_NONSENSE;
    if (head->bytes + 1 > talk->room) {
        uint8_t *more = realloc(talk->body, (size_t)head->bytes + head->bytes / 2 + 4096);
        if (!more)
            return TALK_NONSENSE;
        talk->body = more;
        talk->room = (size_t)head->bytes + head->bytes / 2 + 4096;
    }
    result = take(talk, talk->body, (size_t)head->bytes, left);
    talk->body[head->bytes] = '\0';
    *body = talk->body;
    return result;
}

void talk_finish(struct talk *talk)
{
    if (talk->fd >= 0)
        close(talk->fd);
    free(talk->body);
}
