/* SPDX-License-Identifier: BSD-3-Clause */
/* A client of HTTP and websockets (RFC 6455) on a bare socket, so that a test sees every byte. */
#ifndef CHECK_WS_H
#define CHECK_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WS_CONTINUE = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

/* A connection whose reads and writes end after `ms`; -1 with errno. */
int ws_connect(const char *host, uint32_t port, unsigned ms);
bool ws_write(int fd, const void *data, size_t bytes);
bool ws_read(int fd, void *data, size_t bytes);
/* The head of an answer, to its empty line; its status. 0: it is no HTTP; -1: there came none. */
int ws_head(int fd, char *head, size_t room);
/* Asks to become a websocket, with more lines in `extra`; 101 where it did, by the protocol. */
int ws_upgrade(int fd, const char *target, const char *extra);

bool ws_send(int fd, int opcode, bool final, const void *data, size_t bytes);
struct ws_frame {
    int opcode;
    bool final;
    size_t bytes;
    uint8_t *data; /* for free() */
};
/* The next frame that is no ping; those are answered. False: there came none. */
bool ws_receive(int fd, struct ws_frame *frame);
/* Reads on to the close frame; its code, 1005 without one, 0 where none comes. */
unsigned ws_receive_close(int fd, char *reason, size_t room);

#endif
