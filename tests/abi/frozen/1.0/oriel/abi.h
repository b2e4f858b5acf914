/* SPDX-License-Identifier: BSD-3-Clause */
/* Oriel module SDK: versions, result codes and the macros every other header uses.
 *
 * The headers of this SDK include nothing but <stddef.h>, <stdint.h> and each other, and compile
 * alone as C11, C17 and C++17. Rules that hold for every struct in them:
 *  - a struct that starts with `size` is filled by the side that owns it; the reader looks at a
 *    member only through ORIEL_HAS(), so members can be appended without breaking anyone;
 *  - a struct without `size` is frozen: it is embedded by value or stands in arrays;
 *  - enumerations travel as uint32_t, and an unknown value is answered ORIEL_UNSUPPORTED;
 *  - strings are UTF-8, NUL-terminated, and owned by the side that hands them out;
 *  - times are nanoseconds of CLOCK_MONOTONIC, from oriel_host::now_ns.
 * Every function says in brackets which role may call it: [main] [render] [encoder] [transport]
 * [loader] [any-thread]. A role is one thread at a time for each instance, not an OS thread. */
#ifndef ORIEL_ABI_H
#define ORIEL_ABI_H

#include <stddef.h>
#include <stdint.h>

/* Major: incompatible, and part of the entry symbol's name. Minor: grows by one with every appended
 * member or newly stable interface; sdk/CHANGES.md names each. */
#define ORIEL_ABI_MAJOR 1u
#define ORIEL_ABI_MINOR 0u

/* The oldest host minor the module accepts. A module may lower it; what is newer is then hidden. */
#ifndef ORIEL_TARGET_MINOR
#define ORIEL_TARGET_MINOR ORIEL_ABI_MINOR
#endif

#if ORIEL_TARGET_MINOR > ORIEL_ABI_MINOR
#error "ORIEL_TARGET_MINOR is newer than these headers"
#endif

#define ORIEL_MAGIC UINT64_C(0x314c454952304f21)

#if defined(_WIN32)
#define ORIEL_EXPORT __declspec(dllexport)
#else
#define ORIEL_EXPORT __attribute__((visibility("default")))
#endif

/* True when *p is large enough to have `member` and the member is not null or zero. */
#define ORIEL_HAS(p, member) ((p)->size >= (uint32_t)(ORIEL_END_OF_(p, member)) && (p)->member)
#define ORIEL_END_OF_(p, member)                                                                   \
    ((size_t)((const char *)&(p)->member - (const char *)(p)) + sizeof((p)->member))

#define ORIEL_FOURCC(a, b, c, d)                                                                   \
    ((uint32_t)(a) | ((uint32_t)(b) << 8) | ((uint32_t)(c) << 16) | ((uint32_t)(d) << 24))

/* 0 or one of these. The text of a failure goes through oriel_host::fail before the return. What
 * the host does with each:
 *
 *   AGAIN        nothing is wrong, there is just nothing now; a frame is dropped and counted
 *   UNSUPPORTED  this instance cannot do that; the host tries something else
 *   INVALID      the caller broke the contract; three from one instance and it is replaced
 *   NOMEM, IO    this call failed; the instance stays
 *   DEVICE_LOST  everything on that device is rebuilt
 *   FATAL        the instance is destroyed and the next module of the list takes over
 *   CANCELLED    the caller asked for it
 */
typedef int32_t oriel_result;
enum {
    ORIEL_OK = 0,
    ORIEL_AGAIN = -1,
    ORIEL_UNSUPPORTED = -2,
    ORIEL_INVALID = -3,
    ORIEL_NOMEM = -4,
    ORIEL_IO = -5,
    ORIEL_DEVICE_LOST = -6,
    ORIEL_FATAL = -7,
    ORIEL_CANCELLED = -8
};

#endif
