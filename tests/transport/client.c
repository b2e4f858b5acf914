/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int client_connect(uint32_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool client_write(int fd, const void *data, size_t bytes)
{
    const char *at = data;
    while (bytes) {
        ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

bool client_read(int fd, void *data, size_t bytes)
{
    char *at = data;
    while (bytes) {
        ssize_t n = recv(fd, at, bytes, 0);
        if (n <= 0)
            return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

int client_head(int fd, char *head, size_t room)
{
    size_t n = 0;
    while (n + 1 < room) {
        if (!client_read(fd, head + n, 1))
            return -1;
        head[++n] = '\0';
        if (n >= 4 && strcmp(head + n - 4, "\r\n\r\n") == 0)
            break;
    }
    int status = -1;
    sscanf(head, "HTTP/1.1 %d", &status);
    return status;
}

int client_upgrade(uint32_t port, const char *target, const char *extra, int *fd)
{
    *fd = client_connect(port);
    if (*fd < 0)
        return -1;
    char text[4096];
    int n = snprintf(
        text, sizeof text,
        "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n%s\r\n",
        target, extra);
    if (!client_write(*fd, text, (size_t)n))
        return -1;
    int status = client_head(*fd, text, sizeof text);
    /* The key's answer as RFC 6455 gives it; and no extension, though one was offered. */
    if (status == 101 && (!strcasestr(text, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") ||
                          strcasestr(text, "extensions")))
        return -1;
    return status;
}

bool ws_send(int fd, int opcode, bool final, const void *data, size_t bytes)
{
    uint8_t *frame = malloc(bytes + 14), *p = frame;
    *p++ = (uint8_t)((final ? 0x80 : 0) | opcode);
    if (bytes < 126) {
        *p++ = (uint8_t)(0x80 | bytes);
    } else if (bytes < 65536) {
        *p++ = 0x80 | 126;
        *p++ = (uint8_t)(bytes >> 8);
        *p++ = (uint8_t)bytes;
    } else {
        *p++ = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            *p++ = (uint8_t)((uint64_t)bytes >> shift);
    }
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    memcpy(p, mask, 4);
    p += 4;
    for (size_t i = 0; i < bytes; i++)
        *p++ = ((const uint8_t *)data)[i] ^ mask[i % 4];
    bool sent = client_write(fd, frame, (size_t)(p - frame));
    free(frame);
    return sent;
}

bool ws_read(int fd, struct ws_frame *frame)
{
    static uint8_t data[4 << 20];
    uint8_t head[8];
    if (!client_read(fd, head, 2))
        return false;
    frame->final = head[0] & 0x80;
    frame->reserved = head[0] & 0x70;
    frame->opcode = head[0] & 0x0F;
    uint64_t bytes = head[1] & 0x7F;
    if (head[1] & 0x80)
        return false; /* a server does not mask */
    int more = bytes == 126 ? 2 : bytes == 127 ? 8 : 0;
    if (more) {
        if (!client_read(fd, head, (size_t)more))
            return false;
        bytes = 0;
        for (int i = 0; i < more; i++)
            bytes = bytes << 8 | head[i];
    }
    frame->bytes = (size_t)bytes;
    frame->data = data;
    return bytes <= sizeof data && client_read(fd, data, (size_t)bytes);
}

unsigned ws_read_close(int fd, char *reason, size_t room)
{
    struct ws_frame frame;
    while (ws_read(fd, &frame)) {
        if (frame.opcode == WS_PING)
            ws_send(fd, WS_PONG, true, frame.data, frame.bytes);
        if (frame.opcode != WS_CLOSE || frame.bytes < 2)
            continue;
        snprintf(reason, room, "%.*s", (int)frame.bytes - 2, (const char *)frame.data + 2);
        return (unsigned)frame.data[0] << 8 | frame.data[1];
    }
    return 0;
}
