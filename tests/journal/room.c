/* SPDX-License-Identifier: BSD-3-Clause */
#include "room.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *make_name(const char *where)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/oriel-journal-XXXXXX", where);
    assert_non_null(mkdtemp(path));
    assert_int_equal(rmdir(path), 0);
    return path;
}

const char *room_new(void)
{
    const char *tmp = getenv("TMPDIR");
    return make_name(tmp ? tmp : "/tmp");
}

const char *room_new_in_memory(void)
{
    return access("/dev/shm", W_OK) == 0 ? make_name("/dev/shm") : room_new();
}

/* Calls `each` for every file. */
static void walk(const char *folder, void (*each)(const char *path, const char *name, void *data),
                 void *data)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        each(path, entry->d_name, data);
    }
    closedir(dir);
}

static void remove_file(const char *path, const char *name, void *data)
{
    (void)name, (void)data;
    unlink(path);
}

void room_remove(const char *folder)
{
    walk(folder, remove_file, NULL);
    rmdir(folder);
}

static void copy_file(const char *path, const char *name, void *data)
{
    char target[4096];
    size_t bytes;
    snprintf(target, sizeof target, "%s/%s", (const char *)data, name);
    char *content = room_read(path, &bytes);
    room_write(target, content, bytes);
    free(content);
}

void room_copy(const char *from, const char *to)
{
    char target[4096];
    snprintf(target, sizeof target, "%s", to);
    assert_int_equal(mkdir(target, 0700), 0);
    walk(from, copy_file, target);
}

struct search {
    const char *start;
    char *path;
    size_t count;
    uint64_t bytes;
};

static void match(const char *path, const char *name, void *data)
{
    struct search *search = data;
    struct stat info;
    if (strncmp(name, search->start, strlen(search->start)) != 0)
        return;
    if (search->path)
        snprintf(search->path, 4096, "%s", path);
    search->count++;
    assert_int_equal(stat(path, &info), 0);
    search->bytes += (uint64_t)info.st_size;
}

void room_file(const char *folder, const char *start, char path[4096])
{
    struct search search = {.start = start, .path = path};
    walk(folder, match, &search);
    assert_int_equal(search.count, 1);
}

size_t room_count(const char *folder, const char *start)
{
    struct search search = {.start = start};
    walk(folder, match, &search);
    return search.count;
}

uint64_t room_bytes(const char *folder, const char *start)
{
    struct search search = {.start = start};
    walk(folder, match, &search);
    return search.bytes;
}

char *room_read(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    char *data = malloc(*bytes + 1);
    assert_int_equal(fread(data, 1, *bytes, file), *bytes);
    data[*bytes] = '\0';
    fclose(file);
    return data;
}

void room_write(const char *path, const char *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

bool room_silent;
uint64_t room_snapshot_bytes = 1024;

struct journal *room_open(const char *folder, enum journal_sync sync, enum journal_result *result,
                          struct error *err)
{
    const struct journal_options options = {
        .folder = folder, .sync = sync, .sync_ms = 1, .snapshot_bytes = room_snapshot_bytes};
    int kept = room_silent ? dup(STDERR_FILENO) : -1;
    if (kept >= 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDERR_FILENO);
        close(null);
    }
    struct journal *journal = journal_open(&options, result, err);
    if (kept >= 0) {
        dup2(kept, STDERR_FILENO);
        close(kept);
    }
    return journal;
}

struct journal *room_must_open(const char *folder)
{
    struct error err = {""};
    enum journal_result result;
    struct journal *journal = room_open(folder, JOURNAL_SYNC_OFF, &result, &err);
    if (!journal)
        fail_msg("%s", err.text);
    assert_int_equal(result, JOURNAL_OK);
    return journal;
}

void room_append(struct journal *journal, unsigned n)
{
    char text[64];
    int length = snprintf(text, sizeof text, "{\"n\":%u}", n);
    journal_append(journal, text, (size_t)length);
}

char *room_snapshot_text(unsigned n)
{
    char *text = malloc(64);
    snprintf(text, 64, "{\"upto\":%u}", n);
    return text;
}

static void found_snapshot(void *data, const char *text, size_t bytes)
{
    struct room_found *found = data;
    assert_int_equal(bytes, strlen(text));
    assert_int_equal(sscanf(text, "{\"upto\":%u}", &found->snapshot), 1);
    found->last = found->snapshot;
}

static void found_record(void *data, const char *text, size_t bytes)
{
    struct room_found *found = data;
    char expected[64];
    int length = snprintf(expected, sizeof expected, "{\"n\":%u}", found->last + 1);
    assert_int_equal(bytes, length);
    assert_string_equal(text, expected);
    found->last++;
    found->records++;
}

struct room_found room_recover(struct journal *journal)
{
    struct room_found found = {0};
    found.any = journal_recover(journal, &(struct journal_visitor){.snapshot = found_snapshot,
                                                                   .record = found_record,
                                                                   .data = &found});
    return found;
}

struct room_found room_look(const char *folder)
{
    struct journal *journal = room_must_open(folder);
    struct room_found found = room_recover(journal);
    journal_close(journal);
    return found;
}

int room_child(int (*run)(void *data), void *data)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(data));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}
