/* SPDX-License-Identifier: BSD-3-Clause */
/* What comes back of files that were cut, damaged, or are not the journal's. */
#include "room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS 12

/* A journal with RECORDS records in one segment. `ends` gets where each line ends, the head's
 * first. */
static void make(const char *folder, char path[4096], size_t ends[RECORDS + 1])
{
    struct error err;
    struct journal *journal = room_must_open(folder);
    assert_false(room_recover(journal).any);
    for (unsigned n = 1; n <= RECORDS; n++) {
        room_append(journal, n);
        assert_int_equal(journal_commit(journal, &err), JOURNAL_OK);
    }
    journal_close(journal);
    room_file(folder, "journal-", path);
    size_t bytes, count = 0;
    char *text = room_read(path, &bytes);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\n')
            ends[count++] = i + 1;
    }
    assert_int_equal(count, RECORDS + 1);
    free(text);
}

static unsigned whole_before(const size_t ends[RECORDS + 1], size_t cut)
{
    unsigned count = 0;
    while (count < RECORDS && ends[count + 1] <= cut)
        count++;
    return count;
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    char folder[4096], path[4096];
    size_t ends[RECORDS + 1];
    snprintf(folder, sizeof folder, "%s", room_new());
    make(folder, path, ends);
    size_t bytes;
    char *text = room_read(path, &bytes);
    room_silent = true;
    for (size_t cut = 0; cut <= bytes; cut++) {
        char copy[4096], name[8300];
        struct error err;
        snprintf(copy, sizeof copy, "%s", room_new());
        room_copy(folder, copy);
        snprintf(name, sizeof name, "%s%s", copy, strrchr(path, '/'));
        room_write(name, text, cut);

        struct journal *journal = room_must_open(copy);
        struct room_found found = room_recover(journal);
        assert_int_equal(found.last, whole_before(ends, cut));
        assert_int_equal(room_count(copy, "journal-0000000001-000001.log.damaged"), 0);
        room_append(journal, found.last + 1);
        room_append(journal, found.last + 2);
        assert_int_equal(journal_commit(journal, &err), JOURNAL_OK);
        journal_close(journal);
        assert_int_equal(room_look(copy).last, found.last + 2);
        assert_int_equal(room_look(copy).last, found.last + 2);
        room_remove(copy);
    }
    room_silent = false;
    free(text);
    room_remove(folder);
}

static void test_flip_at_every_byte(void **state)
{
    (void)state;
    char folder[4096], path[4096];
    size_t ends[RECORDS + 1];
    snprintf(folder, sizeof folder, "%s", room_new());
    make(folder, path, ends);
    size_t bytes;
    char *text = room_read(path, &bytes);
    room_silent = true;
    for (size_t at = 0; at < bytes; at++) {
        char copy[4096], name[8300];
        unsigned char flips[] = {1, 0x20, 0x80, 0xff};
        unsigned flip = flips[at % sizeof flips];
        snprintf(copy, sizeof copy, "%s", room_new());
        room_copy(folder, copy);
        snprintf(name, sizeof name, "%s%s", copy, strrchr(path, '/'));
        text[at] = (char)((unsigned char)text[at] ^ flip);
        room_write(name, text, bytes);
        text[at] = (char)((unsigned char)text[at] ^ flip);

        /* All before the flip, nothing after it, and the file is kept. */
        struct room_found found = room_look(copy);
        assert_int_equal(found.last, at < ends[0] ? 0 : whole_before(ends, at));
        assert_int_equal(room_count(copy, "journal-0000000001-000001.log.damaged"), 1);
        room_remove(copy);
    }
    room_silent = false;
    free(text);
    room_remove(folder);
}

/* Snapshot of 1..6, then 7..12 in the segment after it; the generation before is still there. */
static void make_generations(const char *folder)
{
    struct error err;
    struct journal *journal = room_must_open(folder);
    room_recover(journal);
    for (unsigned n = 1; n <= RECORDS; n++) {
        room_append(journal, n);
        assert_int_equal(journal_commit(journal, &err), JOURNAL_OK);
        if (n == 6)
            assert_int_equal(journal_snapshot(journal, room_snapshot_text(6), &err), JOURNAL_OK);
    }
    journal_close(journal);
    assert_int_equal(room_count(folder, "snapshot-"), 1);
    assert_int_equal(room_count(folder, "journal-"), 2);
}

static void test_flip_in_snapshot(void **state)
{
    (void)state;
    char folder[4096], path[4096];
    snprintf(folder, sizeof folder, "%s", room_new());
    make_generations(folder);
    struct room_found found = room_look(folder);
    assert_int_equal(found.snapshot, 6);
    assert_int_equal(found.last, RECORDS);
    room_file(folder, "snapshot-", path);
    size_t bytes;
    char *text = room_read(path, &bytes);
    room_silent = true;
    for (size_t at = 0; at < bytes; at++) {
        text[at] ^= 4;
        room_write(path, text, bytes);
        text[at] ^= 4;
        found = room_look(folder); /* the records from the beginning are still there */
        assert_int_equal(found.snapshot, 0);
        assert_int_equal(found.last, RECORDS);
    }
    room_silent = false;
    free(text);
    room_remove(folder);
}

static void test_missing_segment(void **state)
{
    (void)state;
    char folder[4096], path[4096];
    snprintf(folder, sizeof folder, "%s", room_new());
    make_generations(folder);
    room_file(folder, "snapshot-", path);
    unlink(path);
    room_file(folder, "journal-0000000001-000001", path);
    unlink(path);
    struct room_found found = room_look(folder); /* 7..12 mean nothing without 1..6 */
    assert_false(found.any);
    assert_int_equal(room_count(folder, "journal-0000000001-000002.log.damaged"), 1);
    assert_false(room_look(folder).any);
    room_remove(folder);
}

/* What a process wrote after another one took over does not come back, in whatever order. */
static void test_late_writes(void **state)
{
    (void)state;
    char folder[4096], path[4096];
    size_t ends[RECORDS + 1], bytes;
    snprintf(folder, sizeof folder, "%s", room_new());
    make(folder, path, ends);
    char *text = room_read(path, &bytes);
    room_write(path, text, ends[5]);
    struct journal *journal = room_must_open(folder);
    assert_int_equal(room_recover(journal).last, 5);
    room_write(path, text, bytes); /* 6..12 of the old process */
    struct error err;
    room_append(journal, 6);
    assert_int_equal(journal_commit(journal, &err), JOURNAL_OK);
    journal_close(journal);
    assert_int_equal(room_look(folder).last, 6);
    free(text);
    room_remove(folder);
}

static void refuse(const char *folder, enum journal_result expected, const char *sentence)
{
    struct error err = {""};
    enum journal_result result;
    assert_null(room_open(folder, JOURNAL_SYNC_BATCH, &result, &err));
    assert_int_equal(result, expected);
    if (!strstr(err.text, sentence) || !strstr(err.text, folder))
        fail_msg("\"%s\" does not say \"%s\"", err.text, sentence);
}

static int as_somebody(void *data)
{
    struct error err;
    enum journal_result result;
    if (geteuid() == 0 && setuid(65534) != 0)
        return 2;
    bool opened = room_open(data, JOURNAL_SYNC_BATCH, &result, &err);
    return opened || result != JOURNAL_FAILED || !strstr(err.text, "Permission denied");
}

static void test_refusals(void **state)
{
    (void)state;
    char folder[4096], path[8300];
    snprintf(folder, sizeof folder, "%s", room_new());
    snprintf(path, sizeof path, "%s/deeper", folder);
    refuse(path, JOURNAL_FAILED, "No such file");
    room_write(folder, "", 0);
    refuse(folder, JOURNAL_FAILED, "Not a directory");
    refuse(path, JOURNAL_FAILED, "Not a directory");
    unlink(folder);

    assert_int_equal(mkdir(folder, 0500), 0);
    assert_int_equal(room_child(as_somebody, folder), 0);
    assert_int_equal(chmod(folder, 0700), 0);

    snprintf(path, sizeof path, "%s/epoch", folder);
    room_write(path, "seven\n", 6);
    refuse(folder, JOURNAL_FAILED, "does not hold a number");
    room_write(path, "", 0);
    refuse(folder, JOURNAL_FAILED, "does not hold a number");
    unlink(path);

    /* A journal that was renamed is not taken for what its name says. */
    room_look(folder);
    char other[8300];
    snprintf(path, sizeof path, "%s/journal-0000000001-000001.log", folder);
    snprintf(other, sizeof other, "%s/journal-0000000001-000002.log", folder);
    assert_int_equal(rename(path, other), 0);
    refuse(folder, JOURNAL_FAILED, "was renamed");
    assert_int_equal(rename(other, path), 0);
    room_look(folder);
    room_remove(folder);
}

/* An epoch file that is lost or older than the files: names are not used again. */
static void test_epoch_file(void **state)
{
    (void)state;
    char folder[4096], path[8300];
    snprintf(folder, sizeof folder, "%s", room_new());
    for (int i = 0; i < 3; i++)
        room_look(folder);
    snprintf(path, sizeof path, "%s/epoch", folder);
    unlink(path);
    struct journal *journal = room_must_open(folder);
    assert_int_equal(journal_epoch(journal), 4);
    room_recover(journal);
    journal_close(journal);
    room_write(path, "40", 2);
    journal = room_must_open(folder);
    assert_int_equal(journal_epoch(journal), 41);
    room_recover(journal);
    journal_close(journal);
    room_remove(folder);
}

/* What is not the journal's stays; what it half wrote goes. */
static void test_strangers(void **state)
{
    (void)state;
    static const char *const kept[] = {"journal-1-1.log", "notes-2.txt", "journal-.log",
                                       "journal-0000000001-000001.log.damaged"};
    static const char *const gone[] = {"snapshot-0000000001-000002.json.tmp", "epoch.tmp"};
    char folder[4096], path[8300];
    snprintf(folder, sizeof folder, "%s", room_new());
    assert_int_equal(mkdir(folder, 0700), 0);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, kept[i]);
        room_write(path, "mine", 4);
    }
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, gone[i]);
        room_write(path, "half", 4);
    }
    assert_false(room_look(folder).any);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(room_count(folder, kept[i]), 1);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(room_count(folder, gone[i]), 0);
    room_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_byte), cmocka_unit_test(test_flip_at_every_byte),
        cmocka_unit_test(test_flip_in_snapshot),  cmocka_unit_test(test_missing_segment),
        cmocka_unit_test(test_late_writes),       cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_epoch_file),        cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
