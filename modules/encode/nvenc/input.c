/* SPDX-License-Identifier: BSD-3-Clause */
#include "input.h"

#include "status.h"

#include <epoxy/gl.h>

NV_ENC_BUFFER_FORMAT input_samples(uint32_t fourcc)
{
    switch (fourcc) {
    case ORIEL_FMT_NV12:
        return NV_ENC_BUFFER_FORMAT_NV12;
    case ORIEL_FMT_I444:
        return NV_ENC_BUFFER_FORMAT_YUV444;
    case ORIEL_FMT_P010:
        return NV_ENC_BUFFER_FORMAT_YUV420_10BIT;
    default:
        return NV_ENC_BUFFER_FORMAT_UNDEFINED;
    }
}

/* --- the driver's buffer, for CPU memory --- */

oriel_result input_create(struct nvenc *self)
{
    if (self->base.format.domain != ORIEL_DOMAIN_CPU)
        return ORIEL_OK;
    NV_ENC_CREATE_INPUT_BUFFER create = {
        .version = NV_ENC_CREATE_INPUT_BUFFER_VER,
        .width = self->base.format.width,
        .height = self->base.format.height,
        .bufferFmt = self->samples,
    };
    NVENCSTATUS status = self->library->api.nvEncCreateInputBuffer(self->session, &create);
    if (status)
        return status_fail(self, status_at_create(status), "nvEncCreateInputBuffer", status);
    self->upload = create.inputBuffer;
    return ORIEL_OK;
}

static oriel_result upload(struct nvenc *self, const struct encode_job *job, struct input *input)
{
    const NV_ENCODE_API_FUNCTION_LIST *api = &self->library->api;
    NV_ENC_LOCK_INPUT_BUFFER locked = {.version = NV_ENC_LOCK_INPUT_BUFFER_VER,
                                       .inputBuffer = self->upload};
    NVENCSTATUS status = api->nvEncLockInputBuffer(self->session, &locked);
    if (status)
        return status_fail(self, status_at_encode(status), "nvEncLockInputBuffer", status);
    /* The planes lie one below the other, the luma's with the height of the picture. */
    uint8_t *to = locked.bufferDataPtr;
    uint32_t row_bytes, rows;
    for (uint32_t i = 0; encode_plane_size(&self->base.format, i, &row_bytes, &rows); i++)
        for (uint32_t y = 0; y < rows; y++, to += locked.pitch)
            memcpy(to, job->data[i] + (size_t)y * job->stride[i], row_bytes);
    status = api->nvEncUnlockInputBuffer(self->session, self->upload);
    if (status)
        return status_fail(self, status_ends(status), "nvEncUnlockInputBuffer", status);
    *input = (struct input){self->upload, self->samples, locked.pitch};
    return ORIEL_OK;
}

/* --- surfaces of pools --- */

static oriel_result unregister(struct nvenc *self, struct registration *entry)
{
    NVENCSTATUS status =
        self->library->api.nvEncUnregisterResource(self->session, entry->registered);
    *entry = (struct registration){0};
    if (!status)
        return ORIEL_OK;
    oriel_result result = status_at_encode(status);
    return status_fail(self, result, "nvEncUnregisterResource", status);
}

/* The driver knows a surface by its first row, its pitch and its height; the planes follow from
 * these. Returns the height of the surface, which may be more than the picture's, or 0. */
static uint32_t surface_height(const struct nvenc *self, const struct encode_job *job)
{
    uint32_t height = self->base.format.height, stride = job->stride[0];
    uint64_t apart = job->device[1] - job->device[0];
    if (stride % 4 || apart % stride || apart / stride < height || apart / stride > 2u * height)
        return 0;
    uint32_t row_bytes, rows;
    for (uint32_t i = 0; encode_plane_size(&self->base.format, i, &row_bytes, &rows); i++)
        if (job->stride[i] != stride || job->device[i] != job->device[0] + i * apart)
            return 0;
    return (uint32_t)(apart / stride);
}

static oriel_result texture_is_plain(const struct nvenc *self, const struct encode_job *job)
{
    const struct oriel_frame *frame = job->frame;
    uint64_t next = 0;
    uint32_t row_bytes, rows;
    for (uint32_t i = 0; encode_plane_size(&self->base.format, i, &row_bytes, &rows); i++) {
        const struct oriel_plane *plane = &frame->planes[i];
        if (plane->handle != frame->planes[0].handle || plane->stride != row_bytes ||
            plane->offset != next)
            return encode_fail(self->base.host, ORIEL_INVALID,
                               "plane %u of a frame in a texture is not below the others", i);
        next += (uint64_t)rows * row_bytes;
    }
    return ORIEL_OK;
}

/* An instance is fed by one pool at a time: the memory of the one before may go any time, and its
 * address come back as another's. */
static oriel_result drop_former_pool(struct nvenc *self, const void *pool)
{
    oriel_result result = ORIEL_OK;
    for (unsigned i = 0; i < NVENC_REGISTRATIONS && result == ORIEL_OK; i++) {
        struct registration *entry = &self->registrations[i];
        if (entry->registered && entry->pool != pool)
            result = unregister(self, entry);
    }
    return result;
}

oriel_result input_forget(struct nvenc *self)
{
    return drop_former_pool(self, NULL);
}

/* The entry of the surface, or one that is free for it. */
static oriel_result find_entry(struct nvenc *self, const struct registration *wanted,
                               struct registration **found)
{
    struct registration *oldest = &self->registrations[0];
    for (unsigned i = 0; i < NVENC_REGISTRATIONS; i++) {
        struct registration *entry = &self->registrations[i];
        *found = entry;
        if (wanted->pool && entry->pool == wanted->pool && entry->handle == wanted->handle &&
            entry->stride == wanted->stride && entry->height == wanted->height)
            return ORIEL_OK;
        if (entry->used < oldest->used)
            oldest = entry; /* free ones were used at 0 */
    }
    oriel_result result = drop_former_pool(self, wanted->pool);
    *found = oldest;
    return result == ORIEL_OK && oldest->registered ? unregister(self, oldest) : result;
}

static oriel_result register_surface(struct nvenc *self, struct registration *entry,
                                     const struct registration *wanted)
{
    bool gl = self->base.format.domain == ORIEL_DOMAIN_GL;
    *entry = *wanted;
    entry->texture = (NV_ENC_INPUT_RESOURCE_OPENGL_TEX){
        .texture = gl ? (uint32_t)wanted->handle : 0, .target = GL_TEXTURE_2D};
    NV_ENC_REGISTER_RESOURCE resource = {
        .version = NV_ENC_REGISTER_RESOURCE_VER,
        .resourceType =
            gl ? NV_ENC_INPUT_RESOURCE_TYPE_OPENGL_TEX : NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR,
        .width = self->base.format.width,
        .height = wanted->height,
        .pitch = wanted->stride,
        .resourceToRegister = gl ? (void *)&entry->texture : (void *)(uintptr_t)wanted->handle,
        .bufferFormat = self->samples,
        .bufferUsage = NV_ENC_INPUT_IMAGE,
    };
    NVENCSTATUS status = self->library->api.nvEncRegisterResource(self->session, &resource);
    if (status) {
        *entry = (struct registration){0};
        return status_fail(self, status_at_encode(status), "nvEncRegisterResource", status);
    }
    entry->registered = resource.registeredResource;
    return ORIEL_OK;
}

static oriel_result map(struct nvenc *self, const struct encode_job *job, uint32_t height,
                        struct input *input)
{
    bool gl = self->base.format.domain == ORIEL_DOMAIN_GL;
    const struct registration wanted = {
        .handle = gl ? job->frame->planes[0].handle : job->device[0],
        .stride = job->stride[0],
        .height = height,
        .pool = job->frame->pool,
    };
    struct registration *entry;
    oriel_result result = find_entry(self, &wanted, &entry);
    if (result == ORIEL_OK && !entry->registered)
        result = register_surface(self, entry, &wanted);
    if (result)
        return result;
    entry->used = self->pictures + 1;
    NV_ENC_MAP_INPUT_RESOURCE resource = {.version = NV_ENC_MAP_INPUT_RESOURCE_VER,
                                          .registeredResource = entry->registered};
    NVENCSTATUS status = self->library->api.nvEncMapInputResource(self->session, &resource);
    if (status) {
        result = status_fail(self, status_at_encode(status), "nvEncMapInputResource", status);
        /* It may be the registration that is no good. */
        self->library->api.nvEncUnregisterResource(self->session, entry->registered);
        *entry = (struct registration){0};
        return result;
    }
    self->mapped = resource.mappedResource;
    self->mapped_entry = entry;
    *input = (struct input){resource.mappedResource, resource.mappedBufferFmt, wanted.stride};
    return ORIEL_OK;
}

oriel_result input_take(struct nvenc *self, const struct encode_job *job, struct input *input)
{
    uint32_t height = self->base.format.height;
    oriel_result result = ORIEL_OK;
    switch (self->base.format.domain) {
    case ORIEL_DOMAIN_CPU:
        return upload(self, job, input);
    case ORIEL_DOMAIN_GL:
        result = texture_is_plain(self, job);
        if (result == ORIEL_OK && job->frame->ready.kind == ORIEL_FENCE_GLSYNC)
            result = device_wait_gl(&self->device, job->frame->ready.handle);
        break;
    default:
        height = surface_height(self, job);
        if (!height)
            result = encode_fail(self->base.host, ORIEL_INVALID,
                                 "the planes of a frame in CUDA memory have to lie in one block, "
                                 "equally far apart, with one stride that is a multiple of 4");
    }
    return result == ORIEL_OK ? map(self, job, height, input) : result;
}

oriel_result input_give_back(struct nvenc *self)
{
    if (!self->mapped)
        return ORIEL_OK;
    NVENCSTATUS status = self->library->api.nvEncUnmapInputResource(self->session, self->mapped);
    self->mapped = NULL;
    if (status)
        return status_fail(self, status_ends(status), "nvEncUnmapInputResource", status);
    if (self->mapped_entry->pool)
        return ORIEL_OK;
    return unregister(self, self->mapped_entry); /* its memory may go, and come back as another's */
}

void input_destroy(struct nvenc *self)
{
    const NV_ENCODE_API_FUNCTION_LIST *api = &self->library->api;
    if (self->mapped)
        api->nvEncUnmapInputResource(self->session, self->mapped);
    self->mapped = NULL;
    for (unsigned i = 0; i < NVENC_REGISTRATIONS; i++)
        if (self->registrations[i].registered)
            api->nvEncUnregisterResource(self->session, self->registrations[i].registered);
    if (self->upload)
        api->nvEncDestroyInputBuffer(self->session, self->upload);
    self->upload = NULL;
}
