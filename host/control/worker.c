/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "control/room.h"
#include "util/check.h"
#include "util/thread.h"

struct worker {
    struct control *control;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t wake;
    struct job *head, **tail;
    bool stopping;
};

static void *run(void *data)
{
    struct worker *worker = data;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->stopping) {
        struct job *job = worker->head;
        if (!job) {
            pthread_cond_wait(&worker->wake, &worker->mutex);
            continue;
        }
        worker->head = job->next;
        if (!worker->head)
            worker->tail = &worker->head;
        pthread_mutex_unlock(&worker->mutex);
        job->run(job);
        struct message *message = message_create(MESSAGE_DONE, 0);
        message->job = job;
        control_post(worker->control, message);
        pthread_mutex_lock(&worker->mutex);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

struct worker *worker_create(struct control *control)
{
    struct worker *worker = xcalloc(1, sizeof *worker);
    worker->control = control;
    worker->tail = &worker->head;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wake, NULL);
    CHECK(thread_start(&worker->thread, "control-jobs", run, worker));
    return worker;
}

void worker_destroy(struct worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->stopping = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
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
    pthread_mutex_lock(&worker->mutex);
    job->next = NULL;
    *worker->tail = job;
    worker->tail = &job->next;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
}
