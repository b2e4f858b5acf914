/* SPDX-License-Identifier: BSD-3-Clause */
/* From one packet to many clients: a buffer for each of the two packings, a head for each client.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "module/call.h"
#include "module/services.h"
#include "pixel/arm.h"
#include "pixel/bitstream.h"
#include "pixel/header.h"
#include "pixel/room.h"
#include "util/clock.h"
#include "util/log.h"

uint32_t clients_hold(struct branch *branch, struct client **held, uint32_t room)
{
    struct stream *stream = branch->stream;
    uint32_t count = 0;
    pthread_mutex_lock(&stream->lock);
    for (struct client *client = stream->clients; client && count < room; client = client->next) {
        if (!branch_serves(branch, client))
            continue;
        client->busy++;
        held[count++] = client;
    }
    pthread_mutex_unlock(&stream->lock);
    return count;
}

void clients_release(struct stream *stream, struct client **held, uint32_t count)
{
    pthread_mutex_lock(&stream->lock);
    for (uint32_t i = 0; i < count; i++)
        held[i]->busy--;
    pthread_cond_broadcast(&stream->idle);
    pthread_mutex_unlock(&stream->lock);
}

void clients_look_at_queues(struct branch *branch)
{
    struct stream *stream = branch->stream;
    struct client **held = malloc(MAX_CLIENTS * sizeof *held);
    uint32_t count = held ? clients_hold(branch, held, MAX_CLIENTS) : 0;
    int64_t now = clock_ns();
    for (uint32_t i = 0; i < count; i++) {
        struct client *client = held[i];
        struct oriel_queued queued = {.size = sizeof queued};
        pthread_mutex_lock(&stream->lock);
        uint64_t writable_count = client->writable_count;
        bool empty = client->queued.messages == 0;
        pthread_mutex_unlock(&stream->lock);
        if (empty)
            continue;
        if (client->transport->queued(client->self, client->conn, &queued) != ORIEL_OK)
            queued = (struct oriel_queued){.messages = 1}; /* going: it takes nothing more */
        if (queued.oldest_ns)
            metric_observe_ms(stream->metrics.client_queue,
                              (double)(now - queued.oldest_ns) * 1e-6);
        pthread_mutex_lock(&stream->lock);
        if (client->writable_count == writable_count) /* else it has become empty while we looked */
            client->queued = queued;
        pthread_mutex_unlock(&stream->lock);
    }
    if (held)
        clients_release(stream, held, count);
    free(held);
}

/* One packing of a packet, made when the first client needs it. */
struct payload {
    const struct oriel_buffer *buffer;
    bool made;
};

static const struct oriel_buffer *pack(const struct oriel_packet *packet, bool avcc,
                                       struct payload *payload)
{
    if (payload->made)
        return payload->buffer;
    payload->made = true;
    size_t bytes = (size_t)packet->bytes;
    uint8_t *data;
    const struct oriel_buffer *buffer = buffer_create(avcc ? avcc_bound(bytes) : bytes, &data);
    if (!buffer) {
        log_error(LOG_PIXEL, "out of memory for a packet of %zu bytes", bytes);
        return NULL;
    }
    if (avcc) /* nobody else has seen it yet: its length is still ours to set */
        ((struct oriel_buffer *)(uintptr_t)buffer)->bytes =
            annexb_to_avcc(packet->data, bytes, data);
    else
        memcpy(data, packet->data, bytes);
    payload->buffer = buffer;
    return buffer;
}

/* What goes to one client. */
struct delivery {
    struct client *client;
    uint32_t head_bytes;
    uint8_t head[HEADER_EXT_BYTES];
};

/* Under the lock: the client's next head. */
static void address(struct delivery *delivery, struct branch *branch, struct client *client,
                    const struct oriel_packet *packet, const struct pixel_pose *pose, int64_t now)
{
    struct stream *stream = branch->stream;
    const struct codec *codec = codec_find(packet->codec);
    bool former = !branch->still && client->branch != branch;
    double timestamp = stream->unix_offset + (double)packet->stamp.pts_ns * 1e-9;
    if (timestamp > client->timestamp)
        client->timestamp = timestamp;
    struct header header = {
        .seq = ++client->seq,
        .timestamp = client->timestamp,
        .codec = codec->wire,
        .key = packet->flags & ORIEL_PACKET_KEY || codec->intra,
        .still = branch->still,
        .fresh = !branch->still && !former && client->configured != branch->configuration,
        .format = packet->format,
        .stamp = packet->stamp,
        .t_submit_ns = packet->t_submit_ns,
        .t_done_ns = packet->t_done_ns,
        .t_write_ns = now,
        .intent = notes_find_intent(stream->notes, client->wish.session, packet->stamp.revision),
        .pose = *pose,
    };
    client->sent_ns = now;
    client->sent_count++;
    client->queued.messages++; /* until the next look, or the word that it has left */
    if (branch->still) {
        client->still_seq = packet->stamp.seq;
    } else {
        client->configured = former ? client->configured : branch->configuration;
        client->frame_seq = packet->stamp.seq;
    }
    client->sent[client->seq % CLIENT_SENT] = (struct client_sent){
        .seq = client->seq,
        .arm = branch->arm ? branch->arm->index : 0,
        .row = branch->arm ? book_row(branch->arm, &packet->stamp) : 0,
        .sent_ns = now,
    };
    delivery->client = client;
    delivery->head_bytes = header_write(&header, client->wish.ext, delivery->head);
}

static void deliver(const struct delivery *delivery, const struct oriel_buffer *buffer)
{
    const struct client *client = delivery->client;
    struct oriel_message message = {.size = sizeof message,
                                    .kind = ORIEL_MESSAGE_BINARY,
                                    .head = delivery->head,
                                    .head_bytes = delivery->head_bytes,
                                    .buffer = buffer};
    if (buffer)
        client->transport->send(client->self, client->conn,
                                &message); /* if it is gone, closed() tells */
}

/* --- the decoder's configuration --- */

void fanout_describe(const struct stream *stream, const struct oriel_packet *packet,
                     struct stream_info *info)
{
    *info = (struct stream_info){.codec = packet->codec,
                                 .width = packet->format.width,
                                 .height = packet->format.height,
                                 .fps = stream->fps};
    codec_string(packet, stream->fps, info->codec_string, sizeof info->codec_string);
    if (packet->codec == ORIEL_CODEC_H264)
        info->avcc_bytes = (uint32_t)avcc_record(packet->data, (size_t)packet->bytes, info->avcc,
                                                 sizeof info->avcc);
}

void fanout_configure(struct branch *branch, struct stream_info *info)
{
    struct stream *stream = branch->stream;
    pthread_mutex_lock(&stream->lock);
    memcpy(info->encoder, branch->encoder, sizeof info->encoder);
    memcpy(info->reason, branch->reason, sizeof info->reason);
    memcpy(info->chain, branch->chain, sizeof info->chain);
    const struct stream_info *old = &branch->info;
    bool new = !branch->configuration || old->codec != info->codec || old->width != info->width ||
               old->height != info->height || strcmp(old->codec_string, info->codec_string) != 0 ||
               strcmp(old->encoder, info->encoder) != 0 || old->avcc_bytes != info->avcc_bytes ||
               memcmp(old->avcc, info->avcc, info->avcc_bytes) != 0;
    branch->configuration += new;
    new |= branch->tell;
    branch->tell = false;
    branch->info = *info;
    const struct branch *classic = stream_classic(stream);
    bool told =
        branch == classic || (branch->main && (!classic || info->codec != ORIEL_CODEC_H264));
    pthread_mutex_unlock(&stream->lock);
    if (!new || !told)
        return;
    metric_add(stream->metrics.configs, 1);
    log_debug(LOG_ENCODER_SPS, "%s: %s, %" PRIu32 "x%" PRIu32 ", avcC of %" PRIu32 " bytes",
              branch->label, info->codec_string, info->width, info->height, info->avcc_bytes);
    if (stream->events.config)
        stream->events.config(stream->events.data, info);
}

/* --- packets --- */

static void dump(struct branch *branch, const struct oriel_packet *packet)
{
    if (branch->dump_left <= 0)
        return;
    branch->dump_left--;
    if (!branch->dump) {
        char path[4096];
        const char *folder = branch->stream->dump_dir;
        snprintf(path, sizeof path, "%s/oriel-%s.%s", *folder ? folder : ".", branch->label,
                 codec_find(packet->codec)->name);
        branch->dump = fopen(path, "wb");
        if (!branch->dump) {
            log_error(LOG_PIXEL, "cannot write %s", path);
            branch->dump_left = 0;
            return;
        }
    }
    fwrite(packet->data, 1, (size_t)packet->bytes, branch->dump);
    if (!branch->dump_left) {
        fclose(branch->dump);
        branch->dump = NULL;
    }
}

static double ms(int64_t from, int64_t to)
{
    return from > 0 && to >= from ? (double)(to - from) * 1e-6 : -1;
}

/* Under the lock. */
static void count_packet(struct branch *branch, const struct oriel_packet *packet, int64_t now)
{
    branch->frames++;
    branch->bytes += packet->bytes;
    int64_t second = now / NS_PER_S;
    if (second != branch->rate_second) {
        branch->rate_last = second == branch->rate_second + 1 ? branch->rate_now : 0;
        branch->rate_now = 0;
        branch->rate_second = second;
    }
    branch->rate_now += packet->bytes;
    if (packet->flags & ORIEL_PACKET_KEY) {
        branch->keys++;
        branch->key_wanted = false;
        branch->last_key_ns = now;
    }
}

static void measure(struct stream *stream, const struct oriel_packet *packet, int64_t packed)
{
    const struct oriel_stamp *stamp = &packet->stamp;
    metric_add(stream->metrics.frames, 1);
    metric_add(stream->metrics.bytes, (double)packet->bytes);
    metric_observe_ms(stream->metrics.encode, ms(packet->t_submit_ns, packet->t_done_ns));
    metric_observe_ms(stream->metrics.pack, ms(packet->t_done_ns, packed));
    if (!(stamp->flags & ORIEL_FRAME_REPEAT)) {
        metric_observe_ms(stream->metrics.wait, ms(stamp->t_captured_ns, packet->t_submit_ns));
        metric_observe_ms(
            stream->metrics.total,
            ms(stamp->t_input_ns > 0 ? stamp->t_input_ns : stamp->t_begin_ns, packed));
    }
    if (packet->flags & ORIEL_PACKET_KEY) {
        metric_add(stream->metrics.keys, 1);
        metric_set(stream->metrics.last_key_seq, (double)stamp->seq);
        metric_set(stream->metrics.last_key_time, clock_unix());
    }
}

/* Under the lock. True when the packet goes to the client. */
static bool admit(struct branch *branch, struct client *client, const struct oriel_packet *packet,
                  int64_t now)
{
    bool former = client->former == branch && client->branch != branch;
    if (!client->visible || (client->branch != branch && !former))
        return false;
    if (branch->turning && client->wish.rows != ROWS_ANY)
        return false; /* it waits for those that are its own */
    if (former) {
        if (client_full(client, &branch->stream->limits, now))
            client->former = NULL; /* what follows refers to this one */
        return client->former && packet->stamp.seq >= client->frame_seq &&
               (!client->former_until || packet->stamp.seq < client->former_until);
    }
    bool intra = codec_find(packet->codec)->intra, key = packet->flags & ORIEL_PACKET_KEY || intra;
    if (client_full(client, &branch->stream->limits, now)) {
        /* Without this one it cannot go on, unless nothing refers to it. */
        if (!intra && !(packet->flags & ORIEL_PACKET_DISCARDABLE))
            client->waiting_key = true;
        client->skipped_count++;
        metric_add(branch->stream->metrics.dropped_slow, 1);
        return false;
    }
    if (client->waiting_key && !key)
        return false;
    client->waiting_key = false;
    client->former = NULL;
    return true;
}

static void keep_still(struct branch *branch, const struct oriel_packet *packet)
{
    struct payload payload = {NULL, false};
    const struct oriel_buffer *file = pack(packet, false, &payload);
    pthread_mutex_lock(&branch->stream->lock);
    const struct oriel_buffer *old = branch->newest_still.file;
    branch->newest_still.file = file;
    branch->newest_still.packet = *packet;
    branch->newest_still.packet.data = NULL;
    count_packet(branch, packet, clock_ns());
    pthread_mutex_unlock(&branch->stream->lock);
    buffer_unref(old);
}

/* Who has the picture now may want the still of it; shadows have waited for it to be out. */
static void packet_is_out(struct branch *branch, const struct oriel_packet *packet)
{
    struct stream *stream = branch->stream;
    pthread_mutex_lock(&stream->lock);
    branch->out_seq = packet->stamp.seq;
    shadows_wake(branch);
    for (uint32_t i = 0; i < stream->branch_count; i++) {
        if (stream->branches[i]->still)
            pthread_cond_signal(&stream->branches[i]->wake);
    }
    pthread_mutex_unlock(&stream->lock);
}

void fanout_packet(const struct oriel_packet_sink *sink, const struct oriel_packet *packet)
{
    MODULE_HOST;
    struct branch *branch = sink->data;
    struct stream *stream = branch->stream;
    if (!packet->bytes || !codec_find(packet->codec))
        return;
    dump(branch, packet);
    if (branch->still) {
        keep_still(branch, packet);
        return;
    }
    if (branch->arm && branch->arm->shadow) {
        pthread_mutex_lock(&stream->lock);
        count_packet(branch, packet, clock_ns());
        pthread_mutex_unlock(&stream->lock);
        book_packet(branch->arm, packet, 0);
        return;
    }
    if (packet->flags & ORIEL_PACKET_KEY) {
        struct stream_info info;
        fanout_describe(stream, packet, &info);
        fanout_configure(branch, &info);
    }

    struct client **held = malloc(MAX_CLIENTS * sizeof *held);
    struct delivery *deliveries = NULL;
    uint32_t count = held ? clients_hold(branch, held, MAX_CLIENTS) : 0, chosen = 0;
    if (count)
        deliveries = malloc(count * sizeof *deliveries);
    struct pixel_pose pose = notes_find_pose(stream->notes, packet->stamp.revision);
    int64_t now = clock_ns();
    pthread_mutex_lock(&stream->lock);
    for (uint32_t i = 0; deliveries && i < count; i++) {
        if (admit(branch, held[i], packet, now))
            address(&deliveries[chosen++], branch, held[i], packet, &pose, now);
    }
    count_packet(branch, packet, now);
    pthread_mutex_unlock(&stream->lock);

    struct payload plain = {NULL, false}, avcc = {NULL, false};
    for (uint32_t i = 0; i < chosen; i++) {
        bool classic = !deliveries[i].client->wish.ext;
        deliver(&deliveries[i], pack(packet, classic, classic ? &avcc : &plain));
    }
    buffer_unref(plain.buffer);
    buffer_unref(avcc.buffer);
    free(deliveries);
    if (held)
        clients_release(stream, held, count);
    free(held);
    measure(stream, packet, clock_ns());
    if (branch->arm)
        book_packet(branch->arm, packet, chosen);
    packet_is_out(branch, packet);
}

void fanout_still(struct branch *branch)
{
    struct stream *stream = branch->stream;
    struct client **held = malloc(MAX_CLIENTS * sizeof *held);
    uint32_t count = held ? clients_hold(branch, held, MAX_CLIENTS) : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct client *client = held[i];
        struct delivery delivery = {.client = NULL};
        const struct oriel_buffer *file = NULL;
        pthread_mutex_lock(&stream->lock);
        const struct oriel_packet *packet = &branch->newest_still.packet;
        /* Beside the video, after it: never before the video picture of the same view. */
        if (branch->newest_still.file && packet->stamp.seq == stream->newest_seq &&
            client->visible && client->queued.messages == 0 &&
            client->still_seq != packet->stamp.seq && client->frame_seq >= packet->stamp.seq) {
            struct pixel_pose pose = notes_find_pose(stream->notes, packet->stamp.revision);
            file = buffer_ref(branch->newest_still.file);
            address(&delivery, branch, client, packet, &pose, clock_ns());
        }
        pthread_mutex_unlock(&stream->lock);
        if (delivery.client)
            deliver(&delivery, file);
        buffer_unref(file);
    }
    if (held)
        clients_release(stream, held, count);
    free(held);
}
