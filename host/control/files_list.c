/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings, and what of them are images. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/files_internal.h"
#include "scene/json.h"
#include "util/cancel.h"
#include "util/check.h"

#define MAX_CHILDREN 16
#define MAX_OPTIONS 32
#define MAX_METADATA_BYTES (1u << 20)

/* --- images ---------------------------------------------------------------------------------- */

static cJSON *read_json(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    bool file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    char *text = file ? malloc(MAX_METADATA_BYTES) : NULL;
    size_t bytes = 0;
    ssize_t n;
    while (text && bytes < MAX_METADATA_BYTES &&
           (n = read(fd, text + bytes, MAX_METADATA_BYTES - bytes)) > 0)
        bytes += (size_t)n;
    if (fd >= 0)
        close(fd);
    cJSON *json = bytes ? json_parse(text, bytes, NULL) : NULL;
    free(text);
    return json;
}

static bool has_multiscales(int folder)
{
    cJSON *v2 = read_json(folder, ".zattrs"), *v3 = v2 ? NULL : read_json(folder, "zarr.json");
    const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(v3, "attributes");
    const cJSON *ome = cJSON_GetObjectItemCaseSensitive(attributes, "ome");
    const cJSON *holder = v2 ? v2 : ome ? ome : attributes;
    bool has = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(holder, "multiscales")) > 0;
    cJSON_Delete(v2);
    cJSON_Delete(v3);
    return has;
}

static bool is_array(int folder)
{
    struct stat st;
    if (fstatat(folder, ".zarray", &st, 0) == 0 && S_ISREG(st.st_mode))
        return true;
    cJSON *v3 = read_json(folder, "zarr.json");
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(v3, "node_type");
    bool array = cJSON_IsString(type) && strcmp(type->valuestring, "array") == 0;
    cJSON_Delete(v3);
    return array;
}

bool files_is_image(const struct files_scope *scope, const char *path)
{
    int folder = files_open(scope, path);
    bool image = folder >= 0 && (has_multiscales(folder) || is_array(folder));
    if (folder >= 0)
        close(folder);
    return image;
}

static int compare_names(const char *a, const char *b)
{
    int c = strcasecmp(a, b);
    return c ? c : strcmp(a, b);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return compare_names((*a)->d_name, (*b)->d_name);
}

/* What `name` in a folder is, a link followed if it stays in the scope. `fd` is open when it is a
 * folder that can be read, else -1. False when there is nothing to see. */
static bool look(const struct files_scope *scope, int folder, const char *path, const char *name,
                 struct stat *st, int *fd)
{
    *fd = -1;
    if (fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (S_ISLNK(st->st_mode)) {
        char *child = xasprintf("%s/%s", path, name), *real = NULL;
        const char *code;
        bool inside = files_resolve(scope, child, &real, &code, NULL) && stat(real, st) == 0;
        if (inside && S_ISDIR(st->st_mode))
            *fd = files_open(scope, real);
        free(real);
        free(child);
        return inside;
    }
    if (S_ISDIR(st->st_mode))
        *fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return true;
}

/* Folders in an open one that are images, below `prefix`, `depth` folders further at most. */
static void find_images(const struct files_scope *scope, int folder, const char *path,
                        const char *prefix, int depth, int most, cJSON *names)
{
    struct dirent **list;
    int n = scandirat(folder, ".", &list, NULL, by_name);
    for (int pass = 0; pass < 2; pass++) { /* this level before the next one */
        for (int i = 0; i < n && cJSON_GetArraySize(names) < most && !cancel_is_set(scope->cancel);
             i++) {
            struct stat st;
            int fd;
            if (list[i]->d_name[0] == '.' ||
                !look(scope, folder, path, list[i]->d_name, &st, &fd) || fd < 0)
                continue;
            char *name = xasprintf("%s%s", prefix, list[i]->d_name);
            bool image = has_multiscales(fd) || is_array(fd);
            if (pass == 0 && image)
                cJSON_AddItemToArray(names, cJSON_CreateString(name));
            if (pass == 1 && !image && depth > 1) {
                char *child = xasprintf("%s/%s", path, list[i]->d_name);
                char *further = xasprintf("%s/", name);
                find_images(scope, fd, child, further, depth - 1, most, names);
                free(further);
                free(child);
            }
            close(fd);
            free(name);
        }
    }
    for (int i = 0; i < n; i++)
        free(list[i]);
    if (n >= 0)
        free(list);
}

cJSON *files_images(const struct files_scope *scope, const char *path)
{
    cJSON *names = cJSON_CreateArray();
    int folder = files_open(scope, path);
    if (folder >= 0) {
        find_images(scope, folder, path, "", 2, MAX_OPTIONS, names);
        close(folder);
    }
    return names;
}

/* --- listings -------------------------------------------------------------------------------- */

static cJSON *zarr_metadata(const struct files_scope *scope, int folder, const char *path)
{
    bool multiscales = folder >= 0 && has_multiscales(folder);
    bool dataset = multiscales || (folder >= 0 && is_array(folder));
    cJSON *out = cJSON_CreateObject();
    json_put_bool(out, "is_dataset", dataset);
    json_put_bool(out, "has_multiscales", multiscales);
    cJSON *children = json_put(out, "dataset_children", cJSON_CreateArray());
    if (!dataset && folder >= 0)
        find_images(scope, folder, path, "", 1, MAX_CHILDREN, children);
    return out;
}

static bool wanted(const char *name, const cJSON *only)
{
    size_t length = strlen(name);
    if (!only)
        return length >= 5 && strcmp(name + length - 5, ".zarr") == 0;
    if (!only->child)
        return true;
    const cJSON *suffix;
    cJSON_ArrayForEach(suffix, only)
    {
        size_t n = strlen(suffix->valuestring);
        if (n <= length && strcasecmp(name + length - n, suffix->valuestring) == 0)
            return true;
    }
    return false;
}

static void add_entry(const struct files_scope *scope, cJSON *entries, const char *path,
                      const char *name, const struct stat *st, int fd)
{
    bool folder = st && S_ISDIR(st->st_mode);
    cJSON *entry = cJSON_CreateObject();
    json_put_string(entry, "name", name);
    json_put_string(entry, "path", path);
    json_put_bool(entry, "is_dir", folder);
    json_put_number(entry, "size", st && !folder ? (double)st->st_size : 0);
    json_put_number(entry, "mtime", st ? (double)st->st_mtim.tv_sec : 0);
    json_put(entry, "zarr_metadata", folder ? zarr_metadata(scope, fd, path) : cJSON_CreateNull());
    cJSON_AddItemToArray(entries, entry);
}

/* One page of a folder. `last` gets the name that the next page follows, if there is one. */
static bool list_folder(const struct files_scope *scope, const struct files_query *query,
                        const char *path, cJSON *entries, char last[NAME_MAX + 1],
                        const char **code, struct error *err)
{
    struct dirent **list = NULL;
    int folder = files_open(scope, path);
    int n = folder >= 0 ? scandirat(folder, ".", &list, NULL, by_name) : -1;
    if (n < 0) {
        *code = errno == ELOOP ? "fs.forbidden" : "fs.not_found";
        error_set(err, "%s: %s", path, strerror(errno));
        if (folder >= 0)
            close(folder);
        return false;
    }
    const char *newest = NULL;
    bool more = false;
    for (int i = 0; i < n && !more && !cancel_is_set(scope->cancel); i++) {
        const char *name = list[i]->d_name;
        struct stat st;
        int fd;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            (name[0] == '.' && !query->hidden) ||
            !json_is_utf8((const uint8_t *)name, strlen(name)) ||
            (query->cursor && compare_names(name, query->cursor) <= 0) ||
            !look(scope, folder, path, name, &st, &fd))
            continue;
        if (S_ISDIR(st.st_mode) || wanted(name, query->only)) {
            char *child = xasprintf("%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
            more = (size_t)cJSON_GetArraySize(entries) == query->limit;
            if (!more) {
                add_entry(scope, entries, child, name, &st, fd);
                newest = name;
            }
            free(child);
        }
        if (fd >= 0)
            close(fd);
    }
    snprintf(last, NAME_MAX + 1, "%s", more && newest ? newest : "");
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
    close(folder);
    return true;
}

/* What was named, whatever its ending. */
static void list_named(const struct files_scope *scope, cJSON *entries)
{
    for (size_t i = 0; i < scope->named_count && !cancel_is_set(scope->cancel); i++) {
        const char *path = scope->named[i], *slash = strrchr(path, '/');
        const char *name = slash && slash[1] ? slash + 1 : path;
        struct stat st;
        if (strstr(path, "://")) {
            add_entry(scope, entries, path, name, NULL, -1);
        } else if (stat(path, &st) == 0) {
            int fd = S_ISDIR(st.st_mode) ? files_open(scope, path) : -1;
            add_entry(scope, entries, path, name, &st, fd);
            if (fd >= 0)
                close(fd);
        }
    }
}

cJSON *files_list(const struct files_scope *scope, const struct files_query *query,
                  const char **code, struct error *err)
{
    bool named = !scope->root[0] && (!query->path || !query->path[0]);
    char *path = NULL, last[NAME_MAX + 1] = "";
    cJSON *entries = cJSON_CreateArray();
    if (named) {
        list_named(scope, entries);
    } else if (!files_resolve(scope, query->path ? query->path : "", &path, code, err) ||
               !list_folder(scope, query, path, entries, last, code, err)) {
        free(path);
        cJSON_Delete(entries);
        return NULL;
    }
    cJSON *result = cJSON_CreateObject();
    json_put_string(result, "path", path ? path : "");
    json_put(result, "entries", entries);
    json_put_bool(result, "has_more", last[0] != '\0');
    if (last[0])
        json_put_string(result, "cursor", last);
    free(path);
    return result;
}
