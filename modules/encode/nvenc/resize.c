/* SPDX-License-Identifier: BSD-3-Clause */
#include "resize.h"

#include "caps.h"
#include "input.h"
#include "nvenc.h"
#include "parameters.h"
#include "status.h"

/* What can be said without the driver. */
static oriel_result check(const struct nvenc *self, const struct oriel_format *format)
{
    const struct oriel_host *host = self->base.host;
    const NV_ENC_INITIALIZE_PARAMS *made = &self->parameters;
    struct oriel_format same = self->base.format;
    same.width = format->width;
    same.height = format->height;
    if (memcmp(&same, format, sizeof(same)) != 0)
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "more than the size of the pictures would change");
    if (self->broken)
        return encode_fail(host, ORIEL_FATAL, "the encoder session has failed before");
    if (!made->maxEncodeWidth)
        return encode_fail(host, ORIEL_UNSUPPORTED, "%s cannot change the size of its pictures",
                           self->device.name);
    if (format->width > made->maxEncodeWidth || format->height > made->maxEncodeHeight)
        return encode_fail(host, ORIEL_UNSUPPORTED,
                           "a picture of %u×%u: this encoder session was made for up to %u×%u",
                           format->width, format->height, made->maxEncodeWidth,
                           made->maxEncodeHeight);
    return caps_check_sides(self, format);
}

/* What a failure puts back. */
struct before {
    struct oriel_format format;
    double host_fps;
    struct settings settings;
    NV_ENC_INITIALIZE_PARAMS parameters;
    NV_ENC_CONFIG config;
    NV_ENC_INPUT_PTR upload;
};

static void put_back(struct nvenc *self, const struct before *before)
{
    if (self->upload != before->upload)
        self->library->api.nvEncDestroyInputBuffer(self->session, self->upload);
    self->base.format = before->format;
    self->host_fps = before->host_fps;
    self->settings = before->settings;
    self->parameters = before->parameters;
    self->config = before->config;
    self->upload = before->upload;
}

static oriel_result reconfigure(struct nvenc *self)
{
    NV_ENC_RECONFIGURE_PARAMS change = {.version = NV_ENC_RECONFIGURE_PARAMS_VER,
                                        .reInitEncodeParams = self->parameters,
                                        .resetEncoder = 1,
                                        .forceIDR = 1};
    NVENCSTATUS status = self->library->api.nvEncReconfigureEncoder(self->session, &change);
    return status ? status_fail(self, status_at_change(status), "nvEncReconfigureEncoder", status)
                  : ORIEL_OK;
}

static oriel_result resize_entered(struct nvenc *self, const struct oriel_format *format,
                                   double fps)
{
    const struct before before = {self->base.format, self->host_fps, self->settings,
                                  self->parameters,  self->config,   self->upload};
    oriel_result result = caps_check_size(self, format);
    if (result == ORIEL_OK)
        result = input_forget(self); /* they are of the former size */
    if (result)
        return result;
    self->base.format = *format;
    self->host_fps = fps;
    settings_pace(&self->settings, fps);
    parameters_size(self);
    result = input_create(self);
    if (result == ORIEL_OK)
        result = reconfigure(self);
    if (result) {
        put_back(self, &before);
        return result;
    }
    if (before.upload)
        self->library->api.nvEncDestroyInputBuffer(self->session, before.upload);
    self->former = self->pictures;
    encode_want_key(self);
    return ORIEL_OK;
}

static oriel_result resize(void *data, const struct oriel_format *format, double fps)
{
    struct nvenc *self = data;
    oriel_result result = check(self, format);
    if (result == ORIEL_OK)
        result = device_enter(&self->device);
    if (result)
        return result;
    result = resize_entered(self, format, fps);
    device_leave(&self->device);
    return result;
}

const struct oriel_encoder_resize nvenc_resize = {.size = sizeof(nvenc_resize), .resize = resize};
