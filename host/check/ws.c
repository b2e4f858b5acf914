/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/ws.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "util/check.h"

enum { FRAME_MOST = 64 << 20 };

int ws_connect(const char *host, uint32_t port, unsigned ms)
{
    char service[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host, service, &hints, &found))
        return -1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

bool ws_write(int fd, const void *data, size_t bytes)
{
    for (const char *at = data; bytes;) {
        ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

bool ws_read(int fd, void *data, size_t bytes)
{
    for (char *at = data; bytes;) {
        ssize_t n = recv(fd, at, bytes, 0);
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

int ws_head(int fd, char *head, size_t room)
{
    size_t n = 0;
    int status = 0;
    while (n + 1 < room && (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0)) {
        if (!ws_read(fd, head + n, 1))
            return n ? 0 : -1;
        head[++n] = '\0';
    }
    return sscanf(head, "HTTP/1.%*1d %d", &status) == 1 ? status : 0;
}

int ws_upgrade(int fd, const char *target, const char *extra)
{
    char text[4096];
    int n = snprintf(text, sizeof text,
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                     target, extra);
    if (!ws_write(fd, text, (size_t)n))
        return -1;
    int status = ws_head(fd, text, sizeof text);
    /* The answer to that key, as RFC 6455 1.3 gives it. */
    bool right = strcasestr(text, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != NULL;
    return status == 101 && !right ? -1 : status;
}

bool ws_send(int fd, int opcode, bool final, const void *data, size_t bytes)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t *frame = xcalloc(1, bytes + 14), *at = frame;
    int more = bytes < 126 ? 0 : bytes < 65536 ? 2 : 8;
    *at++ = (uint8_t)((final ? 0x80 : 0) | opcode);
    *at++ = (uint8_t)(0x80 | (more == 8 ? 127 : more ? 126 : bytes));
    while (more--)
        *at++ = (uint8_t)((uint64_t)bytes >> (8 * more));
    memcpy(at, mask, 4);
    at += 4;
    for (size_t i = 0; i < bytes; i++)
        *at++ = ((const uint8_t *)data)[i] ^ mask[i % 4];
    bool sent = ws_write(fd, frame, (size_t)(at - frame));
    free(frame);
    return sent;
}

bool ws_receive(int fd, struct ws_frame *frame)
{
    uint8_t head[10];
    *frame = (struct ws_frame){0};
    if (!ws_read(fd, head, 2) || head[1] & 0x80) /* a server does not mask */
        return false;
    uint64_t bytes = head[1];
    int more = bytes == 126 ? 2 : bytes == 127 ? 8 : 0;
    if (more && !ws_read(fd, head + 2, (size_t)more))
        return false;
    for (int i = 0; i < more; i++)
        bytes = (i ? bytes << 8 : 0) | head[2 + i];
    frame->opcode = head[0] & 0x0F;
    frame->final = head[0] & 0x80;
    frame->bytes = (size_t)bytes;
    if (bytes > FRAME_MOST)
        return false;
    frame->data = xcalloc(1, (size_t)bytes + 1);
    bool good = ws_read(fd, frame->data, (size_t)bytes);
    if (good && frame->opcode != WS_PING)
        return true;
    good = good && ws_send(fd, WS_PONG, true, frame->data, frame->bytes);
    free(frame->data);
    frame->data = NULL;
    return good && ws_receive(fd, frame);
}

unsigned ws_receive_close(int fd, char *reason, size_t room)
{
    struct ws_frame frame;
    while (ws_receive(fd, &frame)) {
        unsigned code = 0;
        if (frame.opcode == WS_CLOSE)
            code = frame.bytes < 2 ? 1005 : (unsigned)frame.data[0] << 8 | frame.data[1];
        if (code && frame.bytes >= 2)
            snprintf(reason, room, "%.*s", (int)frame.bytes - 2, (const char *)frame.data + 2);
        free(frame.data);
        if (code)
            return code;
    }
    return 0;
}
