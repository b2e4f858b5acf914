/* SPDX-License-Identifier: BSD-3-Clause */
/* Who runs on a thread: a module, in one of its operations, or the host. Kept for the moment when
 * that goes wrong, so it costs a call into a module some stores and a look at the clock.
 *
 * Every call of the host into a module stands in MODULE_CALL; what a module calls back stands in
 * MODULE_HOST where it does more than a moment's work, so that nobody is blamed for others. */
#ifndef MODULE_CALL_H
#define MODULE_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A module of one kind as it is told in an emergency. Kept for ever; all texts are. */
struct callee {
    struct callee *next;
    const char *id, *path;
    const char *record; /* members of its line in the file of the quarantine, escaped */
    const void *object; /* of the loader; NULL until it is loaded */
    bool waits;         /* its operations wait for the world outside, for as long as that takes */
};

/* What was going on before; a value for the caller's stack. */
struct call_mark {
    const struct callee *callee;
    const char *op;
    int64_t since_ns;
};

/* The module's operation `op`, a literal. */
struct call_mark call_begin(const struct callee *callee, const char *op);
struct call_mark call_host(void);
void call_end(const struct call_mark *before);

/* `call`, its value too, is a call of operation `op` of the module behind `use_`. */
#define MODULE_CALL(use_, op_, ...)                                                                \
    __extension__({                                                                                \
        __attribute__((cleanup(call_end))) const struct call_mark call_before_ =                   \
            call_begin((use_)->callee, op_);                                                       \
        __VA_ARGS__;                                                                               \
    })
/* To the end of the block it is the host that runs. */
#define MODULE_HOST                                                                                \
    __attribute__((cleanup(call_end), unused)) const struct call_mark call_host_ = call_host()

/* --- for the emergency --- */

/* Makes one known, loaded with `within` in it; never taken back. [any-thread] */
void call_add_callee(struct callee *callee, const void *within);
/* The one whose file has that address, as code or data; NULL: none. Safe in a signal handler. */
const struct callee *call_owner(const void *address);

/* What this thread is in; callee NULL: the host, on behalf of a module, and op NULL: no call at
 * all, so it may be a thread of a module's own. Safe in a signal handler. */
struct call_mark call_current(void);

/* Calls that run now, of all threads. */
struct call_running {
    pid_t thread;
    struct call_mark call;
};
/* Calls `each` for them. Nothing is held that a module's call would wait for. */
void call_each(void (*each)(void *data, const struct call_running *running), void *data);

/* Says once, on the thread of the next call, that there are calls again; NULL: never. */
void call_notify(void (*begun)(void));
void call_notify_again(void);

#endif
