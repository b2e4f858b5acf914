/* SPDX-License-Identifier: BSD-3-Clause */
#include "references.h"

#include "caps.h"
#include "oriel/draft/encoder_invalidate.h"
#include "status.h"

void references_note(struct nvenc *self, uint64_t seq)
{
    self->recent[self->pictures % NVENC_RECENT] = seq;
}

static bool can_invalidate(struct nvenc *self)
{
    NV_ENC_CAPS_PARAM param = {.version = NV_ENC_CAPS_PARAM_VER,
                               .capsToQuery = NV_ENC_CAPS_SUPPORT_REF_PIC_INVALIDATION};
    int value = 0;
    NVENCSTATUS status = self->library->api.nvEncGetEncodeCaps(
        self->session, codec_guid(self->settings.codec), &param, &value);
    return !status && value;
}

static oriel_result invalidate_entered(struct nvenc *self, uint64_t first, uint64_t last)
{
    if (!can_invalidate(self))
        return encode_fail(self->base.host, ORIEL_UNSUPPORTED, "%s cannot leave out references",
                           self->device.name);
    uint64_t known = self->pictures - self->former;
    if (known > NVENC_RECENT)
        known = NVENC_RECENT;
    for (uint64_t i = self->pictures - known; i < self->pictures; i++) {
        uint64_t seq = self->recent[i % NVENC_RECENT];
        if (seq < first || seq > last)
            continue;
        NVENCSTATUS status = self->library->api.nvEncInvalidateRefFrames(self->session, seq);
        if (status)
            return status_fail(self, status_at_change(status), "nvEncInvalidateRefFrames", status);
    }
    return ORIEL_OK;
}

static oriel_result invalidate(void *data, uint64_t first, uint64_t last)
{
    struct nvenc *self = data;
    oriel_result result = device_enter(&self->device);
    if (result)
        return result;
    result = invalidate_entered(self, first, last);
    device_leave(&self->device);
    return result;
}

const struct oriel_encoder_invalidate nvenc_invalidate = {.size = sizeof(nvenc_invalidate),
                                                          .invalidate = invalidate};
