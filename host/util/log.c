/* SPDX-License-Identifier: BSD-3-Clause */
#include "util/log.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const area_names[LOG_AREA_COUNT] = {
    "main",
    "config",
    "module",
    "scene",
    "control",
    "render",
    "data",
    "pixel",
    "transport",
    "http",
    "mcp",
    "camera",
    "dims",
    "layer",
    "state",
    "volume",
    "policy",
    "roi",
    "sends",
    "encoder-keyframes",
    "encoder-nals",
    "encoder-sps",
    "encoder-settings",
};
static const char *const level_names[] = {"off", "error", "warn", "info", "debug", "trace"};

/* 0 stands for the default, INFO. */
static _Atomic uint8_t levels[LOG_AREA_COUNT];

const char *log_area_name(enum log_area area)
{
    return area_names[area];
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (int i = LOG_ERROR; i <= LOG_TRACE; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_level(enum log_area area, enum log_level level)
{
    atomic_store_explicit(&levels[area], (uint8_t)level, memory_order_relaxed);
}

bool log_on(enum log_area area, enum log_level level)
{
    uint8_t limit = atomic_load_explicit(&levels[area], memory_order_relaxed);
    return level <= (limit ? limit : LOG_INFO);
}

void log_write(enum log_area area, enum log_level level, const char *format, ...)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm tm;
    localtime_r(&now.tv_sec, &tm);

    char line[4096];
    int n = snprintf(line, sizeof line, "%02d:%02d:%02d.%03ld %-5s %s: ", tm.tm_hour, tm.tm_min,
                     tm.tm_sec, now.tv_nsec / 1000000, level_names[level], area_names[area]);
    va_list args;
    va_start(args, format);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
    va_end(args);
    size_t length = (size_t)n + (m > 0 ? (size_t)m : 0);
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = (size_t)n; i < length; i++) {
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' '; /* what a peer or a file sent must not forge a line */
    }
    line[length++] = '\n';
    /* One write, so that lines of several threads do not mix. Nothing can be done if it fails. */
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}
