/* SPDX-License-Identifier: BSD-3-Clause */
#include "output.h"

#include <stdlib.h>
#include <time.h>

#include "status.h"

/* Between two looks for a slice; and how long a picture may take before the engine counts as hung.
 */
#define POLL_NS INT64_C(100000)
#define HUNG_NS INT64_C(2000000000)
/* NV_ENC_LOCK_BITSTREAM.hwEncodeStatus of a picture that is complete. */
#define ENCODE_DONE 2u

oriel_result output_create(struct nvenc *self)
{
    NV_ENC_CREATE_BITSTREAM_BUFFER create = {.version = NV_ENC_CREATE_BITSTREAM_BUFFER_VER};
    NVENCSTATUS status = self->library->api.nvEncCreateBitstreamBuffer(self->session, &create);
    if (status)
        return status_fail(self, status_at_create(status), "nvEncCreateBitstreamBuffer", status);
    self->output = create.bitstreamBuffer;
    if (!self->settings.subframe)
        return ORIEL_OK;
    /* As many as there are macroblocks, the driver says. */
    const NV_ENC_INITIALIZE_PARAMS *p = &self->parameters;
    uint32_t width = p->maxEncodeWidth ? p->maxEncodeWidth : p->encodeWidth;
    uint32_t height = p->maxEncodeHeight ? p->maxEncodeHeight : p->encodeHeight;
    size_t blocks = (size_t)((width + 15) / 16) * ((height + 15) / 16);
    self->slice_offsets = calloc(blocks, sizeof(*self->slice_offsets));
    return self->slice_offsets ? ORIEL_OK
                               : encode_fail(self->base.host, ORIEL_NOMEM, "out of memory");
}

void output_destroy(struct nvenc *self)
{
    if (self->output)
        self->library->api.nvEncDestroyBitstreamBuffer(self->session, self->output);
    self->output = NULL;
    free(self->slice_offsets);
    free(self->assembled);
    self->slice_offsets = NULL;
    self->assembled = NULL;
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
}

/* A picture that was submitted and cannot be read leaves a hole in what the decoder needs, and the
 * only output in use: the instance ends. */
static oriel_result lost(struct nvenc *self, const char *call, NVENCSTATUS status)
{
    return status_fail(self, status_ends(status), call, status);
}

static void emit(struct nvenc *self, const struct encode_job *job,
                 const NV_ENC_LOCK_BITSTREAM *locked, const void *data)
{
    uint32_t flags = 0;
    if (locked->pictureType == NV_ENC_PIC_TYPE_IDR) /* parameter sets come with each */
        flags = ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG;
    if (locked->pictureType == NV_ENC_PIC_TYPE_NONREF_P)
        flags = ORIEL_PACKET_DISCARDABLE;
    encode_emit(&self->base, job, flags, locked->frameAvgQP * 256u, data,
                locked->bitstreamSizeInBytes);
}

static oriel_result unlock(struct nvenc *self)
{
    NVENCSTATUS status = self->library->api.nvEncUnlockBitstream(self->session, self->output);
    return status ? lost(self, "nvEncUnlockBitstream", status) : ORIEL_OK;
}

static bool keep(struct nvenc *self, const NV_ENC_LOCK_BITSTREAM *locked, size_t *have)
{
    size_t bytes = locked->bitstreamSizeInBytes;
    if (bytes > self->assembled_room) {
        size_t room = bytes * 2 + 4096;
        uint8_t *more = realloc(self->assembled, room);
        if (!more)
            return false;
        self->assembled = more;
        self->assembled_room = room;
    }
    if (bytes > *have)
        memcpy(self->assembled + *have, (const uint8_t *)locked->bitstreamBufferPtr + *have,
               bytes - *have);
    *have = bytes;
    return true;
}

/* With sub-frame output: looks again and again, and copies each slice while the engine is at the
 * next. */
static oriel_result emit_assembled(struct nvenc *self, const struct encode_job *job)
{
    const struct oriel_host *host = self->base.host;
    int64_t give_up = host->now_ns(host) + HUNG_NS;
    size_t have = 0;
    for (;;) {
        NV_ENC_LOCK_BITSTREAM locked = {.version = NV_ENC_LOCK_BITSTREAM_VER,
                                        .doNotWait = 1,
                                        .outputBitstream = self->output,
                                        .sliceOffsets = self->slice_offsets};
        NVENCSTATUS status = self->library->api.nvEncLockBitstream(self->session, &locked);
        if (status && status != NV_ENC_ERR_LOCK_BUSY)
            return lost(self, "nvEncLockBitstream", status);
        bool done = false;
        if (!status) {
            done = locked.hwEncodeStatus == ENCODE_DONE;
            bool kept = keep(self, &locked, &have);
            if (done && kept)
                emit(self, job, &locked, self->assembled);
            oriel_result result = unlock(self);
            if (!kept) {
                self->broken = true;
                return encode_fail(host, ORIEL_FATAL, "out of memory for the slices of a picture");
            }
            if (result || done)
                return result;
        }
        if (host->now_ns(host) > give_up)
            return lost(self, "nvEncLockBitstream", NV_ENC_ERR_LOCK_BUSY);
        pause_a_little();
    }
}

static oriel_result emit_whole(struct nvenc *self, const struct encode_job *job)
{
    const struct oriel_host *host = self->base.host;
    int64_t give_up = host->now_ns(host) + HUNG_NS;
    NV_ENC_LOCK_BITSTREAM locked;
    NVENCSTATUS status;
    for (;;) {
        locked = (NV_ENC_LOCK_BITSTREAM){.version = NV_ENC_LOCK_BITSTREAM_VER,
                                         .outputBitstream = self->output};
        status = self->library->api.nvEncLockBitstream(self->session, &locked);
        if (status != NV_ENC_ERR_LOCK_BUSY || host->now_ns(host) > give_up)
            break;
        pause_a_little(); /* "retry the same operation" */
    }
    if (status)
        return lost(self, "nvEncLockBitstream", status);
    emit(self, job, &locked, locked.bitstreamBufferPtr);
    return unlock(self);
}

oriel_result output_emit(struct nvenc *self, const struct encode_job *job)
{
    return self->settings.subframe ? emit_assembled(self, job) : emit_whole(self, job);
}
