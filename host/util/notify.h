/* SPDX-License-Identifier: BSD-3-Clause */
/* What a service manager is told, by the protocol of sd_notify(3). */
#ifndef UTIL_NOTIFY_H
#define UTIL_NOTIFY_H

/* Sends "READY=1\nSTATUS=…" to $NOTIFY_SOCKET. Nothing happens where there is none, or nobody
 * listens: no server fails for it. [any-thread] */
void notify_manager(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
