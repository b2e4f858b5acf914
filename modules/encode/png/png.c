/* SPDX-License-Identifier: BSD-3-Clause */
/* Lossless PNG of each picture by libpng: rows as they are in the frame, alpha left out. */
#include <setjmp.h>
#include <stdlib.h>

#include <png.h>

#include "../common/encode.h"

static const uint32_t codecs[] = {ORIEL_CODEC_PNG};
static const struct oriel_format formats[] = {
    ENCODE_FORMAT(ORIEL_FMT_RGBA, ORIEL_MATRIX_IDENTITY, 1),
};
static const struct oriel_option option_list[] = {
    {.name = "level",
     .default_value = "1",
     .help = "Effort of the compression from 0 (none) to 9.",
     .min = 0,
     .max = 9,
     .type = ORIEL_OPT_INT,
     .flags = ORIEL_OPT_LIVE},
};
static const struct oriel_option_table options = ENCODE_OPTIONS(option_list);

struct png {
    struct encode base;
    int level;
    char error[128]; /* what libpng said */
    uint8_t *data;   /* grows with the largest file so far */
    size_t bytes;
    size_t capacity;
};

static oriel_result picture_input_format(uint32_t index, struct oriel_format *format)
{
    return encode_list_format(formats, ENCODE_COUNT(formats), index, format);
}

static oriel_result picture_codec(uint32_t index, uint32_t *fourcc)
{
    return encode_list_codec(codecs, ENCODE_COUNT(codecs), index, fourcc);
}

static oriel_result picture_reconfigure(void *self, const struct oriel_config *config)
{
    struct png *png = self;
    png->level = (int)config->get_int(config, "level");
    return ORIEL_OK;
}

static void picture_destroy(void *self)
{
    struct png *png = self;
    if (!png)
        return;
    free(png->data);
    free(png);
}

static oriel_result picture_create(const struct oriel_host *host, const struct oriel_config *config,
                                   const struct oriel_format *format, double fps,
                                   const struct oriel_packet_sink *sink, void **self)
{
    (void)fps;
    struct png *png = calloc(1, sizeof(*png));
    if (!png)
        return encode_fail(host, ORIEL_NOMEM, "out of memory");
    oriel_result result =
        encode_init(&png->base, host, sink, format, formats, ENCODE_COUNT(formats), 1, UINT16_MAX);
    if (result) {
        free(png);
        return result;
    }
    png->base.codec = codecs[0];
    picture_reconfigure(png, config);
    *self = png;
    return ORIEL_OK;
}

static void on_error(png_structp writer, png_const_charp text)
{
    struct png *png = png_get_error_ptr(writer);
    strncpy(png->error, text, sizeof(png->error) - 1);
    longjmp(png_jmpbuf(writer), 1);
}

static void on_warning(png_structp writer, png_const_charp text)
{
    struct png *png = png_get_error_ptr(writer);
    png->base.host->log(png->base.host, ORIEL_LOG_DEBUG, text);
}

static void on_write(png_structp writer, png_bytep data, png_size_t bytes)
{
    struct png *png = png_get_io_ptr(writer);
    if (png->bytes + bytes > png->capacity) {
        size_t capacity = (png->bytes + bytes) * 2;
        uint8_t *grown = realloc(png->data, capacity);
        if (!grown)
            png_error(writer, "out of memory");
        png->data = grown;
        png->capacity = capacity;
    }
    memcpy(png->data + png->bytes, data, bytes);
    png->bytes += bytes;
}

static void on_flush(png_structp writer)
{
    (void)writer;
}

/* True when the file is complete in png->data. */
static bool write_file(struct png *png, png_structp writer, png_infop info,
                       const struct encode_job *job)
{
    const struct oriel_format *format = &png->base.format;
    if (setjmp(png_jmpbuf(writer)))
        return false;
    png_set_write_fn(writer, png, on_write, on_flush);
    png_set_compression_level(writer, png->level);
    png_set_filter(writer, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB); /* cheap, and it helps */
    png_set_IHDR(writer, info, format->width, format->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (format->transfer == ORIEL_TRANSFER_SRGB && format->primaries == ORIEL_PRIMARIES_BT709)
        png_set_sRGB(writer, info, PNG_sRGB_INTENT_RELATIVE);
    png_write_info(writer, info);
    png_set_filler(writer, 0, PNG_FILLER_AFTER);
    for (uint32_t y = 0; y < format->height; y++)
        png_write_row(writer, job->data[0] + (size_t)y * job->stride[0]);
    png_write_end(writer, info);
    return true;
}

static oriel_result picture_encode(void *self, const struct oriel_frame *frame, uint32_t flags)
{
    struct png *png = self;
    struct encode_job job;
    oriel_result result = encode_begin(&png->base, frame, flags, &job);
    if (result)
        return result;
    png->bytes = 0;
    strcpy(png->error, "out of memory");
    png_structp writer = png_create_write_struct(PNG_LIBPNG_VER_STRING, png, on_error, on_warning);
    png_infop info = writer ? png_create_info_struct(writer) : NULL;
    bool written = info && write_file(png, writer, info, &job);
    png_destroy_write_struct(&writer, &info);
    if (!written)
        return encode_lost(&png->base, &job, ORIEL_IO, "libpng: %s", png->error);
    encode_emit(&png->base, &job, ORIEL_PACKET_KEY | ORIEL_PACKET_DISCARDABLE, 0, png->data,
                png->bytes);
    return ORIEL_OK;
}

static const struct oriel_encoder encoder = {
    .size = sizeof(encoder),
    .options = &options,
    .input_format = picture_input_format,
    .codec = picture_codec,
    .create = picture_create,
    .destroy = picture_destroy,
    .get_interface = encode_no_interface,
    .encode = picture_encode,
    .drain = encode_nothing_held,
    .request_key = encode_want_key,
    .reconfigure = picture_reconfigure,
};
ENCODE_MODULE(encoder, "encode/png", "BSD-3-Clause AND libpng-2.0 AND Zlib",
              "Lossless PNG pictures for views at rest");
