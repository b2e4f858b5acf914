/* SPDX-License-Identifier: BSD-3-Clause */
/* The pixel room between a render room that draws when it is told, encoders whose packets say what
 * they are, and a transport whose queues the test holds back. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "metrics/metrics.h"
#include "pixel/stream.h"

/* --- encoders (fake_encoders.c); each payload ends in this --- */

struct fake_tail {
    uint32_t instance; /* counts create() */
    uint32_t number;   /* packets of this instance, from 0 */
    uint32_t key;
    uint32_t repeat;
    uint64_t frame_seq;
};

/* What the test changes about them while they live. */
struct fake_control {
    const char *failing; /* id of an encoder whose encode() fails… */
    int32_t result;      /* …with this */
    atomic_int fails;    /* as often; set last */
    const char *limited; /* of which there are at most so many at a time… */
    atomic_int most;     /* …the others being refused… */
    int32_t refusal;     /* …with this */
    atomic_int live;     /* of the limited one */
    /* encode/r, which takes other sizes, answers this… */
    atomic_int resize_result;
    atomic_int resizes; /* …and has been asked as often; its option bitrate is… */
    atomic_int bitrate; /* …this, 0 or 1, when it is made */
    atomic_int encodes, keys, creates, destroys, opened;
};
extern struct fake_control fakes;

/* encode() of that one takes so long, until it is said otherwise; NULL: none. At any time. */
void fixture_slow(const char *id, int ms);

/* --- the render room --- */

enum { DRAW_COMPLETE = 1, DRAW_SCALED = 2 };
/* Draws frame number ++n of a revision and hands it to all taps. */
uint64_t fixture_draw(uint64_t revision, unsigned flags);
void fixture_resize(uint32_t width, uint32_t height);
/* From now on nobody captures into a GPU's memory, or somebody does again; the taps that have
 * waited for such pictures are told. */
void fixture_gpu(bool there);
/* From now on no picture comes by a tap that is added, or they come again by all. */
void fixture_hold_taps(bool hold);
int fixture_taps(void);
int fixture_frames(void); /* alive */
int fixture_most_frames(void);

/* --- the transport --- */

struct got {
    uint8_t head[160];
    uint32_t head_bytes;
    uint8_t *data;
    uint64_t bytes;
};
struct peer {
    uint64_t conn;
    struct got got[2048];
    atomic_int count;
    bool blocked; /* messages stay in the queue */
    uint32_t waiting;
    uint64_t waiting_bytes;
    int64_t oldest_ns;
    atomic_uint close_code;
    char close_reason[256];
};

/* --- all together --- */

struct fixture {
    struct config *config;
    struct metrics *metrics;
    struct stream *stream;
    struct peer peers[16];
    unsigned peer_count;
    atomic_int configs, faults;
    struct stream_info info; /* of the newest config event */
    char fault[1024];
};

/* `sets`: "key=value", NULL-terminated. */
struct fixture *fixture_start(const char *const *sets);
/* The same, where creation fails with this text. */
void fixture_refused(const char *const *sets, const char *text);
void fixture_stop(struct fixture *fixture);
/* After each test: what a failed one has left running does not count against the next. */
int fixture_abandon(void **state);
struct peer *fixture_join(struct fixture *fixture, const char *query);
void fixture_refuse_join(struct fixture *fixture, const char *query, const char *text);
void fixture_leave(struct fixture *fixture, struct peer *peer);
void fixture_say(struct fixture *fixture, const struct peer *peer, const char *text);
void fixture_block(struct peer *peer, bool blocked);
void fixture_unblock(struct fixture *fixture,
                     struct peer *peer); /* and tells that the queue is empty */

/* Waits, 3 s at most, for the peer's message number `index` and returns it. */
const struct got *fixture_get(struct peer *peer, int index);
const struct fake_tail *got_tail(const struct got *got);
uint64_t got_u(const struct got *got, unsigned offset, unsigned bytes);
double got_f(const struct got *got, unsigned offset);
/* Nothing comes to the peer for `ms`. */
void fixture_quiet(struct peer *peer, int ms);
void fixture_sleep(int ms);

#define eventually(condition)                                                                      \
    do {                                                                                           \
        for (int i_ = 0; i_ < 1500 && !(condition); i_++)                                          \
            fixture_sleep(2);                                                                      \
        assert_true(condition);                                                                    \
    } while (0)

#endif
