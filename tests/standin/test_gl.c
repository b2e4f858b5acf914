/* SPDX-License-Identifier: BSD-3-Clause */
/* OpenGL with the stand-ins: resources shared with CUDA, textures as NVENC's input. */
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rig.h"

enum { BYTES = 4096, ALREADY_MAPPED = 208, NOT_MAPPED = 211, NOT_POINTER = 213, NO_GL = 219 };
enum { READ_ONLY = 1, WRITE_DISCARD = 2 };

static EGLDisplay display;
static EGLContext gl;
static CUresult (*register_buffer)(CUgraphicsResource *, GLuint, unsigned);
static CUresult (*set_flags)(CUgraphicsResource, unsigned);

static int open_all(void **state)
{
    rig_open(state);
    cuda_symbol("cuGraphicsGLRegisterBuffer", &register_buffer);
    cuda_symbol("cuGraphicsResourceSetMapFlags_v2", &set_flags);
    static const EGLint attributes[] = {EGL_CONTEXT_MAJOR_VERSION,
                                        4,
                                        EGL_CONTEXT_MINOR_VERSION,
                                        5,
                                        EGL_CONTEXT_OPENGL_PROFILE_MASK,
                                        EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT,
                                        EGL_NONE};
    display = eglGetPlatformDisplayEXT(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    if (display && eglInitialize(display, NULL, NULL) && eglBindAPI(EGL_OPENGL_API))
        gl = eglCreateContext(display, EGL_NO_CONFIG_KHR, EGL_NO_CONTEXT, attributes);
    if (!gl)
        print_message("no OpenGL 4.5 without a surface: left out\n");
    return 0;
}

static int close_all(void **state)
{
    if (gl) {
        eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        eglDestroyContext(display, gl);
        eglTerminate(display);
    }
    return rig_close(state);
}

static void make_current(void)
{
    if (!gl)
        skip();
    assert_true(eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, gl));
}

static void let_go(void)
{
    eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
}

static GLuint buffer_create(uint8_t value)
{
    static uint8_t bytes[BYTES];
    GLuint buffer;
    memset(bytes, value, sizeof bytes);
    glCreateBuffers(1, &buffer);
    glNamedBufferData(buffer, BYTES, bytes, GL_DYNAMIC_COPY);
    return buffer;
}

static uint8_t last_byte(GLuint buffer)
{
    uint8_t byte;
    glGetNamedBufferSubData(buffer, BYTES - 1, 1, &byte);
    return byte;
}

static void buffers(void **state)
{
    (void)state;
    make_current();
    unsigned n;
    CUdevice device;
    assert_int_equal(cu->cuGLGetDevices(&n, &device, 1, CU_GL_DEVICE_LIST_ALL), 0);
    assert_int_equal(n, 1);
    GLuint buffer = buffer_create(7);
    CUgraphicsResource r;
    CUdeviceptr pointer, again;
    size_t bytes;
    uint8_t host[BYTES];
    assert_int_equal(register_buffer(&r, buffer, 0), 0);
    assert_int_equal(cu->cuGraphicsMapResources(1, &r, NULL), 0);
    assert_int_equal(cu->cuGraphicsResourceGetMappedPointer(&pointer, &bytes, r), 0);
    assert_int_equal(bytes, BYTES);
    assert_int_equal(cu->cuMemcpyDtoH(host, pointer, BYTES), 0);
    assert_int_equal(host[BYTES - 1], 7);
    assert_int_equal(cu->cuMemsetD8Async(pointer, 9, BYTES, NULL), 0);
    assert_int_equal(cu->cuGraphicsUnmapResources(1, &r, NULL), 0);
    assert_int_equal(last_byte(buffer), 9);
    expect_faults(&cuda_standin, 0, "");
    cuda_standin.set("gl.move", 1);
    assert_int_equal(cu->cuGraphicsMapResources(1, &r, NULL), 0);
    assert_int_equal(cu->cuGraphicsResourceGetMappedPointer(&pointer, &bytes, r), 0);
    assert_int_equal(cu->cuGraphicsUnmapResources(1, &r, NULL), 0);
    assert_int_equal(cu->cuMemcpyDtoH(host, pointer, 1), 1);
    assert_int_equal(cu->cuGraphicsMapResources(1, &r, NULL), 0);
    assert_int_equal(cu->cuGraphicsResourceGetMappedPointer(&again, &bytes, r), 0);
    assert_true(again != pointer);
    assert_int_equal(cu->cuGraphicsUnmapResources(1, &r, NULL), 0);
    expect_faults(&cuda_standin, 1, "freed or unmapped");
    assert_int_equal(cu->cuGraphicsUnregisterResource(r), 0);
    glDeleteBuffers(1, &buffer);
    let_go();
}

#define BREAKS(call, status, text)                                                                 \
    do {                                                                                           \
        assert_int_equal((call), (status));                                                        \
        expect_faults(&cuda_standin, 1, text);                                                     \
    } while (0)

static void rules(void **state)
{
    (void)state;
    make_current();
    GLuint buffer = buffer_create(7);
    CUgraphicsResource r;
    CUdeviceptr pointer;
    CUarray array;
    size_t bytes;
    let_go();
    BREAKS(register_buffer(&r, buffer, 0), NO_GL, "no OpenGL context");
    make_current();
    BREAKS(register_buffer(&r, buffer + 100, 0), 1, "is no buffer");
    assert_int_equal(register_buffer(&r, buffer, READ_ONLY), 0);
    BREAKS(cu->cuGraphicsResourceGetMappedPointer(&pointer, &bytes, r), NOT_MAPPED, "not mapped");
    BREAKS(cu->cuGraphicsUnmapResources(1, &r, NULL), NOT_MAPPED, "is not mapped");
    let_go();
    BREAKS(cu->cuGraphicsMapResources(1, &r, NULL), NO_GL, "no OpenGL context");
    make_current();
    assert_int_equal(cu->cuGraphicsMapResources(1, &r, NULL), 0);
    BREAKS(cu->cuGraphicsMapResources(1, &r, NULL), ALREADY_MAPPED, "mapped already");
    BREAKS(set_flags(r, 0), ALREADY_MAPPED, "is mapped");
    BREAKS(cu->cuGraphicsSubResourceGetMappedArray(&array, r, 0, 0), 212, "not a mapped texture");
    assert_int_equal(cu->cuGraphicsResourceGetMappedPointer(&pointer, &bytes, r), 0);
    BREAKS(cu->cuMemsetD8Async(pointer, 1, BYTES, NULL), 1, "registered as read only");
    BREAKS(cu->cuMemFree(pointer), 1, "of its own");
    assert_int_equal(cu->cuGraphicsUnmapResources(1, &r, NULL), 0);
    assert_int_equal(last_byte(buffer), 7);
    assert_int_equal(set_flags(r, WRITE_DISCARD), 0);
    assert_int_equal(cu->cuGraphicsMapResources(1, &r, NULL), 0);
    CUstream stream;
    cu->cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING);
    cuda_standin.set("delay.us", 100000);
    cuda_standin.set("delay.fixed", 1);
    cu->cuMemsetD8Async(pointer, 1, BYTES, stream);
    BREAKS(cu->cuGraphicsUnmapResources(1, &r, NULL), 0, "work of another stream");
    cu->cuStreamSynchronize(stream);
    cu->cuStreamDestroy(stream);
    assert_int_equal(cu->cuGraphicsMapResources(1, &r, NULL), 0);
    BREAKS(cu->cuGraphicsUnregisterResource(r), 0, "the resource is mapped");
    BREAKS(cu->cuGraphicsUnregisterResource(r), 400, "not a registered resource");
    assert_int_equal(register_buffer(&r, buffer, 0), 0);
    glDeleteBuffers(1, &buffer);
    BREAKS(cu->cuGraphicsMapResources(1, &r, NULL), 400, "the buffer is gone");
    assert_int_equal(cu->cuGraphicsUnregisterResource(r), 0);
    cuda_standin.set("gl.device", -1);
    unsigned n;
    assert_int_equal(cu->cuGLGetDevices(&n, NULL, 0, CU_GL_DEVICE_LIST_ALL), 100);
    expect_faults(&cuda_standin, 0, "");
    let_go();
}

static void textures(void **state)
{
    (void)state;
    make_current();
    GLuint texture;
    uint8_t in[16 * 8], out[16 * 8];
    for (unsigned i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)i;
    glCreateTextures(GL_TEXTURE_2D, 1, &texture);
    glTextureStorage2D(texture, 1, GL_R8, 16, 8);
    glTextureSubImage2D(texture, 0, 0, 0, 16, 8, GL_RED, GL_UNSIGNED_BYTE, in);
    CUgraphicsResource r;
    CUarray array;
    CUdeviceptr pointer;
    size_t bytes;
    assert_int_equal(cu->cuGraphicsGLRegisterImage(&r, texture, GL_TEXTURE_2D, 0), 0);
    assert_int_equal(cu->cuGraphicsMapResources(1, &r, NULL), 0);
    assert_int_equal(cu->cuGraphicsSubResourceGetMappedArray(&array, r, 0, 0), 0);
    CUDA_MEMCPY2D copy = {.srcMemoryType = CU_MEMORYTYPE_ARRAY,
                          .srcArray = array,
                          .dstMemoryType = CU_MEMORYTYPE_HOST,
                          .dstHost = out,
                          .dstPitch = 16,
                          .WidthInBytes = 16,
                          .Height = 8};
    assert_int_equal(cu->cuMemcpy2D(&copy), 0);
    assert_memory_equal(in, out, sizeof in);
    expect_faults(&cuda_standin, 0, "");
    copy.Height = 9;
    BREAKS(cu->cuMemcpy2D(&copy), 1, "goes beyond its array");
    BREAKS(cu->cuGraphicsResourceGetMappedPointer(&pointer, &bytes, r), NOT_POINTER, "a texture");
    assert_int_equal(cu->cuGraphicsUnmapResources(1, &r, NULL), 0);
    copy.Height = 8;
    BREAKS(cu->cuMemcpy2D(&copy), 1, "not a live array");
    assert_int_equal(cu->cuGraphicsUnregisterResource(r), 0);
    glDeleteTextures(1, &texture);
    let_go();
}

static void set_storage(const GLint values[4])
{
    static const GLenum pack[] = {GL_PACK_ALIGNMENT, GL_PACK_ROW_LENGTH, GL_PACK_SKIP_ROWS,
                                  GL_PACK_SKIP_PIXELS},
                        unpack[] = {GL_UNPACK_ALIGNMENT, GL_UNPACK_ROW_LENGTH, GL_UNPACK_SKIP_ROWS,
                                    GL_UNPACK_SKIP_PIXELS};
    for (int i = 0; i < 4; i++) {
        glPixelStorei(pack[i], values[i]);
        glPixelStorei(unpack[i], values[i]);
    }
}

/* CUDA knows nothing of how the caller has OpenGL lay pixels out in memory. */
static void textures_whatever_the_storage(void **state)
{
    (void)state;
    make_current();
    GLuint texture;
    uint8_t in[13 * 8], out[13 * 8];
    for (unsigned i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i + 1);
    set_storage((GLint[]){1, 0, 0, 0});
    glCreateTextures(GL_TEXTURE_2D, 1, &texture);
    glTextureStorage2D(texture, 1, GL_R8, 13, 8);
    glTextureSubImage2D(texture, 0, 0, 0, 13, 8, GL_RED, GL_UNSIGNED_BYTE, in);
    set_storage((GLint[]){8, 4000, 300, 500});
    CUgraphicsResource r;
    CUarray array;
    assert_int_equal(cu->cuGraphicsGLRegisterImage(&r, texture, GL_TEXTURE_2D, 0), 0);
    assert_int_equal(cu->cuGraphicsMapResources(1, &r, NULL), 0);
    assert_int_equal(cu->cuGraphicsSubResourceGetMappedArray(&array, r, 0, 0), 0);
    CUDA_MEMCPY2D copy = {.srcMemoryType = CU_MEMORYTYPE_ARRAY,
                          .srcArray = array,
                          .dstMemoryType = CU_MEMORYTYPE_HOST,
                          .dstHost = out,
                          .dstPitch = 13,
                          .WidthInBytes = 13,
                          .Height = 8};
    assert_int_equal(cu->cuMemcpy2D(&copy), 0);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(cu->cuGraphicsUnmapResources(1, &r, NULL), 0); /* writes it back */
    GLint row, skip;
    glGetIntegerv(GL_PACK_ROW_LENGTH, &row);
    glGetIntegerv(GL_UNPACK_SKIP_ROWS, &skip);
    assert_int_equal(row, 4000);
    assert_int_equal(skip, 300);
    set_storage((GLint[]){1, 0, 0, 0});
    memset(out, 0, sizeof out);
    glGetTextureImage(texture, 0, GL_RED, GL_UNSIGNED_BYTE, sizeof out, out);
    assert_memory_equal(in, out, sizeof in);
    set_storage((GLint[]){4, 0, 0, 0});
    expect_faults(&cuda_standin, 0, "");
    assert_int_equal(cu->cuGraphicsUnregisterResource(r), 0);
    glDeleteTextures(1, &texture);
    let_go();
}

static void encodes_textures(void **state)
{
    (void)state;
    static struct packet packet;
    make_current();
    struct client c = {0};
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS open = {.version =
                                                     NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER,
                                                 .deviceType = NV_ENC_DEVICE_TYPE_OPENGL,
                                                 .apiVersion = NVENCAPI_VERSION};
    assert_int_equal(nv.nvEncOpenEncodeSessionEx(&open, &c.session), 0);
    client_configure(&c, &NV_ENC_CODEC_H264_GUID);
    assert_int_equal(nv.nvEncInitializeEncoder(c.session, &c.init), 0);
    GLuint texture;
    glCreateTextures(GL_TEXTURE_2D, 1, &texture);
    glTextureStorage2D(texture, 1, GL_R8, WIDTH, HEIGHT * 3 / 2);
    NV_ENC_INPUT_RESOURCE_OPENGL_TEX tex = {texture, GL_TEXTURE_2D};
    NV_ENC_REGISTER_RESOURCE good = {.version = NV_ENC_REGISTER_RESOURCE_VER,
                                     .resourceType = NV_ENC_INPUT_RESOURCE_TYPE_OPENGL_TEX,
                                     .width = WIDTH,
                                     .height = HEIGHT,
                                     .pitch = WIDTH,
                                     .resourceToRegister = &tex,
                                     .bufferFormat = NV_ENC_BUFFER_FORMAT_NV12},
                             p = good;
    p.height = HEIGHT + 2;
    assert_int_equal(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_RESOURCE_REGISTER_FAILED);
    expect_faults(&nvenc_standin, 1, "too few rows");
    p = good;
    p.pitch = WIDTH + 64;
    assert_int_equal(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_RESOURCE_REGISTER_FAILED);
    expect_faults(&nvenc_standin, 1, "have not the pitch");
    tex.texture = texture + 100;
    p = good;
    assert_int_equal(nv.nvEncRegisterResource(c.session, &p), NV_ENC_ERR_RESOURCE_REGISTER_FAILED);
    expect_faults(&nvenc_standin, 1, "is no texture");
    tex.texture = texture;
    assert_int_equal(nv.nvEncRegisterResource(c.session, &good), 0);
    NV_ENC_MAP_INPUT_RESOURCE map = {.version = NV_ENC_MAP_INPUT_RESOURCE_VER,
                                     .registeredResource = good.registeredResource};
    assert_int_equal(nv.nvEncMapInputResource(c.session, &map), 0);
    c.mapped[0] = map.mappedResource;
    NV_ENC_CREATE_BITSTREAM_BUFFER out = {.version = NV_ENC_CREATE_BITSTREAM_BUFFER_VER};
    assert_int_equal(nv.nvEncCreateBitstreamBuffer(c.session, &out), 0);
    c.bitstream[0] = out.bitstreamBuffer;
    c.pitch = WIDTH;
    for (unsigned t = 0; t < 3; t++) {
        glClearTexImage(texture, 0, GL_RED, GL_UNSIGNED_BYTE, &(uint8_t){(uint8_t)(40 * t + 20)});
        assert_int_equal(client_send(&c, 0, 0), 0);
        assert_int_equal(client_fetch(&c, 0, &packet), 0);
    }
    assert_int_equal(nvenc_standin.count("input.gl"), 3);
    assert_int_equal(nvenc_standin.count("input.cuda"), 0);
    expect_faults(&nvenc_standin, 0, "");
    let_go();
    assert_int_equal(client_send(&c, 0, 0), NV_ENC_ERR_INVALID_PARAM);
    expect_faults(&nvenc_standin, 1, "no OpenGL context is current");
    make_current();
    nv.nvEncUnmapInputResource(c.session, c.mapped[0]);
    nv.nvEncUnregisterResource(c.session, good.registeredResource);
    nv.nvEncDestroyBitstreamBuffer(c.session, c.bitstream[0]);
    nv.nvEncDestroyEncoder(c.session);
    glDeleteTextures(1, &texture);
    expect_faults(&nvenc_standin, 0, "");
    let_go();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(buffers, rig_reset, rig_reset),
        cmocka_unit_test_setup_teardown(rules, rig_reset, rig_reset),
        cmocka_unit_test_setup_teardown(textures, rig_reset, rig_reset),
        cmocka_unit_test_setup_teardown(textures_whatever_the_storage, rig_reset, rig_reset),
        cmocka_unit_test_setup_teardown(encodes_textures, rig_reset, rig_reset),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
