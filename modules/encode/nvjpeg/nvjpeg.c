/* SPDX-License-Identifier: BSD-3-Clause */
/* JPEG of each picture by nvJPEG, which runs in CUDA kernels on every NVIDIA GPU. JFIF means
 * full-range BT.601 with the top row first, and planar samples go in as they come; what leaves the
 * GPU is the finished JPEG. */
#include <stdio.h>
#include <stdlib.h>

#include "../../common/cuda_lost.h"
#include "../common/encode.h"
#include "library.h"
#include "oriel/host_cuda.h"

static const uint32_t codecs[] = {ORIEL_CODEC_JPEG};
static const struct oriel_format formats[] = {
    ENCODE_FORMAT_IN(ORIEL_DOMAIN_CUDA, ORIEL_FMT_I420, ORIEL_MATRIX_BT601, 1),
    ENCODE_FORMAT_IN(ORIEL_DOMAIN_CUDA, ORIEL_FMT_I444, ORIEL_MATRIX_BT601, 1),
};
static const struct oriel_option option_list[] = {
    {.name = "quality",
     .default_value = "85",
     .help = "Quality from 1 to 100, as libjpeg counts it.",
     .min = 1,
     .max = 100,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
    {.name = "optimize_huffman",
     .default_value = "false",
     .help = "Code tables made for each picture: smaller, and slower.",
     .type = ORIEL_OPT_BOOL},
    {.name = "input_format",
     .default_value = "auto",
     .choices = "auto yuv444",
     .help = "Samples it is given: yuv444 keeps the colour of every pixel; auto is 4:2:0.",
     .type = ORIEL_OPT_ENUM},
    {.name = "library",
     .default_value = "",
     .help = "Path of libnvjpeg; empty: version 13, 12 or 11 from where the system or CUDA's "
             "toolkit has it.",
     .type = ORIEL_OPT_STRING},
};
static const struct oriel_option_table options = ENCODE_OPTIONS(option_list);

struct nvjpeg {
    struct encode base;
    struct nvjpeg_library lib;
    CUcontext context;
    CUstream stream;
    void *handle; /* nvJPEG's, not ours alone */
    void *state, *params;
    int subsampling;
    unsigned char *bitstream; /* pinned */
    size_t capacity;
};

static oriel_result nvjpeg_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result nvjpeg_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(codecs, ENCODE_COUNT(codecs), index, fourcc);
}

/* --- errors: 0, or what to answer the host, with the text in `why` --- */

struct failure {
    oriel_result result;
    char text[128];
};

static bool cuda_failed(const struct nvjpeg *self, CUresult error, const char *call,
                        struct failure *failure)
{
    if (!error)
        return false;
    const char *name = NULL;
    if (self->lib.cuda->cuGetErrorName(error, &name) || !name)
        name = "an unknown error";
    failure->result = cuda_lost((int)error) ? ORIEL_DEVICE_LOST
                      : error == 2          ? ORIEL_NOMEM /* OUT_OF_MEMORY */
                                            : ORIEL_IO;
    snprintf(failure->text, sizeof(failure->text), "%s: %s (%d)", call, name, (int)error);
    return true;
}

/* nvJPEG does not pass on why the device failed; the stream still knows. It is idle afterwards. */
static bool status_failed(const struct nvjpeg *self, int status, const char *call,
                          struct failure *failure)
{
    if (!status)
        return false;
    if (cuda_lost((int)self->lib.cuda->cuStreamSynchronize(self->stream)))
        failure->result = ORIEL_DEVICE_LOST;
    else if (status == NVJPEG_ALLOCATOR_FAILURE)
        failure->result = ORIEL_NOMEM;
    else if (status == NVJPEG_JPEG_NOT_SUPPORTED || status == NVJPEG_ARCH_MISMATCH ||
             status == NVJPEG_IMPLEMENTATION_NOT_SUPPORTED)
        failure->result = ORIEL_UNSUPPORTED;
    else
        failure->result = ORIEL_IO;
    snprintf(failure->text, sizeof(failure->text), "%s: %s (%d)%s", call, library_status(status),
             status, failure->result == ORIEL_DEVICE_LOST ? ", the GPU is lost" : "");
    return true;
}

#define CUDA(self, failure, call, arguments)                                                       \
    cuda_failed(self, (self)->lib.cuda->call arguments, #call, failure)
/* Members of NVJPEG_FUNCTIONS and NVJPEG_CUDA_FUNCTIONS, told of by the library's name. */
#define STATUS(self, failure, member, name, arguments)                                             \
    status_failed(self, (self)->lib.member arguments, #name, failure)

/* --- an instance --- */

/* In the context. */

static bool make_room(struct nvjpeg *self, size_t bytes, struct failure *failure)
{
    void *memory;
    if (bytes <= self->capacity)
        return true;
    if (cuda_failed(self, (CUresult)self->lib.host_alloc(&memory, bytes, 0), "cuMemHostAlloc",
                    failure))
        return false;
    if (self->bitstream)
        self->lib.host_free(self->bitstream);
    self->bitstream = memory;
    self->capacity = bytes;
    return true;
}

/* What depends on the live options: the quality, and the room for the largest JPEG of it. */
static bool configure(struct nvjpeg *self, const struct oriel_config *config,
                      struct failure *failure)
{
    int quality = (int)config->get_int(config, "quality");
    size_t bytes = 0;
    return !STATUS(self, failure, set_quality, nvjpegEncoderParamsSetQuality,
                   (self->params, quality, self->stream)) &&
           !STATUS(self, failure, buffer_size, nvjpegEncodeGetBufferSize,
                   (self->handle, self->params, (int)self->base.format.width,
                    (int)self->base.format.height, &bytes)) &&
           make_room(self, bytes, failure);
}

static bool build(struct nvjpeg *self, const struct oriel_config *config, struct failure *failure)
{
    const struct nvjpeg_library *lib = &self->lib;
    int optimized = (int)config->get_int(config, "optimize_huffman");
    int least = 0, greatest = 0; /* the picture that somebody waits for comes before other work */
    if (cuda_failed(self, (CUresult)lib->stream_priorities(&least, &greatest),
                    "cuCtxGetStreamPriorityRange", failure))
        return false;
    if (cuda_failed(self,
                    (CUresult)lib->stream_create(&self->stream, CU_STREAM_NON_BLOCKING, greatest),
                    "cuStreamCreateWithPriority", failure))
        return false;
    return !status_failed(self, library_get_nvjpeg(lib, self->context, &self->handle),
                          "nvjpegCreateSimple", failure) &&
           !STATUS(self, failure, state_create, nvjpegEncoderStateCreate,
                   (self->handle, &self->state, self->stream)) &&
           !STATUS(self, failure, params_create, nvjpegEncoderParamsCreate,
                   (self->handle, &self->params, self->stream)) &&
           !STATUS(self, failure, set_sampling, nvjpegEncoderParamsSetSamplingFactors,
                   (self->params, self->subsampling, self->stream)) &&
           !STATUS(self, failure, set_optimized, nvjpegEncoderParamsSetOptimizedHuffman,
                   (self->params, optimized, self->stream)) &&
           configure(self, config, failure);
}

static void take_apart(struct nvjpeg *self)
{
    const struct nvjpeg_library *lib = &self->lib;
    if (self->stream)
        lib->cuda->cuStreamSynchronize(self->stream);
    if (self->params)
        lib->params_destroy(self->params);
    if (self->state)
        lib->state_destroy(self->state);
    if (self->bitstream)
        lib->host_free(self->bitstream);
    if (self->stream)
        lib->cuda->cuStreamDestroy(self->stream);
}

static void pop(const struct nvjpeg *self)
{
    CUcontext context;
    self->lib.cuda->cuCtxPopCurrent(&context);
}

static void nvjpeg_destroy(void *data)
{
    struct nvjpeg *self = data;
    if (!self)
        return;
    if (self->context && !self->lib.cuda->cuCtxPushCurrent(self->context)) {
        take_apart(self);
        pop(self);
    }
    library_close(&self->lib);
    free(self);
}

static oriel_result open_libraries(struct nvjpeg *self, const struct oriel_config *config)
{
    const struct oriel_host *host = self->base.host;
    if (!library_open_cuda(&self->lib))
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "no NVIDIA driver: libcuda.so.1 is not here, or too old");
    const struct oriel_host_cuda *cuda =
        ORIEL_HAS(host, get_interface) ? host->get_interface(host, ORIEL_HOST_CUDA_V1) : NULL;
    if (!cuda)
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "no CUDA device: no renderer runs on a GPU that CUDA knows");
    char why[192];
    if (!library_open_nvjpeg(&self->lib, config->get_string(config, "library"), why, sizeof(why)))
        return encode_fail(host, ORIEL_UNSUPPORTED, "%s", why);
    self->context = (CUcontext)(uintptr_t)cuda->context;
    return ORIEL_OK;
}

static oriel_result nvjpeg_create(const struct oriel_host *host, const struct oriel_config *config,
                                  const struct oriel_format *format, double fps,
                                  const struct oriel_packet_sink *sink, void **out)
{
    (void)fps;
    struct nvjpeg *self = calloc(1, sizeof(*self));
    if (!self)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    struct failure failure = {0};
    oriel_result result = encode_init(&self->base, host, sink, format, formats,
                                      ENCODE_COUNT(formats), 16, 65500); /* a whole unit of 4:2:0 */
    if (!result)
        result = open_libraries(self, config);
    if (result)
        goto fail;
    self->base.codec = codecs[0];
    self->subsampling = format->fourcc == ORIEL_FMT_I444 ? NVJPEG_CSS_444 : NVJPEG_CSS_420;
    bool built = !CUDA(self, &failure, cuCtxPushCurrent, (self->context));
    if (built) {
        built = build(self, config, &failure);
        pop(self);
    }
    if (built) {
        char text[64];
        snprintf(text, sizeof(text), "nvJPEG %d.%d.%d", self->lib.version[0], self->lib.version[1],
                 self->lib.version[2]);
        host->log(host, ORIEL_LOG_DEBUG, text);
        *out = self;
        return ORIEL_OK;
    }
    result = encode_fail(host, failure.result, "%s", failure.text);
fail:
    nvjpeg_destroy(self);
    return result;
}

/* Returns the size of the JPEG, 0: failed. Nothing reads the frame any more, or the instance is at
 * its end. */
static size_t compress(struct nvjpeg *self, const struct encode_job *job, struct failure *failure)
{
    struct nvjpeg_image image = {0};
    for (int i = 0; i < 3; i++) {
        image.channel[i] = job->device[i];
        image.pitch[i] = job->stride[i];
    }
    if (CUDA(self, failure, cuCtxPushCurrent, (self->context)))
        return 0;
    size_t bytes = self->capacity;
    bool fine =
        !STATUS(self, failure, encode, nvjpegEncodeYUV,
                (self->handle, self->state, self->params, &image, self->subsampling,
                 (int)self->base.format.width, (int)self->base.format.height, self->stream)) &&
        !STATUS(self, failure, retrieve, nvjpegEncodeRetrieveBitstream,
                (self->handle, self->state, self->bitstream, &bytes, self->stream));
    if (fine && CUDA(self, failure, cuStreamSynchronize, (self->stream))) {
        fine = false;
        if (failure->result != ORIEL_DEVICE_LOST)
            failure->result = ORIEL_FATAL; /* who knows what is still running */
    }
    pop(self);
    return fine ? bytes : 0;
}

static oriel_result nvjpeg_encode(void *data, const struct oriel_frame *frame, uint32_t flags)
{
    struct nvjpeg *self = data;
    struct encode_job job;
    oriel_result result = encode_begin(&self->base, frame, flags, &job);
    if (result)
        return result;
    struct failure failure = {.result = ORIEL_IO, .text = "an empty JPEG"};
    size_t bytes = compress(self, &job, &failure);
    if (!bytes)
        return encode_lost(&self->base, &job, failure.result, "%s", failure.text);
    encode_emit(&self->base, &job, ORIEL_PACKET_KEY | ORIEL_PACKET_DISCARDABLE, 0, self->bitstream,
                bytes);
    return ORIEL_OK;
}

static oriel_result nvjpeg_reconfigure(void *data, const struct oriel_config *config)
{
    struct nvjpeg *self = data;
    struct failure failure;
    bool fine = !CUDA(self, &failure, cuCtxPushCurrent, (self->context));
    if (fine) {
        fine = configure(self, config, &failure);
        pop(self);
    }
    return fine ? ORIEL_OK : encode_fail(self->base.host, failure.result, "%s", failure.text);
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = nvjpeg_input_format,
    .codec = nvjpeg_codec,
    .create = nvjpeg_create,
    .destroy = nvjpeg_destroy,
    .get_interface = encode_no_interface,
    .encode = nvjpeg_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = nvjpeg_reconfigure,
};
ENCODE_MODULE(encoder, "encode/nvjpeg", "BSD-3-Clause",
              "JPEG pictures by CUDA's nvJPEG, each decodable alone");
