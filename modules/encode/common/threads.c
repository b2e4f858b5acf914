/* SPDX-License-Identifier: BSD-3-Clause */
#include "threads.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MASKS = 8 }; /* of 1024 cores each: the kernel refuses a mask shorter than its own */

static unsigned cores_allowed(void)
{
    cpu_set_t sets[MASKS];
    if (sched_getaffinity(0, sizeof(sets), sets) == 0)
        return (unsigned)CPU_COUNT_S(sizeof(sets), sets);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

static bool read_line(const char *path, char *line, int room)
{
    FILE *file = fopen(path, "re");
    bool ok = file && fgets(line, room, file);
    if (file)
        fclose(file);
    return ok;
}

static unsigned fewer(unsigned cores, int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0 || quota / period >= (int64_t)cores)
        return cores;
    return quota < period ? 1 : (unsigned)(quota / period);
}

/* cpu.max is "QUOTA PERIOD" in µs, or "max PERIOD". */
static unsigned limit_v2(const char *folder, unsigned cores)
{
    char path[PATH_MAX], line[64];
    int64_t quota, period;
    if (snprintf(path, sizeof(path), "%s/cpu.max", folder) < (int)sizeof(path) &&
        read_line(path, line, sizeof(line)) &&
        sscanf(line, "%" SCNd64 " %" SCNd64, &quota, &period) == 2)
        return fewer(cores, quota, period);
    return cores;
}

static unsigned limit_v1(const char *folder, unsigned cores)
{
    char path[PATH_MAX], line[64];
    int64_t values[2];
    static const char *const names[] = {"cpu.cfs_quota_us", "cpu.cfs_period_us"};
    for (int i = 0; i < 2; i++)
        if (snprintf(path, sizeof(path), "%s/%s", folder, names[i]) >= (int)sizeof(path) ||
            !read_line(path, line, sizeof(line)) || sscanf(line, "%" SCNd64, &values[i]) != 1)
            return cores;
    return fewer(cores, values[0], values[1]);
}

/* The group's folder and all above it up to the mount: inside of a container the path is often one
 * of the outside, and only the mount itself is there. */
static unsigned limit_up(char *folder, size_t mount, unsigned cores,
                         unsigned (*limit)(const char *folder, unsigned cores))
{
    for (;;) {
        cores = limit(folder, cores);
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < mount)
            return cores;
        *slash = '\0';
    }
}

unsigned encode_cores_under(const char *root, unsigned allowed)
{
    unsigned cores = allowed ? allowed : 1;
    char path[PATH_MAX], line[PATH_MAX];
    snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        /* "0::/GROUP", or "ID:CONTROLLERS:/GROUP" in version 1. */
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        *group++ = '\0';
        group[strcspn(group, "\n")] = '\0';
        bool unified = controllers[1] == '\0', cpu = false;
        char *rest = controllers + 1, *name;
        while ((name = strtok_r(rest, ",", &rest)))
            cpu |= strcmp(name, "cpu") == 0;
        if (!unified && !cpu)
            continue;
        char folder[2 * PATH_MAX];
        int mount =
            snprintf(folder, sizeof(folder), "%s/sys/fs/cgroup%s", root, unified ? "" : "/cpu");
        size_t room = sizeof(folder) - (size_t)mount;
        if (strcmp(group, "/") != 0 && snprintf(folder + mount, room, "%s", group) >= (int)room)
            continue;
        cores = limit_up(folder, (size_t)mount, cores, unified ? limit_v2 : limit_v1);
    }
    if (file)
        fclose(file);
    return cores;
}

unsigned encode_cores(void)
{
    return encode_cores_under("", cores_allowed());
}

int encode_share(unsigned cores, uint32_t height, int most)
{
    unsigned share = cores <= 2 ? 1 : cores < 8 ? cores - 1 : cores - 2;
    unsigned slices = (height / 16 + (height % 16 != 0)) / 4;
    if (share > slices)
        share = slices ? slices : 1;
    return share > (unsigned)most ? most : (int)share;
}

int encode_thread_count(int64_t wanted, uint32_t height, int most)
{
    return wanted > 0 ? (int)wanted : encode_share(encode_cores(), height, most);
}
