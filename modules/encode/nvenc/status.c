/* SPDX-License-Identifier: BSD-3-Clause */
#include "status.h"

#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/dynlink_loader.h>

#include "../../common/cuda_lost.h"
#include "nvenc.h"

#define OUT_OF_MEMORY 2 /* CUresult */

const char *status_name(NVENCSTATUS status)
{
    static const char *const names[] = {
        "NV_ENC_SUCCESS",
        "NV_ENC_ERR_NO_ENCODE_DEVICE",
        "NV_ENC_ERR_UNSUPPORTED_DEVICE",
        "NV_ENC_ERR_INVALID_ENCODERDEVICE",
        "NV_ENC_ERR_INVALID_DEVICE",
        "NV_ENC_ERR_DEVICE_NOT_EXIST",
        "NV_ENC_ERR_INVALID_PTR",
        "NV_ENC_ERR_INVALID_EVENT",
        "NV_ENC_ERR_INVALID_PARAM",
        "NV_ENC_ERR_INVALID_CALL",
        "NV_ENC_ERR_OUT_OF_MEMORY",
        "NV_ENC_ERR_ENCODER_NOT_INITIALIZED",
        "NV_ENC_ERR_UNSUPPORTED_PARAM",
        "NV_ENC_ERR_LOCK_BUSY",
        "NV_ENC_ERR_NOT_ENOUGH_BUFFER",
        "NV_ENC_ERR_INVALID_VERSION",
        "NV_ENC_ERR_MAP_FAILED",
        "NV_ENC_ERR_NEED_MORE_INPUT",
        "NV_ENC_ERR_ENCODER_BUSY",
        "NV_ENC_ERR_EVENT_NOT_REGISTERD",
        "NV_ENC_ERR_GENERIC",
        "NV_ENC_ERR_INCOMPATIBLE_CLIENT_KEY",
        "NV_ENC_ERR_UNIMPLEMENTED",
        "NV_ENC_ERR_RESOURCE_REGISTER_FAILED",
        "NV_ENC_ERR_RESOURCE_NOT_REGISTERED",
        "NV_ENC_ERR_RESOURCE_NOT_MAPPED",
    };
    return (size_t)status < ENCODE_COUNT(names) ? names[status] : "an unknown code";
}

oriel_result status_at_create(NVENCSTATUS status)
{
    switch (status) {
    case NV_ENC_ERR_OUT_OF_MEMORY:
        return ORIEL_NOMEM;
    case NV_ENC_ERR_DEVICE_NOT_EXIST:
        return ORIEL_DEVICE_LOST;
    default:
        return ORIEL_UNSUPPORTED;
    }
}

oriel_result status_at_encode(NVENCSTATUS status)
{
    switch (status) {
    case NV_ENC_ERR_LOCK_BUSY:
    case NV_ENC_ERR_ENCODER_BUSY:
    case NV_ENC_ERR_NEED_MORE_INPUT:
        return ORIEL_AGAIN;
    case NV_ENC_ERR_OUT_OF_MEMORY:
        return ORIEL_NOMEM;
    case NV_ENC_ERR_MAP_FAILED:
    case NV_ENC_ERR_RESOURCE_REGISTER_FAILED:
        return ORIEL_IO;
    case NV_ENC_ERR_DEVICE_NOT_EXIST:
    case NV_ENC_ERR_INVALID_DEVICE:
    case NV_ENC_ERR_INVALID_ENCODERDEVICE:
        return ORIEL_DEVICE_LOST;
    default:
        return ORIEL_FATAL;
    }
}

oriel_result status_ends(NVENCSTATUS status)
{
    return status_at_encode(status) == ORIEL_DEVICE_LOST ? ORIEL_DEVICE_LOST : ORIEL_FATAL;
}

oriel_result status_at_change(NVENCSTATUS status)
{
    switch (status) {
    case NV_ENC_ERR_UNSUPPORTED_PARAM:
    case NV_ENC_ERR_UNIMPLEMENTED:
        return ORIEL_UNSUPPORTED;
    default: {
        oriel_result result = status_at_encode(status);
        return result == ORIEL_FATAL ? ORIEL_IO : result;
    }
    }
}

oriel_result status_fail(struct nvenc *self, oriel_result result, const char *call,
                         NVENCSTATUS status)
{
    const char *said = NULL;
    self->lost = self->lost || result == ORIEL_DEVICE_LOST;
    self->broken = self->broken || result == ORIEL_DEVICE_LOST || result == ORIEL_FATAL;
    if (self->session && self->library->api.nvEncGetLastErrorString)
        said = self->library->api.nvEncGetLastErrorString(self->session);
    bool more = said && *said;
    return encode_fail(self->base.host, result, "%s answers %s on %s%s%s", call,
                       status_name(status), self->device.name, more ? ": " : "", more ? said : "");
}

const char *cuda_error_name(const struct CudaFunctions *cuda, int code)
{
    const char *name = NULL;
    if (cuda->cuGetErrorName((CUresult)code, &name) || !name)
        return "an unknown CUDA error";
    return name;
}

oriel_result cuda_result(int code, oriel_result otherwise)
{
    return code == OUT_OF_MEMORY ? ORIEL_NOMEM : cuda_lost(code) ? ORIEL_DEVICE_LOST : otherwise;
}
