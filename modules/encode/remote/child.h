/* SPDX-License-Identifier: BSD-3-Clause */
/* The process of one instance, with a thread that keeps it: it starts it, since a child dies with
 * the thread that did, not with the process; it takes its status when it ends; and it listens where
 * nobody else does. */
#ifndef REMOTE_CHILD_H
#define REMOTE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

struct child;

struct child_setup {
    const char *program, *command; /* kept only for the call */
    int socket;                    /* ours, for `listen` */
    int theirs;                    /* becomes descriptor `as` of the child, which has no others */
    int as;
    void (*listen)(void *data); /* something has come and nobody has waited for it */
    void *data;
};

/* NULL with the reason. */
struct child *child_start(const struct child_setup *setup, char *why, size_t room);
/* `listen` is wanted from now on, or no more. [any-thread] */
void child_listen(struct child *child, bool wanted);
/* Now. */
void child_kill(struct child *child);
/* How it has ended: "crashed (SIGSEGV)"; "" where it has not within the time. */
void child_end(struct child *child, int within_ms, char *how, size_t room);
/* Waits so long for it to end by itself. No `listen` after that. NULL is fine. */
void child_destroy(struct child *child, int patience_ms);

#endif
