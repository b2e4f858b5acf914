/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvenc_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#define FFNV_LOG_FUNC(...)
#define FFNV_DEBUG_LOG_FUNC(...)
#include <ffnvcodec/dynlink_cuda.h>
#include <ffnvcodec/dynlink_loader.h>

#include "oriel/host_cuda.h"
#include "oriel/host_gl.h"

#define PITCH 256u
#define PADDING 13u /* of frame_create's rows */

const struct oriel_encoder *nvenc;
struct standin fake_cuda, fake_nvenc;

static CudaFunctions *cuda; /* NULL: no driver, or no device */
static bool has_library;
static struct oriel_host_cuda device = {.size = sizeof(device)};
static struct oriel_host_gl_share share = {.size = sizeof(share), .version = 45};
static EGLDisplay display;
static EGLContext context;
static bool device_hidden;

/* --- what the machine has --- */

static bool cuda_start(void)
{
    CUcontext made;
    int number = 0;
    static char name[64];
    if (cuda_load_functions(&cuda, NULL))
        return false;
    if (cuda->cuInit(0) || cuda->cuDeviceGet(&number, 0) ||
        cuda->cuDevicePrimaryCtxRetain(&made, number)) {
        cuda_free_functions(&cuda);
        return false;
    }
    cuda->cuDeviceGetName(name, sizeof(name), number);
    device.device = number;
    device.context = (uint64_t)(uintptr_t)made;
    device.name = name;
    return true;
}

static void gl_start(void)
{
    const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION,
                                 4,
                                 EGL_CONTEXT_MINOR_VERSION,
                                 5,
                                 EGL_CONTEXT_OPENGL_PROFILE_MASK,
                                 EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                                 EGL_NONE};
    if (!epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_MESA_platform_surfaceless"))
        return;
    display = eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    if (!display || !eglInitialize(display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_API))
        return;
    context = eglCreateContext(display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, attributes);
    if (!context || !eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context))
        return;
    share.egl_display = (uint64_t)(uintptr_t)display;
    share.egl_context = (uint64_t)(uintptr_t)context;
}

int gpu_start(void **state)
{
    (void)state;
    nvenc = module_open("encode/nvenc", NULL);
    if (!nvenc)
        return 0;
    cuda_start();
    void *library = dlopen("libnvidia-encode.so.1", RTLD_LAZY);
    has_library = library != NULL;
    if (!standin_load(&fake_cuda, "libcuda.so.1"))
        memset(&fake_cuda, 0, sizeof(fake_cuda));
    if (!standin_load(&fake_nvenc, "libnvidia-encode.so.1"))
        memset(&fake_nvenc, 0, sizeof(fake_nvenc));
    if (cuda)
        gl_start();
    return 0;
}

int gpu_stop(void **state)
{
    (void)state;
    if (context) {
        eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        eglDestroyContext(display, context);
    }
    if (display)
        eglTerminate(display);
    if (cuda)
        cuda->cuDevicePrimaryCtxRelease(device.device);
    cuda_free_functions(&cuda);
    return 0;
}

static void leave_out(const char *why)
{
    print_message("left out: %s\n", why);
    skip();
}

void need_engine(void)
{
    if (!nvenc)
        leave_out("encode/nvenc is not in this build");
    if (!cuda || !has_library)
        leave_out("no NVIDIA driver with a device");
    struct oriel_format format = nvenc_format(ORIEL_DOMAIN_CPU, ORIEL_FMT_NV12, 320, 192);
    struct rig rig;
    if (nvenc_open(&rig, "", &format)) {
        rig_drop(&rig);
        leave_out(rig.failure);
    }
    rig_finish(&rig);
}

void need_standin(void)
{
    need_engine();
    if (!fake_cuda.fail || !fake_nvenc.fail)
        leave_out("only a stand-in fails when told to");
}

void need_gl(void)
{
    need_engine();
    if (!share.egl_context)
        leave_out("no OpenGL 4.5 without a window");
}

void expect_clean(bool all_gone)
{
    static const char *const kinds[] = {"live.sessions", "live.resources", "live.mapped",
                                        "live.bitstreams"};
    char text[4096] = "";
    if (fake_cuda.faults && fake_cuda.faults(text, sizeof(text)))
        fail_msg("libcuda was misused: %s", text);
    if (fake_nvenc.faults && fake_nvenc.faults(text, sizeof(text)))
        fail_msg("libnvidia-encode was misused: %s", text);
    for (size_t i = 0; all_gone && fake_nvenc.count && i < 4; i++)
        if (fake_nvenc.count(kinds[i]))
            fail_msg("%s is %llu", kinds[i], (unsigned long long)fake_nvenc.count(kinds[i]));
}

void inject(const struct standin *standin, const char *call, uint32_t nth, int code)
{
    (standin->fail)(call, nth, code);
}

/* --- an instance --- */

static const void *host_interface(const struct oriel_host *host, const char *id)
{
    (void)host;
    if (strcmp(id, ORIEL_HOST_CUDA_V1) == 0)
        return device.context && !device_hidden ? &device : NULL;
    if (strcmp(id, ORIEL_HOST_GL_SHARE_V1) == 0)
        return share.egl_context && !device_hidden ? &share : NULL;
    return NULL;
}

void hide_device(bool hidden)
{
    device_hidden = hidden;
}

void another_gpu(void)
{
    device.device++;
}

oriel_result nvenc_open(struct rig *rig, const char *set, const struct oriel_format *format)
{
    rig_prepare(rig, nvenc, set);
    rig->host.get_interface = host_interface;
    return nvenc->create(&rig->host, &rig->options.config, format, 60, &rig->sink, &rig->self);
}

void rig_drop(struct rig *rig)
{
    assert_null(rig->self);
    options_finish(&rig->options);
}

void nvenc_must_open(struct rig *rig, const char *set, const struct oriel_format *format)
{
    if (nvenc_open(rig, set, format))
        fail_msg("%s, %.4s %u×%u in domain %u: %s", set, (const char *)&format->fourcc,
                 format->width, format->height, format->domain, rig->failure);
}

/* --- pictures --- */

struct oriel_format nvenc_format(uint32_t domain, uint32_t fourcc, uint32_t width, uint32_t height)
{
    struct oriel_format format = format_of(fourcc, width, height, ORIEL_MATRIX_BT601, 1);
    format.domain = domain;
    return format;
}

static void cuda_enter(void)
{
    assert_int_equal(cuda->cuCtxPushCurrent((CUcontext)(uintptr_t)device.context), CUDA_SUCCESS);
}

static void cuda_leave(void)
{
    CUcontext popped;
    assert_int_equal(cuda->cuCtxPopCurrent(&popped), CUDA_SUCCESS);
}

static uint32_t sample_bytes(const struct oriel_frame *frame)
{
    return frame->format.fourcc == ORIEL_FMT_P010 ? 2 : 1;
}

static uint32_t row_bytes(const struct shot *shot, uint32_t plane)
{
    return (shot->host->planes[plane].stride - PADDING) * sample_bytes(&shot->frame);
}

/* The planes one below the other, as the frame says, in CPU memory. */
static uint8_t *packed(const struct shot *shot, size_t *bytes)
{
    const struct oriel_frame *frame = &shot->frame;
    const struct oriel_plane *last = &frame->planes[frame->plane_count - 1];
    *bytes = last->offset + (size_t)last->stride * last->rows;
    uint8_t *block = calloc(1, *bytes);
    uint32_t wide = sample_bytes(frame);
    for (uint32_t i = 0; i < frame->plane_count; i++)
        for (uint32_t y = 0; y < frame->planes[i].rows; y++) {
            uint8_t *row = block + frame->planes[i].offset + (size_t)y * frame->planes[i].stride;
            for (uint32_t x = 0; x < row_bytes(shot, i) / wide; x++)
                row[x * wide + wide - 1] = frame_sample(shot->host, i, x, y);
        }
    return block;
}

static void send(struct shot *shot)
{
    struct oriel_frame *frame = &shot->frame;
    size_t bytes;
    uint8_t *block = packed(shot, &bytes);
    switch (frame->format.domain) {
    case ORIEL_DOMAIN_CPU:
        memcpy((void *)(uintptr_t)frame->planes[0].handle, block, bytes);
        break;
    case ORIEL_DOMAIN_CUDA:
        cuda_enter();
        assert_int_equal(cuda->cuMemcpyHtoD(frame->planes[0].handle, block, bytes), CUDA_SUCCESS);
        assert_int_equal(cuda->cuStreamSynchronize(NULL), CUDA_SUCCESS);
        cuda_leave();
        break;
    default:
        if (frame->ready.kind)
            glDeleteSync((GLsync)(uintptr_t)frame->ready.handle);
        glPixelStorei(GL_UNPACK_ALIGNMENT, 1);
        glTextureSubImage2D(shot->texture, 0, 0, 0, (GLsizei)frame->planes[0].stride,
                            (GLsizei)(bytes / frame->planes[0].stride), GL_RED, GL_UNSIGNED_BYTE,
                            block);
        frame->ready = (struct oriel_fence){
            .handle = (uint64_t)(uintptr_t)glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0),
            .kind = ORIEL_FENCE_GLSYNC};
        glFlush();
    }
    free(block);
}

static uint64_t memory_of(struct shot *shot, size_t bytes)
{
    CUdeviceptr address;
    switch (shot->frame.format.domain) {
    case ORIEL_DOMAIN_CPU:
        return (uintptr_t)malloc(bytes);
    case ORIEL_DOMAIN_CUDA:
        cuda_enter();
        assert_int_equal(cuda->cuMemAlloc(&address, bytes), CUDA_SUCCESS);
        cuda_leave();
        return address;
    default:
        glCreateTextures(GL_TEXTURE_2D, 1, &shot->texture);
        glTextureStorage2D(shot->texture, 1, GL_R8, (GLsizei)shot->frame.planes[0].stride,
                           (GLsizei)(bytes / shot->frame.planes[0].stride));
        return shot->texture;
    }
}

void shot_fill(struct shot *shot, unsigned t)
{
    struct picture picture = picture_create(shot->frame.format.width, shot->frame.format.height);
    picture_scene(&picture, t);
    frame_fill(shot->host, &picture, t + 1);
    picture_finish(&picture);
    shot->frame.stamp = shot->host->stamp;
    send(shot);
}

void shot_take(struct shot *shot, const struct oriel_format *format, unsigned t, void *pool)
{
    struct oriel_format samples = *format;
    if (format->fourcc == ORIEL_FMT_P010)
        samples.fourcc = ORIEL_FMT_NV12;
    *shot = (struct shot){.host = frame_create(&samples)};
    shot->frame = *shot->host;
    shot->frame.format = *format;
    shot->frame.pool = pool;
    size_t bytes = 0;
    uint32_t odd = format->domain == ORIEL_DOMAIN_CUDA ? 2 : 1; /* some pools make heights even */
    for (uint32_t i = 0; i < shot->frame.plane_count; i++) {
        struct oriel_plane *plane = &shot->frame.planes[i];
        plane->stride = row_bytes(shot, i);
        if (format->domain == ORIEL_DOMAIN_CUDA)
            plane->stride = (plane->stride + PITCH - 1) / PITCH * PITCH;
        plane->offset = bytes;
        bytes += (size_t)plane->stride * (plane->rows + plane->rows % odd);
    }
    uint64_t handle = memory_of(shot, bytes);
    for (uint32_t i = 0; i < shot->frame.plane_count; i++)
        shot->frame.planes[i].handle = handle;
    shot_fill(shot, t);
}

void shot_free(struct shot *shot)
{
    switch (shot->frame.format.domain) {
    case ORIEL_DOMAIN_CPU:
        free((void *)(uintptr_t)shot->frame.planes[0].handle);
        break;
    case ORIEL_DOMAIN_CUDA:
        cuda_enter();
        assert_int_equal(cuda->cuMemFree(shot->frame.planes[0].handle), CUDA_SUCCESS);
        cuda_leave();
        break;
    default:
        glDeleteSync((GLsync)(uintptr_t)shot->frame.ready.handle);
        glDeleteTextures(1, &shot->texture);
    }
    frame_destroy(shot->host);
}
