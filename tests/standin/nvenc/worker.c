/* SPDX-License-Identifier: BSD-3-Clause */
/* Encoding, a little later than it was asked for: the input is read then, and looked at again when
 * its picture is done, so that a client that reuses it too early is seen. */
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum { REMEMBERED = 128 };

struct worker {
    struct session *session;
    struct engine *engine;
    int64_t next_id;
    struct {
        uint64_t timestamp;
        int64_t id;
    } sent[REMEMBERED];
    uint8_t *raw;   /* the input as it was */
    uint8_t *plain; /* planar, without padding */
    size_t raw_room, plain_room;
};

static void *room_for(void *data, size_t *room, size_t bytes)
{
    if (bytes <= *room)
        return data;
    *room = bytes;
    return realloc(data, bytes);
}

static void copy_rows(const struct layout *l, const uint8_t *from, uint8_t *to)
{
    for (unsigned i = 0; i < l->planes; i++)
        for (size_t y = 0; y < l->rows[i]; y++)
            memcpy(to + l->offset[i] + y * l->pitch[i], from + l->offset[i] + y * l->pitch[i],
                   l->width[i]);
}

static bool rows_same(const struct layout *l, const uint8_t *a, const uint8_t *b)
{
    for (unsigned i = 0; i < l->planes; i++)
        for (size_t y = 0; y < l->rows[i]; y++)
            if (memcmp(a + l->offset[i] + y * l->pitch[i], b + l->offset[i] + y * l->pitch[i],
                       l->width[i]) != 0)
                return false;
    return true;
}

/* One plane of `width` x `rows` samples, `step` of them apart and the first at `first`. */
static void *unpack(void *to, const uint8_t *from, size_t pitch, size_t width, size_t rows,
                    size_t step, size_t first, bool deep)
{
    for (size_t y = 0; y < rows; y++) {
        if (deep) {
            const uint16_t *row = (const uint16_t *)(const void *)(from + y * pitch);
            uint16_t *out = (uint16_t *)to + y * width;
            for (size_t x = 0; x < width; x++)
                out[x] = row[x * step + first] >> 6; /* the value is in the high 10 bits */
        } else {
            const uint8_t *row = from + y * pitch;
            uint8_t *out = (uint8_t *)to + y * width;
            for (size_t x = 0; x < width; x++)
                out[x] = row[x * step + first];
        }
    }
    return (uint8_t *)to + width * rows * (deep ? 2 : 1);
}

static void planar(struct worker *w, const struct job *job, struct engine_picture *picture)
{
    const struct engine_params *p = &job->params;
    const struct layout *l = &job->layout;
    size_t half = p->yuv444 ? 1 : 2, cw = p->width / half, ch = p->height / half;
    size_t bytes = ((size_t)p->width * p->height + 2 * cw * ch) * (p->deep ? 2 : 1);
    w->plain = room_for(w->plain, &w->plain_room, bytes);
    uint8_t *at = w->plain;
    bool pairs = l->planes == 2;
    for (unsigned i = 0; i < 3; i++) {
        unsigned plane = pairs && i == 2 ? 1 : i;
        picture->planes[i] = at;
        at = unpack(at, w->raw + l->offset[plane], l->pitch[plane], i ? cw : p->width,
                    i ? ch : p->height, pairs && i ? 2 : 1, pairs && i == 2, p->deep);
    }
}

static NVENCSTATUS encode(struct worker *w, const struct job *job, struct engine_packet *packet)
{
    const struct session *s = w->session;
    const uint8_t *source = job->pixels;
    const char *why = NULL;
    if (!source) {
        s->cuda->wait(job->mark_stream, job->mark);
        book_delay(500);
        source = s->cuda->hold(job->pointer, job->layout.bytes, &why);
        if (!source) {
            book_fault("nvEncEncodePicture: when the picture is encoded, its input %s", why);
            return NV_ENC_ERR_GENERIC;
        }
    }
    w->raw = room_for(w->raw, &w->raw_room, job->layout.bytes);
    copy_rows(&job->layout, source, w->raw);
    struct engine_picture picture = job->picture;
    planar(w, job, &picture);
    if (job->changed && engine_change(w->engine, &job->params))
        picture.type = ENGINE_IDR;
    for (unsigned i = 0; i < job->invalid_count; i++)
        for (unsigned k = 0; k < REMEMBERED; k++)
            if (w->sent[k].id && w->sent[k].timestamp == job->invalid[i])
                engine_forget(w->engine, w->sent[k].id);
    picture.id = ++w->next_id;
    w->sent[picture.id % REMEMBERED].id = picture.id;
    w->sent[picture.id % REMEMBERED].timestamp = job->bitstream->timestamp;
    bool good = engine_encode(w->engine, &picture, packet);
    if (!job->pixels) {
        book_delay(500);
        if (!rows_same(&job->layout, source, w->raw))
            book_fault("nvEncEncodePicture: the input was written while its picture was in flight");
        s->cuda->release(job->pointer);
    }
    if (s->cuda && s->cuda->lost())
        return NV_ENC_ERR_DEVICE_NOT_EXIST;
    return good ? NV_ENC_SUCCESS : NV_ENC_ERR_GENERIC;
}

/* With sub-frame output the slices come one after the other. */
static void publish_locked(struct session *s, struct bitstream *b)
{
    if (s->init.enableSubFrameWrite)
        for (uint32_t n = 1; n < b->packet.slice_count; n++) {
            b->slices_out = n;
            pthread_cond_broadcast(&nvenc_change);
            pthread_mutex_unlock(&nvenc_mutex);
            book_delay(1000);
            pthread_mutex_lock(&nvenc_mutex);
        }
    b->done = true;
    pthread_cond_broadcast(&nvenc_change);
}

static void *worker_main(void *self)
{
    struct worker worker = {.session = self};
    struct session *s = self;
    pthread_mutex_lock(&nvenc_mutex);
    worker.engine = s->engine;
    for (;;) {
        while (!s->head && !s->stop)
            pthread_cond_wait(&nvenc_change, &nvenc_mutex);
        struct job *job = s->head;
        if (!job)
            break;
        pthread_mutex_unlock(&nvenc_mutex);
        /* The bitstream is the worker's until it is done. */
        struct engine_packet packet = job->bitstream->packet;
        NVENCSTATUS status = encode(&worker, job, &packet);
        pthread_mutex_lock(&nvenc_mutex);
        job->bitstream->packet = packet;
        job->bitstream->status = status;
        publish_locked(s, job->bitstream);
        s->head = job->next;
        if (!s->head)
            s->tail = &s->head;
        pthread_cond_broadcast(&nvenc_change);
        free(job->pixels);
        free(job);
    }
    pthread_mutex_unlock(&nvenc_mutex);
    engine_destroy(worker.engine);
    free(worker.raw);
    free(worker.plain);
    return NULL;
}

bool worker_start(struct session *s)
{
    s->engine = engine_create(&s->params);
    if (!s->engine)
        return false;
    s->running = !pthread_create(&s->worker, NULL, worker_main, s);
    if (!s->running)
        engine_destroy(s->engine);
    return s->running;
}

void worker_send_locked(struct session *s, struct job *job)
{
    *s->tail = job;
    s->tail = &job->next;
    pthread_cond_broadcast(&nvenc_change);
}

void worker_stop_locked(struct session *s)
{
    if (!s->running)
        return;
    s->stop = true;
    s->running = false;
    pthread_cond_broadcast(&nvenc_change);
    pthread_mutex_unlock(&nvenc_mutex);
    pthread_join(s->worker, NULL);
    pthread_mutex_lock(&nvenc_mutex);
}
