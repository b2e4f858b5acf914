/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points: objects, what they may be asked, and the way of a picture along a stream. */
#include "nvjpeg.h"

#include <stdlib.h>
#include <string.h>

pthread_mutex_t nvjpeg_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t nvjpeg_change = PTHREAD_COND_INITIALIZER;
static struct object *objects;

static const char *const counters[] = {NULL, "live.handles", "live.states", "live.params"};

static bool live_locked(const char *call, const void *object, enum kind kind)
{
    for (const struct object *o = objects; o; o = o->next)
        if (o == object && o->kind == kind)
            return true;
    book_fault("%s: not a live %s", call,
               kind == KIND_HANDLE  ? "handle"
               : kind == KIND_STATE ? "encoder state"
                                    : "parameter set");
    return false;
}

static void *add_locked(struct object *object, enum kind kind, struct handle *owner)
{
    object->kind = kind;
    object->owner = owner;
    object->next = objects;
    objects = object;
    book_count(counters[kind], 1);
    return object;
}

static void remove_locked(struct object *object)
{
    for (struct object **at = &objects; *at; at = &(*at)->next)
        if (*at == object) {
            *at = object->next;
            break;
        }
    book_count(counters[object->kind], -1);
    free(object);
}

/* The version that the stand-in's ABI is of. */
int nvjpegGetProperty(int type, int *value)
{
    static const int version[] = {12, 3, 0};
    ENTER(nvjpegGetProperty);
    if (!value || type < 0 || type > 2)
        return NVJPEG_INVALID_PARAMETER;
    *value = version[type];
    return NVJPEG_SUCCESS;
}

int nvjpegGetCudartProperty(int type, int *value)
{
    static const int version[] = {12, 4, 0};
    ENTER(nvjpegGetCudartProperty);
    if (!value || type < 0 || type > 2)
        return NVJPEG_INVALID_PARAMETER;
    *value = version[type];
    return NVJPEG_SUCCESS;
}

static int create(const char *call, struct handle **out)
{
    const struct cuda_peer *cuda = cuda_peer_find();
    if (!out)
        return NVJPEG_INVALID_PARAMETER;
    if (!cuda || cuda->lost())
        return NVJPEG_NOT_INITIALIZED;
    if (!cuda->context_current()) {
        book_fault("%s: no CUDA context is current", call);
        return NVJPEG_NOT_INITIALIZED;
    }
    struct handle *handle = calloc(1, sizeof *handle);
    handle->cuda = cuda;
    pthread_mutex_lock(&nvjpeg_mutex);
    *out = add_locked(&handle->object, KIND_HANDLE, NULL);
    pthread_mutex_unlock(&nvjpeg_mutex);
    return NVJPEG_SUCCESS;
}

int nvjpegCreateSimple(struct handle **handle)
{
    ENTER(nvjpegCreateSimple);
    return create("nvjpegCreateSimple", handle);
}

int nvjpegCreate(int backend, void *device_allocator, struct handle **handle)
{
    (void)backend;
    ENTER(nvjpegCreate);
    return device_allocator ? NVJPEG_IMPLEMENTATION_NOT_SUPPORTED : create("nvjpegCreate", handle);
}

int nvjpegCreateEx(int backend, void *device_allocator, void *pinned_allocator, unsigned flags,
                   struct handle **handle)
{
    ENTER(nvjpegCreateEx);
    if (backend < 0 || backend > 5 || flags & ~7u) {
        book_fault("nvjpegCreateEx: backend %d, flags 0x%x", backend, flags);
        return NVJPEG_INVALID_PARAMETER;
    }
    if (device_allocator || pinned_allocator)
        return NVJPEG_IMPLEMENTATION_NOT_SUPPORTED;
    return create("nvjpegCreateEx", handle);
}

int nvjpegDestroy(struct handle *handle)
{
    ENTER_RELEASE(nvjpegDestroy);
    int status = NVJPEG_SUCCESS;
    pthread_mutex_lock(&nvjpeg_mutex);
    if (!live_locked("nvjpegDestroy", handle, KIND_HANDLE)) {
        status = NVJPEG_INVALID_PARAMETER;
    } else {
        unsigned left = 0;
        for (const struct object *o = objects; o; o = o->next)
            left += o->owner == handle;
        if (left)
            book_fault("nvjpegDestroy: %u states and parameter sets are left", left);
        remove_locked(&handle->object);
    }
    pthread_mutex_unlock(&nvjpeg_mutex);
    LEAVE_RELEASE(status);
}

int nvjpegEncoderStateCreate(struct handle *handle, struct state **out, void *stream)
{
    (void)stream;
    ENTER(nvjpegEncoderStateCreate);
    pthread_mutex_lock(&nvjpeg_mutex);
    bool good = out && live_locked("nvjpegEncoderStateCreate", handle, KIND_HANDLE);
    if (good) {
        struct state *state = calloc(1, sizeof *state);
        state->status = -1;
        *out = add_locked(&state->object, KIND_STATE, handle);
    }
    pthread_mutex_unlock(&nvjpeg_mutex);
    return good ? NVJPEG_SUCCESS : NVJPEG_INVALID_PARAMETER;
}

int nvjpegEncoderStateDestroy(struct state *state)
{
    ENTER_RELEASE(nvjpegEncoderStateDestroy);
    pthread_mutex_lock(&nvjpeg_mutex);
    bool good = live_locked("nvjpegEncoderStateDestroy", state, KIND_STATE);
    if (good) {
        if (state->pending)
            book_fault("nvjpegEncoderStateDestroy: its picture is still on the stream");
        while (state->pending)
            pthread_cond_wait(&nvjpeg_change, &nvjpeg_mutex);
        free(state->jpeg);
        remove_locked(&state->object);
    }
    pthread_mutex_unlock(&nvjpeg_mutex);
    LEAVE_RELEASE(good ? NVJPEG_SUCCESS : NVJPEG_INVALID_PARAMETER);
}

int nvjpegEncoderParamsCreate(struct handle *handle, struct params **out, void *stream)
{
    (void)stream;
    ENTER(nvjpegEncoderParamsCreate);
    pthread_mutex_lock(&nvjpeg_mutex);
    bool good = out && live_locked("nvjpegEncoderParamsCreate", handle, KIND_HANDLE);
    if (good) {
        struct params *params = calloc(1, sizeof *params);
        params->quality = 70;
        params->sampling = NVJPEG_CSS_444;
        params->encoding = NVJPEG_BASELINE;
        *out = add_locked(&params->object, KIND_PARAMS, handle);
    }
    pthread_mutex_unlock(&nvjpeg_mutex);
    return good ? NVJPEG_SUCCESS : NVJPEG_INVALID_PARAMETER;
}

int nvjpegEncoderParamsDestroy(struct params *params)
{
    ENTER_RELEASE(nvjpegEncoderParamsDestroy);
    pthread_mutex_lock(&nvjpeg_mutex);
    bool good = live_locked("nvjpegEncoderParamsDestroy", params, KIND_PARAMS);
    if (good)
        remove_locked(&params->object);
    pthread_mutex_unlock(&nvjpeg_mutex);
    LEAVE_RELEASE(good ? NVJPEG_SUCCESS : NVJPEG_INVALID_PARAMETER);
}

static int set(const char *call, struct params *params, int *field, int value, bool good)
{
    pthread_mutex_lock(&nvjpeg_mutex);
    if (!live_locked(call, params, KIND_PARAMS))
        good = false;
    else if (!good)
        book_fault("%s: %d is no value for it", call, value);
    else if (field)
        *field = value;
    pthread_mutex_unlock(&nvjpeg_mutex);
    return good ? NVJPEG_SUCCESS : NVJPEG_INVALID_PARAMETER;
}

int nvjpegEncoderParamsSetQuality(struct params *params, int quality, void *stream)
{
    (void)stream;
    ENTER(nvjpegEncoderParamsSetQuality);
    return set("nvjpegEncoderParamsSetQuality", params, params ? &params->quality : NULL, quality,
               quality >= 1 && quality <= 100);
}

int nvjpegEncoderParamsSetEncoding(struct params *params, int encoding, void *stream)
{
    (void)stream;
    ENTER(nvjpegEncoderParamsSetEncoding);
    return set("nvjpegEncoderParamsSetEncoding", params, params ? &params->encoding : NULL,
               encoding, encoding == NVJPEG_BASELINE || encoding == NVJPEG_PROGRESSIVE);
}

int nvjpegEncoderParamsSetOptimizedHuffman(struct params *params, int optimized, void *stream)
{
    (void)stream;
    ENTER(nvjpegEncoderParamsSetOptimizedHuffman);
    return set("nvjpegEncoderParamsSetOptimizedHuffman", params, NULL, optimized,
               optimized == 0 || optimized == 1);
}

int nvjpegEncoderParamsSetSamplingFactors(struct params *params, int sampling, void *stream)
{
    (void)stream;
    ENTER(nvjpegEncoderParamsSetSamplingFactors);
    return set("nvjpegEncoderParamsSetSamplingFactors", params, params ? &params->sampling : NULL,
               sampling,
               (sampling >= NVJPEG_CSS_444 && sampling <= NVJPEG_CSS_420) ||
                   sampling == NVJPEG_CSS_GRAY);
}

int nvjpegEncodeGetBufferSize(struct handle *handle, const struct params *params, int width,
                              int height, size_t *bytes)
{
    ENTER(nvjpegEncodeGetBufferSize);
    pthread_mutex_lock(&nvjpeg_mutex);
    bool good = live_locked("nvjpegEncodeGetBufferSize", handle, KIND_HANDLE) &&
                live_locked("nvjpegEncodeGetBufferSize", params, KIND_PARAMS) && bytes &&
                width > 0 && height > 0;
    if (good)
        *bytes = (size_t)width * (size_t)height * 6 + 4096;
    pthread_mutex_unlock(&nvjpeg_mutex);
    return good ? NVJPEG_SUCCESS : NVJPEG_INVALID_PARAMETER;
}

static void work_run(void *user)
{
    struct work *work = user;
    uint8_t *jpeg = NULL;
    size_t bytes = 0;
    book_delay(500);
    int status = work->cuda->lost() ? NVJPEG_EXECUTION_FAILED : work_encode(work, &jpeg, &bytes);
    pthread_mutex_lock(&nvjpeg_mutex);
    free(work->state->jpeg);
    work->state->jpeg = jpeg;
    work->state->bytes = bytes;
    work->state->status = status;
    work->state->pending--;
    pthread_cond_broadcast(&nvjpeg_change);
    pthread_mutex_unlock(&nvjpeg_mutex);
    free(work);
}

/* Objects, context and planes are checked at once, with the mutex held. */
static int submit_locked(const char *call, struct handle *handle, struct state *state,
                         const struct params *params, const struct work *wish, void *stream)
{
    if (!live_locked(call, handle, KIND_HANDLE) || !live_locked(call, state, KIND_STATE) ||
        !live_locked(call, params, KIND_PARAMS))
        return NVJPEG_INVALID_PARAMETER;
    if (state->pending) {
        book_fault("%s: the state's picture before is still on the stream", call);
        return NVJPEG_INVALID_PARAMETER;
    }
    if (handle->cuda->lost())
        return NVJPEG_EXECUTION_FAILED;
    void *context = handle->cuda->context_current();
    if (!context) {
        book_fault("%s: no CUDA context is current", call);
        return NVJPEG_EXECUTION_FAILED;
    }
    for (unsigned i = 0; i < wish->planes; i++) {
        size_t pitch = wish->source.pitch[i];
        if (pitch < wish->row[i]) {
            book_fault("%s: channel %u has rows of %zu bytes with a pitch of %zu", call, i,
                       wish->row[i], pitch);
            return NVJPEG_INVALID_PARAMETER;
        }
        const char *why = handle->cuda->check(context, (uintptr_t)wish->source.channel[i],
                                              (wish->rows[i] - 1) * pitch + wish->row[i], NULL);
        if (why) {
            book_fault("%s: channel %u %s", call, i, why);
            return NVJPEG_EXECUTION_FAILED;
        }
    }
    struct work *work = malloc(sizeof *work);
    *work = *wish;
    work->state = state;
    work->cuda = handle->cuda;
    work->params = *params;
    state->pending++;
    if (!handle->cuda->submit(context, stream, work_run, work)) {
        book_fault("%s: not a stream of the current context", call);
        state->pending--;
        free(work);
        return NVJPEG_EXECUTION_FAILED;
    }
    book_count("input.cuda", 1);
    return NVJPEG_SUCCESS;
}

static int submit(const char *call, struct handle *handle, struct state *state,
                  const struct params *params, const struct work *wish, void *stream)
{
    pthread_mutex_lock(&nvjpeg_mutex);
    int status = submit_locked(call, handle, state, params, wish, stream);
    pthread_mutex_unlock(&nvjpeg_mutex);
    return status;
}

int nvjpegEncodeYUV(struct handle *handle, struct state *state, const struct params *params,
                    const struct nvjpeg_image *source, int sampling, int width, int height,
                    void *stream)
{
    ENTER(nvjpegEncodeYUV);
    bool gray = sampling == NVJPEG_CSS_GRAY;
    if (!source || width < 1 || height < 1 || sampling < 0 ||
        (sampling > NVJPEG_CSS_420 && !gray)) {
        book_fault("nvjpegEncodeYUV: %dx%d, sampling %d", width, height, sampling);
        return NVJPEG_INVALID_PARAMETER;
    }
    struct work work = {.source = *source,
                        .sampling = sampling,
                        .width = width,
                        .height = height,
                        .planes = gray ? 1 : 3};
    for (unsigned i = 0; i < work.planes; i++) {
        work.row[i] = (size_t)(i && sampling != NVJPEG_CSS_444 ? (width + 1) / 2 : width);
        work.rows[i] = (size_t)(i && sampling == NVJPEG_CSS_420 ? (height + 1) / 2 : height);
    }
    return submit("nvjpegEncodeYUV", handle, state, params, &work, stream);
}

int nvjpegEncodeImage(struct handle *handle, struct state *state, const struct params *params,
                      const struct nvjpeg_image *source, int format, int width, int height,
                      void *stream)
{
    ENTER(nvjpegEncodeImage);
    if (!source || width < 1 || height < 1 || format < NVJPEG_INPUT_RGB ||
        format > NVJPEG_INPUT_BGRI) {
        book_fault("nvjpegEncodeImage: %dx%d, format %d", width, height, format);
        return NVJPEG_INVALID_PARAMETER;
    }
    bool mixed = format == NVJPEG_INPUT_RGBI || format == NVJPEG_INPUT_BGRI;
    struct work work = {.source = *source,
                        .format = format,
                        .width = width,
                        .height = height,
                        .planes = mixed ? 1 : 3};
    for (unsigned i = 0; i < work.planes; i++) {
        work.row[i] = (size_t)width * (mixed ? 3 : 1);
        work.rows[i] = (size_t)height;
    }
    return submit("nvjpegEncodeImage", handle, state, params, &work, stream);
}

struct delivery {
    struct state *state;
    const struct cuda_peer *cuda;
    uint8_t *data, *copy;
    size_t bytes;
    bool to_device;
};

/* Late, as everything on a stream. */
static void deliver(void *user)
{
    struct delivery *d = user;
    const char *why = NULL;
    book_delay(300);
    uint8_t *to = d->to_device ? d->cuda->hold((uintptr_t)d->data, d->bytes, &why) : d->data;
    if (to)
        memcpy(to, d->copy, d->bytes);
    else
        book_fault("nvjpegEncodeRetrieveBitstreamDevice: the buffer %s", why);
    if (to && d->to_device)
        d->cuda->release((uintptr_t)d->data);
    pthread_mutex_lock(&nvjpeg_mutex);
    d->state->pending--;
    pthread_cond_broadcast(&nvjpeg_change);
    pthread_mutex_unlock(&nvjpeg_mutex);
    free(d->copy);
    free(d);
}

/* Without a buffer it answers the length, for which it waits; the bytes come along the stream. */
static int retrieve(const char *call, struct handle *handle, struct state *state, uint8_t *data,
                    size_t *length, void *stream, bool to_device)
{
    int status = NVJPEG_SUCCESS;
    pthread_mutex_lock(&nvjpeg_mutex);
    if (!length || !live_locked(call, handle, KIND_HANDLE) ||
        !live_locked(call, state, KIND_STATE)) {
        pthread_mutex_unlock(&nvjpeg_mutex);
        return NVJPEG_INVALID_PARAMETER;
    }
    while (state->pending)
        pthread_cond_wait(&nvjpeg_change, &nvjpeg_mutex);
    void *context = handle->cuda->context_current();
    if (state->status < 0) {
        book_fault("%s: the state has no picture", call);
        status = NVJPEG_INVALID_PARAMETER;
    } else if (state->status || handle->cuda->lost()) {
        status = state->status ? state->status : NVJPEG_EXECUTION_FAILED;
    } else if (!context) {
        book_fault("%s: no CUDA context is current", call);
        status = NVJPEG_EXECUTION_FAILED;
    } else if (data && *length < state->bytes) {
        book_fault("%s: room for %zu of %zu bytes", call, *length, state->bytes);
        status = NVJPEG_INVALID_PARAMETER;
    } else {
        *length = state->bytes;
    }
    if (!status && data) {
        struct delivery *d = malloc(sizeof *d);
        *d = (struct delivery){state,        handle->cuda, data, malloc(state->bytes),
                               state->bytes, to_device};
        memcpy(d->copy, state->jpeg, state->bytes);
        state->pending++;
        if (!handle->cuda->submit(context, stream, deliver, d)) {
            book_fault("%s: not a stream of the current context", call);
            state->pending--;
            free(d->copy);
            free(d);
            status = NVJPEG_EXECUTION_FAILED;
        }
    }
    pthread_mutex_unlock(&nvjpeg_mutex);
    return status;
}

int nvjpegEncodeRetrieveBitstream(struct handle *handle, struct state *state, unsigned char *data,
                                  size_t *length, void *stream)
{
    ENTER(nvjpegEncodeRetrieveBitstream);
    return retrieve("nvjpegEncodeRetrieveBitstream", handle, state, data, length, stream, false);
}

int nvjpegEncodeRetrieveBitstreamDevice(struct handle *handle, struct state *state,
                                        unsigned char *data, size_t *length, void *stream)
{
    ENTER(nvjpegEncodeRetrieveBitstreamDevice);
    return retrieve("nvjpegEncodeRetrieveBitstreamDevice", handle, state, data, length, stream,
                    true);
}
