/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of encoders: key packets when they are wanted. */
#include <time.h>

#include "check/bitstream.h"
#include "check/encoder_rig.h"
#include "check/encoder_tests.h"
#include "util/clock.h"

typedef unsigned long long ull;

void encoder_first_key(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    rig_run(rig, 1, 8);
    if (!rig_packets(rig))
        check_fail(run, "no packet came of 8 frames and drain()");
    const struct oriel_packet *first = &rig->packets[0].packet;
    if (!(first->flags & ORIEL_PACKET_KEY))
        check_fail(run,
                   "the first packet of an instance is not flagged ORIEL_PACKET_KEY; a decoder "
                   "starts with it");
    for (size_t i = 0; i < rig->packet_count; i++) {
        const struct oriel_packet *packet = &rig->packets[i].packet;
        if (packet->flags & ORIEL_PACKET_KEY && bitstream_has_config(packet->codec) &&
            !(packet->flags & ORIEL_PACKET_CONFIG))
            check_fail(run,
                       "key packet %zu is not flagged ORIEL_PACKET_CONFIG; key packets of "
                       "H.264, HEVC and AV1 begin with the parameter sets",
                       i + 1);
    }
}

/* Was the packet of a frame a key? Of one without a packet, the next that came. */
static void expect_key(struct rig *rig, uint64_t seq, const char *asked)
{
    const struct oriel_packet *packet = NULL;
    for (size_t i = 0; i < rig->packet_count && !packet; i++)
        packet = rig->packets[i].packet.stamp.seq >= seq ? &rig->packets[i].packet : NULL;
    if (!packet)
        check_fail(rig->run, "no packet came for frame %llu or a later one after %s", (ull)seq,
                   asked);
    if (!(packet->flags & ORIEL_PACKET_KEY))
        check_fail(rig->run,
                   "the packet of frame %llu is no key packet after %s; the next frame "
                   "becomes one",
                   (ull)packet->stamp.seq, asked);
}

void encoder_key_flag(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    for (uint64_t seq = 1; seq <= 24; seq++)
        rig_encode(rig, seq, seq == 11 || seq == 18 ? ORIEL_ENCODE_KEY : 0);
    rig_drain(rig);
    expect_key(rig, 11, "encode() with ORIEL_ENCODE_KEY");
    expect_key(rig, 18, "encode() with ORIEL_ENCODE_KEY");
}

void encoder_request_key(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    for (uint64_t seq = 1; seq <= 24; seq++) {
        if (seq == 9 || seq == 17) {
            check_doing(run, "request_key()");
            rig->encoder->request_key(rig->self);
        }
        rig_encode(rig, seq, 0);
    }
    rig_drain(rig);
    expect_key(rig, 9, "request_key()");
    expect_key(rig, 17, "request_key()");
}

struct asking {
    struct rig *rig;
    bool stop; /* atomic */
};

static void *ask_often(void *data)
{
    struct asking *asking = data;
    while (!__atomic_load_n(&asking->stop, __ATOMIC_ACQUIRE)) {
        asking->rig->encoder->request_key(asking->rig->self);
        nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS / 2}, NULL);
    }
    return NULL;
}

static void *ask_once(void *data)
{
    struct rig *rig = data;
    rig->encoder->request_key(rig->self);
    return NULL;
}

void encoder_request_any_thread(struct check_run *run)
{
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    struct asking asking = {.rig = rig};
    pthread_t thread;
    rig_encode(rig, 1, 0);
    if (pthread_create(&thread, NULL, ask_often, &asking) != 0)
        check_skip(run, "no thread could be started");
    for (uint64_t seq = 2; seq <= 40; seq++)
        rig_encode(rig, seq, 0);
    __atomic_store_n(&asking.stop, true, __ATOMIC_RELEASE);
    pthread_join(thread, NULL);
    for (uint64_t seq = 41; seq <= 48; seq++)
        rig_encode(rig, seq, 0);
    if (pthread_create(&thread, NULL, ask_once, rig) != 0)
        check_skip(run, "no thread could be started");
    pthread_join(thread, NULL);
    for (uint64_t seq = 49; seq <= 52; seq++)
        rig_encode(rig, seq, 0);
    rig_drain(rig);
    expect_key(rig, 49, "request_key() on another thread");
}
