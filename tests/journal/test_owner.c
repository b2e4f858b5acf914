/* SPDX-License-Identifier: BSD-3-Clause */
/* One process owns a state directory: the lock, the epoch, and what a stale process cannot do. */
#include "room.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[4096];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s", room_new());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    room_remove(folder);
    return 0;
}

static void set_epoch(const char *text)
{
    char path[8300];
    snprintf(path, sizeof path, "%s/epoch", folder);
    room_write(path, text, strlen(text));
}

static int try_open(void *data)
{
    struct error err = {""};
    enum journal_result result;
    char *pid = data;
    bool opened = room_open(folder, JOURNAL_SYNC_BATCH, &result, &err);
    return opened || result != JOURNAL_BUSY || !strstr(err.text, folder) || !strstr(err.text, pid);
}

static void test_second_process(void **state)
{
    (void)state;
    char pid[32];
    snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    struct journal *journal = room_must_open(folder);
    uint64_t before = room_bytes(folder, "");
    assert_int_equal(room_child(try_open, pid), 0);
    assert_int_equal(try_open(pid), 0); /* nor this one twice */
    assert_int_equal(room_bytes(folder, ""), before);
    room_recover(journal);
    journal_close(journal);
    journal = room_must_open(folder);
    assert_int_equal(journal_epoch(journal), 2);
    journal_close(journal);
}

static int die_with_lock(void *data)
{
    (void)data;
    room_must_open(folder);
    raise(SIGKILL);
    return 0;
}

static void test_lock_of_the_dead(void **state)
{
    (void)state;
    assert_true(WIFSIGNALED(room_child(die_with_lock, NULL)));
    room_look(folder);
}

static void test_fenced(void **state)
{
    (void)state;
    struct error err = {""};
    struct journal *journal = room_must_open(folder);
    room_recover(journal);
    room_append(journal, 1);
    assert_int_equal(journal_commit(journal, &err), JOURNAL_OK);
    uint64_t before = room_bytes(folder, "journal-");
    set_epoch("2\n");
    for (unsigned n = 2; n < 5; n++) {
        room_append(journal, n);
        assert_int_equal(journal_commit(journal, &err), JOURNAL_FENCED);
        assert_non_null(strstr(err.text, folder));
    }
    assert_int_equal(journal_commit(journal, &err), JOURNAL_FENCED);
    assert_int_equal(journal_snapshot_due(journal), INT64_MAX);
    assert_int_equal(journal_snapshot(journal, room_snapshot_text(4), &err), JOURNAL_FENCED);
    set_epoch("1\n"); /* it does not come back */
    room_append(journal, 5);
    assert_int_equal(journal_commit(journal, &err), JOURNAL_FENCED);
    journal_close(journal);
    assert_int_equal(room_bytes(folder, "journal-"), before);
    assert_int_equal(room_count(folder, "snapshot-"), 0);
    assert_int_equal(room_look(folder).last, 1);
}

static void test_fenced_at_snapshot(void **state)
{
    (void)state;
    struct error err = {""};
    struct journal *journal = room_must_open(folder);
    room_recover(journal);
    set_epoch("2\n");
    assert_int_equal(journal_snapshot(journal, room_snapshot_text(0), &err), JOURNAL_FENCED);
    journal_close(journal);
    assert_int_equal(room_count(folder, "snapshot-"), 0);
    assert_int_equal(room_count(folder, "journal-"), 1);
}

/* The epoch file gone or unreadable is nobody's takeover, but not a place to write to either. */
static void test_epoch_lost(void **state)
{
    (void)state;
    struct error err = {""};
    char path[8300];
    snprintf(path, sizeof path, "%s/epoch", folder);
    struct journal *journal = room_must_open(folder);
    room_recover(journal);
    unlink(path);
    room_append(journal, 1);
    assert_int_equal(journal_commit(journal, &err), JOURNAL_FAILED);
    set_epoch("1\n");
    assert_int_equal(journal_snapshot_due(journal), 0);
    assert_int_equal(journal_snapshot(journal, room_snapshot_text(1), &err), JOURNAL_OK);
    room_append(journal, 2);
    journal_commit(journal, &err);
    journal_close(journal);
    assert_int_equal(room_look(folder).last, 2);
}

/* Commits as fast as it can; tells the number of each commit that was acknowledged, and how it
 * ended. */
static void run_stale(int out)
{
    struct error err;
    struct journal *journal = room_must_open(folder);
    room_recover(journal);
    for (unsigned n = 1;; n++) {
        room_append(journal, n);
        enum journal_result result = journal_commit(journal, &err);
        if (result != JOURNAL_OK)
            _exit(result == JOURNAL_FENCED ? 76 : 1);
        if (write(out, &n, sizeof n) != (ssize_t)sizeof n)
            _exit(2);
    }
}

static unsigned read_last(int in)
{
    unsigned n, last = 0;
    while (read(in, &n, sizeof n) == (ssize_t)sizeof n)
        last = n;
    return last;
}

/* A process that is stopped, loses its lock (as on a file system whose server forgot it) and wakes
 * up when another one owns the directory. */
static void test_stopped_process(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        char lock[8300];
        int ends[2], status;
        assert_int_equal(pipe(ends), 0);
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            run_stale(ends[1]);
        }
        close(ends[1]);
        unsigned first;
        assert_int_equal(read(ends[0], &first, sizeof first), sizeof first);
        usleep(1000 + 700 * (unsigned)round);
        kill(pid, SIGSTOP);
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);

        snprintf(lock, sizeof lock, "%s/lock", folder);
        assert_int_equal(unlink(lock), 0);
        struct journal *journal = room_must_open(folder);
        struct room_found found = room_recover(journal);
        uint64_t before = room_bytes(folder, "journal-");
        kill(pid, SIGCONT);
        unsigned acknowledged = read_last(ends[0]);
        close(ends[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 76);
        /* One batch may have been on its way, between its check and its write; it was not
         * acknowledged, and does not come back. */
        assert_true(room_bytes(folder, "journal-") < before + 64);
        assert_true(found.last >= acknowledged);
        struct error err;
        room_append(journal, found.last + 1);
        assert_int_equal(journal_commit(journal, &err), JOURNAL_OK);
        journal_close(journal);
        assert_int_equal(room_look(folder).last, found.last + 1);
        room_remove(folder);
    }
}

/* Two that hold the lock and the same epoch, as where locks do nothing: the second finds the name
 * of its first file taken. The clash is made by a file that appears under the journal's feet. */
static void test_name_clash(void **state)
{
    (void)state;
    char path[8300];
    struct error err = {""};
    struct journal *journal = room_must_open(folder);
    room_recover(journal);
    snprintf(path, sizeof path, "%s/journal-0000000001-000002.log", folder);
    room_write(path, "", 0);
    assert_int_equal(journal_snapshot(journal, room_snapshot_text(0), &err), JOURNAL_FAILED);
    assert_non_null(strstr(err.text, path));
    room_append(journal, 1); /* the old segment goes on */
    assert_int_equal(journal_commit(journal, &err), JOURNAL_OK);
    unlink(path);
    assert_int_equal(journal_snapshot(journal, room_snapshot_text(1), &err), JOURNAL_OK);
    journal_close(journal);
    struct room_found found = room_look(folder);
    assert_int_equal(found.snapshot, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_second_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lock_of_the_dead, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fenced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fenced_at_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_epoch_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stopped_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_name_clash, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
