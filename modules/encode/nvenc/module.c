/* SPDX-License-Identifier: BSD-3-Clause */
/* H.264, HEVC and AV1 by NVIDIA's hardware encoder, from CUDA memory or textures without a copy to
 * the host. One picture in, one packet out: encode() returns when the picture's last bit is there,
 * which is the shortest way with a driver that has no completion events on Linux. */
#include "nvenc.h"

#include <stdlib.h>
#include <time.h>

#include "caps.h"
#include "input.h"
#include "oriel/draft/encoder_invalidate.h"
#include "oriel/draft/encoder_resize.h"
#include "output.h"
#include "references.h"
#include "resize.h"
#include "session.h"
#include "status.h"

/* A busy engine is asked again, for less than a picture takes to be worth drawing anew. */
#define BUSY_TRIES 8
#define BUSY_NS 1000000

static oriel_result nvenc_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(nvenc_formats, nvenc_format_count, index, format);
}

static oriel_result nvenc_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(nvenc_codecs, nvenc_codec_count, index, fourcc);
}

static void nvenc_destroy(void *data)
{
    struct nvenc *self = data;
    if (!self)
        return;
    if (self->session) {
        bool entered = device_enter(&self->device) == ORIEL_OK;
        session_close(self);
        if (entered)
            device_leave(&self->device);
    }
    if (self->device.library)
        device_close(&self->device, self->lost);
    free(self);
}

/* What no GPU does, whatever its driver says. */
static oriel_result combination_check(const struct nvenc *self)
{
    const struct oriel_host *host = self->base.host;
    const struct oriel_format *format = &self->base.format;
    const struct settings *settings = &self->settings;
    bool i444 = format->fourcc == ORIEL_FMT_I444;
    bool lossless = settings->rate_control == HOLD_SAMPLES;
    oriel_result result = caps_check_sides(self, format);
    if (result)
        return result;
    if (settings->codec == ORIEL_CODEC_H264 && format->fourcc == ORIEL_FMT_P010)
        return encode_fail(host, ORIEL_UNSUPPORTED, "H.264 has 8 bits here; HEVC has 10");
    if (settings->codec == ORIEL_CODEC_H264 && settings->profile != PROFILE_AUTO &&
        (i444 || lossless))
        return encode_fail(host, ORIEL_UNSUPPORTED, "%s H.264 has a profile of its own",
                           i444 ? "4:4:4" : "lossless");
    if (settings->codec == ORIEL_CODEC_AV1 && (i444 || lossless))
        return encode_fail(host, ORIEL_UNSUPPORTED, "NVENC encodes no %s AV1",
                           i444 ? "4:4:4" : "lossless");
    return ORIEL_OK;
}

static oriel_result start(struct nvenc *self, const struct oriel_config *config, double fps)
{
    const struct oriel_host *host = self->base.host;
    self->host_fps = fps;
    settings_read(&self->settings, config, fps);
    self->base.codec = self->settings.codec;
    self->samples = input_samples(self->base.format.fourcc);
    oriel_result result = combination_check(self);
    if (result)
        return result;
    self->library = library_get(host, &result);
    if (!self->library)
        return result;
    result = device_open(&self->device, host, self->library, self->base.format.domain,
                         self->settings.gpu);
    if (result == ORIEL_OK)
        result = device_enter(&self->device);
    if (result)
        return result;
    result = session_open(self);
    if (result)
        session_close(self);
    else
        device_keep(&self->device);
    device_leave(&self->device);
    return result;
}

static oriel_result nvenc_create(const struct oriel_host *host, const struct oriel_config *config,
                                 const struct oriel_format *format, double fps,
                                 const struct oriel_packet_sink *sink, void **out)
{
    struct nvenc *self = calloc(1, sizeof(*self));
    if (!self)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result =
        encode_init(&self->base, host, sink, format, nvenc_formats, nvenc_format_count, 1, 16384);
    if (result == ORIEL_OK)
        result = start(self, config, fps);
    if (result)
        nvenc_destroy(self);
    else
        *out = self;
    return result;
}

static oriel_result submit(struct nvenc *self, const struct encode_job *job,
                           const struct input *input)
{
    NV_ENC_PIC_PARAMS picture = {
        .version = NV_ENC_PIC_PARAMS_VER,
        .inputWidth = self->base.format.width,
        .inputHeight = self->base.format.height,
        .inputPitch = input->pitch,
        .encodePicFlags = job->key ? NV_ENC_PIC_FLAG_FORCEIDR | NV_ENC_PIC_FLAG_OUTPUT_SPSPPS : 0,
        .frameIdx = (uint32_t)self->pictures,
        .inputTimeStamp = job->frame->stamp.seq, /* its name for nvEncInvalidateRefFrames */
        .inputBuffer = input->buffer,
        .bufferFmt = input->format,
        .outputBitstream = self->output,
        .pictureStruct = NV_ENC_PIC_STRUCT_FRAME,
    };
    NVENCSTATUS status = NV_ENC_ERR_ENCODER_BUSY;
    for (int i = 0; i < BUSY_TRIES && status == NV_ENC_ERR_ENCODER_BUSY; i++) {
        if (i)
            nanosleep(&(struct timespec){.tv_nsec = BUSY_NS}, NULL);
        status = self->library->api.nvEncEncodePicture(self->session, &picture);
    }
    if (status)
        return status_fail(self, status_at_encode(status), "nvEncEncodePicture", status);
    references_note(self, job->frame->stamp.seq);
    self->pictures++;
    return ORIEL_OK;
}

static oriel_result encode_entered(struct nvenc *self, const struct encode_job *job)
{
    struct input input;
    oriel_result result = input_take(self, job, &input);
    if (result)
        return result;
    result = submit(self, job, &input);
    if (result == ORIEL_OK)
        result = output_emit(self, job);
    oriel_result back = input_give_back(self);
    return result ? result : back;
}

static oriel_result nvenc_encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    struct nvenc *self = data;
    struct encode_job job;
    oriel_result result = encode_begin(&self->base, frame, flags, &job);
    if (result)
        return result;
    if (self->broken)
        return encode_lost(&self->base, &job, ORIEL_FATAL, "the encoder session has failed before");
    result = device_enter(&self->device);
    if (result == ORIEL_OK) {
        result = encode_entered(self, &job);
        device_leave(&self->device);
    }
    if (result && job.key) /* it is still owed */
        encode_want_key(self);
    return result;
}

static oriel_result nvenc_reconfigure(void *data, const struct oriel_config *config)
{
    struct nvenc *self = data;
    struct settings wanted;
    settings_read(&wanted, config, self->host_fps);
    oriel_result result = device_enter(&self->device);
    if (result)
        return result;
    result = session_change(self, &wanted);
    device_leave(&self->device);
    return result;
}

static const void *nvenc_get_interface(void *self, const char *id)
{
    (void)self;
    if (strcmp(id, ORIEL_ENCODER_INVALIDATE_V1) == 0)
        return &nvenc_invalidate;
    return strcmp(id, ORIEL_ENCODER_RESIZE_V1) == 0 ? &nvenc_resize : NULL;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &nvenc_options,
    .input_format = nvenc_input_format,
    .codec = nvenc_codec,
    .create = nvenc_create,
    .destroy = nvenc_destroy,
    .get_interface = nvenc_get_interface,
    .encode = nvenc_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = nvenc_reconfigure,
};
ENCODE_MODULE(encoder, "encode/nvenc", "BSD-3-Clause AND MIT",
              "Video by the hardware encoder of NVIDIA's GPUs, without a copy to the host");
