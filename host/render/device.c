/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/device.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cuda/cuda.h"
#include "render/egl.h"
#include "util/check.h"

void device_uuid_text(const uint8_t uuid[16], char text[DEVICE_UUID_TEXT])
{
    static const uint8_t zero[16];
    text[0] = '\0';
    if (memcmp(uuid, zero, 16) == 0)
        return;
    char *at = text + sprintf(text, "GPU");
    for (int i = 0; i < 16; i++)
        at += sprintf(at, "%s%02x", i == 0 || i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                      uuid[i]);
}

static void look(struct device *device)
{
    struct error why = {""};
    device->cuda_ordinal = -1;
    struct egl *egl = egl_create(device->index, &why);
    if (!egl) {
        snprintf(device->renderer, sizeof device->renderer, "%s", why.text);
        return;
    }
    const struct oriel_host_gl *gl = egl_host_gl(egl);
    device->usable = true;
    snprintf(device->renderer, sizeof device->renderer, "%s", gl->renderer);
    device_uuid_text(gl->device_uuid, device->uuid);
    struct cuda_hint hint = {.ordinal = egl_cuda_ordinal(egl)};
    memcpy(hint.uuid, gl->device_uuid, sizeof hint.uuid);
    struct cuda_about about;
    if (cuda_find(&hint, &about, &why)) {
        device->cuda_ordinal = about.ordinal;
        snprintf(device->cuda, sizeof device->cuda, "%s", about.name);
        device_uuid_text(about.uuid, device->uuid);
    } else {
        snprintf(device->no_cuda, sizeof device->no_cuda, "%s", why.text);
    }
    egl_destroy(egl);
}

struct device *device_list(size_t *count)
{
    *count = egl_device_count();
    struct device *list = xcalloc(*count + 1, sizeof *list);
    for (size_t i = 0; i < *count; i++) {
        list[i].index = (uint32_t)i;
        look(&list[i]);
    }
    return list;
}

/* ---- which one is meant ---- */

/* Upper and lower case, "GPU-" or not, are the same UUID. */
static bool begins(const char *uuid, const char *wanted)
{
    if (strncasecmp(wanted, "GPU-", 4) == 0)
        wanted += 4;
    size_t length = strlen(wanted);
    return uuid[0] && length > 0 && strncasecmp(uuid + 4, wanted, length) == 0;
}

static bool nothing_fits(const char *wanted, size_t matches, const struct device *list,
                         size_t count, struct error *err)
{
    struct error all;
    size_t at = (size_t)snprintf(
        all.text, sizeof all.text, "render.device: %s \"%s\" (",
        matches ? "more than one device begins with" : "there is no device", wanted);
    for (size_t i = 0; i < count && at < sizeof all.text; i++) {
        const struct device *d = &list[i];
        at += (size_t)snprintf(all.text + at, sizeof all.text - at, "%s%u: %s%s%s", i ? "; " : "",
                               d->index, d->renderer, d->uuid[0] ? ", " : "", d->uuid);
    }
    return error_set(err, "%s%s)", all.text, count ? "" : "EGL shows none");
}

static bool find(const char *wanted, int64_t *index, struct error *err)
{
    char *end;
    errno = 0;
    long number = strtol(wanted, &end, 10);
    bool is_number = isdigit((unsigned char)wanted[0]) && !*end && !errno && strlen(wanted) <= 3;
    if (is_number && number < (long)egl_device_count()) {
        *index = number;
        return true;
    }
    size_t count, matches = 0;
    struct device *list = device_list(&count);
    for (size_t i = 0; i < count && !is_number; i++) {
        if (!begins(list[i].uuid, wanted))
            continue;
        *index = list[i].index;
        matches++;
    }
    bool ok = matches == 1 || nothing_fits(wanted, matches, list, count, err);
    free(list);
    return ok;
}

bool device_select(const char *wanted, int64_t *index, struct error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char before[128];
    static int64_t answer;
    *index = -1;
    if (strcmp(wanted, "auto") == 0)
        return true;
    pthread_mutex_lock(&lock);
    bool ok = before[0] && strcmp(before, wanted) == 0;
    if (ok) {
        *index = answer;
    } else if ((ok = find(wanted, index, err)) && strlen(wanted) < sizeof before) {
        strcpy(before, wanted);
        answer = *index;
    }
    pthread_mutex_unlock(&lock);
    return ok;
}
