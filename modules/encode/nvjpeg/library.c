/* SPDX-License-Identifier: BSD-3-Clause */
#include "library.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Once loaded they stay: the CUDA runtime inside libnvjpeg is not made to be unloaded, and encoders
 * come and go. */
#define FLAGS (RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)

/* The function pointers of C come out of dlsym as POSIX has it. */
#define FIND(member, name, parameters) *(void **)&library->member = dlsym(handle, #name);
#define MISSING(member, name, parameters)                                                          \
    if (!library->member)                                                                          \
        missing = #name;

bool library_open_cuda(struct nvjpeg_library *library)
{
    if (cuda_load_functions(&library->cuda, NULL))
        return false;
    void *handle = library->cuda->lib;
    const char *missing = NULL;
    NVJPEG_CUDA_FUNCTIONS(FIND)
    NVJPEG_CUDA_FUNCTIONS(MISSING)
    return !missing;
}

static void *open_usual(void)
{
    /* The driver brings no libnvjpeg: it is the toolkit's, whose folders no loader may know. */
    static const char *const folders[] = {"", "/usr/local/cuda/lib64/",
                                          "/usr/local/cuda/targets/x86_64-linux/lib/"};
    static const int versions[] = {13, 12, 11};
    for (size_t f = 0; f < sizeof(folders) / sizeof(folders[0]); f++)
        for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
            char path[96];
            snprintf(path, sizeof(path), "%slibnvjpeg.so.%d", folders[f], versions[v]);
            void *handle = dlopen(path, FLAGS);
            if (handle)
                return handle;
        }
    return NULL;
}

bool library_open_nvjpeg(struct nvjpeg_library *library, const char *path, char *why, size_t room)
{
    void *handle = library->handle = *path ? dlopen(path, FLAGS) : open_usual();
    if (!handle) {
        if (*path)
            snprintf(why, room, "%s", dlerror());
        else
            snprintf(why, room,
                     "no nvJPEG: none of libnvjpeg.so.13, .12 and .11 is here, nor in "
                     "/usr/local/cuda; the option library names another");
        return false;
    }
    const char *missing = NULL;
    NVJPEG_FUNCTIONS(FIND)
    NVJPEG_FUNCTIONS(MISSING)
    if (missing) {
        snprintf(why, room, "libnvjpeg has no %s", missing);
        return false;
    }
    for (int part = 0; part < 3; part++) /* MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL */
        if (library->get_property(part, &library->version[part]))
            library->version[part] = 0;
    return true;
}

void library_close(struct nvjpeg_library *library)
{
    if (library->handle)
        dlclose(library->handle);
    cuda_free_functions(&library->cuda);
    memset(library, 0, sizeof(*library));
}

/* Never freed, as nothing of the libraries is; a context that is lost has a successor with another
 * address. */
struct kept {
    struct kept *before;
    void *library;
    CUcontext context;
    void *nvjpeg;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *newest;

int library_get_nvjpeg(const struct nvjpeg_library *library, CUcontext context, void **nvjpeg)
{
    int status = NVJPEG_SUCCESS;
    pthread_mutex_lock(&lock);
    struct kept *kept = newest;
    while (kept && (kept->library != library->handle || kept->context != context))
        kept = kept->before;
    if (!kept && (kept = malloc(sizeof(*kept)))) {
        *kept = (struct kept){.before = newest, .library = library->handle, .context = context};
        status = library->create(&kept->nvjpeg);
        if (status == NVJPEG_SUCCESS)
            newest = kept;
    } else if (!kept) {
        status = NVJPEG_ALLOCATOR_FAILURE;
    }
    if (status == NVJPEG_SUCCESS)
        *nvjpeg = kept->nvjpeg;
    else
        free(kept);
    pthread_mutex_unlock(&lock);
    return status;
}

const char *library_status(int status)
{
    static const char *const names[] = {"SUCCESS",
                                        "NOT_INITIALIZED",
                                        "INVALID_PARAMETER",
                                        "BAD_JPEG",
                                        "JPEG_NOT_SUPPORTED",
                                        "ALLOCATOR_FAILURE",
                                        "EXECUTION_FAILED",
                                        "ARCH_MISMATCH",
                                        "INTERNAL_ERROR",
                                        "IMPLEMENTATION_NOT_SUPPORTED",
                                        "INCOMPLETE_BITSTREAM"};
    return status >= 0 && (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status]
                                                                            : "an unknown status";
}
