/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/modules_devices.h"

#include <stdlib.h>

#include "render/device.h"

cJSON *modules_devices(void)
{
    cJSON *list = cJSON_CreateArray();
    size_t count;
    struct device *devices = device_list(&count);
    for (size_t i = 0; i < count; i++) {
        const struct device *device = &devices[i];
        cJSON *json = cJSON_CreateObject();
        cJSON_AddItemToArray(list, json);
        cJSON_AddNumberToObject(json, "index", device->index);
        cJSON_AddBoolToObject(json, "usable", device->usable);
        cJSON_AddStringToObject(json, device->usable ? "renderer" : "reason", device->renderer);
        if (device->uuid[0])
            cJSON_AddStringToObject(json, "uuid", device->uuid);
        if (device->cuda_ordinal >= 0) {
            cJSON *cuda = cJSON_AddObjectToObject(json, "cuda");
            cJSON_AddNumberToObject(cuda, "device", device->cuda_ordinal);
            cJSON_AddStringToObject(cuda, "name", device->cuda);
        } else if (device->usable) {
            cJSON_AddStringToObject(json, "no_cuda", device->no_cuda);
        }
    }
    free(devices);
    return list;
}

static const char *text_of(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
}

void modules_devices_print(const cJSON *devices, FILE *out)
{
    fprintf(out, "\nGraphics devices:\n%s", devices->child ? "" : "  EGL shows none\n");
    for (const cJSON *device = devices->child; device; device = device->next) {
        const cJSON *cuda = cJSON_GetObjectItemCaseSensitive(device, "cuda");
        const char *renderer = text_of(device, "renderer"), *uuid = text_of(device, "uuid");
        const char *no_cuda = text_of(device, "no_cuda");
        fprintf(out, "  %d  %s", cJSON_GetObjectItemCaseSensitive(device, "index")->valueint,
                renderer ? renderer : text_of(device, "reason"));
        if (uuid)
            fprintf(out, "  %s", uuid);
        if (cuda)
            fprintf(out, "  CUDA device %d: %s",
                    cJSON_GetObjectItemCaseSensitive(cuda, "device")->valueint,
                    text_of(cuda, "name"));
        if (no_cuda)
            fprintf(out, "  no CUDA: %s", no_cuda);
        fprintf(out, "\n");
    }
}
