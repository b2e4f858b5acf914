/* SPDX-License-Identifier: BSD-3-Clause */
/* Takes the drawn picture to CUDA on the GPU that drew it: a compute shader writes the samples into
 * a buffer that OpenGL and CUDA share, a copy takes them into a frame in CUDA memory. Nothing
 * waits: grab() hands the frame out at once, with the event of that copy as its fence. Rows are in
 * GL order, the bottom one first, or turned by the shader. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oriel/capture.h"
#include "oriel/draft/capture_rows.h"
#include "oriel/host_gl.h"

#include "../common/convert.h"
#include "../common/shader.h"
#include "interop.h"
#include "pool.h"

/* Buffers in turn: unmapping one orders its copy before the next picture that is written into it,
 * so one would do; with three OpenGL does not wait for that copy. */
enum { BUFFERS = 3, FRAMES_HELD_MOST = 256 };

#define FORMAT(fourcc_, matrix_, full_range_)                                                      \
    {                                                                                              \
        .domain = ORIEL_DOMAIN_CUDA, .fourcc = (fourcc_), .primaries = ORIEL_PRIMARIES_BT709,      \
        .transfer = ORIEL_TRANSFER_SRGB, .matrix = (matrix_), .full_range = (full_range_)          \
    }
#define YUV_FORMATS(fourcc_)                                                                       \
    FORMAT(fourcc_, ORIEL_MATRIX_BT601, 1), FORMAT(fourcc_, ORIEL_MATRIX_BT709, 1),                \
        FORMAT(fourcc_, ORIEL_MATRIX_BT709, 0), FORMAT(fourcc_, ORIEL_MATRIX_BT601, 0)
static const struct oriel_format formats[] = {
    YUV_FORMATS(ORIEL_FMT_NV12), YUV_FORMATS(ORIEL_FMT_I420),
    YUV_FORMATS(ORIEL_FMT_I444), FORMAT(ORIEL_FMT_RGBA, ORIEL_MATRIX_IDENTITY, 1),
    YUV_FORMATS(ORIEL_FMT_P010),
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static const struct oriel_option_table options = {sizeof(options), 0, NULL};

struct capture {
    const struct oriel_host *host;
    const struct oriel_frame_sink *sink;
    struct oriel_format format;
    struct interop interop;
    struct pool *pool;
    struct shader shader;
    struct shared_buffer buffers[BUFFERS];
    uint32_t next;
    uint32_t rows; /* ORIEL_FRAME_BOTTOM_UP or 0 */
};

static oriel_result fail(const struct oriel_host *host, oriel_result result, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));
static oriel_result fail(const struct oriel_host *host, oriel_result result, const char *format,
                         ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return host->fail(host, result, text);
}

static oriel_result capture_output_format(const struct oriel_host *host, uint32_t index,
                                          struct oriel_format *format)
{
    struct interop interop;
    oriel_result result = index == 0 ? interop_open(host, &interop) : ORIEL_OK;
    if (result == ORIEL_OK && index >= FORMATS)
        return ORIEL_UNSUPPORTED;
    if (result == ORIEL_OK)
        *format = formats[index];
    return result;
}

static bool listed(const struct oriel_format *format)
{
    for (int i = 0; i < FORMATS; i++) {
        struct oriel_format sized = formats[i];
        sized.width = format->width;
        sized.height = format->height;
        if (memcmp(&sized, format, sizeof(sized)) == 0)
            return true;
    }
    return false;
}

/* ---- the CUDA context around calls ---- */

static oriel_result enter(const struct capture *self)
{
    const struct driver *driver = self->interop.driver;
    CUcontext context = (CUcontext)(uintptr_t)self->interop.device->context;
    CUresult code = driver->cu->cuCtxPushCurrent(context);
    return code == CUDA_SUCCESS ? ORIEL_OK
                                : driver_fail(self->host, driver, code, "cuCtxPushCurrent");
}

static void leave(const struct capture *self)
{
    CUcontext popped;
    self->interop.driver->cu->cuCtxPopCurrent(&popped);
}

/* ---- life ---- */

static void capture_destroy(void *data)
{
    struct capture *self = data;
    if (!self)
        return;
    const CudaFunctions *cu = self->interop.driver->cu;
    CUcontext context = (CUcontext)(uintptr_t)self->interop.device->context;
    bool pushed = cu->cuCtxPushCurrent(context) == CUDA_SUCCESS; /* not on a lost device */
    if (self->pool && pushed)
        cu->cuStreamSynchronize(pool_stream(self->pool));
    for (int i = 0; i < BUFFERS; i++)
        shared_destroy(self->interop.driver, &self->buffers[i]);
    if (pushed)
        leave(self);
    shader_finish(&self->shader);
    pool_release(self->pool);
    free(self);
}

static oriel_result check_size(const struct capture *self)
{
    const struct oriel_format *format = &self->format;
    GLint largest = 0;
    glGetIntegerv(GL_MAX_TEXTURE_SIZE, &largest);
    if (!format->width || !format->height || format->width > (uint32_t)largest ||
        format->height > (uint32_t)largest)
        return fail(self->host, ORIEL_UNSUPPORTED,
                    "a picture of %u×%u: sides from 1 to %d are possible", format->width,
                    format->height, largest);
    return ORIEL_OK;
}

/* The context is current. */
static oriel_result make_frames(struct capture *self, uint32_t count)
{
    const struct oriel_host *host = self->host;
    const struct driver *driver = self->interop.driver;
    const char *call;
    CUresult code = CUDA_SUCCESS;
    self->pool = pool_create(driver, (CUcontext)(uintptr_t)self->interop.device->context,
                             &self->format, count, &call, &code);
    if (!self->pool)
        return call ? driver_fail(host, driver, code, call)
                    : fail(host, ORIEL_NOMEM, "out of memory");
    const struct layout *layout = pool_layout(self->pool);
    for (int i = 0; i < BUFFERS; i++) {
        code = shared_create(driver, &self->buffers[i], layout->bytes, &call);
        if (code != CUDA_SUCCESS)
            return driver_fail(host, driver, code, call);
    }
    return ORIEL_OK;
}

static oriel_result make_shader(struct capture *self)
{
    struct converter converter;
    converter_init(&converter, &self->format);
    char error[400] = "";
    if (shader_init(&self->shader, &self->format, pool_layout(self->pool), &converter, error,
                    sizeof(error)))
        return ORIEL_OK;
    return fail(self->host, ORIEL_UNSUPPORTED, "the conversion shader: %s", error);
}

static oriel_result capture_create(const struct oriel_host *host, const struct oriel_config *config,
                                   const struct oriel_format *format, uint32_t frames_held,
                                   const struct oriel_frame_sink *sink, void **out)
{
    (void)config;
    if (!listed(format))
        return fail(host, ORIEL_UNSUPPORTED,
                    "no %.4s pictures with matrix %u, range %u in memory domain %u",
                    (const char *)&format->fourcc, format->matrix, format->full_range,
                    format->domain);
    if (frames_held > FRAMES_HELD_MOST)
        return fail(host, ORIEL_UNSUPPORTED, "%u frames held: %d is the most", frames_held,
                    FRAMES_HELD_MOST);
    struct interop interop;
    oriel_result result = interop_open(host, &interop);
    if (result)
        return result;
    struct capture *self = calloc(1, sizeof(*self));
    if (!self)
        return fail(host, ORIEL_NOMEM, "out of memory");
    *self = (struct capture){.host = host,
                             .sink = sink,
                             .format = *format,
                             .interop = interop,
                             .rows = ORIEL_FRAME_BOTTOM_UP};
    result = check_size(self);
    if (result == ORIEL_OK && (result = enter(self)) == ORIEL_OK) {
        result = make_frames(self, frames_held + 1);
        leave(self);
    }
    if (result == ORIEL_OK)
        result = make_shader(self);
    if (result)
        capture_destroy(self);
    else
        *out = self;
    return result;
}

static oriel_result capture_top_down(void *data)
{
    struct capture *self = data;
    shader_top_down(&self->shader);
    self->rows = 0;
    return ORIEL_OK;
}

static const void *capture_get_interface(void *self, const char *id)
{
    static const struct oriel_capture_rows rows = {.size = sizeof(rows),
                                                   .top_down = capture_top_down};
    (void)self;
    return strcmp(id, ORIEL_CAPTURE_ROWS_V1) == 0 ? &rows : NULL;
}

/* ---- pictures ---- */

/* From the buffer into the frame, and the event behind it; the context is current. */
static CUresult copy(struct capture *self, struct shared_buffer *buffer,
                     const struct oriel_frame *frame, const char **call)
{
    const struct driver *driver = self->interop.driver;
    CUstream stream = pool_stream(self->pool);
    size_t bytes = (size_t)pool_layout(self->pool)->bytes;
    CUdeviceptr to = frame->planes[0].handle;
    CUdeviceptr from;
    CUresult code = shared_map(driver, buffer, stream, &from, call);
    if (code != CUDA_SUCCESS)
        return code;
    *call = "cuMemcpyDtoDAsync";
    code = driver->cu->cuMemcpyDtoDAsync(to, from, bytes, stream);
    if (code == CUDA_SUCCESS) {
        *call = "cuEventRecord";
        code = driver->cu->cuEventRecord(pool_event(frame), stream);
    }
    const char *unmap;
    CUresult unmapped = shared_unmap(driver, buffer, stream, &unmap);
    if (code == CUDA_SUCCESS && unmapped != CUDA_SUCCESS) {
        *call = unmap;
        code = unmapped;
    }
    return code;
}

static oriel_result capture_grab(void *data, const struct oriel_target *target,
                                 const struct oriel_stamp *stamp)
{
    struct capture *self = data;
    const struct oriel_host *host = self->host;
    if (target->width != self->format.width || target->height != self->format.height)
        return fail(host, ORIEL_INVALID, "a picture of %u×%u for an instance of %u×%u",
                    target->width, target->height, self->format.width, self->format.height);
    struct oriel_frame *frame = pool_take(self->pool);
    if (!frame)
        return ORIEL_AGAIN;
    struct shared_buffer *buffer = &self->buffers[self->next];
    self->next = (self->next + 1) % BUFFERS;
    shader_run(&self->shader, target->texture, buffer->name);

    oriel_result result = enter(self);
    if (result == ORIEL_OK) {
        const char *call;
        CUresult code = copy(self, buffer, frame, &call);
        leave(self);
        if (code != CUDA_SUCCESS)
            result = driver_fail(host, self->interop.driver, code, call);
    }
    if (result) {
        frame->release(frame, NULL);
        return result;
    }
    frame->stamp = *stamp;
    frame->stamp.flags = (stamp->flags & ~(uint32_t)ORIEL_FRAME_BOTTOM_UP) | self->rows;
    frame->stamp.t_captured_ns = host->now_ns(host);
    host->frame_ref(host, frame);
    self->sink->frame(self->sink, frame);
    host->frame_unref(host, frame, NULL);
    return ORIEL_OK;
}

/* Nothing is ever in flight: frames go out with the event that they wait for. */
static oriel_result capture_poll(void *data, uint32_t wait)
{
    (void)data;
    (void)wait;
    return ORIEL_OK;
}

static const struct oriel_capture capture = {
    .size = sizeof(capture),
    .options = &options,
    .output_format = capture_output_format,
    .create = capture_create,
    .destroy = capture_destroy,
    .get_interface = capture_get_interface,
    .grab = capture_grab,
    .poll = capture_poll,
};

ORIEL_MODULE_OF(ORIEL_CAPTURE_V1, &capture, "capture/cuda", "1.0.0", "Oriel",
                "BSD-3-Clause AND MIT",
                "OpenGL pictures into CUDA memory, converted on the GPU, without a wait");
