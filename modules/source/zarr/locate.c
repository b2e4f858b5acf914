/* SPDX-License-Identifier: BSD-3-Clause */
#include "locate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has(const char *folder, const char *name)
{
    char path[LOCATE_PATH + 16];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

static bool is_node(const char *folder)
{
    return has(folder, "zarr.json") || has(folder, ".zarray") || has(folder, ".zgroup") ||
           has(folder, ".zattrs") || has(folder, ".zmetadata");
}

static bool plain_path(const char *uri, char *path, struct fault *fault)
{
    const char *from = uri;
    bool url = strncmp(uri, "file://", 7) == 0;
    if (url) {
        from += 7;
        if (strncmp(from, "localhost/", 10) == 0)
            from += 9;
    } else if (strstr(uri, "://")) {
        return fault_set(fault, ORIEL_UNSUPPORTED, "%s: this kind of URL is not supported", uri);
    }
    size_t n = 0;
    for (; *from; from++) {
        char c = *from;
        if (url && c == '%' && isxdigit((unsigned char)from[1]) &&
            isxdigit((unsigned char)from[2])) {
            const char digits[3] = {from[1], from[2], '\0'};
            c = (char)strtol(digits, NULL, 16);
            from += 2;
        }
        if (!c || n + 1 >= LOCATE_PATH)
            return fault_set(fault, ORIEL_UNSUPPORTED, "%.100s…: no usable path", uri);
        path[n++] = c;
    }
    while (n > 1 && path[n - 1] == '/')
        n--;
    path[n] = '\0';
    return n || fault_set(fault, ORIEL_UNSUPPORTED, "an empty path names no data");
}

bool locate(const char *uri, struct location *location, struct fault *fault)
{
    char path[LOCATE_PATH];
    if (!plain_path(uri, path, fault))
        return false;
    snprintf(location->root, sizeof location->root, "%s", path);
    location->inside[0] = '\0';
    if (is_node(path))
        return true;
    struct stat st;
    bool exists = stat(path, &st) == 0;
    int error = errno;
    for (char *slash; (slash = strrchr(location->root, '/')) && slash != location->root;) {
        *slash = '\0';
        if (!is_node(location->root))
            continue;
        snprintf(location->inside, sizeof location->inside, "%s",
                 path + (slash - location->root) + 1);
        return true;
    }
    if (!exists)
        return fault_set(fault, ORIEL_IO, "%s: %s", path, strerror(error));
    return fault_set(fault, ORIEL_UNSUPPORTED, "%s: not a Zarr store: %s", path,
                     S_ISDIR(st.st_mode) ? "it has no zarr.json, .zarray or .zgroup"
                                         : "it is a file, not a folder");
}

unsigned locate_score(const char *uri)
{
    struct location location;
    struct fault ignored;
    if (locate(uri, &location, &ignored))
        return *location.inside ? 60 : 100;
    size_t n = strlen(uri);
    while (n && uri[n - 1] == '/')
        n--;
    return n > 5 && strncmp(uri + n - 5, ".zarr", 5) == 0 ? 10 : 0;
}
