/* SPDX-License-Identifier: BSD-3-Clause */
/* The smallest host a transport runs under: options by name, buffers that are counted, log lines
 * and failures kept. */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <pthread.h>
#include <stdbool.h>

#include "oriel/transport.h"

struct bench_value {
    const char *name;
    const char *value;
};

struct bench_host {
    struct oriel_host host;
    struct oriel_config config;
    const struct bench_value *values; /* ends with a NULL name */
    const struct oriel_option_table *options;
    char failure[512];
    pthread_mutex_t lock;
    char log[16384]; /* lines so far, while there is room */
};

void bench_host_init(struct bench_host *bench, const struct oriel_option_table *options,
                     const struct bench_value *values);
bool bench_logged(struct bench_host *bench, const char *part); /* [any-thread] */
/* Buffers alive in the process; a test ends with as many as it began. */
int bench_buffers(void);
const struct oriel_buffer *bench_buffer(const void *data, uint64_t bytes);
void bench_buffer_drop(const struct oriel_buffer *buffer);

/* The vtable of a module in ORIEL_MODULE_PATH; NULL with a line on stdout that says what is
 * missing. */
const void *bench_load(const char *file, const char *interface_id);

#endif
