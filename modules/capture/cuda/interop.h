/* SPDX-License-Identifier: BSD-3-Clause */
/* One OpenGL buffer that CUDA reads. */
#ifndef INTEROP_H
#define INTEROP_H

#include <stdint.h>

#include <epoxy/gl.h>

#include "driver.h"
#include "oriel/host_cuda.h"

/* The driver and the CUDA device of the OpenGL context that is current, tried once with a small
 * buffer; NULL when there is none, with the sentence through host->fail. [render] */
struct interop {
    const struct driver *driver;
    const struct oriel_host_cuda *device;
};
oriel_result interop_open(const struct oriel_host *host, struct interop *interop);

struct shared_buffer {
    GLuint name;
    CUgraphicsResource resource;
};
/* All with the GL and the CUDA context current; *call and the result say what failed. */
CUresult shared_create(const struct driver *driver, struct shared_buffer *buffer, uint64_t bytes,
                       const char **call);
void shared_destroy(const struct driver *driver, struct shared_buffer *buffer); /* zeroed is fine */
/* What OpenGL was told before is done before what `stream` gets between the two; what it gets there
 * is done before what OpenGL is told after. */
CUresult shared_map(const struct driver *driver, struct shared_buffer *buffer, CUstream stream,
                    CUdeviceptr *address, const char **call);
CUresult shared_unmap(const struct driver *driver, struct shared_buffer *buffer, CUstream stream,
                      const char **call);

#endif
