/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/gather.h"

#include "render/convert.h"
#include "render/dataset.h"

static uint64_t row_bytes(const struct gather *gather)
{
    return (uint64_t)gather->extent[0] * dtype_bytes(convert_type(gather->dtype));
}

uint64_t gather_bytes(const struct gather *gather)
{
    return row_bytes(gather) * gather->extent[1] * gather->extent[2];
}

void gather_run(const struct gather *gather, const void *values, void *out)
{
    const uint8_t *first = (const uint8_t *)values + gather->first;
    uint8_t *to = out;
    for (uint32_t z = 0; z < gather->extent[2]; z++) {
        for (uint32_t y = 0; y < gather->extent[1]; y++, to += row_bytes(gather))
            convert_row(gather->dtype, first + z * gather->step[2] + y * gather->step[1],
                        gather->step[0], gather->extent[0], to);
    }
}
