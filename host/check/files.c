/* SPDX-License-Identifier: BSD-3-Clause */
#include "check/files.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/check.h"

static FTS *walk(const char *path)
{
    char *const paths[] = {(char *)(uintptr_t)path, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    CHECK(tree);
    return tree;
}

uint64_t files_bytes(const char *path)
{
    uint64_t bytes = 0;
    FTS *tree = walk(path);
    for (FTSENT *at; (at = fts_read(tree));)
        bytes += at->fts_info == FTS_F ? (uint64_t)at->fts_statp->st_size : 0;
    fts_close(tree);
    return bytes;
}

uint8_t *files_read(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0) {
        if (file)
            fclose(file);
        return NULL;
    }
    uint8_t *data = malloc(status.st_size ? (size_t)status.st_size : 1);
    *bytes = data ? fread(data, 1, (size_t)status.st_size, file) : 0;
    fclose(file);
    return data;
}

static bool copy_file(const char *from, const char *to)
{
    size_t bytes;
    uint8_t *data = files_read(from, &bytes);
    FILE *file = data ? fopen(to, "we") : NULL;
    bool ok = file && fwrite(data, 1, bytes, file) == bytes;
    ok = file && fclose(file) == 0 && ok;
    free(data);
    return ok;
}

bool files_copy(const char *from, const char *to)
{
    bool ok = true;
    size_t skip = strlen(from);
    FTS *tree = walk(from);
    for (FTSENT *at; ok && (at = fts_read(tree));) {
        char *target = xasprintf("%s%s", to, at->fts_path + skip);
        if (at->fts_info == FTS_D)
            ok = mkdir(target, 0755) == 0;
        else if (at->fts_info == FTS_F)
            ok = copy_file(at->fts_path, target);
        free(target);
    }
    fts_close(tree);
    return ok;
}

void files_remove(const char *path)
{
    FTS *tree = walk(path);
    for (FTSENT *at; (at = fts_read(tree));) {
        if (at->fts_info != FTS_D)
            remove(at->fts_path);
    }
    fts_close(tree);
}

struct found {
    int depth;
    char *path;
};

static int nearest_root(const void *a, const void *b)
{
    const struct found *one = a, *two = b;
    return one->depth != two->depth ? one->depth - two->depth : strcmp(one->path, two->path);
}

void files_each(const char *path, void (*visit)(void *data, const char *path), void *data)
{
    struct found *all = NULL;
    size_t count = 0;
    FTS *tree = walk(path);
    for (FTSENT *at; (at = fts_read(tree));) {
        if (at->fts_info != FTS_F)
            continue;
        all = xrealloc(all, (count + 1) * sizeof *all);
        all[count++] = (struct found){at->fts_level, xstrdup(at->fts_path)};
    }
    fts_close(tree);
    if (count)
        qsort(all, count, sizeof *all, nearest_root);
    for (size_t i = 0; i < count; i++) {
        visit(data, all[i].path);
        free(all[i].path);
    }
    free(all);
}
