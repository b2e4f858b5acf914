/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of encoders: drain, a slow sink, instances beside and after each other. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "check/encoder_rig.h"
#include "check/encoder_tests.h"
#include "check/shared.h"
#include "util/check.h"
#include "util/clock.h"

typedef unsigned long long ull;

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * NS_PER_MS}, NULL);
}

/* ---- drain ---- */

void encoder_drain(struct check_run *run)
{
    enum { FRAMES = 20 };
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    unsigned taken = 0;
    for (uint64_t seq = 1; seq <= FRAMES; seq++)
        taken += rig_encode(rig, seq, 0);
    rig_drain(rig);
    size_t packets = rig_packets(rig), held = rig_held(rig);
    if (held)
        check_fail(run,
                   "%zu of %u frames are still held after drain(); it returns when all frames "
                   "are released",
                   held, FRAMES);
    pause_ms(50);
    if (rig_packets(rig) > packets)
        check_fail(run,
                   "%zu packets came after drain() had returned; it returns when all packets "
                   "of all frames are out",
                   rig_packets(rig) - packets);
    rig_encode(rig, 101, ORIEL_ENCODE_KEY);
    rig_drain(rig);
    for (size_t i = packets; i < rig_packets(rig); i++) {
        uint64_t seq = rig->packets[i].packet.stamp.seq;
        if (seq <= FRAMES)
            check_fail(run,
                       "the packet of frame %llu was not out after drain() but came with a "
                       "later frame; drain() returns when all packets are out",
                       (ull)seq);
    }
    rig_drain(rig);
    check_note(run, "%zu packets of %u frames", packets, taken);
}

/* ---- a sink that does not return at once ---- */

void encoder_slow_sink(struct check_run *run)
{
    enum { FRAMES = 16, SLOW_MS = 300 };
    struct rig *rig = rig_open(run, CHECK_HOST_USUAL);
    rig->slow_packet = 3;
    rig->slow_ms = SLOW_MS;
    uint64_t last = 0;
    for (uint64_t seq = 1; seq <= FRAMES; seq++)
        last = rig_encode(rig, seq, 0) ? seq : last;
    rig_drain(rig);
    if (rig->overlaps)
        check_fail(run,
                   "a packet came while the sink was still busy with another for %u ms; the "
                   "sink is never called twice at a time",
                   SLOW_MS);
    for (size_t i = 1; i < rig_packets(rig); i++) {
        if (rig->packets[i].packet.stamp.seq < rig->packets[i - 1].packet.stamp.seq)
            check_fail(run, "after the sink was busy for %u ms packets came out of order", SLOW_MS);
    }
    if (rig_held(rig))
        check_fail(run, "after the sink was busy for %u ms, drain() left %zu frames held", SLOW_MS,
                   rig_held(rig));
    rig_encode(rig, FRAMES + 1, ORIEL_ENCODE_KEY);
    rig_drain(rig);
    size_t count = rig_packets(rig);
    if (!count || rig->packets[count - 1].packet.stamp.seq <= last)
        check_fail(run, "after the sink was busy for %u ms no packet comes any more", SLOW_MS);
}

/* ---- two instances ---- */

enum { ALONE_FRAMES = 24 };

struct bytes {
    struct check_shared shared; /* first: of the child */
    struct check_run run;
    uint64_t hash;
};

static void encode_alone(void *data)
{
    struct bytes *bytes = data;
    struct rig *rig = rig_open(&bytes->run, CHECK_HOST_USUAL);
    rig_run(rig, 1, ALONE_FRAMES);
    bytes->hash = rig_hash(rig);
    bytes->shared.done = true;
}

/* What one instance writes in a process of its own. */
static uint64_t alone(struct check_run *run)
{
    struct error err;
    struct bytes *bytes =
        mmap(NULL, sizeof *bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(bytes != MAP_FAILED);
    bytes->run = *run;
    bytes->run.shared = &bytes->shared;
    if (!check_child(&bytes->shared, 20 * run->patience, encode_alone, bytes, &err))
        check_fail(run, "alone it %s", err.text);
    if (bytes->shared.result == CHECK_SKIPPED)
        check_skip(run, "%s", bytes->shared.text);
    if (bytes->shared.text[0] || __atomic_load_n(&bytes->shared.blamed, __ATOMIC_ACQUIRE))
        check_fail(run, "alone: %s",
                   bytes->shared.text[0] ? bytes->shared.text : bytes->shared.blame);
    uint64_t hash = bytes->hash;
    munmap(bytes, sizeof *bytes);
    return hash;
}

void encoder_two_instances(struct check_run *run)
{
    /* First: a process that has CUDA, or has had it, cannot be forked. */
    bool forks = !run->shared->in_process || !rig_wants_cuda(run);
    uint64_t wanted = forks ? alone(run) : 0;
    bool same = forks && wanted == alone(run);
    struct rig *one = rig_open(run, CHECK_HOST_USUAL), *two = rig_open(run, CHECK_HOST_USUAL);
    for (uint64_t seq = 1; seq <= ALONE_FRAMES; seq++) {
        rig_encode(one, seq, 0);
        rig_encode(two, seq, 0);
    }
    rig_drain(one);
    rig_drain(two);
    if (rig_packets(one) == 0 || rig_packets(two) == 0)
        check_fail(run, "of two instances that got frames in turn one wrote no packets");
    for (size_t i = 0; i < rig_packets(one); i++) {
        if (!rig_frame(one, one->packets[i].packet.stamp.seq))
            check_fail(run, "an instance got the packet of another");
    }
    if (!forks) {
        check_note(run, "bytes not compared: a process with CUDA does not fork");
        return;
    }
    if (!same) {
        check_note(run, "bytes not compared, as two runs of one instance differ: it is not "
                        "deterministic");
        return;
    }
    if (rig_hash(one) != wanted || rig_hash(two) != wanted)
        check_fail(run,
                   "two instances that get the same frames in turn do not write what one alone "
                   "writes; an instance keeps its state in itself");
}

/* ---- short lives ---- */

void encoder_destroy_early(struct check_run *run)
{
    struct oriel_format format = rig_first(run);
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    check_doing(run, "destroy(NULL)");
    rig->encoder->destroy(NULL);
    for (unsigned frames = 0; frames <= 5; frames++) {
        if (rig_create(rig, &format, NULL, NULL) != ORIEL_OK)
            check_fail(run, "create() fails after %u instances of the same format", frames);
        for (uint64_t seq = 1; seq <= frames; seq++)
            rig_encode(rig, seq, 0);
        check_doing(run, "destroy() after %u frames without drain()", frames);
        rig->encoder->destroy(rig->self);
        rig->self = NULL;
        __atomic_store_n(&rig->closed, true, __ATOMIC_RELEASE);
        if (rig_held(rig))
            check_fail(run, "%zu of %u frames are still held after destroy(); it lets go of all",
                       rig_held(rig), frames);
        pause_ms(20);
        if (__atomic_load_n(&rig->late, __ATOMIC_RELAXED))
            check_fail(run,
                       "a packet came after destroy() of an instance with %u frames; none does",
                       frames);
        rig_destroy(rig);
    }
}

static void one_life(struct rig *rig, const struct oriel_format *format, unsigned index)
{
    if (rig_create(rig, format, NULL, NULL) != ORIEL_OK)
        check_fail(rig->run, "create() number %u fails; the ones before it were destroyed", index);
    if (index % 8 == 0)
        rig_encode(rig, index + 1, 0);
    rig_destroy(rig);
}

void encoder_thousand(struct check_run *run)
{
    enum { LIVES = 1000, WARM_MOST = 100, RSS_NOISE = 16 << 20, HEAP_NOISE = 128 << 10 };
    struct oriel_format format = rig_first(run);
    struct rig *rig = rig_new(run, CHECK_HOST_USUAL);
    int64_t begun = clock_ns(), end = begun + 3 * run->patience * NS_PER_S;
    unsigned warm = 0, lives = 0;
    while (warm < WARM_MOST && (warm < 8 || clock_ns() < begun + (end - begun) / 4))
        one_life(rig, &format, warm++);
    struct check_use before = check_use_now();
    for (; warm + lives < LIVES && (lives < 8 || clock_ns() < end); lives++)
        one_life(rig, &format, warm + lives);
    check_flat(run, &before, lives, "create()", "destroy()", RSS_NOISE, HEAP_NOISE);
    check_note(run, "%u instances in %.1f s", warm + lives, (double)(clock_ns() - begun) * 1e-9);
}
