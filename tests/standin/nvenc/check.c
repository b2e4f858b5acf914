/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether what a session is to be made of fits together and fits the card. */
#include <string.h>

#include "session.h"

#define REFUSE(...) return session_fault(s, NV_ENC_ERR_INVALID_PARAM, __VA_ARGS__)
#define UNSUPPORTED(...) return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, __VA_ARGS__)

#if API_AT_LEAST(12, 2)
#define HEVC_IS_DEEP(hevc) ((hevc)->inputBitDepth == NV_ENC_BIT_DEPTH_10)
#else
#define HEVC_IS_DEEP(hevc) ((hevc)->pixelBitDepthMinus8 == 2)
#endif

static NVENCSTATUS check_rate(struct session *s, const char *call, enum engine_codec codec,
                              const NV_ENC_RC_PARAMS *rc, struct engine_params *params)
{
    if (rc->version && rc->version != NV_ENC_RC_PARAMS_VER)
        return check_version(s, call, rc->version, NV_ENC_RC_PARAMS_VER);
#if !API_AT_LEAST(12, 0)
    RESERVED(s, call, rc->reserved1);
#endif
#if !API_AT_LEAST(13, 0)
    RESERVED(s, call, rc->reserved);
#endif
    int modes = caps_value(codec, NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES);
    int mode = (int)rc->rateControlMode;
    if (mode & ~modes)
        UNSUPPORTED("%s: rate control 0x%x, the card has 0x%x", call, mode, modes);
    params->rate = mode == NV_ENC_PARAMS_RC_CONSTQP ? ENGINE_QP
                   : mode == NV_ENC_PARAMS_RC_CBR   ? ENGINE_CBR
                                                    : ENGINE_VBR;
    if (params->rate == ENGINE_QP) {
        params->qp_p = rc->constQP.qpInterP;
        params->qp_i = rc->constQP.qpIntra;
        if (params->qp_p > 51 || params->qp_i > 51 || rc->constQP.qpInterB > 51)
            REFUSE("%s: QPs are 0 to 51", call);
    } else {
        params->bitrate = rc->averageBitRate;
        params->max_bitrate = params->rate == ENGINE_VBR ? rc->maxBitRate : 0;
        params->vbv_bits = rc->vbvBufferSize;
        if (!rc->averageBitRate)
            REFUSE("%s: averageBitRate is 0", call);
        if (params->max_bitrate && params->max_bitrate < params->bitrate)
            REFUSE("%s: maxBitRate %u is below averageBitRate %u", call, rc->maxBitRate,
                   rc->averageBitRate);
        if (rc->vbvInitialDelay > rc->vbvBufferSize)
            REFUSE("%s: vbvInitialDelay is beyond vbvBufferSize", call);
        if (rc->vbvBufferSize && !caps_value(codec, NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE))
            UNSUPPORTED("%s: the card has no VBV size of the client's", call);
    }
    if (rc->enableLookahead && !caps_value(codec, NV_ENC_CAPS_SUPPORT_LOOKAHEAD))
        UNSUPPORTED("%s: the card has no lookahead", call);
    if (rc->enableTemporalAQ && !caps_value(codec, NV_ENC_CAPS_SUPPORT_TEMPORAL_AQ))
        UNSUPPORTED("%s: the card has no temporal AQ", call);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS check_vui(struct session *s, const char *call,
                             const NV_ENC_CONFIG_H264_VUI_PARAMETERS *vui,
                             struct engine_params *params)
{
    RESERVED(s, call, vui->reserved);
    params->vui.signal_type = vui->videoSignalTypePresentFlag;
    params->vui.colour = vui->colourDescriptionPresentFlag;
    params->vui.format = vui->videoSignalTypePresentFlag ? (uint32_t)vui->videoFormat : 5;
    params->vui.full_range = vui->videoFullRangeFlag;
    params->vui.primaries = (uint32_t)vui->colourPrimaries;
    params->vui.transfer = (uint32_t)vui->transferCharacteristics;
    params->vui.matrix = (uint32_t)vui->colourMatrix;
    params->vui.chroma_location =
        vui->chromaSampleLocationFlag ? (int32_t)vui->chromaSampleLocationTop : -1;
    if (params->vui.colour && !params->vui.signal_type)
        REFUSE("%s: the colours are described, videoSignalTypePresentFlag is not set", call);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS check_refresh(struct session *s, const char *call, enum engine_codec codec,
                                 const NV_ENC_CONFIG *config, uint32_t period, uint32_t count,
                                 struct engine_params *params)
{
    if (!caps_value(codec, NV_ENC_CAPS_SUPPORT_INTRA_REFRESH))
        UNSUPPORTED("%s: the card has no intra refresh", call);
    if (config->gopLength != NVENC_INFINITE_GOPLENGTH)
        REFUSE("%s: intra refresh wants an infinite gopLength", call);
    if (!period || count >= period)
        REFUSE("%s: intraRefreshCnt %u is not below intraRefreshPeriod %u", call, count, period);
    params->refresh_period = period;
    return NV_ENC_SUCCESS;
}

/* The profile_idc that was asked for; 0: any. */
static NVENCSTATUS check_h264(struct session *s, const char *call, const NV_ENC_CONFIG *config,
                              struct engine_params *params)
{
    const NV_ENC_CONFIG_H264 *h264 = &config->encodeCodecConfig.h264Config;
    const GUID *profile = &config->profileGUID;
    RESERVED(s, call, h264->reserved1);
    RESERVED(s, call, h264->reserved2);
    if (h264->reservedBitFields)
        session_fault(s, NV_ENC_SUCCESS, "%s: h264->reservedBitFields is not zero", call);
    params->profile = guid_same(profile, &NV_ENC_H264_PROFILE_BASELINE_GUID)      ? 66
                      : guid_same(profile, &NV_ENC_H264_PROFILE_MAIN_GUID)        ? 77
                      : guid_same(profile, &NV_ENC_H264_PROFILE_HIGH_444_GUID)    ? 244
                      : guid_same(profile, &NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID) ? 0
                      : guid_same(profile, &NV_ENC_H264_PROFILE_HIGH_GUID) ||
                              guid_same(profile, &NV_ENC_H264_PROFILE_PROGRESSIVE_HIGH_GUID) ||
                              guid_same(profile, &NV_ENC_H264_PROFILE_CONSTRAINED_HIGH_GUID)
                          ? 100
                          : 1;
    if (params->profile == 1)
        UNSUPPORTED("%s: not a profile of H.264 the card has", call);
    if (h264->chromaFormatIDC != 1 && h264->chromaFormatIDC != 3)
        REFUSE("%s: chromaFormatIDC %u is neither 1 nor 3", call, h264->chromaFormatIDC);
    params->yuv444 = h264->chromaFormatIDC == 3;
    params->lossless = h264->qpPrimeYZeroTransformBypassFlag;
    if ((params->yuv444 || params->lossless) && params->profile && params->profile != 244)
        REFUSE("%s: 4:4:4 and lossless want the profile High 4:4:4", call);
    if (params->yuv444 && !caps_value(ENGINE_H264, NV_ENC_CAPS_SUPPORT_YUV444_ENCODE))
        UNSUPPORTED("%s: the card has no 4:4:4", call);
    if (params->lossless && !caps_value(ENGINE_H264, NV_ENC_CAPS_SUPPORT_LOSSLESS_ENCODE))
        UNSUPPORTED("%s: the card has no lossless", call);
    if (params->lossless && (params->rate != ENGINE_QP || params->qp_p || params->qp_i))
        REFUSE("%s: lossless wants constant QP 0", call);
    params->cavlc = h264->entropyCodingMode == NV_ENC_H264_ENTROPY_CODING_MODE_CAVLC;
    if (params->profile == 66 && h264->entropyCodingMode == NV_ENC_H264_ENTROPY_CODING_MODE_CABAC)
        REFUSE("%s: the profile Baseline has no CABAC", call);
    if (h264->level > NV_ENC_LEVEL_H264_62)
        REFUSE("%s: level %u", call, h264->level);
    if (h264->sliceMode > 3 || (h264->sliceMode && !h264->sliceModeData))
        REFUSE("%s: sliceMode %u with %u", call, h264->sliceMode, h264->sliceModeData);
    params->slice_mode = h264->sliceMode;
    params->slice_data = h264->sliceModeData;
    params->aud = h264->outputAUD;
    params->headers = !h264->disableSPSPPS;
    params->repeat_headers = h264->repeatSPSPPS;
    if (h264->disableSPSPPS && h264->repeatSPSPPS)
        REFUSE("%s: disableSPSPPS and repeatSPSPPS", call);
    params->refs = h264->maxNumRefFrames;
    uint32_t period = h264->idrPeriod ? h264->idrPeriod : config->gopLength;
    params->idr_period = period == NVENC_INFINITE_GOPLENGTH ? 0 : period;
    NVENCSTATUS status = check_vui(s, call, &h264->h264VUIParameters, params);
    if (!status && h264->enableIntraRefresh)
        status = check_refresh(s, call, ENGINE_H264, config, h264->intraRefreshPeriod,
                               h264->intraRefreshCnt, params);
    return status;
}

static NVENCSTATUS check_hevc(struct session *s, const char *call, const NV_ENC_CONFIG *config,
                              NV_ENC_TUNING_INFO tuning, struct engine_params *params)
{
    const NV_ENC_CONFIG_HEVC *hevc = &config->encodeCodecConfig.hevcConfig;
    const GUID *profile = &config->profileGUID;
    RESERVED(s, call, hevc->reserved1);
    RESERVED(s, call, hevc->reserved2);
    params->yuv444 = hevc->chromaFormatIDC == 3;
    params->deep = HEVC_IS_DEEP(hevc);
    params->lossless = tuning == NV_ENC_TUNING_INFO_LOSSLESS && params->rate == ENGINE_QP &&
                       !params->qp_p && !params->qp_i;
    if (hevc->chromaFormatIDC != 1 && hevc->chromaFormatIDC != 3)
        REFUSE("%s: chromaFormatIDC %u is neither 1 nor 3", call, hevc->chromaFormatIDC);
    if (guid_same(profile, &NV_ENC_HEVC_PROFILE_MAIN_GUID) && (params->yuv444 || params->deep))
        REFUSE("%s: the profile Main is 8 bit 4:2:0", call);
    if (guid_same(profile, &NV_ENC_HEVC_PROFILE_MAIN10_GUID) && params->yuv444)
        REFUSE("%s: the profile Main 10 is 4:2:0", call);
    if (!guid_same(profile, &NV_ENC_HEVC_PROFILE_MAIN_GUID) &&
        !guid_same(profile, &NV_ENC_HEVC_PROFILE_MAIN10_GUID) &&
        !guid_same(profile, &NV_ENC_HEVC_PROFILE_FREXT_GUID) &&
        !guid_same(profile, &NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID))
        UNSUPPORTED("%s: not a profile of HEVC", call);
    if (params->yuv444 && !caps_value(ENGINE_HEVC, NV_ENC_CAPS_SUPPORT_YUV444_ENCODE))
        UNSUPPORTED("%s: the card has no 4:4:4", call);
    if (params->deep && !caps_value(ENGINE_HEVC, NV_ENC_CAPS_SUPPORT_10BIT_ENCODE))
        UNSUPPORTED("%s: the card has no 10 bit", call);
    if (hevc->level > NV_ENC_LEVEL_HEVC_62 || hevc->tier > 1)
        REFUSE("%s: level %u, tier %u", call, hevc->level, hevc->tier);
    if (hevc->sliceMode > 3 || (hevc->sliceMode && !hevc->sliceModeData))
        REFUSE("%s: sliceMode %u with %u", call, hevc->sliceMode, hevc->sliceModeData);
    params->slice_mode = hevc->sliceMode;
    params->slice_data = hevc->sliceModeData;
    params->aud = hevc->outputAUD;
    params->headers = !hevc->disableSPSPPS;
    params->repeat_headers = hevc->repeatSPSPPS;
    params->refs = hevc->maxNumRefFramesInDPB;
    uint32_t period = hevc->idrPeriod ? hevc->idrPeriod : config->gopLength;
    params->idr_period = period == NVENC_INFINITE_GOPLENGTH ? 0 : period;
    NVENCSTATUS status = check_vui(s, call, &hevc->hevcVUIParameters, params);
    if (!status && hevc->enableIntraRefresh)
        status = check_refresh(s, call, ENGINE_HEVC, config, hevc->intraRefreshPeriod,
                               hevc->intraRefreshCnt, params);
    return status;
}

static NVENCSTATUS check_size(struct session *s, const char *call, enum engine_codec codec,
                              const NV_ENC_INITIALIZE_PARAMS *init)
{
    uint32_t w = init->encodeWidth, h = init->encodeHeight;
    if (w < (uint32_t)caps_value(codec, NV_ENC_CAPS_WIDTH_MIN) ||
        w > (uint32_t)caps_value(codec, NV_ENC_CAPS_WIDTH_MAX) ||
        h < (uint32_t)caps_value(codec, NV_ENC_CAPS_HEIGHT_MIN) ||
        h > (uint32_t)caps_value(codec, NV_ENC_CAPS_HEIGHT_MAX))
        REFUSE("%s: %ux%u is not a size the card encodes", call, w, h);
    if (init->maxEncodeWidth || init->maxEncodeHeight) {
        if (init->maxEncodeWidth < w || init->maxEncodeHeight < h)
            REFUSE("%s: %ux%u is beyond maxEncodeWidth x maxEncodeHeight %ux%u", call, w, h,
                   init->maxEncodeWidth, init->maxEncodeHeight);
        if (init->maxEncodeWidth > (uint32_t)caps_value(codec, NV_ENC_CAPS_WIDTH_MAX) ||
            init->maxEncodeHeight > (uint32_t)caps_value(codec, NV_ENC_CAPS_HEIGHT_MAX))
            REFUSE("%s: maxEncodeWidth x maxEncodeHeight is beyond the card", call);
    }
    if (!init->frameRateNum || !init->frameRateDen)
        REFUSE("%s: a frame rate of %u/%u", call, init->frameRateNum, init->frameRateDen);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS check_init(struct session *s, const char *call, const NV_ENC_INITIALIZE_PARAMS *init,
                       const NV_ENC_CONFIG *config, struct engine_params *params)
{
    memset(params, 0, sizeof *params);
    RESERVED(s, call, init->reserved);
    RESERVED(s, call, init->reserved2);
    if (init->reservedBitFields || init->privDataSize || init->privData)
        session_fault(s, NV_ENC_SUCCESS, "%s: reservedBitFields or privData is not zero", call);
    if (!codec_known(&init->encodeGUID, &params->codec))
        UNSUPPORTED("%s: a codec the card has not", call);
    if (!preset_known(&init->presetGUID, &params->preset))
        UNSUPPORTED("%s: not one of the presets P1 to P7", call);
    if (init->tuningInfo <= NV_ENC_TUNING_INFO_UNDEFINED ||
        init->tuningInfo >= NV_ENC_TUNING_INFO_COUNT)
        REFUSE("%s: P1 to P7 want a tuningInfo", call);
    NVENCSTATUS status = check_size(s, call, params->codec, init);
    if (status)
        return status;
    if (init->enableEncodeAsync)
        UNSUPPORTED("%s: enableEncodeAsync is for Windows", call);
    if (init->enableMEOnlyMode || init->enableOutputInVidmem || init->enableExternalMEHints ||
        init->enableWeightedPrediction)
        UNSUPPORTED("%s: a mode the card has not", call);
    if (init->enableSubFrameWrite &&
        !caps_value(params->codec, NV_ENC_CAPS_SUPPORT_SUBFRAME_READBACK))
        UNSUPPORTED("%s: the card has no sub-frame output", call);
    status = check_version(s, call, config->version, NV_ENC_CONFIG_VER);
    if (status)
        return status;
    RESERVED(s, call, config->reserved);
    RESERVED(s, call, config->reserved2);
    if (config->frameFieldMode != NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME)
        UNSUPPORTED("%s: the card encodes frames, not fields", call);
    if (config->frameIntervalP - 1 > caps_value(params->codec, NV_ENC_CAPS_NUM_MAX_BFRAMES))
        UNSUPPORTED("%s: frameIntervalP %d, the card has no B pictures", call,
                    config->frameIntervalP);
    if (config->gopLength == NVENC_INFINITE_GOPLENGTH && config->frameIntervalP != 1)
        REFUSE("%s: an infinite gopLength wants frameIntervalP 1, not %d", call,
               config->frameIntervalP);
    if (!config->gopLength)
        REFUSE("%s: gopLength is 0", call);
    status = check_rate(s, call, params->codec, &config->rcParams, params);
    if (!status)
        status = params->codec == ENGINE_H264
                     ? check_h264(s, call, config, params)
                     : check_hevc(s, call, config, init->tuningInfo, params);
    if (status)
        return status;
    if (!params->yuv444 && (init->encodeWidth % 2 || init->encodeHeight % 2))
        REFUSE("%s: 4:2:0 wants even sides, not %ux%u", call, init->encodeWidth,
               init->encodeHeight);
    if (!params->yuv444 && params->slice_mode == 1 && init->reportSliceOffsets &&
        init->enableSubFrameWrite)
        REFUSE("%s: slices by bytes with sub-frame output", call);
    params->width = init->encodeWidth;
    params->height = init->encodeHeight;
    params->fps_num = init->frameRateNum;
    params->fps_den = init->frameRateDen;
    if (config->frameIntervalP == 0)
        params->idr_period = 1;
    return NV_ENC_SUCCESS;
}

void check_pic_params(struct session *s, const NV_ENC_PIC_PARAMS *p)
{
    static const char call[] = "nvEncEncodePicture";
#if !API_AT_LEAST(12, 2)
    RESERVED(s, call, p->reserved1);
#endif
    RESERVED(s, call, p->reserved2);
    RESERVED(s, call, p->reserved3);
    RESERVED(s, call, p->reserved4);
    if (p->reservedBitFields)
        session_fault(s, NV_ENC_SUCCESS, "%s: p->reservedBitFields is not zero", call);
    if (s->params.codec == ENGINE_H264) {
        const NV_ENC_PIC_PARAMS_H264 *h264 = &p->codecPicParams.h264PicParams;
        RESERVED(s, call, h264->reserved);
        RESERVED(s, call, h264->reserved2);
        if (h264->reservedBitFields || h264->reserved3 || h264->ltrUsageMode)
            session_fault(s, NV_ENC_SUCCESS, "%s: reserved fields of h264PicParams are not zero",
                          call);
    } else {
        const NV_ENC_PIC_PARAMS_HEVC *hevc = &p->codecPicParams.hevcPicParams;
        RESERVED(s, call, hevc->reserved2);
        RESERVED(s, call, hevc->reserved3);
        if (hevc->reservedBitFields || hevc->reserved || hevc->ltrUsageMode)
            session_fault(s, NV_ENC_SUCCESS, "%s: reserved fields of hevcPicParams are not zero",
                          call);
    }
}
