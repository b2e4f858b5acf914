/* SPDX-License-Identifier: BSD-3-Clause */
/* What a loader wants to find and this device cannot do: it runs no kernels. Counted all the same.
 */
#include "cuda.h"

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                        unsigned by, unsigned bz, unsigned shared, CUstream stream, void **params,
                        void **extra)
{
    (void)f, (void)gx, (void)gy, (void)gz, (void)bx, (void)by, (void)bz, (void)shared;
    (void)stream, (void)params, (void)extra;
    CUDA_ENTER(cuLaunchKernel);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuLinkCreate(unsigned n, CUjit_option *options, void **values, CUlinkState *state)
{
    (void)n, (void)options, (void)values, (void)state;
    CUDA_ENTER(cuLinkCreate);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuLinkCreate_v2(unsigned n, CUjit_option *options, void **values, CUlinkState *state)
{
    return cuLinkCreate(n, options, values, state);
}

CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void *data, size_t bytes,
                       const char *name, unsigned n, CUjit_option *options, void **values)
{
    (void)state, (void)type, (void)data, (void)bytes, (void)name, (void)n, (void)options,
        (void)values;
    CUDA_ENTER(cuLinkAddData);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data, size_t bytes,
                          const char *name, unsigned n, CUjit_option *options, void **values)
{
    return cuLinkAddData(state, type, data, bytes, name, n, options, values);
}

CUresult cuLinkComplete(CUlinkState state, void **cubin, size_t *bytes)
{
    (void)state, (void)cubin, (void)bytes;
    CUDA_ENTER(cuLinkComplete);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuLinkDestroy(CUlinkState state)
{
    (void)state;
    CUDA_ENTER(cuLinkDestroy);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuModuleLoadData(CUmodule *module, const void *image)
{
    (void)module, (void)image;
    CUDA_ENTER(cuModuleLoadData);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuModuleUnload(CUmodule module)
{
    (void)module;
    CUDA_ENTER(cuModuleUnload);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
    (void)function, (void)module, (void)name;
    CUDA_ENTER(cuModuleGetFunction);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuModuleGetGlobal(CUdeviceptr *pointer, size_t *bytes, CUmodule module, const char *name)
{
    (void)pointer, (void)bytes, (void)module, (void)name;
    CUDA_ENTER(cuModuleGetGlobal);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *pointer, size_t *bytes, CUmodule module,
                              const char *name)
{
    return cuModuleGetGlobal(pointer, bytes, module, name);
}

CUresult cuTexObjectCreate(CUtexObject *object, const CUDA_RESOURCE_DESC *resource,
                           const CUDA_TEXTURE_DESC *texture, const CUDA_RESOURCE_VIEW_DESC *view)
{
    (void)object, (void)resource, (void)texture, (void)view;
    CUDA_ENTER(cuTexObjectCreate);
    return ERROR_NOT_SUPPORTED;
}

CUresult cuTexObjectDestroy(CUtexObject object)
{
    (void)object;
    CUDA_ENTER(cuTexObjectDestroy);
    return ERROR_NOT_SUPPORTED;
}
