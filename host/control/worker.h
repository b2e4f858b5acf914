/* SPDX-License-Identifier: BSD-3-Clause */
/* What takes time and needs no scene: a few threads that run jobs and post them back. */
#ifndef CONTROL_WORKER_H
#define CONTROL_WORKER_H

#include <stdbool.h>

struct cancel;
struct control;
struct worker;

/* What is slow holds up its own kind only: each has threads of its own. */
enum job_kind {
    JOB_SCENE,   /* loads and saves: one after another */
    JOB_LIST,    /* folders */
    JOB_READ,    /* values of data, thumbnails */
    JOB_PICTURE, /* screenshots, one at a time */
    JOB_VIEW,    /* rooms of views */
    JOB_MODULES, /* exchanges of modules, one after another */
    JOB_KINDS
};

/* Embed as the first member. `run` is called on a thread of the worker, then `done` on control's,
 * which frees it. `drop` instead of `done` when the room stops, or when it was cancelled before it
 * ran, which it does not then. */
struct job {
    struct job *next;
    enum job_kind kind;
    struct cancel *cancel; /* NULL: cannot be cancelled */
    bool ran;
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
