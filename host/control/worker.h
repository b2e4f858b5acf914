/* SPDX-License-Identifier: BSD-3-Clause */
/* What takes time and needs no scene: a few threads that run jobs and post them back. */
#ifndef CONTROL_WORKER_H
#define CONTROL_WORKER_H

#include <stdbool.h>

struct control;
struct worker;

/* Embed as the first member. `run` is called on a thread of the worker, then `done` on control's,
 * which frees it; `drop` instead of `done` when the room stops. */
struct job {
    struct job *next;
    bool in_order; /* one at a time of these, in the order in which they were added */
    void (*run)(struct job *job);
    void (*done)(struct control *control, struct job *job);
    void (*drop)(struct job *job);
};

/* Without threads a job is done, and its message posted, where it is added. */
struct worker *worker_create(struct control *control, bool threads);
/* Waits for the jobs that run; drops those that wait. NULL is fine. */
void worker_destroy(struct worker *worker);
void worker_add(struct worker *worker, struct job *job);

#endif
