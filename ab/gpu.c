/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/gpu.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/check.h"

#define FILE_NAME "libnvidia-ml.so.1"
#define MAX_GPUS 16

/* The functions and layouts of NVML's own reference, version 2 of those that have one. */
typedef struct nvml_device *nvml_device;
struct nvml_memory {
    unsigned long long total, free, used;
};

static struct {
    int (*init)(void);
    int (*count)(unsigned *count);
    int (*handle)(unsigned index, nvml_device *device);
    int (*name)(nvml_device device, char *name, unsigned length);
    int (*driver)(char *version, unsigned length);
    int (*energy)(nvml_device device, unsigned long long *millijoules);
    int (*memory)(nvml_device device, struct nvml_memory *memory);
    int (*encoder)(nvml_device device, unsigned *percent, unsigned *period_us);
} nvml;

static nvml_device devices[MAX_GPUS];
static unsigned device_count;
static char about[320];

static bool load(void)
{
    static const struct {
        const char *name;
        void *to;
    } functions[] = {
        {"nvmlInit_v2", &nvml.init},
        {"nvmlDeviceGetCount_v2", &nvml.count},
        {"nvmlDeviceGetHandleByIndex_v2", &nvml.handle},
        {"nvmlDeviceGetName", &nvml.name},
        {"nvmlSystemGetDriverVersion", &nvml.driver},
        {"nvmlDeviceGetTotalEnergyConsumption", &nvml.energy},
        {"nvmlDeviceGetMemoryInfo", &nvml.memory},
        {"nvmlDeviceGetEncoderUtilization", &nvml.encoder},
    };
    void *library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        snprintf(about, sizeof about, "no NVIDIA GPU (%s was not found)", FILE_NAME);
        return false;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found) {
            snprintf(about, sizeof about, "%s has no %s", FILE_NAME, functions[i].name);
            return false;
        }
        memcpy(functions[i].to, &found, sizeof found);
    }
    int failed = nvml.init();
    if (failed)
        snprintf(about, sizeof about, "%s does not start (%d)", FILE_NAME, failed);
    return failed == 0;
}

static void find_devices(void)
{
    char name[96] = "", driver[80] = "";
    unsigned found = 0;
    if (!load())
        return;
    nvml.count(&found);
    for (unsigned i = 0; i < found && device_count < MAX_GPUS; i++) {
        if (nvml.handle(i, &devices[device_count]) == 0)
            device_count++;
    }
    nvml.driver(driver, sizeof driver);
    if (device_count)
        nvml.name(devices[0], name, sizeof name);
    if (device_count)
        snprintf(about, sizeof about, "%s%s (driver %s)", name,
                 device_count > 1 ? " and others" : "", driver);
}

const char *gpu_about(void)
{
    if (!about[0])
        find_devices();
    return about;
}

struct gpu_meter {
    unsigned long long millijoules[MAX_GPUS], used[MAX_GPUS];
};

static unsigned long long energy(unsigned i)
{
    unsigned long long value = 0;
    return nvml.energy(devices[i], &value) == 0 ? value : 0;
}

static unsigned long long used(unsigned i)
{
    struct nvml_memory memory = {0};
    return nvml.memory(devices[i], &memory) == 0 ? memory.used : 0;
}

struct gpu_meter *gpu_begin(void)
{
    gpu_about();
    if (!device_count)
        return NULL;
    struct gpu_meter *meter = xcalloc(1, sizeof *meter);
    for (unsigned i = 0; i < device_count; i++) {
        meter->millijoules[i] = energy(i);
        meter->used[i] = used(i);
    }
    return meter;
}

void gpu_end(struct gpu_meter *meter, struct gpu_cost *cost)
{
    *cost = (struct gpu_cost){.joules = NAN, .memory_mib = NAN, .encoder_percent = NAN};
    if (!meter)
        return;
    *cost = (struct gpu_cost){.known = true};
    for (unsigned i = 0; i < device_count; i++) {
        unsigned percent = 0, period = 0;
        cost->joules += (double)(energy(i) - meter->millijoules[i]) / 1000;
        cost->memory_mib += ((double)used(i) - (double)meter->used[i]) / (1 << 20);
        if (nvml.encoder(devices[i], &percent, &period) == 0)
            cost->encoder_percent = fmax(cost->encoder_percent, percent);
    }
    free(meter);
}
