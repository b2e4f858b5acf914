/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing that was acknowledged is lost: a writer is killed before and in the middle of every
 * system call it makes, meets an error in every one, and is killed at random. The linker puts the
 * functions below between the journal and the C library. */
#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"

enum fault { FAULT_NONE, FAULT_DIE, FAULT_FAIL };

/* Shared with children, so that the parent sees how many calls they made. */
static struct {
    enum fault kind;
    int error;
    int at;        /* the call that it happens to, from 1 */
    bool for_ever; /* and to all later ones */
    atomic_int calls;
} * fault;

/* Counts the call; true when the fault comes in it. */
static bool due(void)
{
    int call = atomic_fetch_add(&fault->calls, 1) + 1;
    return fault->kind != FAULT_NONE &&
           (call == fault->at || (call > fault->at && fault->for_ever));
}

static int meet(void)
{
    if (fault->kind == FAULT_DIE)
        kill(getpid(), SIGKILL);
    errno = fault->error;
    return -1;
}

#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return due() ? meet() : __real_##name arguments;                                           \
    }
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
WRAP(int, ftruncate, (int fd, off_t length), (fd, length))
WRAP(int, openat, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode))

ssize_t __real_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count);
/* A fault comes when half of it is written. */
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count)
{
    if (!due())
        return __real_writev(fd, parts, count);
    const struct iovec half = {parts[0].iov_base, parts[0].iov_len / 2};
    return __real_writev(fd, &half, 1) < 0 ? -1 : meet();
}

struct writer {
    char folder[4096];
    enum journal_sync sync;
    unsigned count;
    int out; /* where acknowledged numbers go */
};

static void acknowledge(const struct writer *writer, unsigned n)
{
    if (write(writer->out, &n, sizeof n) != (ssize_t)sizeof n)
        _exit(3);
}

/* What a server does: batches of one or two records, snapshots when they are due, and after an
 * error it goes on. Numbers go on after what was recovered. */
static int write_records(void *data)
{
    const struct writer *writer = data;
    struct error err;
    enum journal_result result;
    struct journal *journal = room_open(writer->folder, writer->sync, &result, &err);
    if (!journal)
        return result == JOURNAL_FAILED ? 10 : 11;
    unsigned n = room_recover(journal).last, end = n + writer->count;
    bool silent = false;
    while (n < end) {
        room_append(journal, ++n);
        if (n % 3 == 0)
            room_append(journal, ++n);
        err.text[0] = '\0';
        result = journal_commit(journal, &err);
        silent |= result != JOURNAL_OK && !err.text[0];
        if (result == JOURNAL_OK)
            acknowledge(writer, n);
        if (journal_snapshot_due(journal) == 0)
            journal_snapshot(journal, room_snapshot_text(n), &err);
        if (n % 4 == 0)
            usleep(300); /* the journal's thread gets on */
    }
    journal_close(journal);
    return silent ? 12 : 0;
}

/* The last number that a writer acknowledged before it ended; 0: none. */
static unsigned run_writer(struct writer *writer, int *status)
{
    int ends[2];
    unsigned n, last = 0;
    assert_int_equal(pipe(ends), 0);
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    writer->out = ends[1];
    atomic_store(&fault->calls, 0); /* the child begins with it */
    *status = room_child(write_records, writer);
    close(ends[1]);
    while (read(ends[0], &n, sizeof n) == (ssize_t)sizeof n)
        last = n;
    close(ends[0]);
    return last;
}

/* The same with a fault in the n-th call, for every n; before it a writer that meets none, so that
 * there is something to recover and to remove, and one after it. */
static void at_every_call(enum journal_sync sync, enum fault kind, int error, bool for_ever)
{
    struct writer writer = {.sync = sync, .count = 25};
    int at = 0, status;
    bool met = true;
    room_snapshot_bytes = 100;
    while (met) {
        snprintf(writer.folder, sizeof writer.folder, "%s", room_new_in_memory());
        fault->kind = FAULT_NONE;
        unsigned before = run_writer(&writer, &status);
        assert_int_equal(status, 0);
        assert_int_equal(before, 25);

        fault->kind = kind;
        fault->error = error;
        fault->at = ++at;
        fault->for_ever = for_ever;
        room_silent = true;
        unsigned acknowledged = run_writer(&writer, &status);
        if (kind == FAULT_DIE) {
            met = WIFSIGNALED(status);
        } else {
            assert_true(WIFEXITED(status));
            assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 10);
            met = atomic_load(&fault->calls) >= at;
        }
        fault->kind = FAULT_NONE;
        unsigned found = room_look(writer.folder).last;
        if (found < acknowledged || found < before)
            fail_msg("call %d: %u and %u were acknowledged, %u are there", at, before, acknowledged,
                     found);
        unsigned after = run_writer(&writer, &status);
        assert_int_equal(status, 0);
        assert_true(after >= found + 25);
        assert_int_equal(room_look(writer.folder).last, after);
        room_silent = false;
        room_remove(writer.folder);
    }
    assert_true(at > 30);
}

static void test_killed_at_every_call(void **state)
{
    (void)state;
    at_every_call(JOURNAL_SYNC_BATCH, FAULT_DIE, 0, false);
    at_every_call(JOURNAL_SYNC_INTERVAL, FAULT_DIE, 0, false);
}

static void test_error_in_every_call(void **state)
{
    (void)state;
    at_every_call(JOURNAL_SYNC_BATCH, FAULT_FAIL, EIO, false);
    at_every_call(JOURNAL_SYNC_INTERVAL, FAULT_FAIL, EIO, false);
    at_every_call(JOURNAL_SYNC_BATCH, FAULT_FAIL, ENOSPC, true);
}

/* A writer under load, killed at moments nobody chose. */
static void test_killed_at_random(void **state)
{
    (void)state;
    struct writer writer = {.sync = JOURNAL_SYNC_BATCH, .count = 1000000};
    unsigned acknowledged = 0, n;
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    room_snapshot_bytes = 4000;
    snprintf(writer.folder, sizeof writer.folder, "%s", room_new());
    room_silent = true;
    for (int round = 0; round < 50; round++) {
        int ends[2], status;
        assert_int_equal(pipe(ends), 0);
        writer.out = ends[1];
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            _exit(write_records(&writer));
        }
        close(ends[1]);
        int64_t until = clock_ns() + (int64_t)(rand_r(&seed) % 60000) * 1000;
        while (clock_ns() < until && read(ends[0], &n, sizeof n) == (ssize_t)sizeof n)
            acknowledged = n;
        kill(pid, SIGKILL);
        while (read(ends[0], &n, sizeof n) == (ssize_t)sizeof n)
            acknowledged = n;
        close(ends[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        unsigned found = room_look(writer.folder).last;
        if (found < acknowledged)
            fail_msg("%u were acknowledged, %u are there", acknowledged, found);
    }
    printf("%u records were acknowledged\n", acknowledged);
    assert_true(acknowledged > 50);
    int status;
    writer.count = 1000; /* one that is let live clears up after the others */
    run_writer(&writer, &status);
    assert_int_equal(status, 0);
    assert_in_range(room_count(writer.folder, "snapshot-"), 1, 2);
    room_silent = false;
    room_remove(writer.folder);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(20);
}

/* A disk that is full and has room again, as far as a limit can play it. */
static int write_on_full_disk(void *data)
{
    const struct writer *writer = data;
    struct error err;
    enum journal_result result;
    signal(SIGXFSZ, SIG_IGN);
    struct journal *journal = room_open(writer->folder, writer->sync, &result, &err);
    room_recover(journal);
    limit_files(1000);
    unsigned n = 0, stored = 0;
    do {
        stored = n;
        room_append(journal, ++n);
        result = journal_commit(journal, &err);
    } while (result == JOURNAL_OK && n < 1000);
    acknowledge(writer, stored);
    if (result != JOURNAL_FAILED || !strstr(err.text, "File too large") ||
        room_bytes(writer->folder, "journal-") > 1000)
        return 21;
    limit_files(10); /* nor does a snapshot go anywhere */
    if (journal_snapshot(journal, room_snapshot_text(n), &err) != JOURNAL_FAILED)
        return 22;
    room_append(journal, ++n);
    if (journal_commit(journal, &err) != JOURNAL_FAILED)
        return 23;
    int64_t due = journal_snapshot_due(journal), now = clock_ns();
    if (due < now || due > now + 2 * NS_PER_S)
        return 24; /* not at once, but soon */
    limit_files(RLIM_INFINITY);
    if (journal_snapshot(journal, room_snapshot_text(n), &err) != JOURNAL_OK)
        return 25;
    for (int i = 0; i < 2000 && result != JOURNAL_OK; i++) {
        usleep(1000);
        result = journal_commit(journal, &err); /* of an empty batch */
    }
    if (result != JOURNAL_OK)
        return 26;
    room_append(journal, ++n);
    if (journal_commit(journal, &err) != JOURNAL_OK)
        return 27;
    acknowledge(writer, n);
    raise(SIGKILL);
    return 28;
}

static void test_full_disk(void **state)
{
    (void)state;
    for (int sync = JOURNAL_SYNC_BATCH; sync <= JOURNAL_SYNC_OFF; sync++) {
        struct writer writer = {.sync = (enum journal_sync)sync};
        int ends[2];
        unsigned n, acknowledged = 0;
        room_snapshot_bytes = 100000;
        snprintf(writer.folder, sizeof writer.folder, "%s", room_new());
        assert_int_equal(pipe(ends), 0);
        writer.out = ends[1];
        int status = room_child(write_on_full_disk, &writer);
        close(ends[1]);
        while (read(ends[0], &n, sizeof n) == (ssize_t)sizeof n)
            acknowledged = n;
        close(ends[0]);
        if (!WIFSIGNALED(status))
            fail_msg("the child ended with %d", WEXITSTATUS(status));
        assert_int_equal(room_look(writer.folder).last, acknowledged);
        room_remove(writer.folder);
    }
}

int main(void)
{
    fault = mmap(NULL, sizeof *fault, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (fault == MAP_FAILED)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_every_call),
        cmocka_unit_test(test_error_in_every_call),
        cmocka_unit_test(test_killed_at_random),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
