/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices: one Ada-like GPU, or as many as ORIEL_STANDIN_CUDA_DEVICES says. */
#include <dlfcn.h>
#include <epoxy/egl.h>
#include <epoxy/gl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda.h"

pthread_mutex_t cuda_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t cuda_change = PTHREAD_COND_INITIALIZER;
static bool initialized;

CUresult cuda_lost(void)
{
    int64_t lost = book_setting("lost", 0);
    return lost == 1 ? ERROR_DEVICE_UNAVAILABLE : (CUresult)lost;
}

static int device_count(void)
{
    const char *text = getenv("ORIEL_STANDIN_CUDA_DEVICES");
    int n = text && *text ? atoi(text) : 1;
    return n < 0 ? 0 : n > DEVICES ? DEVICES : n;
}

static CUresult device_check(const char *call, CUdevice device)
{
    if (!__atomic_load_n(&initialized, __ATOMIC_RELAXED)) {
        book_fault("%s: before cuInit", call);
        return ERROR_NOT_INITIALIZED;
    }
    if (device < 0 || device >= device_count()) {
        book_fault("%s: no device %d", call, device);
        return ERROR_INVALID_DEVICE;
    }
    return CUDA_SUCCESS;
}

CUresult cuInit(unsigned flags)
{
    CUDA_ENTER(cuInit);
    if (flags) {
        book_fault("cuInit: flags must be 0");
        return ERROR_INVALID_VALUE;
    }
    if (!device_count())
        return (CUresult)100; /* CUDA_ERROR_NO_DEVICE */
    __atomic_store_n(&initialized, true, __ATOMIC_RELAXED);
    return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *version)
{
    ENTER(cuDriverGetVersion);
    *version = 12040;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *count)
{
    CUDA_ENTER(cuDeviceGetCount);
    if (!__atomic_load_n(&initialized, __ATOMIC_RELAXED)) {
        book_fault("cuDeviceGetCount: before cuInit");
        return ERROR_NOT_INITIALIZED;
    }
    *count = device_count();
    return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
    CUDA_ENTER(cuDeviceGet);
    CUresult result = device_check("cuDeviceGet", ordinal);
    if (!result)
        *device = ordinal;
    return result;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
    CUDA_ENTER(cuDeviceGetAttribute);
    CUresult result = device_check("cuDeviceGetAttribute", device);
    if (result)
        return result;
    static const struct {
        int attribute, value;
    } values[] = {
        {1, 1024}, {8, 49152}, {10, 32}, {13, 2040000}, {14, 512},     {16, 58},  {18, 0}, {19, 1},
        {20, 0},   {31, 1},    {34, 0},  {35, 0},       {36, 6251000}, {37, 192}, {40, 2}, {41, 1},
        {50, 0},   {51, 32},   {75, 8},  {76, 9},       {83, 1},       {84, 0},
    };
    if (attribute == CU_DEVICE_ATTRIBUTE_PCI_BUS_ID ||
        attribute == CU_DEVICE_ATTRIBUTE_MULTI_GPU_BOARD_GROUP_ID) {
        *value = device + 1;
        return CUDA_SUCCESS;
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i].attribute == (int)attribute) {
            *value = values[i].value;
            return CUDA_SUCCESS;
        }
    return ERROR_INVALID_VALUE;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
    CUDA_ENTER(cuDeviceGetName);
    CUresult result = device_check("cuDeviceGetName", device);
    if (!result && length > 0)
        snprintf(name, (size_t)length, "Oriel stand-in GPU");
    return result;
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device)
{
    CUDA_ENTER(cuDeviceComputeCapability);
    CUresult result = device_check("cuDeviceComputeCapability", device);
    if (!result) {
        *major = 8;
        *minor = 9;
    }
    return result;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
    CUDA_ENTER(cuDeviceTotalMem);
    CUresult result = device_check("cuDeviceTotalMem", device);
    if (!result)
        *bytes = (size_t)book_setting("memory.bytes", INT64_C(24) << 30);
    return result;
}

CUresult cuDeviceGetPCIBusId(char *id, int length, CUdevice device)
{
    CUDA_ENTER(cuDeviceGetPCIBusId);
    CUresult result = device_check("cuDeviceGetPCIBusId", device);
    if (!result && length > 0)
        snprintf(id, (size_t)length, "0000:%02x:00.0", (unsigned)(device + 1) & 0xffu);
    return result;
}

static bool uuid_of_environment(uint8_t uuid[16])
{
    const char *at = getenv("ORIEL_STANDIN_UUID");
    for (int i = 0; at && i < 16; i++) {
        unsigned byte;
        while (*at == '-')
            at++;
        if (sscanf(at, "%2x", &byte) != 1)
            return false;
        uuid[i] = (uint8_t)byte;
        at += 2;
    }
    return at != NULL;
}

/* What the GL implementation of this thread's context calls its device. */
static bool uuid_of_gl(uint8_t uuid[16])
{
    if (eglGetCurrentContext() == EGL_NO_CONTEXT || !epoxy_has_gl_extension("GL_EXT_memory_object"))
        return false;
    GLint devices = 0;
    glGetIntegerv(GL_NUM_DEVICE_UUIDS_EXT, &devices);
    if (devices < 1)
        return false;
    glGetUnsignedBytei_vEXT(GL_DEVICE_UUID_EXT, 0, uuid);
    return true;
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device)
{
    CUDA_ENTER(cuDeviceGetUuid);
    CUresult result = device_check("cuDeviceGetUuid", device);
    if (result)
        return result;
    uint8_t bytes[16];
    if (device != 0 || (!uuid_of_environment(bytes) && !uuid_of_gl(bytes))) {
        memcpy(bytes, "OrielStandInGPU", 16);
        bytes[15] = (uint8_t)device;
    }
    memcpy(uuid->bytes, bytes, 16);
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device)
{
    return cuDeviceGetUuid_v2(uuid, device);
}

static const struct {
    int code;
    const char *name, *text;
} errors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "device is busy or unavailable"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {208, "CUDA_ERROR_ALREADY_MAPPED", "resource already mapped"},
    {211, "CUDA_ERROR_NOT_MAPPED", "resource not mapped"},
    {212, "CUDA_ERROR_NOT_MAPPED_AS_ARRAY", "resource not mapped as array"},
    {213, "CUDA_ERROR_NOT_MAPPED_AS_POINTER", "resource not mapped as pointer"},
    {219, "CUDA_ERROR_INVALID_GRAPHICS_CONTEXT", "invalid graphics context"},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static CUresult error_look_up(CUresult code, const char **name, const char **text)
{
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == (int)code) {
            *name = errors[i].name;
            *text = errors[i].text;
            return CUDA_SUCCESS;
        }
    *name = *text = NULL;
    return ERROR_INVALID_VALUE;
}

CUresult cuGetErrorName(CUresult code, const char **name)
{
    const char *text;
    return error_look_up(code, name, &text);
}

CUresult cuGetErrorString(CUresult code, const char **text)
{
    const char *name;
    return error_look_up(code, &name, text);
}

CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, uint64_t flags,
                             int *status)
{
    (void)version, (void)flags;
    ENTER(cuGetProcAddress);
    Dl_info info;
    void *self =
        dladdr((void *)errors, &info) ? dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    *function = NULL;
    static const char *const suffixes[] = {"_v2", ""};
    for (int i = 0; self && !*function && i < 2; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", symbol, suffixes[i]);
        *function = dlsym(self, name);
    }
    if (self)
        dlclose(self);
    if (status)
        *status = *function ? 0 : 1;
    return *function ? CUDA_SUCCESS : ERROR_NOT_FOUND;
}

CUresult cuGetProcAddress(const char *symbol, void **function, int version, uint64_t flags)
{
    return cuGetProcAddress_v2(symbol, function, version, flags, NULL);
}
