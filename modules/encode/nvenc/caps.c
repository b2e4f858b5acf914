/* SPDX-License-Identifier: BSD-3-Clause */
#include "caps.h"

#include <stdio.h>
#include <stdlib.h>

#include "status.h"

GUID codec_guid(uint32_t codec)
{
#if NVENC_HAS_AV1
    if (codec == ORIEL_CODEC_AV1)
        return NV_ENC_CODEC_AV1_GUID;
#endif
    return codec == ORIEL_CODEC_HEVC ? NV_ENC_CODEC_HEVC_GUID : NV_ENC_CODEC_H264_GUID;
}

GUID profile_guid(const struct nvenc *self)
{
    bool i444 = self->base.format.fourcc == ORIEL_FMT_I444;
#if NVENC_HAS_AV1
    if (self->settings.codec == ORIEL_CODEC_AV1)
        return NV_ENC_AV1_PROFILE_MAIN_GUID;
#endif
    if (self->settings.codec == ORIEL_CODEC_HEVC)
        return i444                                         ? NV_ENC_HEVC_PROFILE_FREXT_GUID
               : self->base.format.fourcc == ORIEL_FMT_P010 ? NV_ENC_HEVC_PROFILE_MAIN10_GUID
                                                            : NV_ENC_HEVC_PROFILE_MAIN_GUID;
    if (i444 || self->settings.rate_control == HOLD_SAMPLES)
        return NV_ENC_H264_PROFILE_HIGH_444_GUID;
    switch (self->settings.profile) {
    case PROFILE_BASELINE:
        return NV_ENC_H264_PROFILE_BASELINE_GUID;
    case PROFILE_MAIN:
        return NV_ENC_H264_PROFILE_MAIN_GUID;
    default:
        return NV_ENC_H264_PROFILE_HIGH_GUID;
    }
}

bool guid_equal(const GUID *a, const GUID *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static oriel_result refuse(struct nvenc *self, const char *lack)
{
    return encode_fail(self->base.host, ORIEL_UNSUPPORTED, "%s %s", self->device.name, lack);
}

/* Whether `wanted` is in a list of the driver's. */
static oriel_result codec_listed(struct nvenc *self, const GUID *wanted, bool *listed)
{
    const NV_ENCODE_API_FUNCTION_LIST *api = &self->library->api;
    uint32_t count = 0;
    NVENCSTATUS status = api->nvEncGetEncodeGUIDCount(self->session, &count);
    if (status)
        return status_fail(self, status_at_create(status), "nvEncGetEncodeGUIDCount", status);
    GUID *list = calloc(count + 1, sizeof(*list));
    if (!list)
        return encode_fail(self->base.host, ORIEL_NOMEM, "out of memory");
    status = api->nvEncGetEncodeGUIDs(self->session, list, count, &count);
    *listed = false;
    for (uint32_t i = 0; !status && i < count; i++)
        *listed = *listed || guid_equal(&list[i], wanted);
    free(list);
    return status ? status_fail(self, status_at_create(status), "nvEncGetEncodeGUIDs", status)
                  : ORIEL_OK;
}

static oriel_result samples_listed(struct nvenc *self, const GUID *codec, bool *listed)
{
    const NV_ENCODE_API_FUNCTION_LIST *api = &self->library->api;
    uint32_t count = 0;
    NVENCSTATUS status = api->nvEncGetInputFormatCount(self->session, *codec, &count);
    if (status)
        return status_fail(self, status_at_create(status), "nvEncGetInputFormatCount", status);
    NV_ENC_BUFFER_FORMAT *list = calloc(count + 1, sizeof(*list));
    if (!list)
        return encode_fail(self->base.host, ORIEL_NOMEM, "out of memory");
    status = api->nvEncGetInputFormats(self->session, *codec, list, count, &count);
    *listed = false;
    for (uint32_t i = 0; !status && i < count; i++)
        *listed = *listed || list[i] == self->samples;
    free(list);
    return status ? status_fail(self, status_at_create(status), "nvEncGetInputFormats", status)
                  : ORIEL_OK;
}

static oriel_result ask(struct nvenc *self, NV_ENC_CAPS what, int *value)
{
    NV_ENC_CAPS_PARAM param = {.version = NV_ENC_CAPS_PARAM_VER, .capsToQuery = what};
    *value = 0;
    NVENCSTATUS status = self->library->api.nvEncGetEncodeCaps(
        self->session, codec_guid(self->settings.codec), &param, value);
    return status ? status_fail(self, status_at_create(status), "nvEncGetEncodeCaps", status)
                  : ORIEL_OK;
}

/* A feature that the stream needs. */
struct need {
    bool wanted;
    NV_ENC_CAPS cap;
    int mask; /* of the answer; one bit of it is enough */
    const char *without;
};

static oriel_result needs_check(struct nvenc *self)
{
    const struct settings *settings = &self->settings;
    uint32_t fourcc = self->base.format.fourcc;
    enum rate_control held = settings->rate_control;
    char i444[48], ten[48], lossless[48], refresh[48];
    const char *codec = codec_name(settings->codec);
    snprintf(i444, sizeof(i444), "encodes no 4:4:4 %s", codec);
    snprintf(ten, sizeof(ten), "encodes no 10-bit %s", codec);
    snprintf(lossless, sizeof(lossless), "encodes no lossless %s", codec);
    snprintf(refresh, sizeof(refresh), "has no intra refresh for %s", codec);
    const struct need needs[] = {
        {fourcc == ORIEL_FMT_I444, NV_ENC_CAPS_SUPPORT_YUV444_ENCODE, ~0, i444},
        {fourcc == ORIEL_FMT_P010, NV_ENC_CAPS_SUPPORT_10BIT_ENCODE, ~0, ten},
        {held == HOLD_SAMPLES, NV_ENC_CAPS_SUPPORT_LOSSLESS_ENCODE, ~0, lossless},
        {held == HOLD_BITRATE, NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES, NV_ENC_PARAMS_RC_CBR,
         "holds no bit rate (rate_control bitrate)"},
        {held == HOLD_MAXIMUM, NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES, NV_ENC_PARAMS_RC_VBR,
         "has no variable bit rate (rate_control variable)"},
        {settings->intra_refresh > 0, NV_ENC_CAPS_SUPPORT_INTRA_REFRESH, ~0, refresh},
    };
    for (size_t i = 0; i < ENCODE_COUNT(needs); i++) {
        int value = 0;
        oriel_result result = needs[i].wanted ? ask(self, needs[i].cap, &value) : ORIEL_OK;
        if (result)
            return result;
        if (needs[i].wanted && !(value & needs[i].mask))
            return refuse(self, needs[i].without);
    }
    return ORIEL_OK;
}

oriel_result caps_check_sides(const struct nvenc *self, const struct oriel_format *format)
{
    if (format->fourcc == ORIEL_FMT_I444 || (format->width % 2 == 0 && format->height % 2 == 0))
        return ORIEL_OK;
    return encode_fail(self->base.host, ORIEL_UNSUPPORTED,
                       "a picture of %u×%u: %s 4:2:0 has even sides only", format->width,
                       format->height, codec_name(self->settings.codec));
}

oriel_result caps_check_size(struct nvenc *self, const struct oriel_format *format)
{
    static const NV_ENC_CAPS caps[4] = {NV_ENC_CAPS_WIDTH_MIN, NV_ENC_CAPS_WIDTH_MAX,
                                        NV_ENC_CAPS_HEIGHT_MIN, NV_ENC_CAPS_HEIGHT_MAX};
    int limits[4];
    for (int i = 0; i < 4; i++) {
        oriel_result result = ask(self, caps[i], &limits[i]);
        if (result)
            return result;
    }
    int width = (int)format->width, height = (int)format->height;
    if (width >= limits[0] && width <= limits[1] && height >= limits[2] && height <= limits[3])
        return ORIEL_OK;
    return encode_fail(self->base.host, ORIEL_UNSUPPORTED,
                       "%s encodes %s from %d×%d to %d×%d, not %d×%d", self->device.name,
                       codec_name(self->settings.codec), limits[0], limits[2], limits[1], limits[3],
                       width, height);
}

static uint32_t blocks(uint32_t width, uint32_t height)
{
    return ((width + 15) / 16) * ((height + 15) / 16);
}

oriel_result caps_room(struct nvenc *self, uint32_t *width, uint32_t *height)
{
    static const uint32_t sizes[][2] = {{1920, 1088}, {2560, 1600}, {3840, 2176}, {4096, 4096},
                                        {5120, 2880}, {7680, 4320}, {8192, 8192}};
    static const NV_ENC_CAPS caps[4] = {NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE, NV_ENC_CAPS_WIDTH_MAX,
                                        NV_ENC_CAPS_HEIGHT_MAX, NV_ENC_CAPS_MB_NUM_MAX};
    uint32_t w = self->base.format.width, h = self->base.format.height;
    int limits[4];
    *width = *height = 0;
    for (int i = 0; i < 4; i++) {
        oriel_result result = ask(self, caps[i], &limits[i]);
        if (result)
            return result;
        if (!limits[0])
            return ORIEL_OK;
    }
    size_t i = 0;
    while (i < ENCODE_COUNT(sizes) && (sizes[i][0] < w || sizes[i][1] < h))
        i++;
    *width = i < ENCODE_COUNT(sizes) ? sizes[i][0] : w;
    *height = i < ENCODE_COUNT(sizes) ? sizes[i][1] : h;
    if (*width > (uint32_t)limits[1])
        *width = (uint32_t)limits[1];
    if (*height > (uint32_t)limits[2])
        *height = (uint32_t)limits[2];
    if (limits[3] > 0 && blocks(*width, *height) > (uint32_t)limits[3]) {
        *width = w;
        *height = h;
    }
    return ORIEL_OK;
}

static oriel_result helps_check(struct nvenc *self)
{
    struct settings *settings = &self->settings;
    int value = 0;
    oriel_result result = ORIEL_OK;
    if (settings->subframe) {
        result = ask(self, NV_ENC_CAPS_SUPPORT_SUBFRAME_READBACK, &value);
        if (!value || settings->slices < 2 || settings->codec == ORIEL_CODEC_AV1)
            settings->subframe = false;
        if (result == ORIEL_OK && !settings->subframe)
            self->base.host->log(self->base.host, ORIEL_LOG_WARN,
                                 value ? "subframe needs two slices or more, of H.264 or HEVC: "
                                         "pictures are read whole"
                                       : "this GPU hands out no slices before the whole picture");
    }
    if (result == ORIEL_OK && settings->temporal_aq) {
        result = ask(self, NV_ENC_CAPS_SUPPORT_TEMPORAL_AQ, &value);
        if (result == ORIEL_OK && !value) {
            settings->temporal_aq = false;
            self->base.host->log(self->base.host, ORIEL_LOG_WARN, "this GPU has no temporal_aq");
        }
    }
    if (result == ORIEL_OK && settings->vbv_ms) {
        result = ask(self, NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE, &value);
        if (result == ORIEL_OK && !value) {
            settings->vbv_ms = 0;
            self->base.host->log(self->base.host, ORIEL_LOG_WARN,
                                 "this GPU has a vbv_ms of its own");
        }
    }
    return result;
}

oriel_result caps_check(struct nvenc *self)
{
    const struct settings *settings = &self->settings;
    const struct oriel_format *format = &self->base.format;
    const char *codec = codec_name(settings->codec);
    GUID guid = codec_guid(settings->codec);
    bool listed = false;
    char lack[64];
    oriel_result result = codec_listed(self, &guid, &listed);
    if (result == ORIEL_OK && !listed) {
        snprintf(lack, sizeof(lack), "encodes no %s", codec);
        return refuse(self, lack);
    }
    if (result == ORIEL_OK)
        result = needs_check(self);
    if (result == ORIEL_OK)
        result = caps_check_size(self, format);
    if (result == ORIEL_OK)
        result = samples_listed(self, &guid, &listed);
    if (result == ORIEL_OK && !listed) {
        snprintf(lack, sizeof(lack), "takes no %.4s pictures for %s", (const char *)&format->fourcc,
                 codec);
        return refuse(self, lack);
    }
    if (result == ORIEL_OK)
        result = helps_check(self);
    return result;
}
