/* SPDX-License-Identifier: BSD-3-Clause */
#include "interop.h"

#include <stdbool.h>
#include <stdio.h>

#include "oriel/host_gl.h"

enum { DEVICES = 64, SMALL = 4096 };

CUresult shared_create(const struct driver *driver, struct shared_buffer *buffer, uint64_t bytes,
                       const char **call)
{
    glCreateBuffers(1, &buffer->name);
    glNamedBufferStorage(buffer->name, (GLsizeiptr)bytes, NULL, 0);
    *call = "cuGraphicsGLRegisterBuffer";
    CUresult code = driver->register_buffer(&buffer->resource, buffer->name,
                                            CU_GRAPHICS_REGISTER_FLAGS_READ_ONLY);
    if (code != CUDA_SUCCESS)
        buffer->resource = NULL;
    return code;
}

void shared_destroy(const struct driver *driver, struct shared_buffer *buffer)
{
    if (buffer->resource)
        driver->cu->cuGraphicsUnregisterResource(buffer->resource);
    if (buffer->name)
        glDeleteBuffers(1, &buffer->name);
    *buffer = (struct shared_buffer){0};
}

CUresult shared_map(const struct driver *driver, struct shared_buffer *buffer, CUstream stream,
                    CUdeviceptr *address, const char **call)
{
    const CudaFunctions *cu = driver->cu;
    size_t bytes;
    *call = "cuGraphicsMapResources";
    CUresult code = cu->cuGraphicsMapResources(1, &buffer->resource, stream);
    if (code != CUDA_SUCCESS)
        return code;
    *call = "cuGraphicsResourceGetMappedPointer";
    code = cu->cuGraphicsResourceGetMappedPointer(address, &bytes, buffer->resource);
    const char *unmap;
    if (code != CUDA_SUCCESS)
        shared_unmap(driver, buffer, stream, &unmap);
    return code;
}

CUresult shared_unmap(const struct driver *driver, struct shared_buffer *buffer, CUstream stream,
                      const char **call)
{
    *call = "cuGraphicsUnmapResources";
    return driver->cu->cuGraphicsUnmapResources(1, &buffer->resource, stream);
}

/* CUDA on the OpenGL context that is current: is it this device that draws? */
static bool draws_here(const struct interop *self)
{
    unsigned count = 0;
    CUdevice devices[DEVICES];
    if (self->driver->cu->cuGLGetDevices(&count, devices, DEVICES, CU_GL_DEVICE_LIST_ALL) !=
        CUDA_SUCCESS)
        return false;
    for (unsigned i = 0; i < count && i < DEVICES; i++)
        if (devices[i] == self->device->device)
            return true;
    return false;
}

/* Drivers that have the functions may still not share buffers, in some containers and sandboxes. */
static oriel_result try_small(const struct oriel_host *host, const struct interop *self)
{
    const CudaFunctions *cu = self->driver->cu;
    const char *call = "cuCtxPushCurrent";
    CUcontext popped;
    CUresult code = cu->cuCtxPushCurrent((CUcontext)(uintptr_t)self->device->context);
    if (code != CUDA_SUCCESS)
        return driver_fail(host, self->driver, code, call);
    struct shared_buffer buffer = {0};
    CUdeviceptr address;
    code = shared_create(self->driver, &buffer, SMALL, &call);
    if (code == CUDA_SUCCESS)
        code = shared_map(self->driver, &buffer, NULL, &address, &call);
    if (code == CUDA_SUCCESS)
        code = shared_unmap(self->driver, &buffer, NULL, &call);
    shared_destroy(self->driver, &buffer);
    cu->cuCtxPopCurrent(&popped);
    return code == CUDA_SUCCESS ? ORIEL_OK : driver_fail(host, self->driver, code, call);
}

oriel_result interop_open(const struct oriel_host *host, struct interop *self)
{
    const struct oriel_host_gl *gl = host->get_interface(host, ORIEL_HOST_GL_V1);
    const char *why;
    if (!gl)
        return host->fail(host, ORIEL_UNSUPPORTED, "this host draws without OpenGL");
    if (gl->version < 45)
        return host->fail(host, ORIEL_UNSUPPORTED, "OpenGL 4.5 is the least");
    if (!(self->driver = driver_get(&why)))
        return host->fail(host, ORIEL_UNSUPPORTED, why);
    self->device = host->get_interface(host, ORIEL_HOST_CUDA_V1);
    if (self->device && draws_here(self))
        return try_small(host, self);
    char text[512];
    snprintf(text, sizeof(text), "the renderer is %s: no CUDA device belongs to it", gl->renderer);
    return host->fail(host, ORIEL_UNSUPPORTED, text);
}
