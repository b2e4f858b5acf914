/* SPDX-License-Identifier: BSD-3-Clause */
/* How many cores an encoder counts on, and how many threads it makes of them. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../../modules/encode/common/threads.h"

static char root[64];

/* A file below `root` with the folders above it. */
static void put(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0)
            assert_int_equal(errno, EEXIST);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/oriel-threads-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int drop(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static int drop_root(void **state)
{
    (void)state;
    return nftw(root, drop, 16, FTW_DEPTH | FTW_PHYS);
}

static void quotas_of_version_2(void **state)
{
    (void)state;
    assert_int_equal(encode_cores_under(root, 64), 64); /* nothing is there */
    put("proc/self/cgroup", "0::/\n");
    assert_int_equal(encode_cores_under(root, 64), 64);
    put("sys/fs/cgroup/cpu.max", "400000 100000\n"); /* as a container sees its own group */
    assert_int_equal(encode_cores_under(root, 64), 4);
    assert_int_equal(encode_cores_under(root, 3), 3);
    put("sys/fs/cgroup/cpu.max", "350000 100000\n");
    assert_int_equal(encode_cores_under(root, 64), 3);
    put("sys/fs/cgroup/cpu.max", "50000 100000\n");
    assert_int_equal(encode_cores_under(root, 64), 1);
    put("sys/fs/cgroup/cpu.max", "max 100000\n");
    assert_int_equal(encode_cores_under(root, 64), 64);
    put("sys/fs/cgroup/cpu.max", "nonsense\n");
    assert_int_equal(encode_cores_under(root, 64), 64);
    put("sys/fs/cgroup/cpu.max", "100000 0\n");
    assert_int_equal(encode_cores_under(root, 64), 64);
}

/* The tightest of the group and all above it holds. */
static void quotas_above(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/lab.slice/oriel.service\n");
    put("sys/fs/cgroup/lab.slice/oriel.service/cpu.max", "1600000 100000\n");
    assert_int_equal(encode_cores_under(root, 64), 16);
    put("sys/fs/cgroup/lab.slice/cpu.max", "600000 100000\n");
    assert_int_equal(encode_cores_under(root, 64), 6);
    put("sys/fs/cgroup/lab.slice/cpu.max", "max 100000\n");
    put("sys/fs/cgroup/lab.slice/oriel.service/cpu.max", "max 100000\n");
    assert_int_equal(encode_cores_under(root, 64), 64);
}

static void quotas_of_version_1(void **state)
{
    (void)state;
    put("proc/self/cgroup", "5:devices:/docker/abc\n4:cpuset:/docker/abc\n"
                            "3:cpuacct,cpu:/docker/abc\n0::/\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(encode_cores_under(root, 64), 64);
    /* Inside of the container its group is the mount itself. */
    put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "800000\n");
    assert_int_equal(encode_cores_under(root, 64), 8);
    put("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us", "50000\n");
    put("sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us", "100000\n");
    assert_int_equal(encode_cores_under(root, 64), 2);
}

static void own_machine(void **state)
{
    (void)state;
    unsigned cores = encode_cores();
    assert_true(cores >= 1);
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
    assert_true(cores <= (unsigned)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(encode_cores(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
    assert_int_equal(encode_cores(), cores);
}

static void shares(void **state)
{
    (void)state;
    static const struct {
        unsigned cores;
        uint32_t height;
        int most, share;
    } cases[] = {
        {1, 1080, 16, 1},   {2, 1080, 16, 1},   {3, 1080, 16, 2},   {4, 1080, 16, 3},
        {7, 1080, 16, 6},   {8, 1080, 16, 6},   {16, 1080, 16, 14}, {64, 1080, 16, 16},
        {64, 1080, 64, 17}, {64, 2160, 64, 33}, {64, 720, 16, 11},  {64, 64, 16, 1},
        {64, 16, 16, 1},    {16, 2160, 4, 4},   {0, 0, 16, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(encode_share(cases[i].cores, cases[i].height, cases[i].most),
                         cases[i].share);
    assert_int_equal(encode_thread_count(5, 16, 4), 5); /* as asked for */
    int own = encode_thread_count(0, 1080, 16);
    assert_int_equal(own, encode_share(encode_cores(), 1080, 16));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(quotas_of_version_2, make_root, drop_root),
        cmocka_unit_test_setup_teardown(quotas_above, make_root, drop_root),
        cmocka_unit_test_setup_teardown(quotas_of_version_1, make_root, drop_root),
        cmocka_unit_test(own_machine),
        cmocka_unit_test(shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
