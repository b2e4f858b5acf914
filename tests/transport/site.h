/* SPDX-License-Identifier: BSD-3-Clause */
/* The host of a transport under test: echoes messages, refuses "/no", tells and closes "/early",
 * answers HTTP by path, counts everything. */
#ifndef SITE_H
#define SITE_H

#include <pthread.h>
#include <stdatomic.h>

#include "bench_host.h"

#define MS INT64_C(1000000)

extern const struct oriel_transport *transport;

struct site {
    struct bench_host bench;
    struct oriel_transport_host to;
    void *self;
    uint32_t ports[4]; /* by listener kind */
    atomic_int opened, closed, writable;
    _Atomic uint64_t last_conn;
    pthread_mutex_t lock;
    char seen[1024];
    pthread_t responder;
    bool responding;
    uint64_t respond_id;
};

extern const struct bench_value free_ports[];

struct site *site_start(const struct bench_value *values);
void site_stop(struct site *site);
void site_sleep(int ms);
int64_t site_now(void);
uint8_t *site_pattern(size_t bytes); /* caller frees */

#define eventually(condition)                                                                      \
    do {                                                                                           \
        int64_t end_ = site_now() + 5000 * MS;                                                     \
        while (!(condition) && site_now() < end_)                                                  \
            site_sleep(2);                                                                         \
        assert_true(condition);                                                                    \
    } while (0)

#endif
