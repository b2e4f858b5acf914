/* SPDX-License-Identifier: BSD-3-Clause */
/* What the child writes and the parent reads: memory of both, so that it outlives a crash. */
#ifndef CHECK_SHARED_H
#define CHECK_SHARED_H

#include <setjmp.h>

#include "check/engine.h"

struct check_shared {
    enum check_result result;
    bool done;       /* `result` and `text` are set */
    bool in_process; /* there is no child: a test ends with a jump */
    unsigned kinds;  /* that the module has */
    bool mute;       /* kept from test to test: a transport does not answer what is known here */
    unsigned blamed; /* atomic: 1 while `blame` is written, then 2 */
    sigjmp_buf end;
    char doing[400];
    char text[1600];
    char note[200];
    char blame[1200];
};

/* Loads, calls init() and looks at the entry, once for each process. NULL with a sentence. */
const struct oriel_entry *check_load(struct check_run *run, struct error *err);
bool check_init(struct check_run *run, const struct oriel_entry *entry, struct error *err);
/* The vtable of a kind, of which only the option table may be unsound. NULL without a text when the
 * module does not have the kind. */
const void *check_vtable(const struct oriel_entry *entry, enum module_kind kind, struct error *err);

/* The test that finds out the kinds: row of check_file. */
extern const struct check check_interfaces;

/* A process of this one: runs `work`, and ends. Waits for `seconds` at most; false with how it
 * ended otherwise: "crashed (Segmentation fault) in create(): …". */
bool check_child(struct check_shared *shared, double seconds, void (*work)(void *data), void *data,
                 struct error *err);

#endif
