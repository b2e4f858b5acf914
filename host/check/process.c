/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process uses, as /proc tells it. */
#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check/check.h"
#include "util/check.h"
#include "util/clock.h"

static unsigned entries(const char *folder)
{
    unsigned count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return count;
}

unsigned check_threads(void)
{
    return entries("/proc/self/task");
}

unsigned check_fds(void)
{
    return entries("/proc/self/fd"); /* with the one that looks, always */
}

uint64_t check_rss(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%*u %llu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014). */
uint64_t check_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

bool check_sanitized(void)
{
    return dlsym(RTLD_DEFAULT, "__asan_init") || dlsym(RTLD_DEFAULT, "__tsan_init");
}

static size_t kept_bytes; /* by malloc(); atomic */

/* The list makes them reachable, which leak detectors ask for. */
void *check_keep(size_t bytes)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct kept {
        struct kept *next;
        _Alignas(16) uint8_t bytes[];
    } * all;
    struct kept *kept = xcalloc(1, sizeof *kept + bytes);
    __atomic_add_fetch(&kept_bytes, malloc_usable_size(kept), __ATOMIC_RELAXED);
    pthread_mutex_lock(&lock);
    kept->next = all;
    all = kept;
    pthread_mutex_unlock(&lock);
    return kept->bytes;
}

uint64_t check_heap(void)
{
    void *symbol = dlsym(RTLD_DEFAULT, "__sanitizer_get_current_allocated_bytes");
    size_t (*sanitizers)(void);
    memcpy(&sanitizers, &symbol, sizeof symbol); /* POSIX lets it be a function */
    struct mallinfo2 info = mallinfo2();
    uint64_t all = sanitizers ? sanitizers() : info.uordblks + info.hblkhd;
    return all - __atomic_load_n(&kept_bytes, __ATOMIC_RELAXED);
}

bool check_settled(struct check_run *run, unsigned threads, unsigned fds, unsigned ms)
{
    int64_t end = clock_ns() + (int64_t)ms * run->patience * NS_PER_MS;
    while (check_threads() > threads || check_fds() > fds) {
        if (clock_ns() >= end)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 2 * NS_PER_MS}, NULL);
    }
    return true;
}

struct check_use check_use_now(void)
{
    return (struct check_use){check_rss(), check_heap(), check_threads(), check_fds()};
}

void check_flat(struct check_run *run, const struct check_use *before, unsigned lives,
                const char *take, const char *give, uint64_t rss_noise, uint64_t heap_noise)
{
    if (!check_settled(run, before->threads, before->fds, 1000))
        check_fail(run,
                   "%u times %s and %s left %d threads and %d descriptors more than there were; "
                   "%s ends and closes what %s made",
                   lives, take, give, (int)(check_threads() - before->threads),
                   (int)(check_fds() - before->fds), give, take);
    struct check_use after = check_use_now();
    if (heap_noise && after.heap > before->heap + heap_noise + 16u * lives)
        check_fail(run, "%u times %s and %s left %llu bytes of memory each; %s frees what %s took",
                   lives, take, give, (unsigned long long)(after.heap - before->heap) / lives, give,
                   take);
    /* A sanitizer keeps what was freed for a while. */
    if (rss_noise && !check_sanitized() && after.rss > before->rss + rss_noise)
        check_fail(run,
                   "resident memory grew by %llu MB in %u times %s and %s; %s gives back what %s "
                   "took",
                   (unsigned long long)(after.rss - before->rss) >> 20, lives, take, give, give,
                   take);
}
