/* SPDX-License-Identifier: BSD-3-Clause */
#include "book.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAMES = 256, RULES = 64, SETTINGS = 64, TEXT = 1 << 16 };

struct number {
    char name[56];
    int64_t value;
};

struct rule {
    char call[56];
    uint32_t left; /* calls until it fires; 0: every call */
    int code;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct number counters[NAMES];
static struct number settings[SETTINGS];
static struct rule rules[RULES];
static unsigned rule_count;
static char texts[TEXT];
static uint32_t fault_count;
static bool env_read;
static uint64_t chance = 88172645463325252u;

/* "cuMemAlloc_v2" and "cuMemAlloc" are one name. */
static void name_copy(char *to, size_t room, const char *from)
{
    snprintf(to, room, "%s", from);
    size_t n = strlen(to);
    if (n > 3 && to[n - 3] == '_' && to[n - 2] == 'v')
        to[n - 3] = 0;
}

static struct number *number_find(struct number *table, size_t room, const char *name, bool make)
{
    char plain[sizeof table->name];
    name_copy(plain, sizeof plain, name);
    for (size_t i = 0; i < room; i++) {
        if (!table[i].name[0]) {
            if (!make)
                return NULL;
            memcpy(table[i].name, plain, sizeof plain);
            return &table[i];
        }
        if (!strcmp(table[i].name, plain))
            return &table[i];
    }
    fprintf(stderr, "standin " STANDIN_NAME ": a table is full\n");
    abort();
}

static void rule_add(const char *call, uint32_t nth, int code)
{
    if (rule_count == RULES)
        abort();
    struct rule *rule = &rules[rule_count++];
    name_copy(rule->call, sizeof rule->call, call);
    rule->left = nth;
    rule->code = code;
}

static void read_settings(void)
{
    const char *at = getenv("ORIEL_STANDIN_SET");
    while (at && *at) {
        char key[48];
        long long value;
        if (sscanf(at, "%47[^=,]=%lld", key, &value) == 2)
            number_find(settings, SETTINGS, key, true)->value = value;
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
}

static void read_environment(void)
{
    if (env_read)
        return;
    env_read = true;
    read_settings();
    const char *at = getenv("ORIEL_STANDIN_FAIL");
    while (at && *at) {
        char call[56];
        unsigned nth;
        int code;
        if (sscanf(at, "%55[^:,]:%u:%d", call, &nth, &code) == 3)
            rule_add(call, nth, code);
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
}

static void report(const char *line)
{
    const char *path = getenv("ORIEL_STANDIN_REPORT");
    FILE *file = path && *path ? fopen(path, "ae") : NULL;
    if (!file)
        return;
    fprintf(file, "standin " STANDIN_NAME ": %s\n", line);
    fclose(file);
}

bool book_enter(const char *call, int *code)
{
    pthread_mutex_lock(&mutex);
    read_environment();
    number_find(counters, NAMES, call, true)->value++;
    char plain[sizeof rules->call];
    name_copy(plain, sizeof plain, call);
    bool fails = false;
    for (unsigned i = 0; i < rule_count; i++) {
        if (strcmp(rules[i].call, plain))
            continue;
        if (rules[i].left > 1) {
            rules[i].left--;
            continue;
        }
        *code = rules[i].code;
        fails = true;
        if (rules[i].left == 1)
            rules[i--] = rules[--rule_count];
    }
    pthread_mutex_unlock(&mutex);
    return fails;
}

void book_fault(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    pthread_mutex_lock(&mutex);
    fault_count++;
    size_t used = strlen(texts);
    snprintf(texts + used, sizeof texts - used, "%s\n", line);
    report(line);
    pthread_mutex_unlock(&mutex);
}

void book_count(const char *what, int64_t n)
{
    pthread_mutex_lock(&mutex);
    number_find(counters, NAMES, what, true)->value += n;
    pthread_mutex_unlock(&mutex);
}

int64_t book_setting(const char *key, int64_t otherwise)
{
    pthread_mutex_lock(&mutex);
    read_environment();
    const struct number *setting = number_find(settings, SETTINGS, key, false);
    int64_t value = setting ? setting->value : otherwise;
    pthread_mutex_unlock(&mutex);
    return value;
}

void book_delay(int64_t otherwise_us)
{
    int64_t most = book_setting("delay.us", otherwise_us);
    if (most <= 0)
        return;
    pthread_mutex_lock(&mutex);
    chance ^= chance << 13; /* xorshift64, Marsaglia 2003 */
    chance ^= chance >> 7;
    chance ^= chance << 17;
    int64_t us = (int64_t)(chance % (uint64_t)most);
    pthread_mutex_unlock(&mutex);
    if (book_setting("delay.fixed", 0))
        us = most;
    struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

void standin_reset(void)
{
    pthread_mutex_lock(&mutex);
    env_read = true;
    rule_count = 0;
    fault_count = 0;
    texts[0] = 0;
    memset(settings, 0, sizeof settings);
    read_settings();
    for (size_t i = 0; i < NAMES; i++)
        if (strncmp(counters[i].name, "live.", 5) != 0)
            counters[i].value = 0;
    pthread_mutex_unlock(&mutex);
}

void standin_fail(const char *call, uint32_t nth, int code)
{
    pthread_mutex_lock(&mutex);
    read_environment();
    rule_add(call, nth, code);
    pthread_mutex_unlock(&mutex);
}

void standin_set(const char *key, int64_t value)
{
    pthread_mutex_lock(&mutex);
    read_environment();
    number_find(settings, SETTINGS, key, true)->value = value;
    pthread_mutex_unlock(&mutex);
}

uint32_t standin_faults(char *text, size_t room)
{
    pthread_mutex_lock(&mutex);
    if (text && room)
        snprintf(text, room, "%s", texts);
    uint32_t n = fault_count;
    pthread_mutex_unlock(&mutex);
    return n;
}

uint64_t standin_count(const char *what)
{
    pthread_mutex_lock(&mutex);
    const struct number *counter = number_find(counters, NAMES, what, false);
    uint64_t n = counter ? (uint64_t)counter->value : 0;
    pthread_mutex_unlock(&mutex);
    return n;
}

__attribute__((destructor)) static void say_goodbye(void)
{
    pthread_mutex_lock(&mutex);
    int64_t live = 0;
    for (size_t i = 0; i < NAMES && counters[i].name[0]; i++)
        if (!strncmp(counters[i].name, "live.", 5) && strcmp(counters[i].name, "live.bytes") != 0)
            live += counters[i].value;
    char line[256];
    size_t used = (size_t)snprintf(line, sizeof line, "%u faults, %lld live objects", fault_count,
                                   (long long)live);
    static const char *const kinds[] = {"input.", "made."};
    for (size_t n = 0; n < 2 * NAMES && used < sizeof line; n++) {
        size_t i = n % NAMES;
        const char *kind = kinds[n / NAMES];
        if (!strncmp(counters[i].name, kind, strlen(kind)))
            used += (size_t)snprintf(line + used, sizeof line - used, ", %s %lld", counters[i].name,
                                     (long long)counters[i].value);
    }
    report(line);
    pthread_mutex_unlock(&mutex);
}
