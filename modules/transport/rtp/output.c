/* SPDX-License-Identifier: BSD-3-Clause */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavformat/avformat.h>
#include <libavutil/opt.h>

#include "udp.h"

#define CLOCK 90000
#define SDP_BYTES 4096

struct output {
    AVFormatContext *format;
    AVPacket *packet;
    struct udp *udp; /* RTP */
    bool by_url;     /* libavformat has opened what the pictures go to */
    int64_t first_ns, last;
    char sdp[SDP_BYTES];
};

static bool fail(char why[256], const char *what, int error)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(error, text, sizeof text);
    snprintf(why, 256, "%.150s: %s", what, text);
    return false;
}

#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t io_byte;
#else
typedef uint8_t io_byte;
#endif

/* The muxer writes one packet at a time. */
static int on_write(void *data, io_byte *bytes, int count)
{
    const struct output *output = data;
    udp_send(output->udp, bytes, (unsigned)count);
    return count;
}

/* "rtp://host:5004", "rtp://[::1]:5004". */
static bool split(const char *url, char host[256], unsigned *port)
{
    int end = 0;
    return (sscanf(url, "rtp://[%255[^]]]:%5u%n", host, port, &end) == 2 ||
            sscanf(url, "rtp://%255[^:/?[]:%5u%n", host, port, &end) == 2) &&
           end && !url[end] && *port && *port < 65535;
}

/* Beside what is there, then in its place: nobody reads half of it. */
static bool write_sdp(const struct output *output, const char *path, char why[256])
{
    char beside[1040];
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "we");
    bool fine = file && fputs(output->sdp, file) >= 0;
    fine = file && fclose(file) == 0 && fine && rename(beside, path) == 0;
    if (!fine)
        snprintf(why, 256, "%.180s: %s", path, strerror(errno));
    return fine;
}

static bool open_rtp(struct output *output, const struct output_options *options,
                     void (*asked)(void *data), void *data, char why[256])
{
    char host[256];
    unsigned port;
    if (!split(options->url, host, &port)) {
        snprintf(why, 256, "%.100s: rtp://HOST:PORT", options->url);
        return false;
    }
    output->udp = udp_open(host, port, options->ttl, options->pace, asked, data, why);
    uint8_t *buffer = output->udp ? av_malloc(65536) : NULL;
    AVIOContext *io =
        buffer ? avio_alloc_context(buffer, 65536, 1, output, NULL, on_write, NULL) : NULL;
    if (!io) {
        av_free(buffer);
        return false;
    }
    io->max_packet_size = options->mtu;
    output->format->pb = io;
    if (!options->wrapped)
        av_opt_set_int(output->format->priv_data, "payload_type", options->payload_type, 0);
    return true;
}

static bool begin(struct output *output, const struct output_options *options,
                  const AVCodecParameters *par, char why[256])
{
    AVStream *stream = avformat_new_stream(output->format, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, par) < 0)
        return fail(why, options->url, AVERROR(ENOMEM));
    stream->time_base = (AVRational){1, CLOCK};
    output->format->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    output->format->flags |= AVFMT_FLAG_FLUSH_PACKETS;
    output->format->max_delay = 0;
    int result = avformat_write_header(output->format, NULL);
    if (result < 0)
        return fail(why, options->url, result);
    if (!output->udp || options->wrapped)
        return true; /* MPEG-TS describes itself */
    av_dict_set(&output->format->metadata, "title", "Oriel", 0);
    result = av_sdp_create(&output->format, 1, output->sdp, SDP_BYTES);
    if (result < 0)
        return fail(why, "the session description", result);
    return !options->sdp[0] || write_sdp(output, options->sdp, why);
}

struct output *output_open(const struct output_options *options, const AVCodecParameters *par,
                           void (*asked)(void *data), int (*stopping)(void *data), void *data,
                           char why[256])
{
    struct output *output = calloc(1, sizeof *output);
    snprintf(why, 256, "out of memory");
    if (!output)
        return NULL;
    bool rtp = strncmp(options->url, "rtp://", 6) == 0;
    output->last = -1;
    output->packet = av_packet_alloc();
    const char *muxer = !rtp ? "mpegts" : options->wrapped ? "rtp_mpegts" : "rtp";
    int result = avformat_alloc_output_context2(&output->format, NULL, muxer, options->url);
    bool fine = output->packet && result >= 0;
    if (fine && rtp) {
        fine = open_rtp(output, options, asked, data, why);
    } else if (fine) {
        const AVIOInterruptCB stop = {stopping, data};
        result = avio_open2(&output->format->pb, options->url, AVIO_FLAG_WRITE, &stop, NULL);
        output->by_url = fine = result >= 0 || fail(why, options->url, result);
    }
    if (fine && begin(output, options, par, why))
        return output;
    output_close(output);
    return NULL;
}

void output_close(struct output *output)
{
    if (!output)
        return;
    if (output->format) {
        if (output->last >= 0)
            av_write_trailer(output->format);
        if (output->by_url) {
            avio_closep(&output->format->pb);
        } else if (output->format->pb) {
            av_freep(&output->format->pb->buffer);
            avio_context_free(&output->format->pb);
        }
        avformat_free_context(output->format);
    }
    av_packet_free(&output->packet);
    udp_close(output->udp);
    free(output);
}

bool output_send(struct output *output, const struct picture *picture, int64_t time_ns,
                 char why[256])
{
    if (av_new_packet(output->packet, (int)picture->bytes) < 0)
        return fail(why, "a picture", AVERROR(ENOMEM));
    memcpy(output->packet->data, picture->data, picture->bytes);
    if (output->last < 0)
        output->first_ns = time_ns;
    const AVStream *stream = output->format->streams[0];
    int64_t stamp =
        av_rescale_q(time_ns - output->first_ns, (AVRational){1, 1000000000}, stream->time_base);
    stamp = stamp > output->last ? stamp : output->last + 1;
    output->packet->pts = output->packet->dts = stamp;
    output->packet->flags = picture->key ? AV_PKT_FLAG_KEY : 0;
    int result = av_write_frame(output->format, output->packet);
    av_packet_unref(output->packet);
    output->last = stamp;
    return result >= 0 || fail(why, "a picture", result);
}
