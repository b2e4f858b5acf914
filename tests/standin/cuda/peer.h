/* SPDX-License-Identifier: BSD-3-Clause */
/* What the stand-ins for libnvidia-encode and libnvjpeg may ask the stand-in for libcuda: a
 * driver's libraries know each other's insides. Found in the libcuda.so.1 that the client has
 * loaded. */
#ifndef STANDIN_CUDA_PEER_H
#define STANDIN_CUDA_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_VERSION 1u

struct cuda_peer {
    uint32_t version;
    /* 0, or the CUresult of a lost device. */
    int (*lost)(void);
    void (*lose)(void);
    bool (*context_live)(const void *context);
    void *(*context_current)(void);
    /* NULL when [address, address + bytes) is live device memory of that context; else why not.
     * *pitch: of cuMemAllocPitch, or 0. */
    const char *(*check)(const void *context, uint64_t address, size_t bytes, size_t *pitch);
    /* The host's view of device memory until release(); NULL with *why when it is not there. */
    void *(*hold)(uint64_t address, size_t bytes, const char **why);
    void (*release)(uint64_t address);
    /* A mark after all work so far of a stream (NULL: the null stream of `context`); -1 as seq when
     * it is not a stream of that context. wait() waits for it. */
    int64_t (*mark)(void *context, void *stream, void **where);
    void (*wait)(void *where, int64_t seq);
    /* Calls `work` on the stream's thread, in order. */
    bool (*submit)(void *context, void *stream, void (*work)(void *), void *user);
};

/* NULL: libcuda.so.1 is not loaded, or it is the real one. */
const struct cuda_peer *cuda_peer_find(void);

#endif
