/* SPDX-License-Identifier: BSD-3-Clause */
/* Events. Like streams they are never freed, so that a stale handle is known. */
#include <stdlib.h>

#include "cuda.h"

static CUevent events;

static CUevent find_locked(const char *call, CUevent handle)
{
    for (CUevent e = events; e; e = e->next)
        if (e == handle) {
            if (e->live)
                return e;
            book_fault("%s: the event is destroyed", call);
            return NULL;
        }
    book_fault("%s: not an event", call);
    return NULL;
}

unsigned event_destroy_all_locked(struct context *context)
{
    unsigned n = 0;
    for (CUevent e = events; e; e = e->next)
        if (e->context == context && e->live) {
            e->live = false;
            book_count("live.events", -1);
            n++;
        }
    return n;
}

CUresult cuEventCreate(CUevent *event, unsigned flags)
{
    CUDA_ENTER(cuEventCreate);
    if (!event || flags & ~7u) {
        book_fault("cuEventCreate: unknown flags 0x%x", flags);
        return ERROR_INVALID_VALUE;
    }
    pthread_mutex_lock(&cuda_mutex);
    struct context *context = context_current_locked("cuEventCreate");
    if (context) {
        CUevent made = calloc(1, sizeof *made);
        made->context = context;
        made->flags = flags;
        made->live = true;
        made->next = events;
        events = made;
        *event = made;
        book_count("live.events", 1);
    }
    pthread_mutex_unlock(&cuda_mutex);
    return context ? CUDA_SUCCESS : ERROR_INVALID_CONTEXT;
}

CUresult cuEventDestroy_v2(CUevent handle)
{
    ENTER_RELEASE(cuEventDestroy);
    pthread_mutex_lock(&cuda_mutex);
    CUevent event = find_locked("cuEventDestroy", handle);
    if (event) {
        event->live = false;
        book_count("live.events", -1);
    }
    pthread_mutex_unlock(&cuda_mutex);
    LEAVE_RELEASE(event ? cuda_lost() : ERROR_INVALID_HANDLE);
}

CUresult cuEventRecord(CUevent handle, CUstream where)
{
    CUDA_ENTER(cuEventRecord);
    pthread_mutex_lock(&cuda_mutex);
    CUevent event = find_locked("cuEventRecord", handle);
    struct stream *stream = event ? stream_find_locked("cuEventRecord", where) : NULL;
    if (stream && stream->context != event->context) {
        book_fault("cuEventRecord: the event belongs to another context");
        stream = NULL;
    }
    if (stream)
        event->mark =
            stream_submit_locked(stream, &(struct op){.kind = OP_EVENT, .event = event}, NULL);
    pthread_mutex_unlock(&cuda_mutex);
    return stream ? CUDA_SUCCESS : ERROR_INVALID_HANDLE;
}

CUresult cuEventQuery(CUevent handle)
{
    CUDA_ENTER(cuEventQuery);
    pthread_mutex_lock(&cuda_mutex);
    CUevent event = find_locked("cuEventQuery", handle);
    bool done = event && mark_done_locked(event->mark);
    pthread_mutex_unlock(&cuda_mutex);
    return !event ? ERROR_INVALID_HANDLE : done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent handle)
{
    CUDA_ENTER(cuEventSynchronize);
    pthread_mutex_lock(&cuda_mutex);
    CUevent event = find_locked("cuEventSynchronize", handle);
    if (event)
        mark_wait_locked(event->mark);
    pthread_mutex_unlock(&cuda_mutex);
    return event ? cuda_lost() : ERROR_INVALID_HANDLE;
}

CUresult cuStreamWaitEvent(CUstream where, CUevent handle, unsigned flags)
{
    CUDA_ENTER(cuStreamWaitEvent);
    if (flags)
        return ERROR_INVALID_VALUE;
    pthread_mutex_lock(&cuda_mutex);
    CUevent event = find_locked("cuStreamWaitEvent", handle);
    struct stream *stream = event ? stream_find_locked("cuStreamWaitEvent", where) : NULL;
    if (stream)
        stream_submit_locked(stream, &(struct op){.kind = OP_WAIT}, &event->mark);
    pthread_mutex_unlock(&cuda_mutex);
    return stream ? CUDA_SUCCESS : ERROR_INVALID_HANDLE;
}

CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to)
{
    CUDA_ENTER(cuEventElapsedTime);
    pthread_mutex_lock(&cuda_mutex);
    CUevent a = find_locked("cuEventElapsedTime", from), b = find_locked("cuEventElapsedTime", to);
    CUresult result = CUDA_SUCCESS;
    if (!a || !b || (a->flags | b->flags) & CU_EVENT_DISABLE_TIMING || !a->mark.stream ||
        !b->mark.stream) {
        book_fault("cuEventElapsedTime: events without a time");
        result = ERROR_INVALID_HANDLE;
    } else if (!mark_done_locked(a->mark) || !mark_done_locked(b->mark)) {
        result = CUDA_ERROR_NOT_READY;
    } else {
        *ms = (float)((double)(b->time_ns - a->time_ns) / 1e6);
    }
    pthread_mutex_unlock(&cuda_mutex);
    return result;
}

CUresult cuEventElapsedTime_v2(float *ms, CUevent from, CUevent to)
{
    return cuEventElapsedTime(ms, from, to);
}
