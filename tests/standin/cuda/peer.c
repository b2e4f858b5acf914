/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include "cuda.h"

static int peer_lost(void)
{
    return cuda_lost();
}

static void peer_lose(void)
{
    standin_set("lost", 1);
}

static bool peer_context_live(const void *context)
{
    pthread_mutex_lock(&cuda_mutex);
    bool live = context_live_locked(context);
    pthread_mutex_unlock(&cuda_mutex);
    return live;
}

static void *peer_context_current(void)
{
    CUcontext context = NULL;
    pthread_mutex_lock(&cuda_mutex);
    context = (CUcontext)context_current_locked("a driver library's call");
    pthread_mutex_unlock(&cuda_mutex);
    return context;
}

static const char *peer_check(const void *context, uint64_t address, size_t bytes, size_t *pitch)
{
    pthread_mutex_lock(&cuda_mutex);
    const struct memory *memory = memory_find_locked(address, bytes);
    const char *why = NULL;
    if (!memory)
        why = memory_trouble_locked(address, bytes);
    else if (memory->kind == MEMORY_PINNED)
        why = "is host memory";
    else if (context && memory->context != context)
        why = "belongs to another context";
    else if (pitch)
        *pitch = memory->pitch;
    pthread_mutex_unlock(&cuda_mutex);
    return why;
}

static void *peer_hold(uint64_t address, size_t bytes, const char **why)
{
    pthread_mutex_lock(&cuda_mutex);
    struct memory *memory = memory_find_locked(address, bytes);
    if (memory)
        memory->holds++;
    else
        *why = memory_trouble_locked(address, bytes);
    void *data = memory ? memory->data + (address - memory->address) : NULL;
    pthread_mutex_unlock(&cuda_mutex);
    return data;
}

static void peer_release(uint64_t address)
{
    pthread_mutex_lock(&cuda_mutex);
    struct memory *memory = memory_find_locked(address, 0);
    if (memory)
        memory->holds--;
    pthread_cond_broadcast(&cuda_change);
    pthread_mutex_unlock(&cuda_mutex);
}

/* Like stream_find_locked, for a context that need not be current. */
static struct stream *stream_of(struct context *context, void *handle)
{
    if (!context_live_locked(context))
        return NULL;
    if (!handle || handle == (void *)STREAM_LEGACY)
        return context->null;
    return stream_is_live_locked(handle, context) ? handle : NULL;
}

static int64_t peer_mark(void *context, void *handle, void **where)
{
    pthread_mutex_lock(&cuda_mutex);
    struct stream *stream = stream_of(context, handle);
    int64_t seq = -1;
    if (stream) {
        struct mark mark = stream_submit_locked(stream, &(struct op){.kind = OP_WAIT}, NULL);
        *where = mark.stream;
        seq = (int64_t)mark.seq;
    }
    pthread_mutex_unlock(&cuda_mutex);
    return seq;
}

static void peer_wait(void *where, int64_t seq)
{
    pthread_mutex_lock(&cuda_mutex);
    mark_wait_locked((struct mark){where, (uint64_t)seq});
    pthread_mutex_unlock(&cuda_mutex);
}

static bool peer_submit(void *context, void *handle, void (*work)(void *), void *user)
{
    pthread_mutex_lock(&cuda_mutex);
    struct stream *stream = stream_of(context, handle);
    if (stream)
        stream_submit_locked(stream, &(struct op){.kind = OP_CALL, .call = work, .user = user},
                             NULL);
    pthread_mutex_unlock(&cuda_mutex);
    return stream != NULL;
}

EXPORT const struct cuda_peer standin_cuda_peer = {
    .version = PEER_VERSION,
    .lost = peer_lost,
    .lose = peer_lose,
    .context_live = peer_context_live,
    .context_current = peer_context_current,
    .check = peer_check,
    .hold = peer_hold,
    .release = peer_release,
    .mark = peer_mark,
    .wait = peer_wait,
    .submit = peer_submit,
};
