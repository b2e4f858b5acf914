/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/folders.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "util/check.h"
#include "util/log.h"

static void add(struct folders *folders, char *path)
{
    for (size_t i = 0; i < folders->count; i++) {
        if (strcmp(folders->at[i], path) == 0) {
            free(path);
            return;
        }
    }
    folders->at = xrealloc(folders->at, (folders->count + 1) * sizeof *folders->at);
    folders->at[folders->count++] = path;
}

void folders_finish(struct folders *folders)
{
    for (size_t i = 0; i < folders->count; i++)
        free(folders->at[i]);
    free(folders->at);
    *folders = (struct folders){0};
}

static bool add_folder(struct folders *folders, const char *path, struct error *err)
{
    char *real = realpath(path, NULL);
    struct stat info;
    bool ok = real && stat(real, &info) == 0;
    if (ok && !S_ISDIR(info.st_mode)) {
        errno = ENOTDIR;
        ok = false;
    }
    if (!ok) {
        error_set(err, "%s: %s", path, strerror(errno));
        free(real);
        return false;
    }
    add(folders, real);
    return true;
}

static void add_pattern(struct folders *folders, const char *pattern)
{
    glob_t found;
    if (glob(pattern, GLOB_ONLYDIR, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        add_folder(folders, found.gl_pathv[i], NULL);
    globfree(&found);
}

static void add_environment(struct folders *folders)
{
    const char *list = getenv("ORIEL_MODULE_PATH");
    char *copy = xstrdup(list ? list : ""), *rest = copy;
    for (char *path; (path = strtok_r(rest, ":", &rest));) {
        struct error err;
        if (!add_folder(folders, path, &err))
            log_warn(LOG_MODULE, "ORIEL_MODULE_PATH: %s", err.text);
    }
    free(copy);
}

/* What this program is installed in: it lies in bin, or, as oriel-ab, in libexec/oriel. */
static bool own_prefix(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0)
        return false;
    path[length] = '\0';
    static const char libexec[] = "/libexec/oriel";
    const size_t n = sizeof libexec - 1;
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    size_t folder = strlen(path);
    char *end = folder >= n && strcmp(path + folder - n, libexec) == 0 ? path + folder - n
                                                                       : strrchr(path, '/');
    if (end)
        *end = '\0';
    return end != NULL;
}

bool folders_find(struct folders *folders, const struct config *config, struct error *err)
{
    *folders = (struct folders){0};
    const char *path;
    for (size_t i = 0; (path = config_item(config, "modules.path", i)); i++) {
        if (!add_folder(folders, path, err)) {
            folders_finish(folders);
            return error_prefix(err, "modules.path");
        }
    }
    add_environment(folders);
    const char *home = getenv("HOME");
    if (home && home[0] == '/') {
        char *own = xasprintf("%s/.local/lib/oriel/modules", home);
        add_folder(folders, own, NULL);
        free(own);
    }
    char beside[4096];
    if (own_prefix(beside, sizeof beside)) {
        static const char *const places[] = {"modules", "lib*/oriel/modules",
                                             "lib/*/oriel/modules"};
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            char *pattern = xasprintf("%s/%s", beside, places[i]);
            add_pattern(folders, pattern);
            free(pattern);
        }
    }
    add_pattern(folders, "/usr/local/lib/oriel/modules");
    add_pattern(folders, "/usr/local/lib/*/oriel/modules");
    add_pattern(folders, "/usr/lib/*/oriel/modules");
    return true;
}

static int is_module(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

void folders_files(struct folders *files, const char *folder)
{
    *files = (struct folders){0};
    struct dirent **entries;
    int count = scandir(folder, &entries, is_module, alphasort);
    if (count < 0) {
        log_warn(LOG_MODULE, "%s: %s", folder, strerror(errno));
        return;
    }
    for (int i = 0; i < count; i++) {
        add(files, xasprintf("%s/%s", folder, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
}
