/* SPDX-License-Identifier: BSD-3-Clause */
/* What every stand-in keeps about its client: calls, faults, settings, injected failures. Any
 * thread; never calls out. */
#ifndef STANDIN_BOOK_H
#define STANDIN_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* Counts the call; true when a rule makes it fail with *code. */
bool book_enter(const char *call, int *code);
/* A contract was broken; the text names the call. */
void book_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
void book_count(const char *what, int64_t n);
int64_t book_setting(const char *key, int64_t otherwise);
/* Sleeps for a random part of the setting "delay.us". */
void book_delay(int64_t otherwise_us);

#define ENTER(call)                                                                                \
    do {                                                                                           \
        int code_;                                                                                 \
        if (book_enter(#call, &code_))                                                             \
            return code_;                                                                          \
    } while (0)

/* For a call that releases: it does its work and answers `injected` in the end. */
#define ENTER_RELEASE(call)                                                                        \
    int injected = 0;                                                                              \
    (void)(book_enter(#call, &injected))
#define LEAVE_RELEASE(result)                                                                      \
    do {                                                                                           \
        int result_ = (int)(result);                                                               \
        return injected ? injected : result_;                                                      \
    } while (0)

EXPORT void standin_reset(void);
EXPORT void standin_fail(const char *call, uint32_t nth, int code);
EXPORT void standin_set(const char *key, int64_t value);
EXPORT uint32_t standin_faults(char *text, size_t room);
EXPORT uint64_t standin_count(const char *what);

#endif
