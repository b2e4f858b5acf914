/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ab/decoder.h"
#include "ab/gpu.h"
#include "oriel/abi.h"
#include "util/check.h"

/* What follows `key` and `separator` in the first such line of a file, without quotes; or "". */
static void read_fact(const char *path, const char *key, char separator, char *out, size_t room)
{
    char line[512];
    out[0] = '\0';
    FILE *file = fopen(path, "re");
    while (file && !out[0] && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        const char *at = separator ? strchr(line, separator) : line;
        if (strncmp(line, key, strlen(key)) != 0 || !at)
            continue;
        at += separator ? 1 : 0;
        at += strspn(at, " \t\"");
        snprintf(out, room, "%.*s", (int)strcspn(at, "\""), at);
    }
    if (file)
        fclose(file);
}

cJSON *machine_json(void)
{
    char text[300];
    struct utsname kernel;
    cJSON *json = cJSON_CreateObject();
    read_fact("/proc/cpuinfo", "model name", ':', text, sizeof text);
    cJSON_AddStringToObject(json, "cpu", text[0] ? text : "unknown");
    cJSON_AddNumberToObject(json, "cores", (double)sysconf(_SC_NPROCESSORS_ONLN));
    double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    snprintf(text, sizeof text, "%.1f", memory / (1 << 30));
    cJSON_AddNumberToObject(json, "memory_gib", strtod(text, NULL));
    read_fact("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", 0, text, sizeof text);
    cJSON_AddStringToObject(json, "governor", text[0] ? text : "unknown");
    snprintf(text, sizeof text, "unknown");
    if (uname(&kernel) == 0)
        snprintf(text, sizeof text, "%s %s %s", kernel.sysname, kernel.release, kernel.machine);
    cJSON_AddStringToObject(json, "kernel", text);
    read_fact("/etc/os-release", "PRETTY_NAME", '=', text, sizeof text);
    cJSON_AddStringToObject(json, "system", text[0] ? text : "unknown");
    cJSON_AddStringToObject(json, "gpu", gpu_about());
    char *oriel =
        xasprintf("%s (module ABI %u.%u)", ORIEL_VERSION, ORIEL_ABI_MAJOR, ORIEL_ABI_MINOR);
    cJSON_AddStringToObject(json, "oriel", oriel);
    free(oriel);
    cJSON_AddStringToObject(json, "decoder", decoder_library());
    return json;
}
