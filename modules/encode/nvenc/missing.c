/* SPDX-License-Identifier: BSD-3-Clause */
#include "missing.h"

#include <pthread.h>
#include <stdio.h>

#include "../common/encode.h"

#define MOST_GPUS 64u /* more are asked each time */

struct gpu {
    const void *display; /* of OpenGL, which has one for a device; NULL: a device of CUDA */
    CUdevice device;
    char name[sizeof(((struct device *)0)->name)];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct gpu known[MOST_GPUS]; /* under the lock */
static unsigned count;

static struct gpu identity(const struct device *device)
{
    bool gl = device->domain == ORIEL_DOMAIN_GL;
    struct gpu gpu = {.display = gl ? device->display : NULL, .device = gl ? 0 : device->device};
    snprintf(gpu.name, sizeof(gpu.name), "%s", device->name);
    return gpu;
}

/* Under the lock. */
static struct gpu *find(const struct gpu *gpu)
{
    for (unsigned i = 0; i < count; i++)
        if (known[i].display == gpu->display && known[i].device == gpu->device)
            return &known[i];
    return NULL;
}

static oriel_result refuse(const struct device *device, const struct gpu *gpu)
{
    return encode_fail(device->host, ORIEL_UNSUPPORTED, "%s has no NVENC engine", gpu->name);
}

oriel_result missing_check(const struct device *device)
{
    struct gpu gpu = identity(device);
    pthread_mutex_lock(&lock);
    const struct gpu *found = find(&gpu);
    if (found)
        gpu = *found;
    pthread_mutex_unlock(&lock);
    return found ? refuse(device, &gpu) : ORIEL_OK;
}

oriel_result missing_note(const struct device *device)
{
    struct gpu gpu = identity(device);
    pthread_mutex_lock(&lock);
    if (!find(&gpu) && count < MOST_GPUS)
        known[count++] = gpu;
    pthread_mutex_unlock(&lock);
    return refuse(device, &gpu);
}
