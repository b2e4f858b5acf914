/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct standin cuda_standin, nvenc_standin;
CudaFunctions *cu;
NV_ENCODE_API_FUNCTION_LIST nv;
CUcontext context;
static NvencFunctions *nvenc;

void cuda_symbol(const char *name, void *function)
{
    void *symbol = dlsym(cuda_standin.library, name);
    assert_non_null(symbol);
    memcpy(function, &symbol, sizeof symbol);
}

int rig_open(void **state)
{
    (void)state;
    assert_true(standin_load(&cuda_standin, "libcuda.so.1"));
    assert_int_equal(cuda_load_functions(&cu, NULL), 0);
    assert_int_equal(cu->cuInit(0), 0);
    assert_int_equal(cu->cuDevicePrimaryCtxRetain(&context, 0), 0);
    assert_int_equal(cu->cuCtxPushCurrent(context), 0);
    assert_true(standin_load(&nvenc_standin, "libnvidia-encode.so.1"));
    assert_int_equal(nvenc_load_functions(&nvenc, NULL), 0);
    nv.version = NV_ENCODE_API_FUNCTION_LIST_VER;
    assert_int_equal(nvenc->NvEncodeAPICreateInstance(&nv), 0);
    return 0;
}

int rig_close(void **state)
{
    (void)state;
    CUcontext popped;
    assert_int_equal(cu->cuCtxPopCurrent(&popped), 0);
    assert_int_equal(cu->cuDevicePrimaryCtxRelease(0), 0);
    expect_faults(&cuda_standin, 0, "");
    cuda_free_functions(&cu);
    nvenc_free_functions(&nvenc);
    return 0;
}

int rig_reset(void **state)
{
    (void)state;
    cuda_standin.reset();
    nvenc_standin.reset();
    static const char *const kinds[] = {"live.sessions",   "live.resources", "live.mapped",
                                        "live.bitstreams", "live.inputs",    "live.memory",
                                        "live.streams",    "live.events",    "live.host_memory",
                                        "live.arrays",     "live.graphics"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (cuda_standin.count(kinds[i]) || nvenc_standin.count(kinds[i]))
            print_error("%s is not 0\n", kinds[i]);
        assert_int_equal(cuda_standin.count(kinds[i]), 0);
        assert_int_equal(nvenc_standin.count(kinds[i]), 0);
    }
    return 0;
}

void expect_faults(struct standin *standin, unsigned n, const char *text)
{
    static char texts[1 << 16];
    unsigned seen = standin->faults(texts, sizeof texts);
    if (seen != n || !strstr(texts, text))
        print_error("wanted %u faults with \"%s\", saw %u:\n%s", n, text, seen, texts);
    assert_int_equal(seen, n);
    assert_non_null(strstr(texts, text));
    standin->reset();
}

NVENCSTATUS client_open(struct client *c)
{
    memset(c, 0, sizeof *c);
    NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS open = {.version =
                                                     NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS_VER,
                                                 .deviceType = NV_ENC_DEVICE_TYPE_CUDA,
                                                 .device = context,
                                                 .apiVersion = NVENCAPI_VERSION};
    return nv.nvEncOpenEncodeSessionEx(&open, &c->session);
}

void client_configure(struct client *c, const GUID *codec)
{
    NV_ENC_PRESET_CONFIG *preset = calloc(1, sizeof *preset);
    preset->version = NV_ENC_PRESET_CONFIG_VER;
    preset->presetCfg.version = NV_ENC_CONFIG_VER;
    assert_int_equal(nv.nvEncGetEncodePresetConfigEx(c->session, *codec, NV_ENC_PRESET_P1_GUID,
                                                     NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY, preset),
                     0);
    c->config = preset->presetCfg;
    free(preset);
    c->config.rcParams.averageBitRate = 1000000;
    c->init = (NV_ENC_INITIALIZE_PARAMS){.version = NV_ENC_INITIALIZE_PARAMS_VER,
                                         .encodeGUID = *codec,
                                         .presetGUID = NV_ENC_PRESET_P1_GUID,
                                         .encodeWidth = WIDTH,
                                         .encodeHeight = HEIGHT,
                                         .darWidth = WIDTH,
                                         .darHeight = HEIGHT,
                                         .frameRateNum = 60,
                                         .frameRateDen = 1,
                                         .enablePTD = 1,
                                         .encodeConfig = &c->config,
                                         .tuningInfo = NV_ENC_TUNING_INFO_ULTRA_LOW_LATENCY};
    c->format = NV_ENC_BUFFER_FORMAT_NV12;
}

void client_register(struct client *c, unsigned slot)
{
    NV_ENC_REGISTER_RESOURCE reg = {.version = NV_ENC_REGISTER_RESOURCE_VER,
                                    .resourceType = NV_ENC_INPUT_RESOURCE_TYPE_CUDADEVICEPTR,
                                    .width = WIDTH,
                                    .height = HEIGHT,
                                    .pitch = (uint32_t)c->pitch,
                                    .resourceToRegister = (void *)(uintptr_t)c->memory[slot],
                                    .bufferFormat = c->format};
    assert_int_equal(nv.nvEncRegisterResource(c->session, &reg), 0);
    c->registered[slot] = reg.registeredResource;
    NV_ENC_MAP_INPUT_RESOURCE map = {.version = NV_ENC_MAP_INPUT_RESOURCE_VER,
                                     .registeredResource = c->registered[slot]};
    assert_int_equal(nv.nvEncMapInputResource(c->session, &map), 0);
    c->mapped[slot] = map.mappedResource;
}

void client_unregister(struct client *c, unsigned slot)
{
    assert_int_equal(nv.nvEncUnmapInputResource(c->session, c->mapped[slot]), 0);
    assert_int_equal(nv.nvEncUnregisterResource(c->session, c->registered[slot]), 0);
    c->mapped[slot] = c->registered[slot] = NULL;
}

void client_buffers(struct client *c)
{
    bool yuv444 = c->format == NV_ENC_BUFFER_FORMAT_YUV444;
    bool deep = c->format == NV_ENC_BUFFER_FORMAT_YUV420_10BIT;
    for (unsigned i = 0; i < INPUTS; i++) {
        assert_int_equal(cu->cuMemAllocPitch(&c->memory[i], &c->pitch, WIDTH * (deep ? 2 : 1),
                                             HEIGHT * (yuv444 ? 3 : 2), 4),
                         0);
        client_register(c, i);
        NV_ENC_CREATE_BITSTREAM_BUFFER out = {.version = NV_ENC_CREATE_BITSTREAM_BUFFER_VER};
        assert_int_equal(nv.nvEncCreateBitstreamBuffer(c->session, &out), 0);
        c->bitstream[i] = out.bitstreamBuffer;
    }
}

void client_create(struct client *c)
{
    assert_int_equal(client_open(c), 0);
    client_configure(c, &NV_ENC_CODEC_H264_GUID);
    assert_int_equal(nv.nvEncInitializeEncoder(c->session, &c->init), 0);
    client_buffers(c);
}

void client_destroy(struct client *c)
{
    for (unsigned i = 0; i < INPUTS && c->memory[i]; i++) {
        if (c->mapped[i])
            nv.nvEncUnmapInputResource(c->session, c->mapped[i]);
        if (c->registered[i])
            nv.nvEncUnregisterResource(c->session, c->registered[i]);
        if (c->bitstream[i])
            nv.nvEncDestroyBitstreamBuffer(c->session, c->bitstream[i]);
        cu->cuMemFree(c->memory[i]);
    }
    nv.nvEncDestroyEncoder(c->session);
}

/* A gradient and a bright square that moves. */
void client_paint(struct client *c, unsigned slot, unsigned t)
{
    bool yuv444 = c->format == NV_ENC_BUFFER_FORMAT_YUV444;
    bool deep = c->format == NV_ENC_BUFFER_FORMAT_YUV420_10BIT;
    size_t rows = HEIGHT * (yuv444 ? 6 : 3) / 2;
    uint8_t *host = malloc(c->pitch * rows);
    for (unsigned y = 0; y < rows; y++)
        for (unsigned x = 0; x < WIDTH; x++) {
            bool square = y < HEIGHT && x - t * 4 % WIDTH < 48u && y > 60 && y < 120;
            unsigned value = y >= HEIGHT ? 128 : square ? 230 : 40 + x / 4 + y / 4;
            if (deep)
                ((uint16_t *)(void *)(host + y * c->pitch))[x] = (uint16_t)(value << 8);
            else
                host[y * c->pitch + x] = (uint8_t)value;
        }
    assert_int_equal(cu->cuMemcpyHtoD(c->memory[slot], host, c->pitch * rows), 0);
    free(host);
}

NV_ENC_PIC_PARAMS client_picture(const struct client *c, unsigned slot)
{
    return (NV_ENC_PIC_PARAMS){.version = NV_ENC_PIC_PARAMS_VER,
                               .inputWidth = c->init.encodeWidth,
                               .inputHeight = c->init.encodeHeight,
                               .inputPitch = (uint32_t)c->pitch,
                               .inputBuffer = c->mapped[slot],
                               .outputBitstream = c->bitstream[slot],
                               .bufferFmt = c->format,
                               .pictureStruct = NV_ENC_PIC_STRUCT_FRAME};
}

NVENCSTATUS client_send(struct client *c, unsigned slot, uint32_t flags)
{
    NV_ENC_PIC_PARAMS picture = client_picture(c, slot);
    picture.encodePicFlags = flags;
    picture.inputTimeStamp = 1000 + ++c->sent;
    return nv.nvEncEncodePicture(c->session, &picture);
}

NVENCSTATUS client_fetch(struct client *c, unsigned slot, struct packet *packet)
{
    static uint32_t offsets[WIDTH * HEIGHT / 256];
    NV_ENC_LOCK_BITSTREAM lock = {.version = NV_ENC_LOCK_BITSTREAM_VER,
                                  .outputBitstream = c->bitstream[slot],
                                  .sliceOffsets = offsets};
    NVENCSTATUS status = nv.nvEncLockBitstream(c->session, &lock);
    if (status)
        return status;
    assert_true(lock.bitstreamSizeInBytes <= sizeof packet->data);
    memcpy(packet->data, lock.bitstreamBufferPtr, lock.bitstreamSizeInBytes);
    packet->bytes = lock.bitstreamSizeInBytes;
    packet->slices = lock.numSlices;
    memcpy(packet->offsets, offsets, sizeof packet->offsets);
    packet->type = lock.pictureType;
    packet->qp = lock.frameAvgQP;
    packet->timestamp = lock.outputTimeStamp;
    return nv.nvEncUnlockBitstream(c->session, c->bitstream[slot]);
}

void client_round(struct client *c, unsigned t, uint32_t flags, struct packet *packet)
{
    unsigned slot = t % INPUTS;
    client_paint(c, slot, t);
    assert_int_equal(client_send(c, slot, flags), 0);
    assert_int_equal(client_fetch(c, slot, packet), 0);
}

unsigned nal_types(const struct packet *packet, bool hevc, unsigned *types, unsigned room)
{
    unsigned n = 0;
    for (uint32_t i = 0; i + 3 < packet->bytes && n < room; i++)
        if (!packet->data[i] && !packet->data[i + 1] && packet->data[i + 2] == 1) {
            uint8_t head = packet->data[i + 3];
            types[n++] = hevc ? head >> 1 & 63 : head & 31;
        }
    return n;
}
