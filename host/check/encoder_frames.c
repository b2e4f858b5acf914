/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of encoders: formats, sizes, and what is in a packet. */
#include <stdio.h>
#include <string.h>

#include "check/bitstream.h"
#include "check/encoder_rig.h"
#include "check/encoder_tests.h"
#include "module/inspect.h"

#define FRAMES 32u

typedef unsigned long long ull;

static bool known_codec(uint32_t codec)
{
    static const uint32_t codecs[] = {ORIEL_CODEC_H264, ORIEL_CODEC_HEVC, ORIEL_CODEC_AV1,
                                      ORIEL_CODEC_VP8,  ORIEL_CODEC_VP9,  ORIEL_CODEC_JPEG,
                                      ORIEL_CODEC_PNG,  ORIEL_CODEC_RAW,  ORIEL_CODEC_NULL};
    bool known = false;
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++)
        known = known || codecs[i] == codec;
    return known;
}

/* How many codecs it says it can write; up to `most` of them into `list`. */
static size_t codecs_of(struct check_run *run, uint32_t *list, size_t most)
{
    const struct oriel_encoder *encoder = run->vtable;
    size_t count = 0;
    check_doing(run, "codec()");
    while (count < most && encoder->codec((uint32_t)count, &list[count]) == ORIEL_OK)
        count++;
    return count;
}

void encoder_formats(struct check_run *run)
{
    const struct oriel_encoder *encoder = run->vtable;
    struct oriel_format formats[RIG_FORMATS], again;
    uint32_t codecs[RIG_FORMATS];
    size_t count = rig_formats(run, formats), codec_count = codecs_of(run, codecs, RIG_FORMATS);
    if (!count)
        check_fail(run, "input_format(0) lists no format; an encoder accepts at least one");
    if (count == RIG_FORMATS || codec_count == RIG_FORMATS)
        check_fail(run, "%s() does not come to an end; past its last it answers UNSUPPORTED",
                   count == RIG_FORMATS ? "input_format" : "codec");
    if (!codec_count)
        check_fail(run, "codec(0) lists no codec; an encoder writes at least one");
    for (size_t i = 0; i < count; i++) {
        const struct oriel_format *format = &formats[i];
        if (format->domain < ORIEL_DOMAIN_CPU || format->domain > ORIEL_DOMAIN_DMABUF ||
            !format->fourcc)
            check_fail(run,
                       "input_format(%zu) has memory domain %u and fourcc 0x%x; both are set "
                       "and known",
                       i, format->domain, format->fourcc);
        again = (struct oriel_format){0};
        if (encoder->input_format((uint32_t)i, &again) != ORIEL_OK ||
            memcmp(&again, format, sizeof again) != 0)
            check_fail(run, "input_format(%zu) answers another format when it is asked again", i);
    }
    oriel_result past = encoder->input_format((uint32_t)count, &again);
    if (past != ORIEL_UNSUPPORTED || encoder->input_format(UINT32_MAX, &again) != ORIEL_UNSUPPORTED)
        check_fail(run, "input_format() past its last answers %s; it is UNSUPPORTED",
                   check_result_name(past));
    for (size_t i = 0; i < codec_count; i++) {
        char text[5];
        if (!known_codec(codecs[i]))
            check_fail(run, "codec(%zu) is \"%s\", which is none of ORIEL_CODEC_*", i,
                       inspect_fourcc(codecs[i], text));
    }
    check_note(run, "%zu formats, %zu codecs", count, codec_count);
}

/* 32 frames of every offered format in a memory domain; how many there are, and what became of
 * them. */
struct tally {
    size_t offered, ran, refused;
};

static struct tally run_formats(struct check_run *run, uint32_t domain)
{
    struct oriel_format formats[RIG_FORMATS];
    size_t count = rig_formats(run, formats);
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    struct oriel_format like = rig_first(run);
    struct tally tally = {0};
    bool cuda = domain == ORIEL_DOMAIN_CUDA;
    char why[1024];
    for (size_t i = 0; i < count; i++) {
        struct oriel_format format = rig_negotiated(&formats[i], like.width, like.height);
        char text[128];
        if (format.domain != domain || !rig_possible(rig, &format))
            continue;
        rig_format_text(&format, text, sizeof text);
        tally.offered++;
        oriel_result result = rig_create(rig, &format, NULL, why);
        if (cuda)
            rig_cuda_stack(rig, "create()");
        tally.refused += result != ORIEL_OK;
        if (result == ORIEL_UNSUPPORTED)
            continue;
        if (result != ORIEL_OK)
            check_fail(run, "create() with %s, which input_format() offers, answered %s (%s)", text,
                       check_result_name(result), why);
        snprintf(rig->with, sizeof rig->with, " of %s", text);
        for (uint64_t seq = 1; seq <= FRAMES; seq++) {
            rig_encode(rig, seq, 0);
            if (cuda)
                rig_cuda_stack(rig, "encode()");
        }
        rig_drain(rig);
        if (cuda)
            rig_cuda_stack(rig, "drain()");
        if (!rig_packets(rig))
            check_fail(run,
                       "no packet came of %u frames of %s and drain(); an encoder writes "
                       "packets for each format that it offers",
                       FRAMES, text);
        rig_destroy(rig);
        if (cuda)
            rig_cuda_stack(rig, "destroy()");
        rig->with[0] = '\0';
        tally.ran++;
    }
    return tally;
}

void encoder_runs(struct check_run *run)
{
    struct tally tally = run_formats(run, ORIEL_DOMAIN_CPU);
    if (!tally.offered)
        check_skip(run, "it takes no frames in CPU memory");
    check_note(run, "%zu of %zu formats, %zu refused here", tally.ran, tally.offered,
               tally.refused);
}

void encoder_cuda(struct check_run *run)
{
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    if (rig->no_cuda.text[0])
        check_skip(run, "%s", rig->no_cuda.text);
    struct tally tally = run_formats(run, ORIEL_DOMAIN_CUDA);
    if (!tally.offered)
        check_skip(run, "frames of its formats in CUDA memory are not known here");
    check_note(run, "%zu of %zu formats, %zu refused here", tally.ran, tally.offered,
               tally.refused);
}

void encoder_odd_sizes(struct check_run *run)
{
    static const uint32_t sizes[][2] = {{321, 241}, {320, 241}, {17, 13},  {1, 1},
                                        {2, 2},     {1030, 6},  {6, 1030}, {64, 64}};
    struct oriel_format first = rig_first(run);
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    struct oriel_format formats[RIG_FORMATS];
    size_t count = rig_formats(run, formats), ran = 0, refused = 0;
    char why[1024], text[128];
    for (size_t f = 0; f < count; f++) {
        if (!rig_possible(rig, &formats[f]) || formats[f].fourcc != first.fourcc ||
            formats[f].domain != first.domain || formats[f].width || formats[f].height)
            continue;
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct oriel_format format = rig_negotiated(&formats[f], sizes[i][0], sizes[i][1]);
            oriel_result result = rig_create(rig, &format, NULL, why);
            refused += result != ORIEL_OK;
            if (result != ORIEL_OK && result != ORIEL_UNSUPPORTED)
                check_fail(run,
                           "create() with %s answered %s (%s); a size that it cannot do is "
                           "UNSUPPORTED",
                           rig_format_text(&format, text, sizeof text), check_result_name(result),
                           why);
            if (result != ORIEL_OK)
                continue;
            snprintf(rig->with, sizeof rig->with, " of %s",
                     rig_format_text(&format, text, sizeof text));
            rig_run(rig, 1, 4);
            if (!rig_packets(rig))
                check_fail(run, "no packet came of 4 frames%s and drain()", rig->with);
            rig_destroy(rig);
            rig->with[0] = '\0';
            ran++;
        }
        break; /* one format tells */
    }
    check_note(run, "%zu sizes, %zu refused", ran, refused);
}

/* ---- what was never offered ---- */

static bool offered(const struct oriel_format *formats, size_t count,
                    const struct oriel_format *format)
{
    for (size_t i = 0; i < count; i++) {
        const struct oriel_format *at = &formats[i];
        if (at->fourcc == format->fourcc && at->domain == format->domain &&
            at->modifier == format->modifier && at->matrix == format->matrix)
            return true;
    }
    return false;
}

void encoder_refuses(struct check_run *run)
{
    struct oriel_format first = rig_first(run), formats[RIG_FORMATS];
    size_t count = rig_formats(run, formats);
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    for (int i = 0; i < 7; i++) {
        static const char *const what[] = {"an unknown fourcc",
                                           "an unknown memory domain",
                                           "a tiled modifier",
                                           "an unknown matrix",
                                           "a width of 0",
                                           "a height of 0",
                                           "a matrix that is not offered"};
        struct oriel_format format = first;
        switch (i) {
        case 0:
            format.fourcc = ORIEL_FOURCC('Z', 'Z', '9', '9');
            break;
        case 1:
            format.domain = 77;
            break;
        case 2:
            format.modifier = UINT64_C(0x0300000000000011);
            break;
        case 3:
            format.matrix = 200;
            break;
        case 4:
            format.width = 0;
            break;
        case 5:
            format.height = 0;
            break;
        case 6:
            format.matrix = 9; /* BT.2020 */
            break;
        }
        if (i != 4 && i != 5 && offered(formats, count, &format))
            continue;
        snprintf(rig->with, sizeof rig->with, ", which is %s", what[i]);
        oriel_result result = rig_create(rig, &format, NULL, NULL);
        if (result == ORIEL_OK)
            check_fail(run,
                       "create() took %s, which input_format() does not offer; it answers "
                       "UNSUPPORTED to what it does not list",
                       what[i]);
        if (result != ORIEL_UNSUPPORTED && result != ORIEL_INVALID)
            check_fail(run, "create() with %s answered %s; it is UNSUPPORTED", what[i],
                       check_result_name(result));
        if (rig->self)
            check_fail(run, "create() with %s set *self and answered %s; who fails leaves nothing",
                       what[i], check_result_name(result));
    }
}

/* ---- what is in a packet ---- */

void encoder_stamps(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    for (unsigned i = 0; i < FRAMES; i++) /* numbers as they are after drops */
        rig_encode(rig, 1000 + i * 2 + i / 5, 0);
    rig_drain(rig);
    uint64_t before = 0;
    for (size_t i = 0; i < rig->packet_count; i++) {
        const struct oriel_stamp *stamp = &rig->packets[i].packet.stamp;
        if (!rig_frame(rig, stamp->seq))
            check_fail(run,
                       "packet %zu says it is of frame %llu, which was never given to it; "
                       "the stamp of the frame is copied unchanged",
                       i + 1, (ull)stamp->seq);
        const struct oriel_stamp wanted = picture_stamp(stamp->seq);
        if (stamp->pts_ns != wanted.pts_ns || stamp->revision != wanted.revision)
            check_fail(run,
                       "the packet of frame %llu has pts %lld and revision %llu, the frame "
                       "had %lld and %llu; the stamp is copied unchanged",
                       (ull)stamp->seq, (long long)stamp->pts_ns, (ull)stamp->revision,
                       (long long)wanted.pts_ns, (ull)wanted.revision);
        if (memcmp(stamp, &wanted, sizeof *stamp) != 0)
            check_fail(run,
                       "the stamp of the packet of frame %llu differs from the frame's in "
                       "another member than seq, pts_ns and revision; it is copied whole",
                       (ull)stamp->seq);
        if (stamp->seq < before)
            check_fail(run,
                       "the packet of frame %llu came after that of frame %llu; packets come "
                       "in the order of the frames",
                       (ull)stamp->seq, (ull)before);
        before = stamp->seq;
    }
}

void encoder_times(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    rig_run(rig, 1, FRAMES);
    int64_t before = 0;
    for (size_t i = 0; i < rig->packet_count; i++) {
        const struct rig_packet *at = &rig->packets[i];
        const struct oriel_packet *packet = &at->packet;
        ull seq = packet->stamp.seq;
        const struct rig_frame *frame = rig_frame(rig, packet->stamp.seq);
        if (frame && packet->t_submit_ns < frame->entered_ns)
            check_fail(run,
                       "the packet of frame %llu has a t_submit_ns before encode() was called "
                       "with it; it is host->now_ns() at the entry of encode()",
                       seq);
        if (packet->t_done_ns < packet->t_submit_ns)
            check_fail(run,
                       "the packet of frame %llu was done %lld ns before it was submitted; "
                       "t_done_ns is when it was complete",
                       seq, (long long)(packet->t_submit_ns - packet->t_done_ns));
        if (packet->t_done_ns > at->t_sink_ns)
            check_fail(run, "the packet of frame %llu has a t_done_ns after it came to the sink",
                       seq);
        if (packet->t_done_ns < before)
            check_fail(run,
                       "the packet of frame %llu was done before the one that came before it; "
                       "times of packets do not go back",
                       seq);
        before = packet->t_done_ns;
    }
}

void encoder_packets(struct check_run *run)
{
    const uint32_t known = ORIEL_PACKET_KEY | ORIEL_PACKET_CONFIG | ORIEL_PACKET_DISCARDABLE;
    uint32_t codecs[RIG_FORMATS];
    size_t codec_count = codecs_of(run, codecs, RIG_FORMATS);
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    rig_run(rig, 1, FRAMES);
    for (size_t i = 0; i < rig->packet_count; i++) {
        const struct oriel_packet *packet = &rig->packets[i].packet;
        bool listed = false;
        for (size_t k = 0; k < codec_count; k++)
            listed = listed || codecs[k] == packet->codec;
        char text[5], other[5];
        if (packet->size < sizeof *packet)
            check_fail(run, "packet %zu has size %u; struct oriel_packet has %zu bytes", i + 1,
                       packet->size, sizeof *packet);
        if (!listed)
            check_fail(run, "packet %zu is of codec \"%s\", which codec() does not list", i + 1,
                       inspect_fourcc(packet->codec, text));
        if (packet->codec != rig->packets[0].packet.codec)
            check_fail(run,
                       "packet %zu is of codec \"%s\" and the first of \"%s\"; one instance "
                       "writes one codec",
                       i + 1, inspect_fourcc(packet->codec, text),
                       inspect_fourcc(rig->packets[0].packet.codec, other));
        if (memcmp(&packet->format, &rig->format, sizeof packet->format) != 0)
            check_fail(run, "packet %zu has another format than its frame", i + 1);
        if (!packet->data || !packet->bytes)
            check_fail(run, "packet %zu is empty; a frame without a packet has none", i + 1);
        if (packet->flags & ~known)
            check_fail(run, "packet %zu has unknown flags 0x%x", i + 1, packet->flags & ~known);
    }
    if (rig->overlaps)
        check_fail(run, "a packet came while the sink had another; the sink is never called twice "
                        "at a time");
}

static void look_at_packets(struct rig *rig, const char *with)
{
    for (size_t i = 0; i < rig->packet_count; i++) {
        const struct oriel_packet *packet = &rig->packets[i].packet;
        struct bitstream seen;
        struct error err;
        char text[5];
        inspect_fourcc(packet->codec, text);
        if (!bitstream_look(packet, &seen, &err))
            check_fail(rig->run, "packet %zu%s is no %s, which it says it is: it %s", i + 1, with,
                       text, err.text);
        bool key = packet->flags & ORIEL_PACKET_KEY, config = packet->flags & ORIEL_PACKET_CONFIG;
        if (key && !seen.key)
            check_fail(rig->run,
                       "packet %zu%s is flagged ORIEL_PACKET_KEY and its bytes are no "
                       "key picture of %s",
                       i + 1, with, text);
        if (config && bitstream_has_config(packet->codec) && !seen.config)
            check_fail(rig->run,
                       "packet %zu%s is flagged ORIEL_PACKET_CONFIG and does not begin "
                       "with %s's parameter sets",
                       i + 1, with, text);
        if (key && bitstream_has_config(packet->codec) && !seen.config)
            check_fail(rig->run,
                       "key packet %zu%s does not begin with %s's parameter sets; every "
                       "key packet does",
                       i + 1, with, text);
        if (seen.width && (seen.width != rig->format.width || seen.height != rig->format.height))
            check_fail(rig->run, "packet %zu%s is a picture of %ux%u, the frames have %ux%u", i + 1,
                       with, seen.width, seen.height, rig->format.width, rig->format.height);
    }
}

void encoder_bitstream(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    const struct oriel_option_table *table = rig->encoder->options;
    struct oriel_format format = rig->format;
    unsigned codecs = 1;
    rig_run(rig, 1, 12);
    look_at_packets(rig, "");
    rig_destroy(rig);
    for (uint32_t i = 0; table && i < table->count; i++) {
        const struct oriel_option *option = &table->options[i];
        if (strcmp(option->name, "codec") != 0 || option->type != ORIEL_OPT_ENUM ||
            !option->choices)
            continue;
        for (const char *at = option->choices; *at; at += strspn(at, " ")) {
            char setting[64], why[1024];
            int length = (int)strcspn(at, " ");
            snprintf(setting, sizeof setting, "codec=%.*s", length, at);
            at += length;
            snprintf(rig->with, sizeof rig->with, " with %s", setting);
            if (rig_create(rig, &format, (const char *const[]){setting, NULL}, why) != ORIEL_OK)
                continue;
            rig_run(rig, 1, 6);
            look_at_packets(rig, rig->with);
            rig_destroy(rig);
            codecs++;
        }
    }
    check_note(run, "%u settings of the codec", codecs);
}
