/* SPDX-License-Identifier: BSD-3-Clause */
/* Pictures in, bitstreams out. */
#include <stdlib.h>
#include <string.h>

#include "session.h"

static struct bitstream *bitstream_find(struct session *s, const void *handle)
{
    struct bitstream *b = s->bitstreams;
    while (b && b != handle)
        b = b->next;
    return b;
}

static NVENCSTATUS picture_type(struct session *s, const char *call, const NV_ENC_PIC_PARAMS *p,
                                struct engine_picture *picture)
{
    uint32_t flags = p->encodePicFlags;
    if (flags & ~(uint32_t)(NV_ENC_PIC_FLAG_FORCEINTRA | NV_ENC_PIC_FLAG_FORCEIDR |
                            NV_ENC_PIC_FLAG_OUTPUT_SPSPPS))
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: encodePicFlags 0x%x", call, flags);
    picture->write_headers = flags & NV_ENC_PIC_FLAG_OUTPUT_SPSPPS;
    if (s->init.enablePTD) {
        picture->type = flags & NV_ENC_PIC_FLAG_FORCEIDR     ? ENGINE_IDR
                        : flags & NV_ENC_PIC_FLAG_FORCEINTRA ? ENGINE_I
                                                             : ENGINE_AUTO;
    } else if (flags & NV_ENC_PIC_FLAG_FORCEIDR) {
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: FORCEIDR without enablePTD", call);
    } else if (p->pictureType == NV_ENC_PIC_TYPE_P || p->pictureType == NV_ENC_PIC_TYPE_I ||
               p->pictureType == NV_ENC_PIC_TYPE_IDR) {
        picture->type = p->pictureType == NV_ENC_PIC_TYPE_P   ? ENGINE_P
                        : p->pictureType == NV_ENC_PIC_TYPE_I ? ENGINE_I
                                                              : ENGINE_IDR;
    } else {
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: pictureType %d", call,
                             (int)p->pictureType);
    }
    uint32_t refresh = s->params.codec == ENGINE_H264
                           ? p->codecPicParams.h264PicParams.forceIntraRefreshWithFrameCnt
                           : p->codecPicParams.hevcPicParams.forceIntraRefreshWithFrameCnt;
    if (refresh && !s->params.refresh_period)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM,
                             "%s: forceIntraRefreshWithFrameCnt without enableIntraRefresh", call);
    picture->refresh = refresh;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS check_input(struct session *s, const char *call, const NV_ENC_PIC_PARAMS *p,
                               struct input **found)
{
    struct input *input = s->inputs;
    while (input && input != p->inputBuffer)
        input = input->next;
    if (!input)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: inputBuffer is not mapped", call);
    if (input->locked)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: inputBuffer is locked", call);
    if (p->bufferFmt != input->format)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: bufferFmt 0x%x, the input has 0x%x",
                             call, (unsigned)p->bufferFmt, (unsigned)input->format);
    bool yuv444 = input->format == NV_ENC_BUFFER_FORMAT_YUV444 ||
                  input->format == NV_ENC_BUFFER_FORMAT_YUV444_10BIT;
    bool deep = input->format == NV_ENC_BUFFER_FORMAT_YUV420_10BIT ||
                input->format == NV_ENC_BUFFER_FORMAT_YUV444_10BIT;
    if (yuv444 != s->params.yuv444 || deep != s->params.deep)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM,
                             "%s: the input's chroma or depth is not the session's", call);
    if (p->inputWidth != s->params.width || p->inputHeight != s->params.height ||
        input->width < p->inputWidth || input->height < p->inputHeight)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM,
                             "%s: %ux%u of an input of %ux%u in a session of %ux%u", call,
                             p->inputWidth, p->inputHeight, input->width, input->height,
                             s->params.width, s->params.height);
    if (input->resource ? input->resource->sizing != s->sizing
                        : input->width != p->inputWidth || input->height != p->inputHeight)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: the input was made for another size",
                             call);
    if (p->inputPitch != input->pitch && p->inputPitch != p->inputWidth)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: inputPitch %u, the input has %u",
                             call, p->inputPitch, input->pitch);
    if (p->pictureStruct != NV_ENC_PIC_STRUCT_FRAME)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: pictureStruct %d", call,
                             (int)p->pictureStruct);
    *found = input;
    return NV_ENC_SUCCESS;
}

/* OpenGL and host inputs are taken now, CUDA memory when the worker comes to it. */
static bool take_pixels(struct session *s, const char *call, struct job *job)
{
    struct input *input = job->input;
    if (!input->resource) {
        job->pixels = malloc(job->layout.bytes);
        memcpy(job->pixels, input->data, job->layout.bytes);
        book_count("input.host", 1);
        return true;
    }
    if (input->resource->type == NV_ENC_INPUT_RESOURCE_TYPE_OPENGL_TEX) {
        job->pixels = texture_read(s, call, input->resource, job->layout.bytes);
        book_count("input.gl", job->pixels != NULL);
        return job->pixels;
    }
    job->pointer = input->resource->pointer;
    job->mark = s->cuda->mark(s->device, s->input_stream, &job->mark_stream);
    if (job->mark < 0) {
        session_fault(s, NV_ENC_SUCCESS, "%s: the context or the input stream is gone", call);
        return false;
    }
    book_count("input.cuda", 1);
    return true;
}

static NVENCSTATUS encode(struct session *s, const NV_ENC_PIC_PARAMS *p)
{
    static const char call[] = "nvEncEncodePicture";
    if (!p)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_PIC_PARAMS_VER);
    if (status)
        return status;
    if (!s->initialized)
        return session_fault(s, NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "%s: not initialized", call);
    check_pic_params(s, p);
    s->submitter = pthread_self();
    if (p->encodePicFlags & NV_ENC_PIC_FLAG_EOS) {
        if (p->inputBuffer || p->completionEvent)
            session_fault(s, NV_ENC_SUCCESS, "%s: EOS with a picture or an event", call);
        s->ended = true;
        return NV_ENC_SUCCESS;
    }
    struct input *input = NULL;
    struct engine_picture picture = {0};
    struct bitstream *bitstream = bitstream_find(s, p->outputBitstream);
    if (p->completionEvent)
        return session_fault(s, NV_ENC_ERR_INVALID_EVENT, "%s: completionEvent without async",
                             call);
    if (!bitstream || bitstream->sent || bitstream->locked)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: outputBitstream %s", call,
                             bitstream ? "has a picture in flight" : "is not a bitstream buffer");
    status = check_input(s, call, p, &input);
    if (!status)
        status = picture_type(s, call, p, &picture);
    if (status)
        return status;
    struct job *job = calloc(1, sizeof *job);
    job->input = input;
    job->bitstream = bitstream;
    job->picture = picture;
    job->params = s->params;
    job->changed = s->changed;
    if (s->force_idr)
        job->picture.type = ENGINE_IDR;
    job->invalid_count = s->invalid_count;
    memcpy(job->invalid, s->invalid, sizeof job->invalid);
    layout_of(input->format, input->width, input->height, input->pitch, &job->layout);
    if (!take_pixels(s, call, job)) {
        free(job);
        return NV_ENC_ERR_INVALID_PARAM;
    }
    s->changed = s->force_idr = s->ended = false;
    s->invalid_count = 0;
    input->in_flight++;
    bitstream->sent = ++s->sent;
    bitstream->done = false;
    bitstream->slices_out = 0;
    bitstream->packet.slice_count = 0;
    bitstream->packet.bytes = 0;
    bitstream->frame_idx = p->frameIdx;
    bitstream->timestamp = p->inputTimeStamp;
    bitstream->duration = p->inputDuration;
    bitstream->input = input;
    worker_send_locked(s, job);
    if (book_setting("lose.at", 0) &&
        standin_count("nvEncEncodePicture") >= (uint64_t)book_setting("lose.at", 0)) {
        standin_set("lost", 1);
        if (s->cuda)
            s->cuda->lose();
    }
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_encode(void *encoder, NV_ENC_PIC_PARAMS *params)
{
    SESSION_CALL(encoder, "nvEncEncodePicture", GROUP_MAIN, false, encode(s, params));
}

static void fill_lock(struct session *s, struct bitstream *b, NV_ENC_LOCK_BITSTREAM *p, bool whole)
{
    static const NV_ENC_PIC_TYPE types[] = {NV_ENC_PIC_TYPE_P, NV_ENC_PIC_TYPE_P, NV_ENC_PIC_TYPE_I,
                                            NV_ENC_PIC_TYPE_IDR};
    uint32_t slices = whole ? b->packet.slice_count : b->slices_out;
    p->frameIdx = b->frame_idx;
    p->hwEncodeStatus = whole ? 2 : 1;
    p->numSlices = s->init.reportSliceOffsets ? slices : 0;
    p->bitstreamBufferPtr = whole || slices ? b->packet.data : NULL;
    p->bitstreamSizeInBytes = whole    ? (uint32_t)b->packet.bytes
                              : slices ? b->packet.slices[slices] /* where the next one begins */
                                       : 0;
    p->outputTimeStamp = b->timestamp;
    p->outputDuration = b->duration;
    p->pictureType = types[b->packet.type];
    p->pictureStruct = NV_ENC_PIC_STRUCT_FRAME;
    p->frameAvgQP = b->packet.qp;
    if (s->init.reportSliceOffsets && p->sliceOffsets && slices)
        memcpy(p->sliceOffsets, b->packet.slices, slices * sizeof *b->packet.slices);
}

static NVENCSTATUS lock(struct session *s, NV_ENC_LOCK_BITSTREAM *p)
{
    static const char call[] = "nvEncLockBitstream";
    if (!p || !p->outputBitstream)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_LOCK_BITSTREAM_VER);
    if (status)
        return status;
#if !API_AT_LEAST(12, 1)
    RESERVED(s, call, p->reserved);
#endif
    RESERVED(s, call, p->reserved1);
    RESERVED(s, call, p->reserved2);
    if (p->reservedBitFields)
        session_fault(s, NV_ENC_SUCCESS, "%s: p->reservedBitFields is not zero", call);
    struct bitstream *b = bitstream_find(s, p->outputBitstream);
    if (!b || !b->sent || b->locked)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: outputBitstream %s", call,
                             !b          ? "is not a bitstream buffer"
                             : b->locked ? "is locked"
                                         : "has no picture");
    if (b->sent != s->fetched + 1)
        session_fault(s, NV_ENC_SUCCESS, "%s: picture %llu before picture %llu", call,
                      (unsigned long long)b->sent, (unsigned long long)s->fetched + 1);
    bool partial = s->init.enableSubFrameWrite && p->doNotWait;
    if (!b->done && p->doNotWait && !partial)
        return NV_ENC_ERR_LOCK_BUSY;
    while (!b->done && !partial)
        pthread_cond_wait(&nvenc_change, &nvenc_mutex);
    if (b->done && b->status) {
        s->fetched = b->sent;
        b->sent = 0;
        s->forgiven = true;
        return b->status;
    }
    fill_lock(s, b, p, b->done);
    b->locked = true;
    if (b->done) {
        s->fetched = b->sent;
        b->sent = 0;
        if (b->input)
            b->input->in_flight--;
        b->input = NULL;
    }
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_lock_bitstream(void *encoder, NV_ENC_LOCK_BITSTREAM *params)
{
    SESSION_CALL(encoder, "nvEncLockBitstream", GROUP_READ, false, lock(s, params));
}

static NVENCSTATUS unlock(struct session *s, NV_ENC_OUTPUT_PTR handle)
{
    struct bitstream *b = bitstream_find(s, handle);
    if (!b || !b->locked)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "nvEncUnlockBitstream: not locked");
    b->locked = false;
    if (!b->sent && b->packet.data) /* what was read is gone */
        memset(b->packet.data, 0xee, b->packet.bytes);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_unlock_bitstream(void *encoder, NV_ENC_OUTPUT_PTR bitstream)
{
    SESSION_CALL(encoder, "nvEncUnlockBitstream", GROUP_READ, true, unlock(s, bitstream));
}
