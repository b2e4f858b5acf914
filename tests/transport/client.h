/* SPDX-License-Identifier: BSD-3-Clause */
/* A client on a bare socket, so that a test sees every byte. All calls block, 5 s at most, and fail
 * the test by returning what the caller asserts on. */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int client_connect(uint32_t port); /* -1 when refused */
bool client_write(int fd, const void *data, size_t bytes);
/* Reads to the empty line and returns the status; the whole head in `head`. -1: hung up. */
int client_head(int fd, char *head, size_t room);
bool client_read(int fd, void *data, size_t bytes);

/* An upgrade with more request lines in `extra` ("Name: value\r\n"). 101 when it became one. */
int client_upgrade(uint32_t port, const char *target, const char *extra, int *fd);

enum { WS_CONTINUE = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

bool ws_send(int fd, int opcode, bool final, const void *data, size_t bytes);
struct ws_frame {
    int opcode;
    bool final, reserved; /* reserved: an extension's bit is set */
    size_t bytes;
    uint8_t *data; /* valid until the next call on any thread of the test */
};
bool ws_read(int fd, struct ws_frame *frame);
/* The code of the close frame that comes next (0: none); pings are answered on the way. */
unsigned ws_read_close(int fd, char *reason, size_t room);

#endif
