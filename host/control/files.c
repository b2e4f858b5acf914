/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of the file system that clients may see: data.root and what is below it, by resolved
 * path; without a root only what was named on the command line. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "config/config.h"
#include "control/room.h"
#include "scene/json.h"
#include "util/check.h"

#define MAX_ENTRIES 1000
#define MAX_CHILDREN 16
#define MAX_OPTIONS 32
#define MAX_METADATA_BYTES (1u << 20)

static bool below(const char *path, const char *root)
{
    size_t n = strlen(root);
    while (n > 1 && root[n - 1] == '/')
        n--;
    return strncmp(path, root, n) == 0 && (path[n] == '/' || !path[n] || n == 1);
}

static bool permitted(const struct control *control, const char *root, const char *path)
{
    if (root[0])
        return below(path, root);
    for (size_t i = 0; i < control->allowed_count; i++) {
        if (below(path, control->allowed[i]))
            return true;
    }
    return false;
}

bool files_resolve(const struct control *control, const char *path, char **resolved,
                   const char **code, struct error *err)
{
    const char *configured = config_string(control->config, "data.root"), *home = getenv("HOME");
    char root[PATH_MAX] = "", real[PATH_MAX];
    if (configured[0] && !realpath(configured, root)) {
        *code = "fs.not_found";
        return error_set(err, "data.root %s: %s", configured, strerror(errno));
    }
    char *full = path[0] == '~' && (path[1] == '/' || !path[1]) && home
                     ? xasprintf("%s%s", home, path + 1)
                 : path[0] == '/' || !root[0] ? xstrdup(path)
                                              : xasprintf("%s/%s", root, path);
    bool found = realpath(full, real) != NULL;
    int why = errno;
    /* Whether a file exists is nobody's business outside; a remote name is what it is. */
    bool allowed = permitted(control, root, found ? real : full);
    if (allowed && (found || strstr(full, "://"))) {
        *resolved = xstrdup(found ? real : full);
        free(full);
        return true;
    }
    free(full);
    if (allowed || (!found && root[0] && path[0] != '/' && !strstr(path, ".."))) {
        *code = "fs.not_found";
        return error_set(err, "%s: %s", path, strerror(why));
    }
    *code = "fs.forbidden";
    return error_set(err,
                     root[0] ? "%s is outside of data.root"
                             : "%s was not named on the command line, and data.root is not set",
                     path);
}

static cJSON *read_json(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    FILE *in = fopen(path, "rb");
    free(path);
    if (!in)
        return NULL;
    char *text = malloc(MAX_METADATA_BYTES);
    size_t bytes = text ? fread(text, 1, MAX_METADATA_BYTES, in) : 0;
    fclose(in);
    cJSON *json = bytes ? json_parse(text, bytes, NULL) : NULL;
    free(text);
    return json;
}

static bool exists(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    struct stat st;
    bool there = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    free(path);
    return there;
}

static bool has_multiscales(const char *path)
{
    cJSON *v2 = read_json(path, ".zattrs"), *v3 = v2 ? NULL : read_json(path, "zarr.json");
    const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(v3, "attributes");
    const cJSON *ome = cJSON_GetObjectItemCaseSensitive(attributes, "ome");
    const cJSON *holder = v2 ? v2 : ome ? ome : attributes;
    bool has = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(holder, "multiscales")) > 0;
    cJSON_Delete(v2);
    cJSON_Delete(v3);
    return has;
}

static bool is_array(const char *path)
{
    if (exists(path, ".zarray"))
        return true;
    cJSON *v3 = read_json(path, "zarr.json");
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(v3, "node_type");
    bool array = cJSON_IsString(type) && strcmp(type->valuestring, "array") == 0;
    cJSON_Delete(v3);
    return array;
}

bool files_is_image(const char *path)
{
    return has_multiscales(path) || is_array(path);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    int c = strcasecmp((*a)->d_name, (*b)->d_name);
    return c ? c : strcmp((*a)->d_name, (*b)->d_name);
}

/* Folders in `path` that are images, below `prefix`, `depth` folders further at most. */
static void find_images(const char *path, const char *prefix, int depth, int most, cJSON *names)
{
    struct dirent **list;
    int n = scandir(path, &list, NULL, by_name);
    if (n < 0)
        return;
    for (int pass = 0; pass < 2; pass++) { /* this level before the next one */
        for (int i = 0; i < n && cJSON_GetArraySize(names) < most; i++) {
            struct stat st;
            if (list[i]->d_name[0] == '.')
                continue;
            char *child = xasprintf("%s/%s", path, list[i]->d_name);
            char *name = xasprintf("%s%s", prefix, list[i]->d_name);
            bool folder = stat(child, &st) == 0 && S_ISDIR(st.st_mode);
            bool image = folder && files_is_image(child);
            if (pass == 0 && image)
                cJSON_AddItemToArray(names, cJSON_CreateString(name));
            if (pass == 1 && folder && !image && depth > 1) {
                char *further = xasprintf("%s/", name);
                find_images(child, further, depth - 1, most, names);
                free(further);
            }
            free(child);
            free(name);
        }
    }
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

cJSON *files_images(const char *path)
{
    cJSON *names = cJSON_CreateArray();
    find_images(path, "", 2, MAX_OPTIONS, names);
    return names;
}

static cJSON *zarr_metadata(const char *path)
{
    bool multiscales = has_multiscales(path);
    bool dataset = multiscales || is_array(path);
    cJSON *out = cJSON_CreateObject();
    json_put_bool(out, "is_dataset", dataset);
    json_put_bool(out, "has_multiscales", multiscales);
    cJSON *children = json_put(out, "dataset_children", cJSON_CreateArray());
    if (!dataset)
        find_images(path, "", 1, MAX_CHILDREN, children);
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

/* False when it is not shown: hidden by the filter, or not readable. */
static bool add_entry(cJSON *entries, const char *path, const char *name, const cJSON *only)
{
    struct stat st;
    bool remote = strstr(path, "://") != NULL;
    if (!remote && stat(path, &st) != 0)
        return false;
    bool folder = !remote && S_ISDIR(st.st_mode);
    if (!folder && !remote && !wanted(name, only))
        return false;
    cJSON *entry = cJSON_CreateObject();
    json_put_string(entry, "name", name);
    json_put_string(entry, "path", path);
    json_put_bool(entry, "is_dir", folder);
    json_put_number(entry, "size", folder || remote ? 0 : (double)st.st_size);
    json_put_number(entry, "mtime", remote ? 0 : (double)st.st_mtim.tv_sec);
    json_put(entry, "zarr_metadata", folder ? zarr_metadata(path) : cJSON_CreateNull());
    cJSON_AddItemToArray(entries, entry);
    return true;
}

static bool list_folder(const char *path, const cJSON *only, bool hidden, cJSON *entries,
                        bool *more, const char **code, struct error *err)
{
    struct dirent **list;
    int n = scandir(path, &list, NULL, by_name);
    if (n < 0) {
        *code = "fs.not_found";
        return error_set(err, "%s: %s", path, strerror(errno));
    }
    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (!dots && (hidden || name[0] != '.')) {
            char *child = xasprintf("%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
            if (cJSON_GetArraySize(entries) >= MAX_ENTRIES)
                *more = true;
            else
                add_entry(entries, child, name, only);
            free(child);
        }
        free(list[i]);
    }
    free(list);
    return true;
}

cJSON *files_list(const char *const *roots, size_t root_count, const char *path, const cJSON *only,
                  bool hidden, const char **code, struct error *err)
{
    cJSON *entries = cJSON_CreateArray();
    bool more = false;
    if (path && !list_folder(path, only, hidden, entries, &more, code, err)) {
        cJSON_Delete(entries);
        return NULL;
    }
    for (size_t i = 0; !path && i < root_count; i++) {
        const char *slash = strrchr(roots[i], '/');
        cJSON *all = cJSON_CreateArray(); /* what was named is shown whatever its ending */
        add_entry(entries, roots[i], slash && slash[1] ? slash + 1 : roots[i], all);
        cJSON_Delete(all);
    }
    cJSON *result = cJSON_CreateObject();
    json_put_string(result, "path", path ? path : "");
    json_put(result, "entries", entries);
    json_put_bool(result, "has_more", more);
    return result;
}
