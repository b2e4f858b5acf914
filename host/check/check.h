/* SPDX-License-Identifier: BSD-3-Clause */
/* `oriel check`: the tests that a module must pass, and what they are written with.
 *
 * A test is one row of a table. It runs in a child process that has loaded the module for this test
 * alone; it passes by returning, fails with one sentence by check_fail(), or says with check_skip()
 * why it does not apply. A crash, exit() or hang of the module is a failure that names the call
 * which the test announced with check_doing(). What a test leaves behind ends with its process. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "module/registry.h"
#include "oriel/module.h"

/* Bits of check::kinds. A test with none is about the file, and runs once; others run for each of
 * their kinds that the module has. */
enum {
    CHECK_CAPTURE = 1u << MODULE_CAPTURE,
    CHECK_ENCODER = 1u << MODULE_ENCODER,
    CHECK_TRANSPORT = 1u << MODULE_TRANSPORT,
    CHECK_SCENE = 1u << MODULE_SCENE,
    CHECK_SOURCE = 1u << MODULE_SOURCE,
    CHECK_EVERY = (1u << MODULE_KIND_COUNT) - 1,
    CHECK_GATE = 1u << 30 /* when it fails, what follows in all tables is skipped */
};

struct check_run;

struct check {
    const char *name;  /* "<group>.<what>" */
    const char *wants; /* one sentence: what the contract asks for, for --list and docs/check.md */
    unsigned kinds;
    unsigned seconds; /* limit on a quiet machine */
    void (*run)(struct check_run *run);
};

extern const struct check check_file[], check_capture[], check_encoder[], check_scene[],
    check_source[], check_transport[];
extern const size_t check_file_count, check_capture_count, check_encoder_count, check_scene_count,
    check_source_count, check_transport_count;

/* What the test that runs has. */
struct check_run {
    const char *path;            /* of the module, absolute */
    const char *const *settings; /* --set: "key=value" of the module's options, NULL at the end */
    const char *data;            /* --data: a file or folder for sources, absolute; NULL: none */
    const char *scratch;         /* a folder for its files, removed afterwards */
    uint64_t seed;               /* of what is random */
    unsigned patience;           /* factor on every time of the tests; 1 on a quiet machine */
    enum module_kind kind;       /* where the test has kinds: */
    const void *vtable;          /* struct oriel_encoder, …; checked: no function is missing */
    const struct oriel_entry *entry; /* checked, and init() was called */
    struct check_shared *shared;     /* the engine's */
};

/* ---- what a test says. One clear sentence: what happened and what the contract wants. ---- */

_Noreturn void check_fail(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* on the thread that runs the test */
_Noreturn void check_skip(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* on the thread that runs the test */
/* From a callback on any thread: the test will fail with this; the first one counts. Returns. */
void check_blame(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Fails now if somebody was blamed. */
void check_blamed(struct check_run *run);
/* What the module is asked to do from here on: "create() with NV12 at 320x240". Any thread. */
void check_doing(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Shown behind a test that passes: "1000 instances in 0.4 s". */
void check_note(struct check_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- the host that the module sees ---- */

enum check_host_kind {
    CHECK_HOST_USUAL,   /* with oriel.host.map/1, and what check_host_offer() adds */
    CHECK_HOST_MINIMAL, /* get_interface is NULL for everything */
    CHECK_HOST_FUTURE   /* as USUAL, of a later minor: larger, poison behind the known members */
};

/* Counts what its module does. Misuse (a reference given back twice, a failure without a text) is
 * blamed. Any thread. */
struct check_host {
    struct oriel_host host; /* first */
    uint8_t poison[256];    /* FUTURE: the end of a longer struct */
    struct check_run *run;
    enum check_host_kind kind;
    struct {
        const char *id;
        const void *pointer;
    } offers[8];
    unsigned offer_count;
    int frame_refs;       /* held by the module: its refs less its unrefs; atomic */
    int buffers;          /* made by the module and not given back; atomic */
    unsigned logs, fails; /* atomic */
};

/* Never freed: they end with the process, and a module may use one late, which is to be seen. */
struct check_host *check_host_new(struct check_run *run, enum check_host_kind kind);
/* An interface it answers to; both live as long as the process. */
void check_host_offer(struct check_host *host, const char *id, const void *pointer);
/* The text of the last fail() on this thread since the last call of this, or ""; clears it. */
const char *check_failure(void);
/* "UNSUPPORTED" of a result; a number for one that is none. */
const char *check_result_name(oriel_result result);
/* Fails, unless the call was OK, or UNSUPPORTED with a text, which skips with it. `what`:
 * "create()".
 */
void check_created(struct check_run *run, oriel_result result, const char *what);

/* References of the tests' own to a frame: what frame_ref and frame_unref of a host do, uncounted.
 */
void check_frame_ref(const struct oriel_frame *frame);
void check_frame_unref(const struct oriel_frame *frame, const struct oriel_fence *done);
/* A buffer of the host's own, one reference; check_buffer_refs() is how many there are. */
const struct oriel_buffer *check_buffer_new(const void *data, uint64_t bytes);
void check_buffer_unref(const struct oriel_buffer *buffer);
unsigned check_buffer_refs(const struct oriel_buffer *buffer);

/* ---- the options that it sees ---- */

/* Every option of the table at its default, then --set, then `settings` ("key=value", a NULL at the
 * end; NULL: none), which are not checked against the table's limits. Asking for what the table
 * does not have, or by a wrong type, is blamed. Lives as long as the process. */
const struct oriel_config *check_config(struct check_run *run,
                                        const struct oriel_option_table *table,
                                        const char *const *settings);

/* ---- the process ---- */

unsigned check_threads(void); /* of this process */
unsigned check_fds(void);     /* open descriptors */
uint64_t check_rss(void);     /* bytes of resident memory */
uint64_t check_heap(void);    /* bytes that malloc() has handed out, but for check_keep() */
bool check_sanitized(void);   /* under AddressSanitizer or ThreadSanitizer */
/* Zeroed memory that lives as long as the process. */
void *check_keep(size_t bytes);
uint64_t check_random(uint64_t *state); /* the same numbers for the same state */
/* What instances may leave behind. */
struct check_use {
    uint64_t rss, heap;
    unsigned threads, fds;
};
struct check_use check_use_now(void);
/* Fails where `lives` instances have left threads, descriptors or memory since `before`. `take` and
 * `give` are the calls of a life ("create()"); the two noises are bytes that mean nothing, 0: that
 * memory is not looked at. */
void check_flat(struct check_run *run, const struct check_use *before, unsigned lives,
                const char *take, const char *give, uint64_t rss_noise, uint64_t heap_noise);
/* Waits until check_threads() and check_fds() are no more than these, for `ms` × patience at most:
 * what ends asynchronously needs a moment. */
bool check_settled(struct check_run *run, unsigned threads, unsigned fds, unsigned ms);

#endif
