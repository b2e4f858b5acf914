/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "control/room.h"
#include "util/cancel.h"
#include "util/check.h"
#include "util/thread.h"

/* How many of each kind run at the same time. */
static const int most[JOB_KINDS] = {[JOB_SCENE] = 1,   [JOB_LIST] = 2, [JOB_READ] = 2,
                                    [JOB_PICTURE] = 1, [JOB_VIEW] = 2, [JOB_MODULES] = 1};
#define THREADS 9 /* their sum */

struct worker {
    struct control *control;
    pthread_t threads[THREADS];
    int thread_count;      /* 0: jobs are done where they are added */
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    struct job *head, **tail;
    int running[JOB_KINDS];
    bool stopping;
};

/* Under the mutex: the first job that may run now. */
static struct job *take(struct worker *worker)
{
    struct job **at = &worker->head;
    while (*at && worker->running[(*at)->kind] == most[(*at)->kind])
        at = &(*at)->next;
    struct job *job = *at;
    if (!job)
        return NULL;
    *at = job->next;
    if (!*at)
        worker->tail = at;
    worker->running[job->kind]++;
    return job;
}

static void do_job(struct worker *worker, struct job *job)
{
    job->ran = !cancel_is_set(job->cancel);
    if (job->ran)
        job->run(job);
    struct message *message = message_create(MESSAGE_DONE, 0);
    message->job = job;
    control_post(worker->control, message);
}

static void *run(void *data)
{
    struct worker *worker = data;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stopping) {
        struct job *job = take(worker);
        if (!job) {
            pthread_cond_wait(&worker->wake, &worker->mutex);
            continue;
        }
        enum job_kind kind = job->kind;
        pthread_mutex_unlock(&worker->mutex);
        do_job(worker, job);
        pthread_mutex_lock(&worker->mutex);
        worker->running[kind]--; /* this thread takes the next of the kind, if one waits */
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

struct worker *worker_create(struct control *control, bool threads)
{
    struct worker *worker = xcalloc(1, sizeof *worker);
    worker->control = control;
    worker->tail = &worker->head;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wake, NULL);
    worker->thread_count = threads ? THREADS : 0;
    for (int i = 0; i < worker->thread_count; i++)
        CHECK(thread_start(&worker->threads[i], "control-jobs", run, worker));
    return worker;
}

void worker_destroy(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    pthread_cond_broadcast(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    for (int i = 0; i < worker->thread_count; i++)
        pthread_join(worker->threads[i], NULL);
    while (worker->head) {
        struct job *next = worker->head->next;
        worker->head->drop(worker->head);
        worker->head = next;
    }
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->wake);
    free(worker);
}

void worker_add(struct worker *worker, struct job *job)
{
    if (!worker->thread_count) {
        do_job(worker, job);
        return;
    }
    pthread_mutex_lock(&worker->mutex);
    job->next = NULL;
    *worker->tail = job;
    worker->tail = &job->next;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
}
