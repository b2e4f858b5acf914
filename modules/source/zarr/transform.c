/* SPDX-License-Identifier: BSD-3-Clause */
/* coordinateTransformations: scale and translation, and sequences of them; everything else is
 * ignored with a warning. */
#include "image.h"
#include "json.h"

#include <string.h>

static bool numbers(const cJSON *list, uint32_t ndim, double *values)
{
    if (!cJSON_IsArray(list) || (uint32_t)cJSON_GetArraySize(list) != ndim)
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (!json_number(item, values++))
            return false;
    }
    return true;
}

static void warn(struct image *image, const char *where, const char *what, const char *type)
{
    text_list_add(&image->warnings, &image->arena,
                  "%s: the transformation \"%.40s\" %s and is ignored", where, type, what);
}

void transform_apply(struct image *image, const cJSON *list, const char *where, uint32_t ndim,
                     double *scale, double *translate)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const char *type = json_string(item, "type");
        double values[ORIEL_MAX_AXES];
        if (!type) {
            warn(image, where, "has no type", "?");
        } else if (strcmp(type, "sequence") == 0) {
            transform_apply(image, json_get(item, "transformations"), where, ndim, scale,
                            translate);
        } else if (strcmp(type, "scale") == 0 || strcmp(type, "translation") == 0) {
            bool is_scale = *type == 's';
            if (!numbers(json_get(item, type), ndim, values)) {
                warn(image, where, "is no list with a number for each axis", type);
                continue;
            }
            for (uint32_t k = 0; k < ndim; k++) {
                if (is_scale && values[k] == 0) {
                    text_list_add(&image->warnings, &image->arena,
                                  "%s: a scale of zero is taken as one", where);
                    values[k] = 1;
                }
                scale[k] *= is_scale ? values[k] : 1;
                translate[k] = is_scale ? translate[k] * values[k] : translate[k] + values[k];
            }
        } else if (strcmp(type, "identity") != 0) {
            warn(image, where, "is not supported", type);
        }
    }
}
