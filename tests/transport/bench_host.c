/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_host.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct counted {
    struct oriel_buffer buffer;
    atomic_int refs;
    uint8_t bytes[];
};
static atomic_int alive;

int bench_buffers(void)
{
    return atomic_load(&alive);
}

const struct oriel_buffer *bench_buffer(const void *data, uint64_t bytes)
{
    struct counted *counted = malloc(sizeof *counted + 64 + bytes);
    counted->buffer = (struct oriel_buffer){.size = sizeof counted->buffer,
                                            .headroom = 64,
                                            .data = counted->bytes + 64,
                                            .bytes = bytes};
    memcpy(counted->bytes + 64, data, bytes);
    atomic_init(&counted->refs, 1);
    atomic_fetch_add(&alive, 1);
    return &counted->buffer;
}

void bench_buffer_drop(const struct oriel_buffer *buffer)
{
    struct counted *counted = (struct counted *)(uintptr_t)buffer;
    if (atomic_fetch_sub(&counted->refs, 1) == 1) {
        atomic_fetch_sub(&alive, 1);
        free(counted);
    }
}

static const struct oriel_buffer *host_buffer_new(const struct oriel_host *host, const void *data,
                                                  uint64_t bytes)
{
    (void)host;
    return bench_buffer(data, bytes);
}

static void host_buffer_ref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    (void)host;
    atomic_fetch_add(&((struct counted *)(uintptr_t)buffer)->refs, 1);
}

static void host_buffer_unref(const struct oriel_host *host, const struct oriel_buffer *buffer)
{
    (void)host;
    bench_buffer_drop(buffer);
}

static void host_log(const struct oriel_host *host, uint32_t level, const char *text)
{
    struct bench_host *bench = host->data;
    if (level <= ORIEL_LOG_WARN || getenv("BENCH_VERBOSE"))
        printf("# log %u: %s\n", level, text);
    pthread_mutex_lock(&bench->lock);
    size_t used = strlen(bench->log);
    snprintf(bench->log + used, sizeof bench->log - used, "%s\n", text);
    pthread_mutex_unlock(&bench->lock);
}

bool bench_logged(struct bench_host *bench, const char *part)
{
    pthread_mutex_lock(&bench->lock);
    bool found = strstr(bench->log, part);
    pthread_mutex_unlock(&bench->lock);
    return found;
}

static oriel_result host_fail(const struct oriel_host *host, oriel_result result, const char *text)
{
    struct bench_host *bench = host->data;
    snprintf(bench->failure, sizeof bench->failure, "%s", text);
    return result;
}

static int64_t host_now(const struct oriel_host *host)
{
    (void)host;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static const void *host_interface(const struct oriel_host *host, const char *id)
{
    (void)host;
    (void)id;
    return NULL;
}

static const char *get_string(const struct oriel_config *config, const char *name)
{
    const struct bench_host *bench = config->data;
    for (const struct bench_value *value = bench->values; value && value->name; value++) {
        if (strcmp(value->name, name) == 0)
            return value->value;
    }
    for (uint32_t i = 0; i < bench->options->count; i++) {
        if (strcmp(bench->options->options[i].name, name) == 0)
            return bench->options->options[i].default_value;
    }
    printf("# the module asks for an option it does not have: %s\n", name);
    abort();
}

static int64_t get_int(const struct oriel_config *config, const char *name)
{
    return strtoll(get_string(config, name), NULL, 10);
}

static double get_float(const struct oriel_config *config, const char *name)
{
    return strtod(get_string(config, name), NULL);
}

void bench_host_init(struct bench_host *bench, const struct oriel_option_table *options,
                     const struct bench_value *values)
{
    *bench = (struct bench_host){
        .host = {.size = sizeof bench->host,
                 .abi_minor = ORIEL_ABI_MINOR,
                 .data = bench,
                 .log = host_log,
                 .fail = host_fail,
                 .now_ns = host_now,
                 .buffer_new = host_buffer_new,
                 .buffer_ref = host_buffer_ref,
                 .buffer_unref = host_buffer_unref,
                 .get_interface = host_interface},
        .config = {.size = sizeof bench->config,
                   .get_int = get_int,
                   .get_float = get_float,
                   .get_string = get_string,
                   .data = bench},
        .values = values,
        .options = options,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
}

const void *bench_load(const char *file, const char *interface_id)
{
    const char *folder = getenv("ORIEL_MODULE_PATH");
    if (!folder) {
        printf("# skipped: ORIEL_MODULE_PATH is not set\n");
        return NULL;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const struct oriel_entry *entry = library ? dlsym(library, ORIEL_ENTRY_SYMBOL) : NULL;
    if (!entry) {
        printf("# skipped: %s\n", dlerror());
        return NULL;
    }
    return entry->get_factory(interface_id);
}
