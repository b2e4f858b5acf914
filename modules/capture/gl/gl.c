/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the drawn picture back. On a GPU a shader converts it, a copy takes it into memory that
 * stays mapped, and the frame is handed out at once, that memory with a flag that poll() sets:
 * grab() does not wait, and nobody copies again. On a software renderer it is there already, and
 * the CPU converts it faster than a shader would. Rows are in GL order, the bottom one first, or
 * turned while they are converted. */
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
#include "pool.h"
#include "textures.h"

enum { FRAMES_HELD_MOST = 256, IN_FLIGHT_MOST = 3 };
static const GLuint64 lost_after_ns = 5000000000u;

#define FORMAT_IN(domain_, fourcc_, matrix_, full_range_)                                          \
    {                                                                                              \
        .domain = (domain_), .fourcc = (fourcc_), .primaries = ORIEL_PRIMARIES_BT709,              \
        .transfer = ORIEL_TRANSFER_SRGB, .matrix = (matrix_), .full_range = (full_range_)          \
    }
#define YUV_FORMATS(domain_, fourcc_)                                                              \
    FORMAT_IN(domain_, fourcc_, ORIEL_MATRIX_BT601, 1),                                            \
        FORMAT_IN(domain_, fourcc_, ORIEL_MATRIX_BT709, 1),                                        \
        FORMAT_IN(domain_, fourcc_, ORIEL_MATRIX_BT709, 0),                                        \
        FORMAT_IN(domain_, fourcc_, ORIEL_MATRIX_BT601, 0)
static const struct oriel_format formats[] = {
    YUV_FORMATS(ORIEL_DOMAIN_CPU, ORIEL_FMT_I420),
    YUV_FORMATS(ORIEL_DOMAIN_CPU, ORIEL_FMT_NV12),
    YUV_FORMATS(ORIEL_DOMAIN_CPU, ORIEL_FMT_I444),
    FORMAT_IN(ORIEL_DOMAIN_CPU, ORIEL_FMT_RGBA, ORIEL_MATRIX_IDENTITY, 1),
    YUV_FORMATS(ORIEL_DOMAIN_GL, ORIEL_FMT_NV12), /* for encoders on the GPU */
};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]), FORMATS_SOFTWARE = FORMATS - 4 };

static const struct oriel_option option_list[] = {
    {.name = "convert",
     .default_value = "auto",
     .choices = "auto shader cpu",
     .help =
         "Where colours are converted: auto takes the CPU on a software renderer, else a shader.",
     .type = ORIEL_OPT_ENUM},
};
static const struct oriel_option_table options = {sizeof(options), 1, option_list};

struct capture {
    const struct oriel_host *host;
    const struct oriel_frame_sink *sink;
    struct oriel_format format;
    struct textures *textures; /* of ORIEL_DOMAIN_GL, which needs nothing of what follows */
    struct pool *pool;
    struct converter converter;
    bool by_shader;
    struct shader shader;
    GLuint planes; /* what the shader writes, the GPU's own; OpenGL keeps its uses in order */
    uint8_t *rgba; /* without a shader: what is read, before it is converted */
    uint32_t rows; /* ORIEL_FRAME_BOTTOM_UP or 0 */
    struct flight {
        struct oriel_frame *frame; /* a reference: not to be used again before the GPU is done */
        GLsync fence;
    } flights[IN_FLIGHT_MOST]; /* oldest first */
    uint32_t in_flight;
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
    const struct oriel_host_gl *gl = host->get_interface(host, ORIEL_HOST_GL_V1);
    if (index >= (gl && !gl->software ? FORMATS : FORMATS_SOFTWARE))
        return ORIEL_UNSUPPORTED;
    *format = formats[index];
    return ORIEL_OK;
}

static bool listed(const struct oriel_format *format)
{
    for (int i = 0; i < FORMATS; i++)
        if (formats[i].modifier == format->modifier && formats[i].domain == format->domain &&
            formats[i].fourcc == format->fourcc && formats[i].matrix == format->matrix &&
            formats[i].primaries == format->primaries && formats[i].transfer == format->transfer &&
            (formats[i].full_range == format->full_range))
            return true;
    return false;
}

/* The oldest one's memory is written, or never will be. */
static void land(struct capture *self, bool good)
{
    struct flight flight = self->flights[0];
    memmove(self->flights, self->flights + 1, --self->in_flight * sizeof(flight));
    glDeleteSync(flight.fence);
    pool_copied(flight.frame, good);
    self->host->frame_unref(self->host, flight.frame, NULL);
}

/* Waits for the oldest one; false where it is not there by then. */
static bool await(struct capture *self, GLuint64 ns, bool *lost)
{
    GLenum state = glClientWaitSync(self->flights[0].fence, 0, ns);
    *lost = state == GL_WAIT_FAILED || (state == GL_TIMEOUT_EXPIRED && ns >= lost_after_ns);
    if (state == GL_TIMEOUT_EXPIRED && !*lost)
        return false;
    land(self, !*lost);
    return true;
}

static void capture_destroy(void *data)
{
    struct capture *self = data;
    if (!self)
        return;
    for (bool lost = false; self->in_flight;) {
        if (lost)
            land(self, false);
        else
            await(self, lost_after_ns, &lost);
    }
    if (self->planes)
        glDeleteBuffers(1, &self->planes);
    free(self->rgba);
    textures_destroy(self->textures);
    shader_finish(&self->shader);
    pool_release(self->pool);
    free(self);
}

static oriel_result check_gl(const struct capture *self, const struct oriel_host_gl *gl)
{
    const struct oriel_host *host = self->host;
    const struct oriel_format *format = &self->format;
    if (!gl)
        return fail(host, ORIEL_UNSUPPORTED, "this host draws without OpenGL");
    if (gl->version < 45)
        return fail(host, ORIEL_UNSUPPORTED, "OpenGL %u.%u: 4.5 is the least", gl->version / 10,
                    gl->version % 10);
    GLint largest = 0;
    glGetIntegerv(GL_MAX_TEXTURE_SIZE, &largest);
    if (!format->width || !format->height || format->width > (uint32_t)largest ||
        format->height > (uint32_t)largest)
        return fail(host, ORIEL_UNSUPPORTED, "a picture of %u×%u: sides from 1 to %d are possible",
                    format->width, format->height, largest);
    return ORIEL_OK;
}

/* Mapped memory wants a second context; what a GPU without one draws is read as from a software
 * renderer. */
static oriel_result open_pool(struct capture *self, const struct oriel_host_gl *gl,
                              const struct oriel_config *config, uint32_t frames_held)
{
    const struct oriel_host *host = self->host;
    const struct oriel_format *format = &self->format;
    const char *convert = config->get_string(config, "convert"), *why;
    bool must = strcmp(convert, "shader") == 0;
    struct keeper *keeper = NULL;
    if (must || (strcmp(convert, "cpu") != 0 && !gl->software))
        keeper = keeper_get(gl, &why);
    if (!keeper && must)
        return fail(host, ORIEL_UNSUPPORTED, "%s", why);
    self->by_shader = keeper;
    uint32_t frames = frames_held + 1;
    self->pool = pool_create(format, frames, keeper);
    if (self->pool)
        return ORIEL_OK;
    return fail(host, ORIEL_NOMEM, "no memory for %u frames of %u×%u", frames, format->width,
                format->height);
}

static oriel_result read_apart(struct capture *self)
{
    const struct oriel_format *format = &self->format;
    self->rgba = malloc((size_t)format->width * format->height * 4);
    return self->rgba ? ORIEL_OK
                      : fail(self->host, ORIEL_NOMEM, "no memory to read back %u×%u", format->width,
                             format->height);
}

static oriel_result open_conversion(struct capture *self)
{
    const struct oriel_host *host = self->host;
    const struct oriel_format *format = &self->format;
    const struct layout *layout = pool_layout(self->pool);
    char error[400] = "";
    converter_init(&self->converter, format);
    if (self->by_shader) {
        if (!shader_init(&self->shader, format, layout, &self->converter, error, sizeof(error)))
            return fail(host, ORIEL_UNSUPPORTED, "the conversion shader: %s", error);
        glCreateBuffers(1, &self->planes);
        glNamedBufferStorage(self->planes, (GLsizeiptr)layout->bytes, NULL, 0);
    } else if (format->fourcc != ORIEL_FMT_RGBA) { /* that goes straight into the frame */
        return read_apart(self);
    }
    return ORIEL_OK;
}

static oriel_result capture_create(const struct oriel_host *host, const struct oriel_config *config,
                                   const struct oriel_format *format, uint32_t frames_held,
                                   const struct oriel_frame_sink *sink, void **out)
{
    if (!listed(format))
        return fail(host, ORIEL_UNSUPPORTED,
                    "no %.4s pictures with matrix %u, range %u in memory domain %u",
                    (const char *)&format->fourcc, format->matrix, format->full_range,
                    format->domain);
    if (frames_held > FRAMES_HELD_MOST)
        return fail(host, ORIEL_UNSUPPORTED, "%u frames held: %d is the most", frames_held,
                    FRAMES_HELD_MOST);
    struct capture *self = calloc(1, sizeof(*self));
    if (!self)
        return fail(host, ORIEL_NOMEM, "out of memory");
    self->host = host;
    self->sink = sink;
    self->format = *format;
    self->rows = ORIEL_FRAME_BOTTOM_UP;
    const struct oriel_host_gl *gl = host->get_interface(host, ORIEL_HOST_GL_V1);
    oriel_result result = check_gl(self, gl);
    if (result == ORIEL_OK && format->domain == ORIEL_DOMAIN_GL)
        result = textures_create(host, gl, format, frames_held, sink, &self->textures);
    else if (result == ORIEL_OK && (result = open_pool(self, gl, config, frames_held)) == ORIEL_OK)
        result = open_conversion(self);
    if (result)
        capture_destroy(self);
    else
        *out = self;
    return result;
}

static oriel_result capture_top_down(void *data)
{
    struct capture *self = data;
    if (self->textures) {
        textures_top_down(self->textures);
        return ORIEL_OK;
    }
    if (self->by_shader)
        shader_top_down(&self->shader);
    else if (!self->rgba && read_apart(self) != ORIEL_OK)
        return ORIEL_NOMEM;
    self->converter.top_down = true;
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

static void read_pixels(const struct oriel_target *target, void *to)
{
    static const GLenum pack[] = {GL_PACK_ALIGNMENT, GL_PACK_ROW_LENGTH, GL_PACK_SKIP_ROWS,
                                  GL_PACK_SKIP_PIXELS, GL_PACK_SWAP_BYTES};
    GLint before[5], framebuffer, pack_buffer;
    for (int i = 0; i < 5; i++) {
        glGetIntegerv(pack[i], &before[i]);
        glPixelStorei(pack[i], i == 0 ? 4 : 0);
    }
    glGetIntegerv(GL_READ_FRAMEBUFFER_BINDING, &framebuffer);
    glGetIntegerv(GL_PIXEL_PACK_BUFFER_BINDING, &pack_buffer);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, target->framebuffer);
    glBindBuffer(GL_PIXEL_PACK_BUFFER, 0);
    glReadPixels(0, 0, (GLsizei)target->width, (GLsizei)target->height, GL_RGBA, GL_UNSIGNED_BYTE,
                 to);
    glBindBuffer(GL_PIXEL_PACK_BUFFER, (GLuint)pack_buffer);
    glBindFramebuffer(GL_READ_FRAMEBUFFER, (GLuint)framebuffer);
    for (int i = 0; i < 5; i++)
        glPixelStorei(pack[i], before[i]);
}

static void read_back(struct capture *self, const struct oriel_target *target,
                      struct oriel_frame *frame)
{
    if (self->by_shader) {
        shader_run(&self->shader, target->texture, self->planes);
        pool_copy(frame, self->planes);
        self->flights[self->in_flight++] =
            (struct flight){frame, glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0)};
        self->host->frame_ref(self->host, frame);
        glFlush();
        return;
    }
    read_pixels(target, self->rgba ? self->rgba : pool_memory(frame));
    if (self->rgba)
        converter_run(&self->converter, &self->format, pool_layout(self->pool), self->rgba,
                      pool_memory(frame));
}

static oriel_result capture_grab(void *data, const struct oriel_target *target,
                                 const struct oriel_stamp *stamp)
{
    struct capture *self = data;
    if (target->width != self->format.width || target->height != self->format.height)
        return fail(self->host, ORIEL_INVALID, "a target of %u×%u for frames of %u×%u",
                    target->width, target->height, self->format.width, self->format.height);
    if (self->textures)
        return textures_grab(self->textures, target, stamp);
    const struct oriel_host *host = self->host;
    struct oriel_frame *frame = self->in_flight < IN_FLIGHT_MOST ? pool_take(self->pool) : NULL;
    if (!frame)
        return ORIEL_AGAIN;
    frame->stamp = *stamp;
    frame->stamp.flags = (stamp->flags & ~(uint32_t)ORIEL_FRAME_BOTTOM_UP) | self->rows;
    host->frame_ref(host, frame);
    read_back(self, target, frame);
    frame->stamp.t_captured_ns = host->now_ns(host);
    self->sink->frame(self->sink, frame);
    host->frame_unref(host, frame, NULL);
    return ORIEL_OK;
}

static oriel_result capture_poll(void *data, uint32_t wait)
{
    struct capture *self = data;
    bool all = wait == UINT32_MAX, lost = false;
    GLuint64 ns = all ? lost_after_ns : wait * UINT64_C(1000);
    while (self->in_flight && await(self, ns, &lost) && !lost)
        ns = all ? ns : 0;
    if (lost)
        return fail(self->host, ORIEL_DEVICE_LOST, "the GPU does not answer");
    return self->in_flight ? ORIEL_AGAIN : ORIEL_OK;
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

ORIEL_MODULE_OF(ORIEL_CAPTURE_V1, &capture, "capture/gl", "1.0.0", "Oriel", "BSD-3-Clause AND MIT",
                "OpenGL pictures into CPU memory without a wait, converted by a shader or the CPU");
