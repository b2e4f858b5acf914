/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points of libcuda: what ffnvcodec declares, and from the public ABI what it leaves out. */
#ifndef STANDIN_CUDA_API_H
#define STANDIN_CUDA_API_H

#include <ffnvcodec/dynlink_cuda.h>

#include "book.h"

/* Of cuda.h; dynlink_cuda.h names four of them. */
#define ERROR_INVALID_VALUE ((CUresult)1)
#define ERROR_OUT_OF_MEMORY ((CUresult)2)
#define ERROR_NOT_INITIALIZED ((CUresult)3)
#define ERROR_DEVICE_UNAVAILABLE ((CUresult)46)
#define ERROR_INVALID_DEVICE ((CUresult)101)
#define ERROR_INVALID_CONTEXT ((CUresult)201)
#define ERROR_ALREADY_MAPPED ((CUresult)208)
#define ERROR_NOT_MAPPED ((CUresult)211)
#define ERROR_NOT_MAPPED_AS_ARRAY ((CUresult)212)
#define ERROR_NOT_MAPPED_AS_POINTER ((CUresult)213)
#define ERROR_INVALID_GRAPHICS_CONTEXT ((CUresult)219)
#define ERROR_INVALID_HANDLE ((CUresult)400)
#define ERROR_NOT_FOUND ((CUresult)500)
#define ERROR_ILLEGAL_ADDRESS ((CUresult)700)
#define ERROR_CONTEXT_IS_DESTROYED ((CUresult)709)
#define ERROR_NOT_SUPPORTED ((CUresult)801)

#define STREAM_LEGACY ((CUstream)1)     /* CU_STREAM_LEGACY */
#define STREAM_PER_THREAD ((CUstream)2) /* CU_STREAM_PER_THREAD */

typedef void CUhostFn(void *user);

/* The _v2 layout of cuMemcpy3D. */
struct memcpy3d {
    size_t srcXInBytes, srcY, srcZ, srcLOD;
    CUmemorytype srcMemoryType;
    const void *srcHost;
    CUdeviceptr srcDevice;
    CUarray srcArray;
    void *reserved0;
    size_t srcPitch, srcHeight;
    size_t dstXInBytes, dstY, dstZ, dstLOD;
    CUmemorytype dstMemoryType;
    void *dstHost;
    CUdeviceptr dstDevice;
    CUarray dstArray;
    void *reserved1;
    size_t dstPitch, dstHeight;
    size_t WidthInBytes, Height, Depth;
};

/* CUDA_ARRAY_DESCRIPTOR, which the oldest headers have not. */
struct array_wish {
    size_t width, height;
    CUarray_format format;
    unsigned channels;
};

EXPORT tcuInit cuInit;
EXPORT CUresult cuDriverGetVersion(int *version);
EXPORT tcuDeviceGetCount cuDeviceGetCount;
EXPORT tcuDeviceGet cuDeviceGet;
EXPORT tcuDeviceGetAttribute cuDeviceGetAttribute;
EXPORT tcuDeviceGetName cuDeviceGetName;
EXPORT tcuDeviceGetUuid cuDeviceGetUuid, cuDeviceGetUuid_v2;
EXPORT tcuDeviceComputeCapability cuDeviceComputeCapability;
EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device);
EXPORT CUresult cuDeviceGetPCIBusId(char *id, int length, CUdevice device);
EXPORT tcuGetErrorName cuGetErrorName;
EXPORT tcuGetErrorString cuGetErrorString;
EXPORT CUresult cuGetProcAddress(const char *symbol, void **function, int version, uint64_t flags);
EXPORT CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version,
                                    uint64_t flags, int *status);

EXPORT tcuCtxCreate_v2 cuCtxCreate_v2;
EXPORT tcuCtxSetLimit cuCtxSetLimit;
EXPORT tcuCtxPushCurrent_v2 cuCtxPushCurrent_v2;
EXPORT tcuCtxPopCurrent_v2 cuCtxPopCurrent_v2;
EXPORT tcuCtxDestroy_v2 cuCtxDestroy_v2;
EXPORT tcuCtxGetDevice cuCtxGetDevice;
EXPORT CUresult cuCtxSetCurrent(CUcontext context);
EXPORT CUresult cuCtxGetCurrent(CUcontext *context);
EXPORT CUresult cuCtxSynchronize(void);
EXPORT tcuDevicePrimaryCtxRetain cuDevicePrimaryCtxRetain;
EXPORT tcuDevicePrimaryCtxRelease cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2;
EXPORT tcuDevicePrimaryCtxSetFlags cuDevicePrimaryCtxSetFlags, cuDevicePrimaryCtxSetFlags_v2;
EXPORT tcuDevicePrimaryCtxGetState cuDevicePrimaryCtxGetState;
EXPORT tcuDevicePrimaryCtxReset cuDevicePrimaryCtxReset, cuDevicePrimaryCtxReset_v2;

EXPORT tcuMemAlloc_v2 cuMemAlloc_v2;
EXPORT tcuMemAllocPitch_v2 cuMemAllocPitch_v2;
EXPORT tcuMemAllocManaged cuMemAllocManaged;
EXPORT tcuMemFree_v2 cuMemFree_v2;
EXPORT CUresult cuMemAllocHost_v2(void **memory, size_t bytes);
EXPORT CUresult cuMemHostAlloc(void **memory, size_t bytes, unsigned flags);
EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *device, void *memory, unsigned flags);
EXPORT CUresult cuMemFreeHost(void *memory);
EXPORT CUresult cuMemGetInfo_v2(size_t *left, size_t *total);
EXPORT CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr pointer);
EXPORT CUresult cuPointerGetAttribute(void *value, int attribute, CUdeviceptr pointer);
EXPORT tcuArray3DCreate cuArray3DCreate_v2;
EXPORT CUresult cuArrayCreate_v2(CUarray *array, const struct array_wish *wish);
EXPORT tcuArrayDestroy cuArrayDestroy;

EXPORT tcuMemsetD8Async cuMemsetD8Async;
EXPORT CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t bytes);
EXPORT CUresult cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width,
                                  size_t height, CUstream stream);
EXPORT tcuMemcpy cuMemcpy;
EXPORT tcuMemcpyAsync cuMemcpyAsync;
EXPORT tcuMemcpy2D_v2 cuMemcpy2D_v2, cuMemcpy2DUnaligned_v2;
EXPORT tcuMemcpy2DAsync_v2 cuMemcpy2DAsync_v2;
EXPORT CUresult cuMemcpy3D_v2(const struct memcpy3d *copy);
EXPORT CUresult cuMemcpy3DAsync_v2(const struct memcpy3d *copy, CUstream stream);
EXPORT tcuMemcpyHtoD_v2 cuMemcpyHtoD_v2;
EXPORT tcuMemcpyHtoDAsync_v2 cuMemcpyHtoDAsync_v2;
EXPORT tcuMemcpyDtoH_v2 cuMemcpyDtoH_v2;
EXPORT tcuMemcpyDtoHAsync_v2 cuMemcpyDtoHAsync_v2;
EXPORT tcuMemcpyDtoD_v2 cuMemcpyDtoD_v2;
EXPORT tcuMemcpyDtoDAsync_v2 cuMemcpyDtoDAsync_v2;

EXPORT tcuStreamCreate cuStreamCreate;
EXPORT CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority);
EXPORT tcuStreamQuery cuStreamQuery;
EXPORT tcuStreamSynchronize cuStreamSynchronize;
EXPORT tcuStreamDestroy_v2 cuStreamDestroy_v2;
EXPORT tcuStreamAddCallback cuStreamAddCallback;
EXPORT CUresult cuLaunchHostFunc(CUstream stream, CUhostFn *call, void *user);
EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags);
EXPORT CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest);
EXPORT tcuEventCreate cuEventCreate;
EXPORT tcuEventDestroy_v2 cuEventDestroy_v2;
EXPORT tcuEventSynchronize cuEventSynchronize;
EXPORT tcuEventQuery cuEventQuery;
EXPORT tcuEventRecord cuEventRecord;
EXPORT CUresult cuEventElapsedTime(float *ms, CUevent from, CUevent to);
EXPORT CUresult cuEventElapsedTime_v2(float *ms, CUevent from, CUevent to);

EXPORT tcuGLGetDevices_v2 cuGLGetDevices_v2, cuGLGetDevices;
EXPORT CUresult cuGraphicsGLRegisterBuffer(CUgraphicsResource *resource, GLuint buffer,
                                           unsigned flags);
EXPORT tcuGraphicsGLRegisterImage cuGraphicsGLRegisterImage;
EXPORT tcuGraphicsUnregisterResource cuGraphicsUnregisterResource;
EXPORT tcuGraphicsMapResources cuGraphicsMapResources;
EXPORT tcuGraphicsUnmapResources cuGraphicsUnmapResources;
EXPORT tcuGraphicsSubResourceGetMappedArray cuGraphicsSubResourceGetMappedArray;
EXPORT tcuGraphicsResourceGetMappedPointer cuGraphicsResourceGetMappedPointer_v2;
EXPORT CUresult cuGraphicsResourceSetMapFlags_v2(CUgraphicsResource resource, unsigned flags);

/* Answered with "not supported". */
EXPORT tcuLaunchKernel cuLaunchKernel;
EXPORT tcuLinkCreate cuLinkCreate, cuLinkCreate_v2;
EXPORT tcuLinkAddData cuLinkAddData, cuLinkAddData_v2;
EXPORT tcuLinkComplete cuLinkComplete;
EXPORT tcuLinkDestroy cuLinkDestroy;
EXPORT tcuModuleLoadData cuModuleLoadData;
EXPORT tcuModuleUnload cuModuleUnload;
EXPORT tcuModuleGetFunction cuModuleGetFunction;
EXPORT tcuModuleGetGlobal cuModuleGetGlobal, cuModuleGetGlobal_v2;
EXPORT tcuTexObjectCreate cuTexObjectCreate;
EXPORT tcuTexObjectDestroy cuTexObjectDestroy;

#endif
