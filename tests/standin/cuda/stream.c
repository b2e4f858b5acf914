/* SPDX-License-Identifier: BSD-3-Clause */
/* Streams: a queue and a thread each. Work happens late, by a random time, and in order; the null
 * stream of a context orders itself with the blocking ones. Streams are never freed: a handle of a
 * destroyed one is known as such. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cuda.h"

static struct stream *streams;

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct stream *stream_create_locked(struct context *context, bool blocking)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        abort();
    stream->context = context;
    stream->blocking = blocking;
    stream->tail = &stream->head;
    stream->next = streams;
    streams = stream;
    return stream;
}

struct stream *stream_find_locked(const char *call, CUstream handle)
{
    struct context *context = context_current_locked(call);
    if (!context)
        return NULL;
    if (!handle || handle == STREAM_LEGACY)
        return context->null;
    for (struct stream *s = streams; s; s = s->next)
        if (s == (struct stream *)handle) {
            if (s->destroyed)
                book_fault("%s: the stream is destroyed", call);
            else if (s->context != context)
                book_fault("%s: the stream belongs to another context", call);
            else
                return s;
            return NULL;
        }
    book_fault("%s: not a stream", call);
    return NULL;
}

bool stream_is_live_locked(const void *handle, const struct context *context)
{
    for (const struct stream *s = streams; s; s = s->next)
        if (s == handle)
            return !s->destroyed && s->context == context;
    return false;
}

bool mark_done_locked(struct mark mark)
{
    return !mark.stream || mark.stream->completed >= mark.seq;
}

void mark_wait_locked(struct mark mark)
{
    while (!mark_done_locked(mark))
        pthread_cond_wait(&cuda_change, &cuda_mutex);
}

void context_wait_locked(struct context *context)
{
    for (struct stream *s = streams; s; s = s->next)
        if (s->context == context)
            mark_wait_locked((struct mark){s, s->submitted});
}

static void op_run(const struct op *op)
{
    switch (op->kind) {
    case OP_COPY:
        for (size_t y = 0; y < op->height; y++)
            memmove(op->to.data + y * op->to.pitch, op->from.data + y * op->from.pitch, op->width);
        break;
    case OP_FILL:
        for (size_t y = 0; y < op->height; y++)
            memset(op->to.data + y * op->to.pitch, op->value, op->width);
        break;
    case OP_CALL:
        op->call(op->user);
        break;
    case OP_CALL_OLD:
        op->call_old((CUstream)op->stream, CUDA_SUCCESS, op->user);
        break;
    case OP_EVENT:
    case OP_WAIT:
        break;
    }
}

static void *stream_main(void *self)
{
    struct stream *stream = self;
    pthread_mutex_lock(&cuda_mutex);
    while (stream->head) {
        struct op *op = stream->head;
        for (size_t i = 0; i < op->after_count; i++)
            mark_wait_locked(op->after[i]);
        pthread_mutex_unlock(&cuda_mutex);
        if (op->kind == OP_COPY || op->kind == OP_FILL)
            book_delay(300);
        op_run(op);
        pthread_mutex_lock(&cuda_mutex);
        if (op->kind == OP_EVENT)
            op->event->time_ns = now_ns();
        if (op->from.holds)
            --*op->from.holds;
        if (op->to.holds)
            --*op->to.holds;
        stream->head = op->next;
        if (!stream->head)
            stream->tail = &stream->head;
        stream->completed = op->seq;
        free(op->after);
        free(op);
        pthread_cond_broadcast(&cuda_change);
    }
    stream->running = false; /* the next operation starts another thread */
    pthread_mutex_unlock(&cuda_mutex);
    return NULL;
}

static void order_after(struct op *op, struct stream *other)
{
    if (other == op->stream || other->completed == other->submitted)
        return;
    op->after = realloc(op->after, (op->after_count + 1) * sizeof *op->after);
    op->after[op->after_count++] = (struct mark){other, other->submitted};
}

struct mark stream_submit_locked(struct stream *stream, const struct op *wish,
                                 const struct mark *after)
{
    struct op *op = malloc(sizeof *op);
    *op = *wish;
    op->next = NULL;
    op->stream = stream;
    op->after = NULL;
    op->after_count = 0;
    op->seq = ++stream->submitted;
    if (op->from.holds)
        ++*op->from.holds;
    if (op->to.holds)
        ++*op->to.holds;
    if (after && after->stream) {
        op->after = malloc(sizeof *op->after);
        op->after[op->after_count++] = *after;
    }
    if (stream->null) {
        for (struct stream *s = streams; s; s = s->next)
            if (s->context == stream->context && s->blocking)
                order_after(op, s);
    } else if (stream->blocking) {
        order_after(op, stream->context->null);
    }
    *stream->tail = op;
    stream->tail = &op->next;
    if (!stream->running) {
        pthread_t thread;
        stream->running = true;
        if (pthread_create(&thread, NULL, stream_main, stream))
            abort();
        pthread_detach(thread);
    }
    return (struct mark){stream, op->seq};
}

unsigned stream_destroy_all_locked(struct context *context)
{
    unsigned n = 0;
    for (struct stream *s = streams; s; s = s->next)
        if (s->context == context && !s->null && !s->destroyed) {
            s->destroyed = true;
            book_count("live.streams", -1);
            n++;
        }
    return n;
}

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority)
{
    (void)priority;
    CUDA_ENTER(cuStreamCreateWithPriority);
    if (!stream || flags & ~1u) {
        book_fault("cuStreamCreate: unknown flags 0x%x", flags);
        return ERROR_INVALID_VALUE;
    }
    pthread_mutex_lock(&cuda_mutex);
    struct context *context = context_current_locked("cuStreamCreate");
    if (context) {
        *stream = (CUstream)stream_create_locked(context, !(flags & CU_STREAM_NON_BLOCKING));
        book_count("live.streams", 1);
    }
    pthread_mutex_unlock(&cuda_mutex);
    return context ? CUDA_SUCCESS : ERROR_INVALID_CONTEXT;
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags)
{
    CUDA_ENTER(cuStreamCreate);
    return cuStreamCreateWithPriority(stream, flags, 0);
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest)
{
    CUDA_ENTER(cuCtxGetStreamPriorityRange);
    if (least)
        *least = 0;
    if (greatest)
        *greatest = -5;
    return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream handle)
{
    ENTER_RELEASE(cuStreamDestroy);
    pthread_mutex_lock(&cuda_mutex);
    struct stream *stream = stream_find_locked("cuStreamDestroy", handle);
    if (stream && stream->null) {
        book_fault("cuStreamDestroy: the null stream");
        stream = NULL;
    }
    if (stream) {
        stream->destroyed = true;
        book_count("live.streams", -1);
    }
    pthread_mutex_unlock(&cuda_mutex);
    LEAVE_RELEASE(stream ? cuda_lost() : ERROR_INVALID_HANDLE);
}

CUresult cuStreamQuery(CUstream handle)
{
    CUDA_ENTER(cuStreamQuery);
    pthread_mutex_lock(&cuda_mutex);
    struct stream *stream = stream_find_locked("cuStreamQuery", handle);
    bool done = stream && stream->completed == stream->submitted;
    pthread_mutex_unlock(&cuda_mutex);
    return !stream ? ERROR_INVALID_HANDLE : done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuStreamSynchronize(CUstream handle)
{
    CUDA_ENTER(cuStreamSynchronize);
    pthread_mutex_lock(&cuda_mutex);
    struct stream *stream = stream_find_locked("cuStreamSynchronize", handle);
    if (stream)
        mark_wait_locked((struct mark){stream, stream->submitted});
    pthread_mutex_unlock(&cuda_mutex);
    return stream ? cuda_lost() : ERROR_INVALID_HANDLE;
}

static CUresult submit(const char *call, CUstream handle, const struct op *op)
{
    pthread_mutex_lock(&cuda_mutex);
    struct stream *stream = stream_find_locked(call, handle);
    if (stream)
        stream_submit_locked(stream, op, NULL);
    pthread_mutex_unlock(&cuda_mutex);
    return stream ? CUDA_SUCCESS : ERROR_INVALID_HANDLE;
}

CUresult cuStreamAddCallback(CUstream handle, CUstreamCallback *call, void *user, unsigned flags)
{
    CUDA_ENTER(cuStreamAddCallback);
    if (!call || flags)
        return ERROR_INVALID_VALUE;
    return submit("cuStreamAddCallback", handle,
                  &(struct op){.kind = OP_CALL_OLD, .call_old = call, .user = user});
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn *call, void *user)
{
    CUDA_ENTER(cuLaunchHostFunc);
    if (!call)
        return ERROR_INVALID_VALUE;
    return submit("cuLaunchHostFunc", handle,
                  &(struct op){.kind = OP_CALL, .call = call, .user = user});
}
