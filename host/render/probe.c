/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "render/dataset.h"
#include "render/loader.h"
#include "render/plan.h"
#include "render/pool.h"
#include "render/value.h"

bool data_probe(struct render_pool *pool, const struct layer_binding *binding,
                const int64_t index[ORIEL_MAX_AXES], struct data_value *value, struct error *err)
{
    const struct oriel_source_info *info = dataset_info(binding->dataset);
    if (info->level_count == 0)
        return error_set(err, "%s has no values", dataset_uri(binding->dataset));
    struct want want = {.dataset = binding->dataset, .key.dataset = dataset_key(binding->dataset)};
    uint64_t block[ORIEL_MAX_AXES], offset = 0;
    plan_block(info, 0, block);
    for (uint32_t a = 0; a < info->ndim; a++) {
        int32_t j = binding->layer_axis[a];
        int64_t i = j < 0 ? 0 : index[j];
        if (i < 0 || (j >= 0 && (uint64_t)i >= binding->count[a]) ||
            (uint64_t)i + binding->start[a] >= info->levels[0].shape[a])
            return error_set(err, "outside of the data");
        uint64_t at = (uint64_t)i + binding->start[a];
        want.key.index[a] = at / block[a];
        want.origin[a] = want.key.index[a] * block[a];
        uint64_t rest = info->levels[0].shape[a] - want.origin[a];
        want.shape[a] = block[a] < rest ? block[a] : rest;
        offset = offset * want.shape[a] + at - want.origin[a];
    }
    struct loader *loader = render_pool_loader(pool);
    struct block *loaded = loader_load(loader, &want, err);
    if (!loaded)
        return false;
    size_t bytes = dtype_bytes(info->dtype);
    *value = (struct data_value){.dtype = info->dtype};
    memcpy(value->bytes, (const uint8_t *)loaded->data + offset * bytes, bytes);
    loader_release(loader, loaded);
    return true;
}
