/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the drawn picture back. On a GPU the picture is converted by a shader and copied into
 * mapped memory behind a fence, so that grab() never waits; on a software renderer it is there
 * already, and the CPU converts it faster than a shader would. Rows stay in GL order, the bottom
 * one first. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oriel/capture.h"
#include "oriel/host_gl.h"

#include "../common/convert.h"
#include "../common/shader.h"
#include "pool.h"
#include "textures.h"

enum { SLOTS = 3, FRAMES_HELD_MOST = 256 };
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

/* One picture on its way from the GPU. */
struct slot {
    GLuint planes;   /* what the shader writes, the GPU's own */
    GLuint mapped;   /* a copy for the CPU */
    uint8_t *memory; /* of `mapped`; without a shader the instance's own */
    GLsync fence;
    struct oriel_frame *frame;
};

struct capture {
    const struct oriel_host *host;
    const struct oriel_frame_sink *sink;
    struct oriel_format format;
    struct converter converter;
    struct pool *pool;
    bool by_shader;
    struct shader shader;
    size_t slot_bytes;
    struct textures *textures; /* of ORIEL_DOMAIN_GL, which needs nothing of what follows */
    struct slot slots[SLOTS];  /* a ring: `first` is the oldest of `in_flight` */
    uint32_t slot_count, first, in_flight;
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

static void capture_destroy(void *data)
{
    struct capture *self = data;
    if (!self)
        return;
    for (uint32_t i = 0; i < self->slot_count; i++) {
        struct slot *slot = &self->slots[i];
        if (slot->fence)
            glDeleteSync(slot->fence);
        if (slot->frame)
            slot->frame->release(slot->frame, NULL);
        if (slot->planes)
            glDeleteBuffers(1, &slot->planes);
        if (slot->mapped)
            glDeleteBuffers(1, &slot->mapped); /* which unmaps it */
        else
            free(slot->memory);
    }
    textures_destroy(self->textures);
    shader_finish(&self->shader);
    pool_release(self->pool);
    free(self);
}

static bool slot_init(struct capture *self, struct slot *slot)
{
    if (!self->by_shader) {
        if (self->format.fourcc == ORIEL_FMT_RGBA)
            return true; /* straight into the frame */
        slot->memory = malloc(self->slot_bytes);
        return slot->memory != NULL;
    }
    const GLbitfield access = GL_MAP_READ_BIT | GL_MAP_PERSISTENT_BIT | GL_MAP_COHERENT_BIT;
    glCreateBuffers(1, &slot->planes);
    glNamedBufferStorage(slot->planes, (GLsizeiptr)self->slot_bytes, NULL, 0);
    glCreateBuffers(1, &slot->mapped);
    glNamedBufferStorage(slot->mapped, (GLsizeiptr)self->slot_bytes, NULL,
                         access | GL_CLIENT_STORAGE_BIT);
    slot->memory = glMapNamedBufferRange(slot->mapped, 0, (GLsizeiptr)self->slot_bytes, access);
    return slot->memory != NULL;
}

static oriel_result open_gl(struct capture *self, const struct oriel_config *config)
{
    const struct oriel_host *host = self->host;
    const struct oriel_format *format = &self->format;
    const struct oriel_host_gl *gl = host->get_interface(host, ORIEL_HOST_GL_V1);
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
    const char *convert = config->get_string(config, "convert");
    self->by_shader =
        strcmp(convert, "shader") == 0 || (strcmp(convert, "cpu") != 0 && !gl->software);
    return ORIEL_OK;
}

static oriel_result open_slots(struct capture *self, uint32_t frames_held)
{
    const struct oriel_host *host = self->host;
    const struct oriel_format *format = &self->format;
    uint32_t slots = self->by_shader ? SLOTS : 1;
    self->pool = pool_create(format, frames_held + slots);
    if (!self->pool)
        return fail(host, ORIEL_NOMEM, "no memory for %u frames of %u×%u", frames_held + slots,
                    format->width, format->height);
    converter_init(&self->converter, format);
    self->slot_bytes = self->by_shader ? (size_t)pool_layout(self->pool)->bytes
                                       : (size_t)format->width * format->height * 4;
    char error[400] = "";
    if (self->by_shader && !shader_init(&self->shader, format, pool_layout(self->pool),
                                        &self->converter, false, error, sizeof(error)))
        return fail(host, ORIEL_UNSUPPORTED, "the conversion shader: %s", error);
    while (self->slot_count < slots)
        if (!slot_init(self, &self->slots[self->slot_count++]))
            return fail(host, ORIEL_NOMEM, "no memory to read back %u×%u", format->width,
                        format->height);
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
    oriel_result result = open_gl(self, config);
    const struct oriel_host_gl *gl = host->get_interface(host, ORIEL_HOST_GL_V1);
    if (result == ORIEL_OK && format->domain == ORIEL_DOMAIN_GL)
        result = textures_create(host, gl, format, frames_held, sink, &self->textures);
    else if (result == ORIEL_OK)
        result = open_slots(self, frames_held);
    if (result)
        capture_destroy(self);
    else
        *out = self;
    return result;
}

static const void *capture_get_interface(void *self, const char *id)
{
    (void)self;
    (void)id;
    return NULL;
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

/* The oldest slot's picture is in its memory: it becomes a frame and the slot is free. */
static void hand_out(struct capture *self)
{
    const struct oriel_host *host = self->host;
    struct slot *slot = &self->slots[self->first];
    struct oriel_frame *frame = slot->frame;
    if (self->by_shader)
        memcpy(pool_memory(frame), slot->memory, self->slot_bytes);
    else if (slot->memory)
        converter_run(&self->converter, &self->format, pool_layout(self->pool), slot->memory,
                      pool_memory(frame));
    slot->frame = NULL;
    self->first = (self->first + 1) % self->slot_count;
    self->in_flight--;
    frame->stamp.t_captured_ns = host->now_ns(host);
    host->frame_ref(host, frame);
    self->sink->frame(self->sink, frame);
    host->frame_unref(host, frame, NULL);
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
    if (self->in_flight == self->slot_count)
        return ORIEL_AGAIN;
    struct oriel_frame *frame = pool_take(self->pool);
    if (!frame)
        return ORIEL_AGAIN;
    frame->stamp = *stamp;
    frame->stamp.flags |= ORIEL_FRAME_BOTTOM_UP;
    struct slot *slot = &self->slots[(self->first + self->in_flight) % self->slot_count];
    slot->frame = frame;
    self->in_flight++;

    if (!self->by_shader) {
        read_pixels(target, slot->memory ? slot->memory : pool_memory(frame));
        hand_out(self); /* read into memory: it is there */
        return ORIEL_OK;
    }
    shader_run(&self->shader, target->texture, slot->planes);
    glCopyNamedBufferSubData(slot->planes, slot->mapped, 0, 0, (GLsizeiptr)self->slot_bytes);
    slot->fence = glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
    glFlush();
    return ORIEL_OK;
}

static oriel_result capture_poll(void *data, uint32_t wait)
{
    struct capture *self = data;
    while (self->in_flight) {
        struct slot *slot = &self->slots[self->first];
        GLenum state = glClientWaitSync(slot->fence, 0, wait ? lost_after_ns : 0);
        if (state == GL_TIMEOUT_EXPIRED && !wait)
            return ORIEL_AGAIN;
        if (state == GL_TIMEOUT_EXPIRED || state == GL_WAIT_FAILED)
            return fail(self->host, ORIEL_DEVICE_LOST, "the GPU does not answer");
        glDeleteSync(slot->fence);
        slot->fence = NULL;
        hand_out(self);
    }
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

static const void *factory(const char *id)
{
    return strcmp(id, ORIEL_CAPTURE_V1) == 0 ? &capture : NULL;
}

static const struct oriel_module_info info = {
    sizeof(info),
    0,
    "capture/gl",
    "1.0.0",
    "Oriel",
    "BSD-3-Clause AND MIT",
    "Asynchronous readback of OpenGL pictures, converted by a shader or the CPU",
};
ORIEL_MODULE(&info, NULL, NULL, factory);
