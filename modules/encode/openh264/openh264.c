/* SPDX-License-Identifier: BSD-3-Clause */
/* H.264 constrained baseline by OpenH264: real-time rate control, no reordering, one access unit
 * out for each frame in. The library itself writes the colour description and the bitstream
 * restriction with no reorder frames that hardware decoders need to show a picture at once. */
#include <limits.h>
#include <stdlib.h>

#include <wels/codec_api.h>

#include "../common/encode.h"
#include "../common/threads.h"

enum {
    MOST_THREADS = 4, /* of the library, for all of its encoders in a process */
    HIGHEST = 4096    /* picture */
};

static const uint32_t codecs[] = {ORIEL_CODEC_H264};
static const struct oriel_format formats[] = {
    ENCODE_YUV_FORMATS(ORIEL_FMT_I420),
};
static const struct oriel_option option_list[] = {
    {.name = "bitrate",
     .default_value = "12000000",
     .help = "Target rate in bit/s.",
     .min = 50000,
     .max = 500000000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "max_bitrate",
     .default_value = "20000000",
     .help = "Highest rate in bit/s; never below the target.",
     .min = 50000,
     .max = 500000000,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "keyint",
     .default_value = "600",
     .help = "Frames from one key picture to the next; 0: only when asked for.",
     .min = 0,
     .max = 100000,
     .type = ORIEL_OPT_INT},
    {.name = "complexity",
     .default_value = "low",
     .choices = "low medium high",
     .help = "How hard it searches: low is fastest, high gives the best picture for the rate.",
     .type = ORIEL_OPT_ENUM},
    {.name = "threads",
     .default_value = "0",
     .help = "Threads, at most the four that OpenH264 has; 0: from the cores that are free.",
     .min = 0,
     .max = MOST_THREADS,
     .type = ORIEL_OPT_INT},
    {.name = "slices",
     .default_value = "0",
     .help =
         "Slices in a picture, which are encoded in parallel; 0: as many as threads, with at least "
         "64 rows each.",
     .min = 0,
     .max = 32,
     .type = ORIEL_OPT_INT},
};
static const struct oriel_option_table options = ENCODE_OPTIONS(option_list);

struct openh264 {
    struct encode base;
    ISVCEncoder *codec;
    char *said; /* the library's last error, for the sentence of a failure */
    uint8_t *data;
    size_t capacity;
};

static oriel_result openh264_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result openh264_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(codecs, ENCODE_COUNT(codecs), index, fourcc);
}

static void on_trace(void *data, int level, const char *text)
{
    struct openh264 *self = data;
    const struct oriel_host *host = self->base.host;
    host->log(host, level <= WELS_LOG_ERROR ? ORIEL_LOG_WARN : ORIEL_LOG_DEBUG, text);
    if (level <= WELS_LOG_ERROR) {
        free(self->said);
        self->said = strdup(text);
    }
}

static const char *said(const struct openh264 *self)
{
    return self->said ? self->said : "no reason given";
}

static void rates(const struct oriel_config *config, int *target, int *most)
{
    int64_t bitrate = config->get_int(config, "bitrate");
    int64_t max_bitrate = config->get_int(config, "max_bitrate");
    *target = (int)bitrate;
    *most = (int)(max_bitrate > bitrate ? max_bitrate : bitrate);
}

static void describe(const struct openh264 *self, const struct oriel_config *config, double fps,
                     SEncParamExt *param)
{
    const struct oriel_format *format = &self->base.format;
    const char *complexity = config->get_string(config, "complexity");
    /* The pool of threads is one for the process, made for the first encoder that has several
     * slices: a low picture must not make it small. */
    int threads = encode_thread_count(config->get_int(config, "threads"), HIGHEST, MOST_THREADS);
    int slices = (int)config->get_int(config, "slices");
    if (!slices)
        slices = encode_share(UINT_MAX, format->height, threads);

    (*self->codec)->GetDefaultParams(self->codec, param);
    /* Its screen mode would hold the quantiser at 26 or above, which shows in flat colours, and
     * makes key pictures of its own. */
    param->iUsageType = CAMERA_VIDEO_REAL_TIME;
    param->iPicWidth = (int)format->width;
    param->iPicHeight = (int)format->height;
    param->fMaxFrameRate = (float)fps;
    param->iRCMode = RC_BITRATE_MODE;
    rates(config, &param->iTargetBitrate, &param->iMaxBitrate);
    param->bEnableFrameSkip = false;
    param->uiIntraPeriod = (unsigned)config->get_int(config, "keyint");
    param->iComplexityMode = strcmp(complexity, "high") == 0     ? HIGH_COMPLEXITY
                             : strcmp(complexity, "medium") == 0 ? MEDIUM_COMPLEXITY
                                                                 : LOW_COMPLEXITY;
    param->eSpsPpsIdStrategy = CONSTANT_ID;
    param->iEntropyCodingModeFlag = 0;
    param->iTemporalLayerNum = 1;
    param->iSpatialLayerNum = 1;
    param->iMultipleThreadIdc = (unsigned short)(slices > 1 ? threads : 1);
    param->bUseLoadBalancing = false; /* reproducible slices */
    /* What these save is small changes of the picture, which is what a scientist looks for; a new
     * slice at every step of a slider is no reason for a key picture. */
    param->bEnableBackgroundDetection = false;
    param->bEnableSceneChangeDetect = false;
    param->bEnableDenoise = false;

    SSpatialLayerConfig *layer = &param->sSpatialLayers[0];
    layer->iVideoWidth = param->iPicWidth;
    layer->iVideoHeight = param->iPicHeight;
    layer->fFrameRate = param->fMaxFrameRate;
    layer->iSpatialBitrate = param->iTargetBitrate;
    layer->iMaxSpatialBitrate = param->iMaxBitrate;
    layer->uiProfileIdc = PRO_BASELINE;
    layer->uiLevelIdc = LEVEL_UNKNOWN;
    layer->sSliceArgument.uiSliceMode = SM_FIXEDSLCNUM_SLICE;
    layer->sSliceArgument.uiSliceNum = (unsigned)slices;
    if (layer->sSliceArgument.uiSliceNum == 1)
        layer->sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
    layer->bVideoSignalTypePresent = true;
    layer->uiVideoFormat = VF_UNDEF;
    layer->bFullRange = format->full_range;
    layer->bColorDescriptionPresent = true;
    layer->uiColorPrimaries = format->primaries;
    layer->uiTransferCharacteristics = format->transfer;
    layer->uiColorMatrix = format->matrix;
}

static void openh264_destroy(void *data)
{
    struct openh264 *self = data;
    if (!self)
        return;
    if (self->codec) {
        (*self->codec)->Uninitialize(self->codec);
        WelsDestroySVCEncoder(self->codec);
    }
    free(self->data);
    free(self->said);
    free(self);
}

static oriel_result codec_open(struct openh264 *self, const struct oriel_config *config, double fps)
{
    const struct oriel_host *host = self->base.host;
    if (WelsCreateSVCEncoder(&self->codec) != 0 || !self->codec)
        return encode_fail(host, ORIEL_NOMEM, "OpenH264 gave no encoder");
    WelsTraceCallback callback = on_trace;
    void *context = self;
    int level = WELS_LOG_WARNING;
    (*self->codec)->SetOption(self->codec, ENCODER_OPTION_TRACE_CALLBACK_CONTEXT, &context);
    (*self->codec)->SetOption(self->codec, ENCODER_OPTION_TRACE_CALLBACK, &callback);
    (*self->codec)->SetOption(self->codec, ENCODER_OPTION_TRACE_LEVEL, &level);
    SEncParamExt param;
    describe(self, config, fps, &param);
    if ((*self->codec)->InitializeExt(self->codec, &param) != cmResultSuccess)
        return encode_fail(host, ORIEL_UNSUPPORTED, "OpenH264 refuses %u×%u: %s",
                           self->base.format.width, self->base.format.height, said(self));
    return ORIEL_OK;
}

static oriel_result openh264_create(const struct oriel_host *host,
                                    const struct oriel_config *config,
                                    const struct oriel_format *format, double fps,
                                    const struct oriel_packet_sink *sink, void **out)
{
    struct openh264 *self = calloc(1, sizeof(*self));
    if (!self)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result =
        encode_init(&self->base, host, sink, format, formats, ENCODE_COUNT(formats), 16, HIGHEST);
    self->base.codec = codecs[0];
    if (result == ORIEL_OK && (format->width % 2 || format->height % 2))
        result = encode_fail(host, ORIEL_UNSUPPORTED,
                             "a picture of %u×%u: H.264 4:2:0 has even sides only", format->width,
                             format->height);
    if (result == ORIEL_OK)
        result = codec_open(self, config, fps);
    if (result)
        openh264_destroy(self);
    else
        *out = self;
    return result;
}

/* The access unit in one piece in self->data; 0 when there is none. */
static size_t gather(struct openh264 *self, const SFrameBSInfo *info)
{
    size_t bytes = 0;
    for (int i = 0; i < info->iLayerNum; i++) {
        const SLayerBSInfo *layer = &info->sLayerInfo[i];
        size_t more = 0;
        for (int n = 0; n < layer->iNalCount; n++)
            more += (size_t)layer->pNalLengthInByte[n];
        if (bytes + more > self->capacity) {
            size_t capacity = (bytes + more) * 2;
            uint8_t *grown = realloc(self->data, capacity);
            if (!grown)
                return 0;
            self->data = grown;
            self->capacity = capacity;
        }
        memcpy(self->data + bytes, layer->pBsBuf, more);
        bytes += more;
    }
    return bytes;
}

static oriel_result openh264_encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    struct openh264 *self = data;
    struct encode_job job;
    oriel_result result = encode_begin(&self->base, frame, flags, &job);
    if (result)
        return result;
    if (job.key)
        (*self->codec)->ForceIntraFrame(self->codec, true);
    SSourcePicture picture = {
        .iColorFormat = videoFormatI420,
        .iPicWidth = (int)self->base.format.width,
        .iPicHeight = (int)self->base.format.height,
        .uiTimeStamp = frame->stamp.pts_ns / 1000000,
    };
    for (int i = 0; i < 3; i++) {
        picture.pData[i] = (unsigned char *)(uintptr_t)job.data[i]; /* only read */
        picture.iStride[i] = (int)job.stride[i];
    }
    SFrameBSInfo info;
    memset(&info, 0, sizeof(info));
    if ((*self->codec)->EncodeFrame(self->codec, &picture, &info) != cmResultSuccess)
        return encode_lost(&self->base, &job, ORIEL_IO, "OpenH264: %s", said(self));
    if (info.eFrameType == videoFrameTypeSkip)
        return encode_lost(&self->base, &job, ORIEL_AGAIN, "OpenH264 left the frame out");
    size_t bytes = gather(self, &info);
    if (!bytes)
        return encode_lost(&self->base, &job, ORIEL_NOMEM, "OpenH264 gave no bytes");
    SEncoderStatistics statistics;
    memset(&statistics, 0, sizeof(statistics));
    (*self->codec)->GetOption(self->codec, ENCODER_OPTION_GET_STATISTICS, &statistics);
    encode_emit(&self->base, &job,
                info.eFrameType == videoFrameTypeIDR ? ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG : 0,
                statistics.uiAverageFrameQP * 256u, self->data, bytes);
    return ORIEL_OK;
}

static oriel_result openh264_reconfigure(void *data, const struct oriel_config *config)
{
    struct openh264 *self = data;
    SBitrateInfo target = {.iLayer = SPATIAL_LAYER_ALL};
    SBitrateInfo most = {.iLayer = SPATIAL_LAYER_ALL};
    rates(config, &target.iBitrate, &most.iBitrate);
    /* Neither may pass the other on the way: up with the limit first, down with the target first.
     */
    SBitrateInfo limit = {.iLayer = SPATIAL_LAYER_ALL, .iBitrate = INT_MAX};
    if ((*self->codec)->SetOption(self->codec, ENCODER_OPTION_MAX_BITRATE, &limit) ||
        (*self->codec)->SetOption(self->codec, ENCODER_OPTION_BITRATE, &target) ||
        (*self->codec)->SetOption(self->codec, ENCODER_OPTION_MAX_BITRATE, &most))
        return encode_fail(self->base.host, ORIEL_IO, "OpenH264 refuses %d bit/s: %s",
                           target.iBitrate, said(self));
    return ORIEL_OK;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = openh264_input_format,
    .codec = openh264_codec,
    .create = openh264_create,
    .destroy = openh264_destroy,
    .get_interface = encode_no_interface,
    .encode = openh264_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = openh264_reconfigure,
};
ENCODE_MODULE(encoder, "encode/openh264", "BSD-3-Clause AND BSD-2-Clause",
              "H.264 constrained baseline by OpenH264, the default without a hardware encoder");
