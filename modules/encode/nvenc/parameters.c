/* SPDX-License-Identifier: BSD-3-Clause */
#include "parameters.h"

#include <math.h>

#include "caps.h"
#include "status.h"

#define SLICES_BY_COUNT 3u /* NV_ENC_CONFIG_H264.sliceMode */

static GUID preset_guid(unsigned preset)
{
    const GUID list[] = {NV_ENC_PRESET_P1_GUID, NV_ENC_PRESET_P2_GUID, NV_ENC_PRESET_P3_GUID,
                         NV_ENC_PRESET_P4_GUID, NV_ENC_PRESET_P5_GUID, NV_ENC_PRESET_P6_GUID,
                         NV_ENC_PRESET_P7_GUID};
    return list[preset - 1];
}

static bool has_444(const struct nvenc *self)
{
    return self->base.format.fourcc == ORIEL_FMT_I444;
}

static bool has_10_bits(const struct nvenc *self)
{
    return self->base.format.fourcc == ORIEL_FMT_P010;
}

/* ITU-T H.264 and H.265 annex E. */
static void describe_vui(const struct nvenc *self, NV_ENC_CONFIG_H264_VUI_PARAMETERS *vui)
{
    const struct oriel_format *format = &self->base.format;
    *vui = (NV_ENC_CONFIG_H264_VUI_PARAMETERS){
        .videoSignalTypePresentFlag = 1,
        .videoFormat = 5, /* unspecified */
        .videoFullRangeFlag = format->full_range,
        .colourDescriptionPresentFlag = 1,
        .colourPrimaries = format->primaries,
        .transferCharacteristics = format->transfer,
        .colourMatrix = format->matrix,
        .chromaSampleLocationFlag = !has_444(self),
        .chromaSampleLocationTop = has_444(self) ? 0 : 1, /* between the four samples */
        .chromaSampleLocationBot = has_444(self) ? 0 : 1,
        .bitstreamRestrictionFlag = 1,
    };
}

/* A wave of half a second: quick enough for who joins, wide enough to cost little. */
static uint32_t wave_frames(const struct settings *settings)
{
    uint32_t half_second = settings->fps_num / 2000;
    uint32_t most = settings->intra_refresh - 1;
    return half_second < 1 ? 1 : half_second > most ? most : half_second;
}

static uint32_t slice_count(const struct nvenc *self)
{
    uint32_t rows = (self->base.format.height + 15) / 16;
    if (self->settings.codec == ORIEL_CODEC_HEVC) /* coding tree blocks of up to 64 */
        rows = (self->base.format.height + 63) / 64;
    return self->settings.slices < rows ? self->settings.slices : rows;
}

static void describe_h264(struct nvenc *self, NV_ENC_CONFIG_H264 *h264)
{
    const struct settings *settings = &self->settings;
    h264->repeatSPSPPS = 1;
    h264->outputAUD = 0;
    h264->enableVFR = 1;
    h264->level = NV_ENC_LEVEL_AUTOSELECT;
    h264->idrPeriod = self->config.gopLength;
    h264->chromaFormatIDC = has_444(self) ? 3 : 1;
    h264->qpPrimeYZeroTransformBypassFlag = settings->rate_control == HOLD_SAMPLES;
    if (settings->profile == PROFILE_BASELINE)
        h264->entropyCodingMode = NV_ENC_H264_ENTROPY_CODING_MODE_CAVLC;
    if (settings->references)
        h264->maxNumRefFrames = settings->references;
    if (settings->intra_refresh) {
        h264->enableIntraRefresh = 1;
        h264->outputRecoveryPointSEI = 1;
        h264->intraRefreshPeriod = settings->intra_refresh;
        h264->intraRefreshCnt = wave_frames(settings);
    }
    h264->sliceMode = SLICES_BY_COUNT;
    h264->sliceModeData = slice_count(self);
    describe_vui(self, &h264->h264VUIParameters);
}

static void describe_hevc(struct nvenc *self, NV_ENC_CONFIG_HEVC *hevc)
{
    const struct settings *settings = &self->settings;
    hevc->repeatSPSPPS = 1;
    hevc->outputAUD = 0;
    hevc->level = NV_ENC_LEVEL_AUTOSELECT;
    hevc->idrPeriod = self->config.gopLength;
    hevc->chromaFormatIDC = has_444(self) ? 3 : 1;
#if NVENCAPI_MAJOR_VERSION > 12 || (NVENCAPI_MAJOR_VERSION == 12 && NVENCAPI_MINOR_VERSION >= 2)
    hevc->inputBitDepth = hevc->outputBitDepth =
        has_10_bits(self) ? NV_ENC_BIT_DEPTH_10 : NV_ENC_BIT_DEPTH_8;
#else
    hevc->pixelBitDepthMinus8 = has_10_bits(self) ? 2 : 0;
#endif
    if (settings->references)
        hevc->maxNumRefFramesInDPB = settings->references;
    if (settings->intra_refresh) {
        hevc->enableIntraRefresh = 1;
        hevc->intraRefreshPeriod = settings->intra_refresh;
        hevc->intraRefreshCnt = wave_frames(settings);
    }
    hevc->sliceMode = SLICES_BY_COUNT;
    hevc->sliceModeData = slice_count(self);
    describe_vui(self, &hevc->hevcVUIParameters);
}

#if NVENC_HAS_AV1
static void describe_av1(struct nvenc *self, NV_ENC_CONFIG_AV1 *av1)
{
    const struct settings *settings = &self->settings;
    const struct oriel_format *format = &self->base.format;
    av1->repeatSeqHdr = 1;
    av1->outputAnnexBFormat = 0;
    av1->idrPeriod = self->config.gopLength;
    av1->chromaFormatIDC = 1;
#if NVENCAPI_MAJOR_VERSION > 12 || NVENCAPI_MINOR_VERSION >= 2
    av1->inputBitDepth = av1->outputBitDepth =
        has_10_bits(self) ? NV_ENC_BIT_DEPTH_10 : NV_ENC_BIT_DEPTH_8;
#else
    av1->inputPixelBitDepthMinus8 = av1->pixelBitDepthMinus8 = has_10_bits(self) ? 2 : 0;
#endif
    if (settings->references)
        av1->maxNumRefFramesInDPB = settings->references;
    if (settings->intra_refresh) {
        av1->enableIntraRefresh = 1;
        av1->intraRefreshPeriod = settings->intra_refresh;
        av1->intraRefreshCnt = wave_frames(settings);
    }
    av1->colorPrimaries = format->primaries;
    av1->transferCharacteristics = format->transfer;
    av1->matrixCoefficients = format->matrix;
    av1->colorRange = format->full_range;
    av1->chromaSamplePosition = 0; /* AV1 has no name for the centre of the four */
}
#endif

static void describe_codec(struct nvenc *self)
{
    NV_ENC_CODEC_CONFIG *codec = &self->config.encodeCodecConfig;
#if NVENC_HAS_AV1
    if (self->settings.codec == ORIEL_CODEC_AV1) {
        describe_av1(self, &codec->av1Config);
        return;
    }
#endif
    if (self->settings.codec == ORIEL_CODEC_HEVC)
        describe_hevc(self, &codec->hevcConfig);
    else
        describe_h264(self, &codec->h264Config);
}

void parameters_rates(struct nvenc *self)
{
    const struct settings *settings = &self->settings;
    NV_ENC_RC_PARAMS *rate = &self->config.rcParams;
    self->parameters.frameRateNum = settings->fps_num;
    self->parameters.frameRateDen = 1000;
    switch (settings->rate_control) {
    case HOLD_SAMPLES:
    case HOLD_QUALITY: {
        uint32_t qp = settings->rate_control == HOLD_SAMPLES ? 0 : settings->qp;
        if (settings->codec == ORIEL_CODEC_AV1) /* its scale ends at 255 */
            qp = qp * 5;
        rate->rateControlMode = NV_ENC_PARAMS_RC_CONSTQP;
        rate->constQP = (NV_ENC_QP){.qpInterP = qp, .qpInterB = qp, .qpIntra = qp};
        return;
    }
    case HOLD_BITRATE:
        rate->rateControlMode = NV_ENC_PARAMS_RC_CBR;
        rate->maxBitRate = settings->bitrate;
        break;
    case HOLD_MAXIMUM:
        rate->rateControlMode = NV_ENC_PARAMS_RC_VBR;
        rate->maxBitRate = settings->max_bitrate;
        break;
    }
    rate->averageBitRate = settings->bitrate;
    uint64_t bits = (uint64_t)rate->maxBitRate * settings->vbv_ms / 1000;
    rate->vbvBufferSize = bits < UINT32_MAX ? (uint32_t)bits : UINT32_MAX;
    rate->vbvInitialDelay = rate->vbvBufferSize;
}

void parameters_size(struct nvenc *self)
{
    NV_ENC_INITIALIZE_PARAMS *to = &self->parameters;
    to->encodeWidth = to->darWidth = self->base.format.width;
    to->encodeHeight = to->darHeight = self->base.format.height;
    parameters_rates(self);
    describe_codec(self);
}

oriel_result parameters_fill(struct nvenc *self)
{
    const struct settings *settings = &self->settings;
    NV_ENC_TUNING_INFO tuning = settings->rate_control == HOLD_SAMPLES ? NV_ENC_TUNING_INFO_LOSSLESS
                                : settings->low_latency ? NV_ENC_TUNING_INFO_LOW_LATENCY
                                                        : NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY;
    GUID codec = codec_guid(settings->codec), preset = preset_guid(settings->preset);
    NV_ENC_PRESET_CONFIG from = {.version = NV_ENC_PRESET_CONFIG_VER,
                                 .presetCfg = {.version = NV_ENC_CONFIG_VER}};
    NVENCSTATUS status = self->library->api.nvEncGetEncodePresetConfigEx(self->session, codec,
                                                                         preset, tuning, &from);
    if (status)
        return status_fail(self, status_at_create(status), "nvEncGetEncodePresetConfigEx", status);
    self->config = from.presetCfg;
    self->config.version = NV_ENC_CONFIG_VER;
    self->config.profileGUID = profile_guid(self);
    /* The driver ignores the refresh unless key pictures come only when asked for. */
    bool endless = settings->intra_refresh || !settings->keyint;
    self->config.gopLength = endless ? NVENC_INFINITE_GOPLENGTH : settings->keyint;
    self->config.frameIntervalP = 1;
    self->config.frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;

    NV_ENC_RC_PARAMS *rate = &self->config.rcParams;
    rate->enableLookahead = 0;
    rate->lookaheadDepth = 0;
    rate->zeroReorderDelay = 1;
    rate->enableAQ = settings->aq > 0;
    rate->aqStrength = settings->aq;
    rate->enableTemporalAQ = settings->temporal_aq;
    rate->enableNonRefP = settings->non_ref_p;

    self->parameters = (NV_ENC_INITIALIZE_PARAMS){
        .version = NV_ENC_INITIALIZE_PARAMS_VER,
        .encodeGUID = codec,
        .presetGUID = preset,
        .tuningInfo = tuning,
        .enablePTD = 1,
        .reportSliceOffsets = settings->subframe,
        .enableSubFrameWrite = settings->subframe,
        .encodeConfig = &self->config,
    };
    parameters_size(self);
    return caps_room(self, &self->parameters.maxEncodeWidth, &self->parameters.maxEncodeHeight);
}
