/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "control/files_internal.h"
#include "control/room.h"
#include "util/check.h"

void files_scope_init(struct files_scope *scope, const struct control *control)
{
    *scope = (struct files_scope){.root = xstrdup(config_string(control->config, "data.root")),
                                  .named_count = control->allowed_count};
    scope->named = xcalloc(control->allowed_count, sizeof *scope->named);
    for (size_t i = 0; i < control->allowed_count; i++)
        scope->named[i] = xstrdup(control->allowed[i]);
}

void files_scope_finish(struct files_scope *scope)
{
    for (size_t i = 0; i < scope->named_count; i++)
        free(scope->named[i]);
    free(scope->named);
    free(scope->root);
    *scope = (struct files_scope){0};
}

static bool below(const char *path, const char *base)
{
    size_t n = strlen(base);
    while (n > 1 && base[n - 1] == '/')
        n--;
    return strncmp(path, base, n) == 0 && (path[n] == '/' || !path[n] || n == 1);
}

/* What `path` lies below. `root` is the real one, "" without. */
static const char *base_of(const struct files_scope *scope, const char *root, const char *path)
{
    if (root[0])
        return below(path, root) ? root : NULL;
    for (size_t i = 0; i < scope->named_count; i++) {
        if (below(path, scope->named[i]))
            return scope->named[i];
    }
    return NULL;
}

static bool real_root(const struct files_scope *scope, char root[PATH_MAX], const char **code,
                      struct error *err)
{
    root[0] = '\0';
    if (!scope->root[0] || realpath(scope->root, root))
        return true;
    *code = "fs.not_found";
    return error_set(err, "data.root %s: %s", scope->root, strerror(errno));
}

bool files_resolve(const struct files_scope *scope, const char *path, char **resolved,
                   const char **code, struct error *err)
{
    char root[PATH_MAX], real[PATH_MAX];
    if (!real_root(scope, root, code, err))
        return false;
    const char *home = getenv("HOME");
    char *full = path[0] == '~' && (path[1] == '/' || !path[1]) && home
                     ? xasprintf("%s%s", home, path + 1)
                 : path[0] == '/' || !root[0] ? xstrdup(path)
                                              : xasprintf("%s/%s", root, path);
    bool found = realpath(full, real) != NULL;
    int why = errno;
    /* Whether a file exists is nobody's business outside; a remote name is what it is. */
    bool allowed = base_of(scope, root, found ? real : full) && (found || !strstr(full, "/.."));
    if (allowed && (found || strstr(full, "://"))) {
        *resolved = xstrdup(found ? real : full);
        free(full);
        return true;
    }
    free(full);
    if (allowed) {
        *code = "fs.not_found";
        return error_set(err, "%s: %s", path, strerror(why));
    }
    *code = "fs.forbidden";
    return error_set(err,
                     root[0] ? "%s is outside of data.root"
                             : "%s was not named on the command line, and data.root is not set",
                     path);
}

int files_open(const struct files_scope *scope, const char *real)
{
    char root[PATH_MAX];
    const char *code;
    const char *base = real_root(scope, root, &code, NULL) ? base_of(scope, root, real) : NULL;
    if (!base) {
        errno = EACCES;
        return -1;
    }
    const int folder = O_DIRECTORY | O_CLOEXEC | O_NONBLOCK;
    int fd = open(base, O_RDONLY | folder);
    char *rest = xstrdup(real + strlen(base)), *save = NULL;
    for (char *name = strtok_r(rest, "/", &save); name && fd >= 0;
         name = strtok_r(NULL, "/", &save)) {
        int inner = openat(fd, name, O_RDONLY | folder | O_NOFOLLOW);
        int why = errno;
        close(fd);
        fd = inner;
        errno = why;
    }
    free(rest);
    return fd;
}
