/* SPDX-License-Identifier: BSD-3-Clause */
#include "module/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "module/cache.h"
#include "module/inspect.h"
#include "util/check.h"

static bool is(const char *path, const char *key, struct error *err)
{
    char *now = cache_key(path);
    bool same = now && strcmp(now, key) == 0;
    free(now);
    return same || error_set(err, "%s: has changed again meanwhile", path);
}

static bool fill(int to, const char *path, struct error *err)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    bool ok = from >= 0 && fstat(from, &info) == 0;
    for (off_t at = 0; ok && at < info.st_size;)
        ok = sendfile(to, from, &at, (size_t)(info.st_size - at)) > 0;
    ok = ok && fchmod(to, 0500) == 0;
    int cause = errno;
    if (from >= 0)
        close(from);
    return ok || error_set(err, "%s: cannot be copied: %s", path, strerror(cause));
}

/* `name` ends in XXXXXX.so; false when no file can be made there. */
static bool load_as(char *name, const char *path, const char *key, const struct oriel_entry **entry,
                    struct error *err)
{
    int fd = mkostemps(name, 3, O_CLOEXEC);
    if (fd < 0)
        return error_set(err, "%s: %s", name, strerror(errno));
    bool ok = fill(fd, path, err) && is(path, key, err);
    close(fd);
    bool missing;
    *entry = ok ? inspect_load(name, &missing, err) : NULL;
    unlink(name);
    if (ok && !*entry)
        error_prefix(err, "%s, as", path);
    return *entry;
}

const struct oriel_entry *copy_load(const char *path, const char *key, struct error *err)
{
    const struct oriel_entry *entry = NULL;
    const char *slash = strrchr(path, '/'), *folder = getenv("TMPDIR");
    if (!is(path, key, err))
        return NULL;
    /* Beside it what it finds by $ORIGIN is there, and files may be executed. A name that begins
     * with a dot is no module's. */
    char *name = xasprintf("%.*s/.oriel-XXXXXX.so", (int)(slash - path), path);
    bool done = load_as(name, path, key, &entry, err);
    free(name);
    if (!done) { /* a folder that only root may write to */
        name = xasprintf("%s/oriel-XXXXXX.so", folder && *folder == '/' ? folder : "/tmp");
        load_as(name, path, key, &entry, err);
        free(name);
    }
    return entry;
}
