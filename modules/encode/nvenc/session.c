/* SPDX-License-Identifier: BSD-3-Clause */
#include "session.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "caps.h"
#include "input.h"
#include "missing.h"
#include "output.h"
#include "parameters.h"
#include "status.h"

/* The driver answers "out of memory" both when memory is short and when all sessions that it allows
 * are open. With this much free it is the latter. */
#define MEMORY_FOR_A_SESSION ((size_t)512 << 20)

static atomic_uint open_sessions; /* of this process, for the text of a refusal */

static bool memory_is_short(const struct nvenc *self)
{
    size_t unused = 0, total = 0;
    if (self->device.domain == ORIEL_DOMAIN_GL || !self->library->memory_info ||
        self->library->memory_info(&unused, &total))
        return false;
    return unused < MEMORY_FOR_A_SESSION;
}

static oriel_result open_failed(struct nvenc *self, NVENCSTATUS status)
{
    const struct oriel_host *host = self->base.host;
    const char *gpu = self->device.name;
    switch (status) {
    case NV_ENC_ERR_NO_ENCODE_DEVICE:
    case NV_ENC_ERR_UNSUPPORTED_DEVICE:
        return missing_note(&self->device);
    case NV_ENC_ERR_INVALID_VERSION:
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "the NVIDIA driver does not speak NVENC %u.%u, which is needed: %s",
                           NVENCAPI_MAJOR_VERSION, NVENCAPI_MINOR_VERSION, status_name(status));
    case NV_ENC_ERR_OUT_OF_MEMORY:
        if (memory_is_short(self))
            return encode_fail(host, ORIEL_NOMEM, "%s has no memory left for an encoder session",
                               gpu);
        break;
    case NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY:
        break;
    default:
        return status_fail(self, status_at_create(status), "nvEncOpenEncodeSessionEx", status);
    }
    return encode_fail(host, ORIEL_UNSUPPORTED,
                       "%s has no encoder session free: its driver limits how many may be open, "
                       "and %u are Oriel's (%s)",
                       gpu, atomic_load(&open_sessions), status_name(status));
}

static oriel_result open_device(struct nvenc *self)
{
    bool gl = self->device.domain == ORIEL_DOMAIN_GL;
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS params = {
        .version = NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER,
        .deviceType = gl ? NV_ENC_DEVICE_TYPE_OPENGL : NV_ENC_DEVICE_TYPE_CUDA,
        .device = gl ? NULL : self->device.context,
        .apiVersion = NVENCAPI_VERSION,
    };
    NVENCSTATUS status = self->library->api.nvEncOpenEncodeSessionEx(&params, &self->session);
    if (!status) {
        atomic_fetch_add(&open_sessions, 1);
        return ORIEL_OK;
    }
    oriel_result result = open_failed(self, status);
    if (self->session) /* the driver may leave one that has to be destroyed all the same */
        self->library->api.nvEncDestroyEncoder(self->session);
    self->session = NULL;
    return result;
}

oriel_result session_open(struct nvenc *self)
{
    oriel_result result = open_device(self);
    if (result == ORIEL_OK)
        result = caps_check(self);
    if (result == ORIEL_OK)
        result = parameters_fill(self);
    if (result)
        return result;
    NVENCSTATUS status =
        self->library->api.nvEncInitializeEncoder(self->session, &self->parameters);
    if (status)
        return status_fail(self, status_at_create(status), "nvEncInitializeEncoder", status);
    result = output_create(self);
    if (result == ORIEL_OK)
        result = input_create(self);
    return result;
}

void session_close(struct nvenc *self)
{
    const NV_ENCODE_API_FUNCTION_LIST *api = &self->library->api;
    if (!self->session)
        return;
    if (self->pictures && !self->lost) { /* flushed, or the driver keeps waiting for it */
        NV_ENC_PIC_PARAMS end = {.version = NV_ENC_PIC_PARAMS_VER,
                                 .encodePicFlags = NV_ENC_PIC_FLAG_EOS};
        api->nvEncEncodePicture(self->session, &end);
    }
    input_destroy(self);
    output_destroy(self);
    NVENCSTATUS status = api->nvEncDestroyEncoder(self->session);
    if (status) {
        char text[128];
        snprintf(text, sizeof(text), "nvEncDestroyEncoder answers %s", status_name(status));
        self->base.host->log(self->base.host, ORIEL_LOG_WARN, text);
    }
    self->session = NULL;
    atomic_fetch_sub(&open_sessions, 1);
}

oriel_result session_change(struct nvenc *self, const struct settings *wanted)
{
    struct settings before = self->settings;
    settings_update(&self->settings, wanted);
    if (!before.vbv_ms) /* the GPU's own */
        self->settings.vbv_ms = 0;
    if (memcmp(&before, &self->settings, sizeof(before)) == 0)
        return ORIEL_OK;
    parameters_rates(self);
    NV_ENC_RECONFIGURE_PARAMS change = {.version = NV_ENC_RECONFIGURE_PARAMS_VER,
                                        .reInitEncodeParams = self->parameters};
    NVENCSTATUS status = self->library->api.nvEncReconfigureEncoder(self->session, &change);
    if (!status)
        return ORIEL_OK;
    self->settings = before;
    parameters_rates(self);
    return status_fail(self, status_at_change(status), "nvEncReconfigureEncoder", status);
}
