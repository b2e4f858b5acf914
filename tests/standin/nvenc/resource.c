/* SPDX-License-Identifier: BSD-3-Clause */
/* Inputs and outputs of a session: registered and mapped resources, host buffers, bitstreams. */
#include <epoxy/egl.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

enum { TEXTURE_2D = 0x0de1, TEXTURE_RECTANGLE = 0x84f5 };

static bool in_flight_fault(const struct session *s)
{
    return !s->lost_told && !s->forgiven;
}

static NVENCSTATUS register_cuda(struct session *s, const char *call,
                                 const NV_ENC_REGISTER_RESOURCE *p, const struct layout *layout)
{
    size_t pitch = 0;
    if (s->device_type != NV_ENC_DEVICE_TYPE_CUDA)
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM,
                             "%s: CUDA memory in a session of OpenGL", call);
    if (p->pitch % 4)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: pitch %u is no multiple of 4", call,
                             p->pitch);
    const char *why =
        s->cuda->check(s->device, (uintptr_t)p->resourceToRegister, layout->bytes, &pitch);
    if (why)
        return session_fault(s, NV_ENC_ERR_RESOURCE_REGISTER_FAILED, "%s: the memory %s", call,
                             why);
    if (pitch && pitch != p->pitch)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: pitch %u, cuMemAllocPitch gave %zu",
                             call, p->pitch, pitch);
    return NV_ENC_SUCCESS;
}

static NVENCSTATUS register_texture(struct session *s, const char *call,
                                    const NV_ENC_REGISTER_RESOURCE *p, const struct layout *layout,
                                    struct resource *resource)
{
    if (s->device_type != NV_ENC_DEVICE_TYPE_OPENGL)
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: a texture in a session of CUDA",
                             call);
    resource->texture = *(const NV_ENC_INPUT_RESOURCE_OPENGL_TEX *)p->resourceToRegister;
    if (resource->texture.target != TEXTURE_2D && resource->texture.target != TEXTURE_RECTANGLE)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: target 0x%x", call,
                             resource->texture.target);
    uint8_t *pixels = texture_read(s, call, resource, layout->bytes);
    free(pixels);
    return pixels ? NV_ENC_SUCCESS : NV_ENC_ERR_RESOURCE_REGISTER_FAILED;
}

static NVENCSTATUS do_register(struct session *s, NV_ENC_REGISTER_RESOURCE *p)
{
    static const char call[] = "nvEncRegisterResource";
    struct layout layout;
    if (!p || !p->resourceToRegister)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_REGISTER_RESOURCE_VER);
    if (status)
        return status;
    RESERVED(s, call, p->reserved1);
    RESERVED(s, call, p->reserved2);
    if (!s->initialized)
        return session_fault(s, NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "%s: not initialized", call);
    if (p->bufferUsage != NV_ENC_INPUT_IMAGE || p->subResourceIndex || p->pInputFencePoint)
        return session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: not a plain input image", call);
    if (!format_known(s->params.codec, p->bufferFormat))
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: format 0x%x", call,
                             (unsigned)p->bufferFormat);
    if (!p->width || !p->height ||
        !layout_of(p->bufferFormat, p->width, p->height, p->pitch, &layout))
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: pitch %u for %ux%u", call, p->pitch,
                             p->width, p->height);
    struct resource made = {.type = p->resourceType,
                            .format = p->bufferFormat,
                            .width = p->width,
                            .height = p->height,
                            .pitch = p->pitch,
                            .sizing = s->sizing,
                            .pointer = (uintptr_t)p->resourceToRegister};
    if (p->resourceType == NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR)
        status = register_cuda(s, call, p, &layout);
    else if (p->resourceType == NV_ENC_INPUT_RESOURCE_TYPE_OPENGL_TEX)
        status = register_texture(s, call, p, &layout, &made);
    else
        status = session_fault(s, NV_ENC_ERR_UNSUPPORTED_PARAM, "%s: resource type %d", call,
                               (int)p->resourceType);
    if (status)
        return status;
    struct resource *resource = malloc(sizeof *resource);
    *resource = made;
    resource->next = s->resources;
    s->resources = resource;
    p->registeredResource = resource;
    book_count("live.resources", 1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_register(void *encoder, NV_ENC_REGISTER_RESOURCE *params)
{
    SESSION_CALL(encoder, "nvEncRegisterResource", GROUP_MAIN, false, do_register(s, params));
}

static struct resource **resource_find(struct session *s, const void *handle)
{
    struct resource **at = &s->resources;
    while (*at && *at != handle)
        at = &(*at)->next;
    return at;
}

static struct input **input_find(struct session *s, const void *handle)
{
    struct input **at = &s->inputs;
    while (*at && *at != handle)
        at = &(*at)->next;
    return at;
}

static NVENCSTATUS unregister(struct session *s, NV_ENC_REGISTERED_PTR handle)
{
    static const char call[] = "nvEncUnregisterResource";
    struct resource **at = resource_find(s, handle), *resource = *at;
    if (!resource)
        return session_fault(s, NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "%s: not registered", call);
    if (resource->mapped)
        return session_fault(s, NV_ENC_ERR_INVALID_CALL, "%s: the resource is mapped", call);
    *at = resource->next;
    free(resource);
    book_count("live.resources", -1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_unregister(void *encoder, NV_ENC_REGISTERED_PTR resource)
{
    SESSION_CALL(encoder, "nvEncUnregisterResource", GROUP_MAIN, true, unregister(s, resource));
}

static NVENCSTATUS map(struct session *s, NV_ENC_MAP_INPUT_RESOURCE *p)
{
    static const char call[] = "nvEncMapInputResource";
    if (!p)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_MAP_INPUT_RESOURCE_VER);
    if (status)
        return status;
    RESERVED(s, call, p->reserved1);
    RESERVED(s, call, p->reserved2);
    struct resource *resource = *resource_find(s, p->registeredResource);
    if (!resource)
        return session_fault(s, NV_ENC_ERR_RESOURCE_NOT_REGISTERED, "%s: not registered", call);
    if (resource->mapped)
        return session_fault(s, NV_ENC_ERR_MAP_FAILED, "%s: the resource is mapped already", call);
    if (resource->type == NV_ENC_INPUT_RESOURCE_TYPE_OPENGL_TEX &&
        eglGetCurrentContext() == EGL_NO_CONTEXT)
        return session_fault(s, NV_ENC_ERR_MAP_FAILED, "%s: no OpenGL context is current", call);
    struct input *input = calloc(1, sizeof *input);
    input->resource = resource;
    input->format = resource->format;
    input->width = resource->width;
    input->height = resource->height;
    input->pitch = resource->pitch;
    input->next = s->inputs;
    s->inputs = resource->mapped = input;
    p->mappedResource = input;
    p->mappedBufferFmt = resource->format;
    book_count("live.mapped", 1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_map(void *encoder, NV_ENC_MAP_INPUT_RESOURCE *params)
{
    SESSION_CALL(encoder, "nvEncMapInputResource", GROUP_MAIN, false, map(s, params));
}

/* Waits until the worker has let go of it: after a violation, or with a lost device. */
static void input_remove_locked(struct session *s, struct input *input)
{
    while (input->in_flight && s->head)
        pthread_cond_wait(&nvenc_change, &nvenc_mutex);
    for (struct bitstream *b = s->bitstreams; b; b = b->next)
        if (b->input == input)
            b->input = NULL;
    *input_find(s, input) = input->next;
    free(input->data);
    free(input);
}

static NVENCSTATUS unmap(struct session *s, NV_ENC_INPUT_PTR handle)
{
    static const char call[] = "nvEncUnmapInputResource";
    struct input *input = *input_find(s, handle);
    if (!input || !input->resource)
        return session_fault(s, NV_ENC_ERR_RESOURCE_NOT_MAPPED, "%s: not mapped", call);
    if (input->in_flight && in_flight_fault(s))
        session_fault(s, NV_ENC_SUCCESS, "%s: its picture is in flight", call);
    input->resource->mapped = NULL;
    input_remove_locked(s, input);
    book_count("live.mapped", -1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_unmap(void *encoder, NV_ENC_INPUT_PTR input)
{
    SESSION_CALL(encoder, "nvEncUnmapInputResource", GROUP_MAIN, true, unmap(s, input));
}

static NVENCSTATUS create_input(struct session *s, NV_ENC_CREATE_INPUT_BUFFER *p)
{
    static const char call[] = "nvEncCreateInputBuffer";
    struct layout layout;
    if (!p)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_CREATE_INPUT_BUFFER_VER);
    if (status)
        return status;
    RESERVED(s, call, p->reserved1);
    RESERVED(s, call, p->reserved2);
    if (!s->initialized)
        return session_fault(s, NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "%s: not initialized", call);
    uint32_t pitch = (p->width * 2 + 255) / 256 * 256;
    if (!p->width || !p->height || !format_known(s->params.codec, p->bufferFmt) ||
        !layout_of(p->bufferFmt, p->width, p->height, pitch, &layout))
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: %ux%u, format 0x%x", call, p->width,
                             p->height, (unsigned)p->bufferFmt);
    struct input *input = calloc(1, sizeof *input);
    input->format = p->bufferFmt;
    input->width = p->width;
    input->height = p->height;
    input->pitch = pitch;
    input->data = calloc(1, layout.bytes);
    input->next = s->inputs;
    s->inputs = input;
    p->inputBuffer = input;
    book_count("live.inputs", 1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_create_input(void *encoder, NV_ENC_CREATE_INPUT_BUFFER *params)
{
    SESSION_CALL(encoder, "nvEncCreateInputBuffer", GROUP_MAIN, false, create_input(s, params));
}

static NVENCSTATUS destroy_input(struct session *s, NV_ENC_INPUT_PTR handle)
{
    static const char call[] = "nvEncDestroyInputBuffer";
    struct input *input = *input_find(s, handle);
    if (!input || input->resource)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: not an input buffer", call);
    if ((input->in_flight && in_flight_fault(s)) || input->locked)
        session_fault(s, NV_ENC_SUCCESS, "%s: it is locked or its picture is in flight", call);
    input_remove_locked(s, input);
    book_count("live.inputs", -1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_destroy_input(void *encoder, NV_ENC_INPUT_PTR input)
{
    SESSION_CALL(encoder, "nvEncDestroyInputBuffer", GROUP_MAIN, true, destroy_input(s, input));
}

static NVENCSTATUS lock_input(struct session *s, NV_ENC_LOCK_INPUT_BUFFER *p)
{
    static const char call[] = "nvEncLockInputBuffer";
    if (!p)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_LOCK_INPUT_BUFFER_VER);
    if (status)
        return status;
    RESERVED(s, call, p->reserved1);
    RESERVED(s, call, p->reserved2);
    struct input *input = *input_find(s, p->inputBuffer);
    if (!input || input->resource || input->locked)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: not an input buffer, or locked",
                             call);
    if (input->in_flight && p->doNotWait)
        return NV_ENC_ERR_ENCODER_BUSY;
    input->locked = true;
    p->bufferDataPtr = input->data;
    p->pitch = input->pitch;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_lock_input(void *encoder, NV_ENC_LOCK_INPUT_BUFFER *params)
{
    SESSION_CALL(encoder, "nvEncLockInputBuffer", GROUP_MAIN, false, lock_input(s, params));
}

static NVENCSTATUS unlock_input(struct session *s, NV_ENC_INPUT_PTR handle)
{
    struct input *input = *input_find(s, handle);
    if (!input || !input->locked)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "nvEncUnlockInputBuffer: not locked");
    input->locked = false;
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_unlock_input(void *encoder, NV_ENC_INPUT_PTR input)
{
    SESSION_CALL(encoder, "nvEncUnlockInputBuffer", GROUP_MAIN, true, unlock_input(s, input));
}

static NVENCSTATUS create_bitstream(struct session *s, NV_ENC_CREATE_BITSTREAM_BUFFER *p)
{
    static const char call[] = "nvEncCreateBitstreamBuffer";
    if (!p)
        return session_fault(s, NV_ENC_ERR_INVALID_PTR, "%s: NULL", call);
    NVENCSTATUS status = check_version(s, call, p->version, NV_ENC_CREATE_BITSTREAM_BUFFER_VER);
    if (status)
        return status;
    RESERVED(s, call, p->reserved1);
    RESERVED(s, call, p->reserved2);
    if (!s->initialized)
        return session_fault(s, NV_ENC_ERR_ENCODER_NOT_INITIALIZED, "%s: not initialized", call);
    struct bitstream *bitstream = calloc(1, sizeof *bitstream);
    bitstream->next = s->bitstreams;
    s->bitstreams = bitstream;
    p->bitstreamBuffer = bitstream;
    book_count("live.bitstreams", 1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_create_bitstream(void *encoder, NV_ENC_CREATE_BITSTREAM_BUFFER *params)
{
    SESSION_CALL(encoder, "nvEncCreateBitstreamBuffer", GROUP_MAIN, false,
                 create_bitstream(s, params));
}

static NVENCSTATUS destroy_bitstream(struct session *s, NV_ENC_OUTPUT_PTR handle)
{
    static const char call[] = "nvEncDestroyBitstreamBuffer";
    struct bitstream **at = &s->bitstreams;
    while (*at && *at != handle)
        at = &(*at)->next;
    struct bitstream *bitstream = *at;
    if (!bitstream)
        return session_fault(s, NV_ENC_ERR_INVALID_PARAM, "%s: not a bitstream buffer", call);
    if (bitstream->locked || (bitstream->sent && in_flight_fault(s) && !s->ended))
        session_fault(s, NV_ENC_SUCCESS, "%s: it is locked or its picture is in flight", call);
    while (bitstream->sent && !bitstream->done)
        pthread_cond_wait(&nvenc_change, &nvenc_mutex);
    if (bitstream->input)
        bitstream->input->in_flight--;
    *at = bitstream->next;
    free(bitstream->packet.data);
    free(bitstream->packet.slices);
    free(bitstream);
    book_count("live.bitstreams", -1);
    return NV_ENC_SUCCESS;
}

NVENCSTATUS nv_destroy_bitstream(void *encoder, NV_ENC_OUTPUT_PTR bitstream)
{
    SESSION_CALL(encoder, "nvEncDestroyBitstreamBuffer", GROUP_MAIN, true,
                 destroy_bitstream(s, bitstream));
}
