/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool store_text(struct store *store, const char *key, uint64_t limit, char **text, size_t *bytes,
                struct fault *fault)
{
    *text = NULL;
    *bytes = 0;
    struct store_object object;
    if (!store->ops->open(store, key, &object, fault))
        return false;
    if (!object.found)
        return true;
    bool ok = false;
    char *data = NULL;
    if (object.bytes > limit)
        fault_set(fault, ORIEL_IO, "%s/%s: %llu bytes are too many for metadata", store->name, key,
                  (unsigned long long)object.bytes);
    else if (!(data = malloc((size_t)object.bytes + 1)))
        fault_nomem(fault);
    else
        ok = store->ops->read(store, key, &object, 0, object.bytes, data, fault);
    store->ops->close(store, &object);
    if (!ok) {
        free(data);
        return false;
    }
    data[object.bytes] = '\0';
    *text = data;
    *bytes = (size_t)object.bytes;
    return true;
}

bool key_join(char *out, size_t room, const char *a, const char *b)
{
    int n = snprintf(out, room, "%s%s%s", a, *a && *b ? "/" : "", b);
    return n >= 0 && (size_t)n < room;
}

bool key_is_safe(const char *path)
{
    if (*path == '/')
        return false;
    for (const char *part = path; *part;) {
        size_t n = strcspn(part, "/");
        if (n == 2 && part[0] == '.' && part[1] == '.')
            return false;
        part += n;
        part += *part == '/';
    }
    return true;
}
