/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenGL interoperation on the calling thread's context: mapping copies what OpenGL has into memory
 * that CUDA may use, unmapping copies it back unless it was registered as read only. */
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <stdlib.h>

#include "cuda.h"
#include "pixel_storage.h"

enum { FLAG_READ_ONLY = 1, FLAG_WRITE_DISCARD = 2 };

struct CUgraphicsResource_st {
    struct CUgraphicsResource_st *next;
    struct context *context;
    GLuint name;
    GLenum target; /* 0: a buffer */
    unsigned flags;
    bool mapped;
    struct memory *memory; /* of a buffer; kept from map to map unless "gl.move" is set */
    struct mark reading;   /* of a buffer that is only read: what was under way at its unmapping */
    CUarray array;         /* of a texture, while mapped */
};

static CUgraphicsResource resources;

static bool gl_current(const char *call)
{
    if (eglGetCurrentContext() != EGL_NO_CONTEXT)
        return true;
    book_fault("%s: no OpenGL context is current", call);
    return false;
}

CUresult cuGLGetDevices_v2(unsigned *count, CUdevice *devices, unsigned room, CUGLDeviceList list)
{
    (void)list;
    CUDA_ENTER(cuGLGetDevices);
    if (!gl_current("cuGLGetDevices"))
        return ERROR_INVALID_GRAPHICS_CONTEXT;
    int64_t device = book_setting("gl.device", 0); /* -1: OpenGL runs elsewhere */
    *count = device >= 0;
    if (device >= 0 && room)
        devices[0] = (CUdevice)device;
    return device >= 0 ? CUDA_SUCCESS : (CUresult)100; /* CUDA_ERROR_NO_DEVICE */
}

CUresult cuGLGetDevices(unsigned *count, CUdevice *devices, unsigned room, CUGLDeviceList list)
{
    return cuGLGetDevices_v2(count, devices, room, list);
}

static CUresult add(const char *call, CUgraphicsResource *out, GLuint name, GLenum target,
                    unsigned flags)
{
    pthread_mutex_lock(&cuda_mutex);
    struct context *context = context_current_locked(call);
    if (context) {
        CUgraphicsResource made = calloc(1, sizeof *made);
        made->context = context;
        made->name = name;
        made->target = target;
        made->flags = flags;
        made->next = resources;
        resources = made;
        *out = made;
        book_count("live.graphics", 1);
    }
    pthread_mutex_unlock(&cuda_mutex);
    return context ? CUDA_SUCCESS : ERROR_INVALID_CONTEXT;
}

CUresult cuGraphicsGLRegisterBuffer(CUgraphicsResource *out, GLuint buffer, unsigned flags)
{
    CUDA_ENTER(cuGraphicsGLRegisterBuffer);
    if (!gl_current("cuGraphicsGLRegisterBuffer"))
        return ERROR_INVALID_GRAPHICS_CONTEXT;
    if (!out || !glIsBuffer(buffer) || flags > FLAG_WRITE_DISCARD) {
        book_fault("cuGraphicsGLRegisterBuffer: %u is no buffer, or flags 0x%x", buffer, flags);
        return ERROR_INVALID_VALUE;
    }
    return add("cuGraphicsGLRegisterBuffer", out, buffer, 0, flags);
}

CUresult cuGraphicsGLRegisterImage(CUgraphicsResource *out, GLuint image, GLenum target,
                                   unsigned flags)
{
    CUDA_ENTER(cuGraphicsGLRegisterImage);
    if (!gl_current("cuGraphicsGLRegisterImage"))
        return ERROR_INVALID_GRAPHICS_CONTEXT;
    if (!out || !glIsTexture(image) ||
        (target != GL_TEXTURE_2D && target != GL_TEXTURE_RECTANGLE && target != GL_TEXTURE_3D)) {
        book_fault("cuGraphicsGLRegisterImage: %u is no 2D or 3D texture (target 0x%x)", image,
                   target);
        return ERROR_INVALID_VALUE;
    }
    return add("cuGraphicsGLRegisterImage", out, image, target, flags);
}

static CUgraphicsResource find_locked(const char *call, CUgraphicsResource handle)
{
    for (CUgraphicsResource r = resources; r; r = r->next)
        if (r == handle)
            return r;
    book_fault("%s: not a registered resource", call);
    return NULL;
}

CUresult cuGraphicsUnregisterResource(CUgraphicsResource handle)
{
    ENTER_RELEASE(cuGraphicsUnregisterResource);
    CUresult result = cuda_lost();
    pthread_mutex_lock(&cuda_mutex);
    CUgraphicsResource r = find_locked("cuGraphicsUnregisterResource", handle);
    if (!r) {
        result = ERROR_INVALID_HANDLE;
    } else {
        if (r->mapped) {
            book_fault("cuGraphicsUnregisterResource: the resource is mapped");
            book_count("live.mapped", -1);
        }
        for (CUgraphicsResource *at = &resources; *at; at = &(*at)->next)
            if (*at == r) {
                *at = r->next;
                break;
            }
        if (r->memory)
            memory_destroy_locked(r->memory);
        if (r->array)
            array_destroy_locked(r->array);
        free(r);
        book_count("live.graphics", -1);
    }
    pthread_mutex_unlock(&cuda_mutex);
    LEAVE_RELEASE(result);
}

CUresult cuGraphicsResourceSetMapFlags_v2(CUgraphicsResource handle, unsigned flags)
{
    CUDA_ENTER(cuGraphicsResourceSetMapFlags);
    pthread_mutex_lock(&cuda_mutex);
    CUgraphicsResource r = find_locked("cuGraphicsResourceSetMapFlags", handle);
    bool good = r && !r->mapped && flags <= FLAG_WRITE_DISCARD;
    if (good)
        r->flags = flags;
    else if (r)
        book_fault("cuGraphicsResourceSetMapFlags: %s", r->mapped ? "is mapped" : "unknown flags");
    pthread_mutex_unlock(&cuda_mutex);
    return good ? CUDA_SUCCESS : r ? ERROR_ALREADY_MAPPED : ERROR_INVALID_HANDLE;
}

/* Bytes per texel for the formats that are shared with CUDA, and how OpenGL hands them out. */
static bool texel(GLint internal, size_t *bytes, GLenum *format, GLenum *type)
{
    static const struct {
        GLint internal;
        size_t bytes;
        GLenum format, type;
    } known[] = {
        {GL_R8, 1, GL_RED, GL_UNSIGNED_BYTE},
        {GL_RG8, 2, GL_RG, GL_UNSIGNED_BYTE},
        {GL_RGBA8, 4, GL_RGBA, GL_UNSIGNED_BYTE},
        {GL_R16, 2, GL_RED, GL_UNSIGNED_SHORT},
        {GL_RG16, 4, GL_RG, GL_UNSIGNED_SHORT},
        {GL_R8UI, 1, GL_RED_INTEGER, GL_UNSIGNED_BYTE},
        {GL_R16UI, 2, GL_RED_INTEGER, GL_UNSIGNED_SHORT},
        {GL_R32UI, 4, GL_RED_INTEGER, GL_UNSIGNED_INT},
        {GL_R32F, 4, GL_RED, GL_FLOAT},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].internal == internal) {
            *bytes = known[i].bytes;
            *format = known[i].format;
            *type = known[i].type;
            return true;
        }
    return false;
}

struct texture_io {
    GLint bound, width, height, depth, internal;
    struct pixel_storage storage;
    size_t bytes;
    GLenum format, type;
};

static void texture_end(CUgraphicsResource r, const struct texture_io *io)
{
    pixel_storage_restore(&io->storage);
    glBindTexture(r->target, (GLuint)io->bound);
}

/* To be ended when it succeeds. */
static bool texture_begin(CUgraphicsResource r, struct texture_io *io)
{
    glGetIntegerv(r->target == GL_TEXTURE_2D   ? GL_TEXTURE_BINDING_2D
                  : r->target == GL_TEXTURE_3D ? GL_TEXTURE_BINDING_3D
                                               : GL_TEXTURE_BINDING_RECTANGLE,
                  &io->bound);
    glBindTexture(r->target, r->name);
    glGetTexLevelParameteriv(r->target, 0, GL_TEXTURE_WIDTH, &io->width);
    glGetTexLevelParameteriv(r->target, 0, GL_TEXTURE_HEIGHT, &io->height);
    glGetTexLevelParameteriv(r->target, 0, GL_TEXTURE_DEPTH, &io->depth); /* 1 for images */
    glGetTexLevelParameteriv(r->target, 0, GL_TEXTURE_INTERNAL_FORMAT, &io->internal);
    pixel_storage_plain(&io->storage);
    bool good = io->width > 0 && texel(io->internal, &io->bytes, &io->format, &io->type);
    if (!good)
        texture_end(r, io);
    return good;
}

static bool map_texture(CUgraphicsResource r)
{
    struct texture_io io;
    bool good = glIsTexture(r->name) && texture_begin(r, &io);
    if (!good) {
        book_fault("cuGraphicsMapResources: the texture is gone or of a format CUDA has not");
        return false;
    }
    r->array = array_create_locked(r->context, (size_t)io.width * io.bytes,
                                   (size_t)io.height * (size_t)io.depth);
    r->array->height = (size_t)io.height;
    r->array->graphics = true;
    r->array->read_only = r->flags == FLAG_READ_ONLY;
    if (r->flags != FLAG_WRITE_DISCARD)
        glGetTexImage(r->target, 0, io.format, io.type, r->array->data);
    texture_end(r, &io);
    return true;
}

static bool map_buffer(CUgraphicsResource r)
{
    GLint bytes = 0, bound = 0;
    if (glIsBuffer(r->name)) {
        glGetIntegerv(GL_COPY_READ_BUFFER_BINDING, &bound);
        glBindBuffer(GL_COPY_READ_BUFFER, r->name);
        glGetBufferParameteriv(GL_COPY_READ_BUFFER, GL_BUFFER_SIZE, &bytes);
    }
    if (bytes <= 0) {
        book_fault("cuGraphicsMapResources: the buffer is gone or empty");
        return false;
    }
    if (r->reading.stream)
        mark_wait_locked(r->reading);
    if (!r->memory)
        r->memory = memory_create_locked(r->context, MEMORY_GL, (size_t)bytes);
    r->memory->read_only = r->flags == FLAG_READ_ONLY;
    if (r->flags != FLAG_WRITE_DISCARD)
        glGetBufferSubData(GL_COPY_READ_BUFFER, 0, bytes, r->memory->data);
    glBindBuffer(GL_COPY_READ_BUFFER, (GLuint)bound);
    return true;
}

CUresult cuGraphicsMapResources(unsigned count, CUgraphicsResource *list, CUstream handle)
{
    CUDA_ENTER(cuGraphicsMapResources);
    if (!gl_current("cuGraphicsMapResources"))
        return ERROR_INVALID_GRAPHICS_CONTEXT;
    glFinish(); /* what OpenGL was told before is seen by CUDA after */
    pthread_mutex_lock(&cuda_mutex);
    CUresult result = CUDA_SUCCESS;
    if (!stream_find_locked("cuGraphicsMapResources", handle))
        result = ERROR_INVALID_HANDLE;
    for (unsigned i = 0; !result && i < count; i++) {
        CUgraphicsResource r = find_locked("cuGraphicsMapResources", list[i]);
        if (!r) {
            result = ERROR_INVALID_HANDLE;
        } else if (r->mapped) {
            book_fault("cuGraphicsMapResources: the resource is mapped already");
            result = ERROR_ALREADY_MAPPED;
        } else if (r->target ? map_texture(r) : map_buffer(r)) {
            r->mapped = true;
            book_count("live.mapped", 1);
        } else {
            result = ERROR_INVALID_HANDLE;
        }
    }
    pthread_mutex_unlock(&cuda_mutex);
    return result;
}

static void unmap_texture(CUgraphicsResource r)
{
    struct texture_io io;
    if (r->array->holds)
        book_fault("cuGraphicsUnmapResources: work of another stream is still using the texture");
    if (r->flags != FLAG_READ_ONLY && texture_begin(r, &io)) {
        if (r->target == GL_TEXTURE_3D)
            glTexSubImage3D(r->target, 0, 0, 0, 0, io.width, io.height, io.depth, io.format,
                            io.type, r->array->data);
        else
            glTexSubImage2D(r->target, 0, 0, 0, io.width, io.height, io.format, io.type,
                            r->array->data);
        texture_end(r, &io);
    }
    array_destroy_locked(r->array);
    r->array = NULL;
}

/* OpenGL may go on at once where nothing is copied back: who maps it next waits. */
static bool read_later(CUgraphicsResource r)
{
    return !r->target && r->flags == FLAG_READ_ONLY && !book_setting("gl.move", 0);
}

static void unmap_buffer(CUgraphicsResource r)
{
    if (r->memory->holds && !read_later(r))
        book_fault("cuGraphicsUnmapResources: work of another stream is still using the buffer");
    if (r->flags != FLAG_READ_ONLY) {
        GLint bound;
        glGetIntegerv(GL_COPY_WRITE_BUFFER_BINDING, &bound);
        glBindBuffer(GL_COPY_WRITE_BUFFER, r->name);
        glBufferSubData(GL_COPY_WRITE_BUFFER, 0, (GLsizeiptr)r->memory->bytes, r->memory->data);
        glBindBuffer(GL_COPY_WRITE_BUFFER, (GLuint)bound);
    }
    if (book_setting("gl.move", 0)) {
        memory_destroy_locked(r->memory);
        r->memory = NULL;
    }
}

CUresult cuGraphicsUnmapResources(unsigned count, CUgraphicsResource *list, CUstream handle)
{
    ENTER_RELEASE(cuGraphicsUnmapResources);
    if (!gl_current("cuGraphicsUnmapResources"))
        LEAVE_RELEASE(ERROR_INVALID_GRAPHICS_CONTEXT);
    CUresult result = cuda_lost();
    pthread_mutex_lock(&cuda_mutex);
    struct stream *stream = stream_find_locked("cuGraphicsUnmapResources", handle);
    if (!stream)
        result = ERROR_INVALID_HANDLE;
    for (unsigned i = 0; stream && i < count; i++) {
        CUgraphicsResource r = find_locked("cuGraphicsUnmapResources", list[i]);
        if (!r || !r->mapped) {
            if (r)
                book_fault("cuGraphicsUnmapResources: the resource is not mapped");
            result = r ? ERROR_NOT_MAPPED : ERROR_INVALID_HANDLE;
            continue;
        }
        struct mark mark = {stream, stream->submitted};
        if (read_later(r))
            r->reading = mark;
        else
            mark_wait_locked(mark);
        if (r->target)
            unmap_texture(r);
        else
            unmap_buffer(r);
        r->mapped = false;
        book_count("live.mapped", -1);
    }
    pthread_mutex_unlock(&cuda_mutex);
    LEAVE_RELEASE(result);
}

CUresult cuGraphicsResourceGetMappedPointer_v2(CUdeviceptr *pointer, size_t *bytes,
                                               CUgraphicsResource handle)
{
    CUDA_ENTER(cuGraphicsResourceGetMappedPointer);
    pthread_mutex_lock(&cuda_mutex);
    CUgraphicsResource r = find_locked("cuGraphicsResourceGetMappedPointer", handle);
    CUresult result = !r           ? ERROR_INVALID_HANDLE
                      : !r->mapped ? ERROR_NOT_MAPPED
                      : r->target  ? ERROR_NOT_MAPPED_AS_POINTER
                                   : CUDA_SUCCESS;
    if (!result) {
        *pointer = r->memory->address;
        *bytes = r->memory->bytes;
    } else if (r) {
        book_fault("cuGraphicsResourceGetMappedPointer: %s",
                   r->mapped ? "a texture" : "not mapped");
    }
    pthread_mutex_unlock(&cuda_mutex);
    return result;
}

CUresult cuGraphicsSubResourceGetMappedArray(CUarray *array, CUgraphicsResource handle,
                                             unsigned index, unsigned level)
{
    CUDA_ENTER(cuGraphicsSubResourceGetMappedArray);
    pthread_mutex_lock(&cuda_mutex);
    CUgraphicsResource r = find_locked("cuGraphicsSubResourceGetMappedArray", handle);
    CUresult result = !r           ? ERROR_INVALID_HANDLE
                      : !r->mapped ? ERROR_NOT_MAPPED
                      : !r->target ? ERROR_NOT_MAPPED_AS_ARRAY
                                   : CUDA_SUCCESS;
    if (!result && (index || level))
        result = ERROR_INVALID_VALUE;
    if (!result)
        *array = r->array;
    else if (r)
        book_fault("cuGraphicsSubResourceGetMappedArray: not a mapped texture, or a sub-image");
    pthread_mutex_unlock(&cuda_mutex);
    return result;
}
