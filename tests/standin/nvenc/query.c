/* SPDX-License-Identifier: BSD-3-Clause */
/* What the card can: codecs, profiles, formats, presets, capabilities. */
#include <stdio.h>
#include <string.h>

#include "session.h"

bool guid_same(const GUID *a, const GUID *b)
{
    return !memcmp(a, b, sizeof *a);
}

static bool codec_here(enum engine_codec codec)
{
    return codec == ENGINE_H264 || (engine_can(codec, false, false) && book_setting("hevc", 1));
}

bool codec_known(const GUID *guid, enum engine_codec *codec)
{
    *codec = guid_same(guid, &NV_ENC_CODEC_HEVC_GUID) ? ENGINE_HEVC : ENGINE_H264;
    if (*codec == ENGINE_H264 && !guid_same(guid, &NV_ENC_CODEC_H264_GUID))
        return false; /* among them AV1 */
    return codec_here(*codec);
}

static const GUID *const presets[] = {
    &NV_ENC_PRESET_P1_GUID, &NV_ENC_PRESET_P2_GUID, &NV_ENC_PRESET_P3_GUID, &NV_ENC_PRESET_P4_GUID,
    &NV_ENC_PRESET_P5_GUID, &NV_ENC_PRESET_P6_GUID, &NV_ENC_PRESET_P7_GUID,
};

bool preset_known(const GUID *guid, unsigned *level)
{
    for (unsigned i = 0; i < 7; i++)
        if (guid_same(guid, presets[i])) {
            *level = i + 1;
            return true;
        }
    return false;
}

/* What an Ada card answers, but no B pictures: the stand-in has none. */
static int caps_default(enum engine_codec codec, int cap)
{
    bool hevc = codec == ENGINE_HEVC;
    switch (cap) {
    case NV_ENC_CAPS_SUPPORTED_RATECONTROL_MODES:
        return NV_ENC_PARAMS_RC_VBR | NV_ENC_PARAMS_RC_CBR;
    case NV_ENC_CAPS_SUPPORT_QPELMV:
    case NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE:
    case NV_ENC_CAPS_SUPPORT_DYN_BITRATE_CHANGE:
    case NV_ENC_CAPS_SUPPORT_DYN_FORCE_CONSTQP:
    case NV_ENC_CAPS_SUPPORT_SUBFRAME_READBACK:
    case NV_ENC_CAPS_SUPPORT_INTRA_REFRESH:
    case NV_ENC_CAPS_SUPPORT_CUSTOM_VBV_BUF_SIZE:
    case NV_ENC_CAPS_SUPPORT_DYNAMIC_SLICE_MODE:
    case NV_ENC_CAPS_SUPPORT_REF_PIC_INVALIDATION:
    case NV_ENC_CAPS_SUPPORT_LOSSLESS_ENCODE:
    case NV_ENC_CAPS_SUPPORT_MULTIPLE_REF_FRAMES:
    case NV_ENC_CAPS_SINGLE_SLICE_INTRA_REFRESH:
        return 1;
    case NV_ENC_CAPS_SUPPORT_CABAC:
    case NV_ENC_CAPS_SUPPORT_ADAPTIVE_TRANSFORM:
        return !hevc;
    case NV_ENC_CAPS_SUPPORT_YUV444_ENCODE:
        return engine_can(codec, true, false);
    case NV_ENC_CAPS_SUPPORT_10BIT_ENCODE:
        return engine_can(codec, false, true);
    case NV_ENC_CAPS_SUPPORT_SAO:
        return hevc;
    case NV_ENC_CAPS_NUM_MAX_TEMPORAL_LAYERS:
        return 1;
    case NV_ENC_CAPS_LEVEL_MAX:
        return hevc ? NV_ENC_LEVEL_HEVC_62 : NV_ENC_LEVEL_H264_62;
    case NV_ENC_CAPS_LEVEL_MIN:
        return hevc ? NV_ENC_LEVEL_HEVC_1 : NV_ENC_LEVEL_H264_1;
    case NV_ENC_CAPS_WIDTH_MAX:
    case NV_ENC_CAPS_HEIGHT_MAX:
        return hevc ? 8192 : 4096;
    case NV_ENC_CAPS_WIDTH_MIN:
        return hevc ? 129 : 145;
    case NV_ENC_CAPS_HEIGHT_MIN:
        return hevc ? 33 : 49;
    case NV_ENC_CAPS_MB_NUM_MAX:
        return hevc ? 262144 : 65536;
    case NV_ENC_CAPS_MB_PER_SEC_MAX:
        return 983040;
    case NV_ENC_CAPS_DYNAMIC_QUERY_ENCODER_CAPACITY:
        return 100;
    case NV_ENC_CAPS_NUM_ENCODER_ENGINES:
        return 2;
    default:
        return 0;
    }
}

int caps_value(enum engine_codec codec, int cap)
{
    char key[32];
    snprintf(key, sizeof key, "caps.%s.%d", codec == ENGINE_HEVC ? "hevc" : "h264", cap);
    return (int)book_setting(key, caps_default(codec, cap));
}

static const NV_ENC_BUFFER_FORMAT formats[] = {
    NV_ENC_BUFFER_FORMAT_NV12,         NV_ENC_BUFFER_FORMAT_YV12,
    NV_ENC_BUFFER_FORMAT_IYUV,         NV_ENC_BUFFER_FORMAT_YUV444,
    NV_ENC_BUFFER_FORMAT_YUV420_10BIT, NV_ENC_BUFFER_FORMAT_YUV444_10BIT,
};

bool format_known(enum engine_codec codec, NV_ENC_BUFFER_FORMAT format)
{
    bool deep = caps_value(codec, NV_ENC_CAPS_SUPPORT_10BIT_ENCODE);
    bool yuv444 = caps_value(codec, NV_ENC_CAPS_SUPPORT_YUV444_ENCODE);
    switch ((int)format) {
    case NV_ENC_BUFFER_FORMAT_NV12:
    case NV_ENC_BUFFER_FORMAT_YV12:
    case NV_ENC_BUFFER_FORMAT_IYUV:
        return true;
    case NV_ENC_BUFFER_FORMAT_YUV444:
        return yuv444;
    case NV_ENC_BUFFER_FORMAT_YUV420_10BIT:
        return deep;
    case NV_ENC_BUFFER_FORMAT_YUV444_10BIT:
        return yuv444 && deep;
    default:
        return false;
    }
}

static const GUID *const h264_profiles[] = {
    &NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID,
    &NV_ENC_H264_PROFILE_BASELINE_GUID,
    &NV_ENC_H264_PROFILE_MAIN_GUID,
    &NV_ENC_H264_PROFILE_HIGH_GUID,
    &NV_ENC_H264_PROFILE_HIGH_444_GUID,
    &NV_ENC_H264_PROFILE_PROGRESSIVE_HIGH_GUID,
    &NV_ENC_H264_PROFILE_CONSTRAINED_HIGH_GUID,
};
static const GUID *const hevc_profiles[] = {
    &NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID,
    &NV_ENC_HEVC_PROFILE_MAIN_GUID,
    &NV_ENC_HEVC_PROFILE_MAIN10_GUID,
    &NV_ENC_HEVC_PROFILE_FREXT_GUID,
};

void preset_fill(enum engine_codec codec, NV_ENC_TUNING_INFO tuning, NV_ENC_CONFIG *config)
{
    bool low =
        tuning == NV_ENC_TUNING_INFO_LOW_LATENCY || tuning == NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY;
    memset(config, 0, sizeof *config);
    config->version = NV_ENC_CONFIG_VER;
    config->profileGUID = NV_ENC_CODEC_PROFILE_AUTOSELECT_GUID;
    config->gopLength = low ? NVENC_INFINITE_GOPLENGTH : 250;
    config->frameIntervalP = 1;
    config->frameFieldMode = NV_ENC_PARAMS_FRAME_FIELD_MODE_FRAME;
    config->mvPrecision = NV_ENC_MV_PRECISION_QUARTER_PEL;
    NV_ENC_RC_PARAMS *rc = &config->rcParams;
    rc->version = NV_ENC_RC_PARAMS_VER;
    rc->rateControlMode = tuning == NV_ENC_TUNING_INFO_LOSSLESS ? NV_ENC_PARAMS_RC_CONSTQP
                          : low                                 ? NV_ENC_PARAMS_RC_CBR
                                                                : NV_ENC_PARAMS_RC_VBR;
    if (tuning != NV_ENC_TUNING_INFO_LOSSLESS) {
        rc->constQP = (NV_ENC_QP){28, 31, 25};
        rc->averageBitRate = 5000000;
        rc->maxBitRate = low ? 0 : 10000000;
    }
    rc->zeroReorderDelay = low;
    rc->lowDelayKeyFrameScale = tuning == NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY ? 1 : low ? 2 : 0;
    if (codec == ENGINE_H264) {
        NV_ENC_CONFIG_H264 *h264 = &config->encodeCodecConfig.h264Config;
        h264->idrPeriod = config->gopLength;
        h264->chromaFormatIDC = 1;
        h264->entropyCodingMode = NV_ENC_H264_ENTROPY_CODING_MODE_CABAC;
        h264->qpPrimeYZeroTransformBypassFlag = tuning == NV_ENC_TUNING_INFO_LOSSLESS;
        h264->sliceMode = 3;
        h264->sliceModeData = 1;
    } else {
        NV_ENC_CONFIG_HEVC *hevc = &config->encodeCodecConfig.hevcConfig;
        hevc->idrPeriod = config->gopLength;
        hevc->chromaFormatIDC = 1;
        hevc->sliceMode = 3;
        hevc->sliceModeData = 1;
    }
}

static NVENCSTATUS copy_guids(struct session *s, const char *call, const GUID *const *from,
                              size_t n, GUID *to, uint32_t room, uint32_t *count)
{
    if (!to || !count)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    if (room < n)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: room for %u of %zu", call, room, n);
    for (size_t i = 0; i < n; i++)
        to[i] = *from[i];
    *count = (uint32_t)n;
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS give_count(struct session *s, const char *call, const GUID *codec, size_t n,
                              uint32_t *count)
{
    enum engine_codec known;
    if (!count)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    if (codec && !codec_known(codec, &known))
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: a codec the card has not", call);
    *count = (uint32_t)n;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_guid_count(void *encoder, uint32_t *count)
{
    size_t n = codec_here(ENGINE_HEVC) ? 2 : 1;
    SESSION_CALL(encoder, "nvEncGetEncodeGUIDCount", GROUP_MAIN, false,
                 give_count(s, "nvEncGetEncodeGUIDCount", NULL, n, count));
}

NVENCSTATUS nv_guids(void *encoder, GUID *guids, uint32_t room, uint32_t *count)
{
    static const GUID *const codecs[] = {&NV_ENC_CODEC_H264_GUID, &NV_ENC_CODEC_HEVC_GUID};
    size_t n = codec_here(ENGINE_HEVC) ? 2 : 1;
    SESSION_CALL(encoder, "nvEncGetEncodeGUIDs", GROUP_MAIN, false,
                 copy_guids(s, "nvEncGetEncodeGUIDs", codecs, n, guids, room, count));
}

static size_t profiles_of(const GUID *codec, const GUID *const **list)
{
    bool hevc = guid_same(codec, &NV_ENC_CODEC_HEVC_GUID);
    *list = hevc ? hevc_profiles : h264_profiles;
    return hevc ? sizeof hevc_profiles / sizeof *hevc_profiles
                : sizeof h264_profiles / sizeof *h264_profiles;
}

NVENCSTATUS nv_profile_count(void *encoder, GUID codec, uint32_t *count)
{
    const GUID *const *list;
    SESSION_CALL(
        encoder, "nvEncGetEncodeProfileGUIDCount", GROUP_MAIN, false,
        give_count(s, "nvEncGetEncodeProfileGUIDCount", &codec, profiles_of(&codec, &list), count));
}

NVENCSTATUS nv_profiles(void *encoder, GUID codec, GUID *guids, uint32_t room, uint32_t *count)
{
    const GUID *const *list;
    size_t n = profiles_of(&codec, &list);
    SESSION_CALL(encoder, "nvEncGetEncodeProfileGUIDs", GROUP_MAIN, false,
                 copy_guids(s, "nvEncGetEncodeProfileGUIDs", list, n, guids, room, count));
}

static uint32_t formats_of(const GUID *guid, NV_ENC_BUFFER_FORMAT *list)
{
    enum engine_codec codec;
    uint32_t n = 0;
    if (codec_known(guid, &codec))
        for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
            if (format_known(codec, formats[i]))
                list[n++] = formats[i];
    return n;
}

NVENCSTATUS nv_format_count(void *encoder, GUID codec, uint32_t *count)
{
    NV_ENC_BUFFER_FORMAT list[8];
    SESSION_CALL(
        encoder, "nvEncGetInputFormatCount", GROUP_MAIN, false,
        give_count(s, "nvEncGetInputFormatCount", &codec, formats_of(&codec, list), count));
}

static NVENCSTATUS give_formats(struct session *s, const GUID *codec, NV_ENC_BUFFER_FORMAT *out,
                                uint32_t room, uint32_t *count)
{
    NV_ENC_BUFFER_FORMAT list[8];
    uint32_t n = formats_of(codec, list);
    if (!out || !count)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "nvEncGetInputFormats: NULL");
    if (room < n)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "nvEncGetInputFormats: no room");
    memcpy(out, list, n * sizeof *list);
    *count = n;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_formats(void *encoder, GUID codec, NV_ENC_BUFFER_FORMAT *list, uint32_t room,
                       uint32_t *count)
{
    SESSION_CALL(encoder, "nvEncGetInputFormats", GROUP_MAIN, false,
                 give_formats(s, &codec, list, room, count));
}

static NVENCSTATUS caps(struct session *s, const GUID *guid, const NV_ENC_CAPS_PARAM *param,
                        int *value)
{
    static const char call[] = "nvEncGetEncodeCaps";
    enum engine_codec codec;
    if (!param || !value)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, param->version, NV_ENC_CAPS_PARAM_VER);
    if (status)
        return status;
    RESERVED(s, call, param->reserved);
    if (!codec_known(guid, &codec))
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: a codec the card has not", call);
    if ((int)param->capsToQuery < 0 || param->capsToQuery >= NV_ENC_CAPS_EXPOSED_COUNT)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: capability %d", call,
                             (int)param->capsToQuery);
    *value = caps_value(codec, (int)param->capsToQuery);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_caps(void *encoder, GUID codec, NV_ENC_CAPS_PARAM *param, int *value)
{
    SESSION_CALL(encoder, "nvEncGetEncodeCaps", GROUP_MAIN, false, caps(s, &codec, param, value));
}

NVENCSTATUS nv_preset_count(void *encoder, GUID codec, uint32_t *count)
{
    SESSION_CALL(encoder, "nvEncGetEncodePresetCount", GROUP_MAIN, false,
                 give_count(s, "nvEncGetEncodePresetCount", &codec, 7, count));
}

NVENCSTATUS nv_presets(void *encoder, GUID codec, GUID *guids, uint32_t room, uint32_t *count)
{
    (void)codec;
    SESSION_CALL(encoder, "nvEncGetEncodePresetGUIDs", GROUP_MAIN, false,
                 copy_guids(s, "nvEncGetEncodePresetGUIDs", presets, 7, guids, room, count));
}

static NVENCSTATUS preset_config(struct session *s, const GUID *guid, const GUID *preset,
                                 NV_ENC_TUNING_INFO tuning, NV_ENC_PRESET_CONFIG *config)
{
    static const char call[] = "nvEncGetEncodePresetConfigEx";
    enum engine_codec codec;
    unsigned level;
    if (!config)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, config->version, NV_ENC_PRESET_CONFIG_VER);
    if (!status)
        status = check_version(s, call, config->presetCfg.version, NV_ENC_CONFIG_VER);
    if (status)
        return status;
    RESERVED(s, call, config->reserved1);
    RESERVED(s, call, config->reserved2);
    if (!codec_known(guid, &codec) || !preset_known(preset, &level))
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: an unknown codec or preset",
                             call);
    if (tuning <= NV_ENC_TUNING_INFO_UNDEFINED || tuning >= NV_ENC_TUNING_INFO_COUNT)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: tuning %d", call, (int)tuning);
    preset_fill(codec, tuning, &config->presetCfg);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_preset_config_ex(void *encoder, GUID codec, GUID preset, NV_ENC_TUNING_INFO tuning,
                                NV_ENC_PRESET_CONFIG *config)
{
    SESSION_CALL(encoder, "nvEncGetEncodePresetConfigEx", GROUP_MAIN, false,
                 preset_config(s, &codec, &preset, tuning, config));
}

/* Without a tuning it knows the presets of old only. */
NVENCSTATUS nv_preset_config(void *encoder, GUID codec, GUID preset, NV_ENC_PRESET_CONFIG *config)
{
    (void)codec, (void)preset, (void)config;
    SESSION_CALL(encoder, "nvEncGetEncodePresetConfig", GROUP_MAIN, false,
                 session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM,
                               "nvEncGetEncodePresetConfig: P1 to P7 want a tuning"));
}
