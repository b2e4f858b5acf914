/* SPDX-License-Identifier: BSD-3-Clause */
#include "film.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>

#include "locate.h"

#define IO_BYTES 32768
#define CLOCK 90000
#define MOST_WAITING 4096u

struct film {
    AVFormatContext *format;
    AVStream *stream;
    AVPacket *packet;
    enum film_container container;
    struct film_events events;

    int fd, error; /* errno of the first failure to write */
    uint64_t end;  /* of the file */
    uint64_t at;   /* where the muxer writes next */
    /* What it has written at the end of the file since `start`. */
    uint8_t *piece;
    size_t bytes, room;
    uint64_t start;

    struct place waiting[MOST_WAITING]; /* pictures of the piece */
    size_t count;
    double first_time;
    int64_t last;      /* time stamp of the newest picture */
    uint64_t estimate; /* bytes in libavformat */
};

static bool fail(char why[256], const char *what, int error)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(error, text, sizeof text);
    snprintf(why, 256, "%s: %s", what, text);
    return false;
}

/* --- the file under libavformat --- */

static bool write_at(struct film *film, const uint8_t *data, size_t bytes, uint64_t at)
{
    while (bytes && !film->error) {
        ssize_t n = pwrite(film->fd, data, bytes, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            film->error = n ? errno : ENOSPC;
            break;
        }
        data += n;
        bytes -= (size_t)n;
        at += (uint64_t)n;
    }
    return !film->error;
}

static bool write_piece(struct film *film)
{
    bool fine = write_at(film, film->piece, film->bytes, film->start);
    film->bytes = 0;
    film->start = film->end;
    return fine;
}

#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t io_byte;
#else
typedef uint8_t io_byte;
#endif

static int on_write(void *data, io_byte *bytes, int count)
{
    struct film *film = data;
    size_t n = (size_t)count;
    if (film->at != film->end) { /* the muxer amends what is there */
        if (!write_piece(film) || !write_at(film, bytes, n, film->at))
            return AVERROR(film->error);
        film->at += n;
        film->end = film->at > film->end ? film->at : film->end;
        film->start = film->end;
        return count;
    }
    if (film->bytes + n > film->room) {
        size_t room = (film->bytes + n) * 2;
        uint8_t *piece = realloc(film->piece, room);
        if (!piece)
            return AVERROR(ENOMEM);
        film->piece = piece;
        film->room = room;
    }
    memcpy(film->piece + film->bytes, bytes, n);
    film->bytes += n;
    film->end += n;
    film->at = film->end;
    return count;
}

static int64_t on_seek(void *data, int64_t offset, int whence)
{
    struct film *film = data;
    if (whence == AVSEEK_SIZE)
        return (int64_t)film->end;
    int64_t from = whence == SEEK_CUR   ? (int64_t)film->at
                   : whence == SEEK_END ? (int64_t)film->end
                                        : 0;
    if (from + offset < 0 || from + offset > (int64_t)film->end)
        return AVERROR(EINVAL);
    film->at = (uint64_t)(from + offset);
    return (int64_t)film->at;
}

/* --- one file --- */

static bool describe(struct film *film, const AVCodecParameters *par, bool bottom_up)
{
    AVStream *stream = film->stream = avformat_new_stream(film->format, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, par) < 0)
        return false;
    stream->time_base = (AVRational){1, CLOCK};
    if (!bottom_up || film->container != FILM_MP4)
        return true;
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    AVPacketSideData *side = av_packet_side_data_new(
        &stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data,
        AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t), 0);
    int32_t *matrix = side ? (int32_t *)side->data : NULL;
#else
    int32_t *matrix =
        (int32_t *)av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
#endif
    if (!matrix)
        return false;
    av_display_rotation_set(matrix, 0);
    av_display_matrix_flip(matrix, 0, 1);
    matrix[7] = par->height * 65536; /* turned over, and moved back into the picture */
    return true;
}

static void forget(struct film *film)
{
    if (film->format) {
        if (film->format->pb) {
            av_freep(&film->format->pb->buffer);
            avio_context_free(&film->format->pb);
        }
        avformat_free_context(film->format);
    }
    av_packet_free(&film->packet);
    if (film->fd >= 0)
        close(film->fd);
    free(film->piece);
    free(film);
}

struct film *film_create(const char *path, enum film_container container,
                         const AVCodecParameters *par, bool bottom_up,
                         const struct film_events *events, char why[256])
{
    struct film *film = calloc(1, sizeof *film);
    if (!film) {
        snprintf(why, 256, "out of memory");
        return NULL;
    }
    film->container = container;
    film->events = *events;
    film->last = -1;
    film->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (film->fd < 0) {
        snprintf(why, 256, "%s", strerror(errno));
        forget(film);
        return NULL;
    }
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", "empty_moov+default_base_moof+frag_custom", 0);
    av_dict_set(&options, "cluster_time_limit", "32000", 0);
    av_dict_set(&options, "cluster_size_limit", "1000000000", 0);
    int result = avformat_alloc_output_context2(&film->format, NULL,
                                                container == FILM_MP4 ? "mp4" : "matroska", NULL);
    uint8_t *buffer = result >= 0 ? av_malloc(IO_BYTES) : NULL;
    if (buffer && !(film->format->pb =
                        avio_alloc_context(buffer, IO_BYTES, 1, film, NULL, on_write, on_seek)))
        av_freep(&buffer);
    film->packet = av_packet_alloc();
    if (result >= 0 && (!buffer || !film->packet || !describe(film, par, bottom_up)))
        result = AVERROR(ENOMEM);
    if (result >= 0) {
        film->format->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
        result = avformat_write_header(film->format, &options);
    }
    av_dict_free(&options);
    if (result >= 0)
        return film;
    fail(why, "libavformat does not begin it", result);
    forget(film);
    unlink(path);
    return NULL;
}

bool film_add(struct film *film, const struct picture *picture, char why[256])
{
    if (film->count == MOST_WAITING && !film_flush(film, why))
        return false;
    if (film->last < 0)
        film->first_time = picture->time;
    AVRational base = film->stream->time_base;
    int64_t stamp = llround((picture->time - film->first_time) * base.den / base.num);
    stamp = stamp > film->last ? stamp : film->last + 1;
    if (av_new_packet(film->packet, (int)picture->bytes) < 0)
        return fail(why, "a picture", AVERROR(ENOMEM));
    memcpy(film->packet->data, picture->data, picture->bytes);
    film->packet->pts = film->packet->dts = stamp;
    film->packet->duration = 1;
    film->packet->flags = picture->key ? AV_PKT_FLAG_KEY : 0;
    film->estimate += (uint64_t)film->packet->size;
    int result = av_write_frame(film->format, film->packet);
    av_packet_unref(film->packet);
    if (result < 0)
        return fail(why, "libavformat does not take a picture", result);
    film->last = stamp;
    film->count++;
    return true;
}

bool film_flush(struct film *film, char why[256])
{
    if (!film->count)
        return true;
    int result = av_write_frame(film->format, NULL);
    avio_flush(film->format->pb);
    if (result < 0)
        return fail(why, "libavformat does not end a fragment", result);
    bool found = film->container == FILM_MP4
                     ? locate_mp4(film->piece, film->bytes, film->waiting, film->count)
                     : locate_matroska(film->piece, film->bytes, film->waiting, film->count);
    uint64_t start = film->start;
    if (!write_piece(film)) {
        snprintf(why, 256, "%s", strerror(film->error));
        return false;
    }
    if (!found) {
        snprintf(why, 256, "the pictures of a fragment are not where they should be");
        return false;
    }
    for (size_t i = 0; i < film->count; i++)
        film->events.written(film->events.data, start + film->waiting[i].at,
                             film->waiting[i].bytes);
    film->count = 0;
    film->estimate = 0;
    /* How long the last picture stands is not known: the next fragment says when it begins. */
    if (film->container == FILM_MP4)
        av_opt_set(film->format->priv_data, "movflags", "+frag_discont", 0);
    return true;
}

uint64_t film_bytes(const struct film *film)
{
    return film->end + film->estimate;
}

size_t film_waiting(const struct film *film)
{
    return film->count;
}

bool film_close(struct film *film, char why[256])
{
    bool fine = film_flush(film, why);
    int result = av_write_trailer(film->format);
    avio_flush(film->format->pb);
    if (fine && result < 0)
        fine = fail(why, "libavformat does not end it", result);
    if (!write_piece(film) && fine) {
        fine = false;
        snprintf(why, 256, "%s", strerror(film->error));
    }
    forget(film);
    return fine;
}
