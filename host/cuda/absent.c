/* SPDX-License-Identifier: BSD-3-Clause */
/* The room in a build without ffnvcodec's headers. */
#include "cuda/cuda.h"

#ifndef ORIEL_FFNVCODEC
static const char reason[] = "built without ffnvcodec's headers";

bool cuda_find(const struct cuda_hint *hint, struct cuda_about *about, struct error *why)
{
    (void)hint;
    (void)about;
    return error_set(why, "%s", reason);
}

bool cuda_join(const struct cuda_hint *hint, struct cuda_about *about, struct error *why)
{
    return cuda_find(hint, about, why);
}

bool cuda_fence_wait(const struct oriel_fence *fence, struct error *err)
{
    (void)fence;
    return error_set(err, "%s", reason);
}

const struct oriel_frame *cuda_frame_copy(const struct oriel_frame *frame, struct error *err)
{
    (void)frame;
    error_set(err, "%s", reason);
    return NULL;
}
#endif
