/* SPDX-License-Identifier: BSD-3-Clause */
/* A session's configuration: initialize, reconfigure, parameter sets, invalidated references. */
#include <string.h>

#include "session.h"

static NVENCSTATUS take_config(struct session *s, const char *call,
                               const NV_ENC_INITIALIZE_PARAMS *init, NV_ENC_CONFIG *config)
{
    enum engine_codec codec;
    if (init->encodeConfig) {
        *config = *init->encodeConfig;
        return NV_ENC_SUCCESS;
    }
    if (!codec_known(&init->encodeGUID, &codec))
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: a codec the card has not", call);
    preset_fill(codec, init->tuningInfo, config);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS initialize(struct session *s, const NV_ENC_INITIALIZE_PARAMS *init)
{
    static const char call[] = "nvEncInitializeEncoder";
    NV_ENC_CONFIG config;
    struct engine_params params;
    if (!init)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, init->version, NV_ENC_INITIALIZE_PARAMS_VER);
    if (status)
        return status;
    if (s->initialized)
        return session_fault(s, NV_ENC_ERR_INVALID_CALL, "%s: it is initialized", call);
    status = take_config(s, call, init, &config);
    if (!status)
        status = check_init(s, call, init, &config, &params);
    if (status)
        return status;
    s->init = *init;
    s->init.encodeConfig = NULL;
    s->config = config;
    s->params = params;
    s->initialized = worker_start(s);
    return s->initialized ? NV_ENC_SUCCESS : NV_ENC_ERR_GENERIC;
}

NVENCSTATUS nv_initialize(void *encoder, NV_ENC_INITIALIZE_PARAMS *params)
{
    SESSION_CALL(encoder, "nvEncInitializeEncoder", GROUP_MAIN, false, initialize(s, params));
}

/* What may not change while a session lives. */
static const char *fixed_part(const struct session *s, const NV_ENC_INITIALIZE_PARAMS *init,
                              const NV_ENC_CONFIG *config, const struct engine_params *params)
{
    if (init->enablePTD != s->init.enablePTD ||
        init->enableEncodeAsync != s->init.enableEncodeAsync)
        return "enablePTD or enableEncodeAsync";
    if (init->maxEncodeWidth != s->init.maxEncodeWidth ||
        init->maxEncodeHeight != s->init.maxEncodeHeight)
        return "maxEncodeWidth or maxEncodeHeight";
    if (config->gopLength != s->config.gopLength ||
        config->frameIntervalP != s->config.frameIntervalP)
        return "the GOP structure";
    if (params->yuv444 != s->params.yuv444 || params->deep != s->params.deep)
        return "the chroma format or the bit depth";
    if (init->reportSliceOffsets != s->init.reportSliceOffsets ||
        init->enableSubFrameWrite != s->init.enableSubFrameWrite)
        return "reportSliceOffsets or enableSubFrameWrite";
    return NULL;
}

static NVENCSTATUS reconfigure(struct session *s, const NV_ENC_RECONFIGURE_PARAMS *p)
{
    static const char call[] = "nvEncReconfigureEncoder";
    if (!p)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    const NV_ENC_INITIALIZE_PARAMS *init = &p->reInitEncodeParams;
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_RECONFIGURE_PARAMS_VER);
    if (!status)
        status = check_version(s, call, init->version, NV_ENC_INITIALIZE_PARAMS_VER);
    if (status)
        return status;
    if (p->reserved)
        session_fault(s, NV_ENC_SUCCESS, "%s: p->reserved is not zero", call);
    if (!s->initialized)
        return session_fault(s, NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "%s: not initialized", call);
    if (!guid_same(&init->encodeGUID, &s->init.encodeGUID))
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: the codec cannot change", call);
    NV_ENC_CONFIG config = s->config;
    struct engine_params params;
    if (init->encodeConfig || !guid_same(&init->presetGUID, &s->init.presetGUID))
        status = take_config(s, call, init, &config);
    if (!status)
        status = check_init(s, call, init, &config, &params);
    if (status)
        return status;
    const char *fixed = fixed_part(s, init, &config, &params);
    if (fixed)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: %s cannot change", call, fixed);
    bool resized = params.width != s->params.width || params.height != s->params.height;
    if (resized && !init->maxEncodeWidth)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM,
                             "%s: a new size, and maxEncodeWidth was not set", call);
    if (resized && !caps_value(params.codec, NV_ENC_CAPS_SUPPORT_DYN_RES_CHANGE))
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: the card cannot change its size",
                             call);
    if (resized && !p->forceIDR)
        session_fault(s, NV_ENC_SUCCESS, "%s: a new size without forceIDR", call);
    if (resized && !p->resetEncoder)
        session_fault(s, NV_ENC_SUCCESS, "%s: a new size without resetEncoder", call);
    if (resized && s->sent != s->fetched && !s->forgiven)
        session_fault(s, NV_ENC_SUCCESS, "%s: a new size while pictures are in flight", call);
    if (params.rate != s->params.rate &&
        !caps_value(params.codec, NV_ENC_CAPS_SUPPORT_DYN_RCMODE_CHANGE))
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM,
                             "%s: the card cannot change its rate control mode", call);
    if (p->resetEncoder && !p->forceIDR && !init->enablePTD)
        session_fault(s, NV_ENC_SUCCESS, "%s: resetEncoder without an IDR", call);
    s->init = *init;
    s->init.encodeConfig = NULL;
    s->config = config;
    s->params = params;
    s->changed = true;
    s->sizing += resized;
    s->force_idr |= resized || p->forceIDR || p->resetEncoder;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_reconfigure(void *encoder, NV_ENC_RECONFIGURE_PARAMS *params)
{
    SESSION_CALL(encoder, "nvEncReconfigureEncoder", GROUP_MAIN, false, reconfigure(s, params));
}

static NVENCSTATUS set_streams(struct session *s, NV_ENC_CUSTREAM_PTR input,
                               NV_ENC_CUSTREAM_PTR output)
{
    if (s->device_type != NV_ENC_DEVICE_TYPE_CUDA)
        return session_fault(s, NV_ENC_ERR_INVALID_CALL,
                             "nvEncSetIOCudaStreams: not a CUDA session");
    void *in = input ? *(void **)input : NULL, *out = output ? *(void **)output : NULL;
    void *where;
    if (s->cuda->mark(s->device, in, &where) < 0 || s->cuda->mark(s->device, out, &where) < 0)
        return session_fault(
            s, NV_ENC_ERR_INVALID_PARAM,
            "nvEncSetIOCudaStreams: not pointers to streams of the session's context");
    s->input_stream = in;
    s->output_stream = out;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_set_streams(void *encoder, NV_ENC_CUSTREAM_PTR input, NV_ENC_CUSTREAM_PTR output)
{
    SESSION_CALL(encoder, "nvEncSetIOCudaStreams", GROUP_MAIN, false,
                 set_streams(s, input, output));
}

static NVENCSTATUS sequence_params(struct session *s, NV_ENC_SEQUENCE_PARAM_PAYLOAD *p)
{
    static const char call[] = "nvEncGetSequenceParams";
    if (!p || !p->spsppsBuffer || !p->outSPSPPSPayloadSize)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_SEQUENCE_PARAM_PAYLOAD_VER);
    if (status)
        return status;
    RESERVED(s, call, p->reserved);
    RESERVED(s, call, p->reserved2);
    if (!s->initialized)
        return session_fault(s, NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "%s: not initialized", call);
    if (s->sent && !pthread_equal(s->submitter, pthread_self()))
        session_fault(s, NV_ENC_SUCCESS, "%s: not the thread that sends pictures", call);
    size_t bytes = p->inBufferSize;
    bool fits = engine_headers(&s->params, p->spsppsBuffer, &bytes);
    *p->outSPSPPSPayloadSize = (uint32_t)bytes;
    return fits ? NV_ENC_SUCCESS
                : session_fault(s, NV_ENC_ERR_NOT_ENOUGH_BUFFER, "%s: %zu bytes", call, bytes);
}

NVENCSTATUS nv_sequence_params(void *encoder, NV_ENC_SEQUENCE_PARAM_PAYLOAD *payload)
{
    SESSION_CALL(encoder, "nvEncGetSequenceParams", GROUP_MAIN, false, sequence_params(s, payload));
}

static NVENCSTATUS invalidate(struct session *s, uint64_t timestamp)
{
    static const char call[] = "nvEncInvalidateRefFrames";
    if (!s->initialized)
        return session_fault(s, NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "%s: not initialized", call);
    if (!caps_value(s->params.codec, NV_ENC_CAPS_SUPPORT_REF_PIC_INVALIDATION))
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: the card cannot", call);
    if (s->invalid_count < MAX_INVALID)
        s->invalid[s->invalid_count++] = timestamp;
    else
        s->force_idr = true;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_invalidate(void *encoder, uint64_t timestamp)
{
    SESSION_CALL(encoder, "nvEncInvalidateRefFrames", GROUP_MAIN, false, invalidate(s, timestamp));
}
