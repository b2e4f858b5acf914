/* SPDX-License-Identifier: BSD-3-Clause */
/* OME-NGFF multiscales, 0.1 to 0.6: axes, levels, their transformations. */
#include "image.h"
#include "json.h"

#include <math.h>
#include <string.h>

/* What a path inside the image is called in the store. */
static bool child_path(const char *path, const char *name, char *out, size_t room,
                       struct fault *fault)
{
    if (!name)
        return fault_set(fault, ORIEL_IO, "a multiscales dataset without a path");
    if (!key_is_safe(name))
        return fault_set(fault, ORIEL_IO, "the dataset path \"%.200s\" leaves the image", name);
    return key_join(out, room, path, name) ||
           fault_set(fault, ORIEL_UNSUPPORTED, "the dataset path is too long");
}

/* 0.6: the axes are those of the coordinate system that the datasets lead to. */
static const cJSON *axes_of(const cJSON *multiscale)
{
    const cJSON *axes = json_get(multiscale, "axes");
    const cJSON *systems = json_get(multiscale, "coordinateSystems");
    if (axes || !systems)
        return axes;
    const cJSON *dataset = cJSON_GetArrayItem(json_get(multiscale, "datasets"), 0);
    const cJSON *transform = cJSON_GetArrayItem(json_get(dataset, "coordinateTransformations"), 0);
    const cJSON *output = json_get(transform, "output");
    const char *wanted =
        cJSON_IsObject(output) ? json_string(output, "name") : cJSON_GetStringValue(output);
    const cJSON *system;
    cJSON_ArrayForEach(system, systems)
    {
        const char *name = json_string(system, "name");
        if (wanted && name && strcmp(wanted, name) == 0)
            return json_get(system, "axes");
    }
    return json_get(cJSON_GetArrayItem(systems, 0), "axes");
}

static bool read_axes(struct image *image, const cJSON *list, const struct array *array,
                      struct fault *fault)
{
    static const char *const tczyx[] = {"t", "c", "z", "y", "x"};
    uint32_t ndim = array->ndim;
    struct oriel_axis *axes = arena_alloc(&image->arena, (ndim + 1) * sizeof *axes);
    if (!axes)
        return fault_nomem(fault);
    if (list && (uint32_t)cJSON_GetArraySize(list) != ndim) {
        text_list_add(&image->warnings, &image->arena,
                      "axes names %d axes but the image has %u: the names are ignored",
                      cJSON_GetArraySize(list), ndim);
        list = NULL;
    }
    for (uint32_t k = 0; k < ndim; k++) {
        const cJSON *item = cJSON_GetArrayItem(list, (int)k);
        /* 0.1 and 0.2 know t, c, z, y, x alone; 0.3 knows names alone. */
        const char *name = cJSON_IsString(item) ? item->valuestring : json_string(item, "name");
        if (!name && array->dims && *array->dims[k])
            name = array->dims[k];
        if (!name)
            name = ndim <= 5 ? tczyx[5 - ndim + k] : "";
        const char *type = json_string(item, "type"), *unit = json_string(item, "unit");
        axes[k].name = arena_print(&image->arena, "%s", name);
        axes[k].type = type ? arena_print(&image->arena, "%s", type) : axis_type(name);
        axes[k].unit = unit ? arena_print(&image->arena, "%s", unit) : "";
        if (!axes[k].name || !axes[k].type || !axes[k].unit)
            return fault_nomem(fault);
        if (strcmp(axes[k].type, "channel") == 0 && image->info.channel_axis < 0)
            image->info.channel_axis = (int32_t)k;
    }
    image->info.axes = axes;
    image->info.ndim = ndim;
    return true;
}

/* Without transformations (before 0.4): how much smaller the level is, as whole numbers where they
 * fit. */
static void guess_scale(const struct oriel_source_level *first, struct oriel_source_level *level,
                        uint32_t ndim)
{
    for (uint32_t k = 0; k < ndim; k++) {
        if (!level->shape[k] || !first->shape[k])
            continue;
        double ratio = (double)first->shape[k] / (double)level->shape[k];
        double whole = nearbyint(ratio);
        if (fabs(ratio - whole) * (double)level->shape[k] < whole)
            ratio = whole;
        level->scale[k] = first->scale[k] * ratio;
        level->translate[k] = first->translate[k] + first->scale[k] * (ratio - 1) / 2;
    }
}

/* One dataset. False only when it must fail the image; a level that is absent is left out. */
static bool read_level(struct image *image, const char *path, const cJSON *dataset,
                       const cJSON *common, struct fault *fault)
{
    struct oriel_source_level *levels = (struct oriel_source_level *)(uintptr_t)image->info.levels;
    uint32_t count = image->info.level_count;
    char key[1024];
    const char *name = json_string(dataset, "path");
    if (!child_path(path, name, key, sizeof key, fault))
        return fault_prefix(fault, "%s/%s", image->catalog.store->name, path);
    struct node node;
    bool ok = node_load(&image->catalog, key, &node, fault);
    enum node_kind kind = node.kind;
    node_finish(&node);
    if (!ok)
        return false;
    if (kind != NODE_ARRAY) {
        text_list_add(&image->warnings, &image->arena, "level \"%s\" is missing", name);
        return true;
    }
    struct array *array = image_array(image, key, fault);
    if (!array)
        return false;
    if (count && (array->ndim != image->arrays[0]->ndim ||
                  array->dtype.type != image->arrays[0]->dtype.type)) {
        text_list_add(&image->warnings, &image->arena,
                      "level \"%s\" has another type or number of axes and is left out", name);
        return true;
    }
    struct oriel_source_level *level = &levels[count];
    level_from_array(image, array, level);
    level->path = arena_print(&image->arena, "%s", name);
    if (!level->path)
        return fault_nomem(fault);
    const cJSON *transforms = json_get(dataset, "coordinateTransformations");
    if (transforms || !count)
        transform_apply(image, transforms, name, array->ndim, level->scale, level->translate);
    else
        guess_scale(&levels[0], level, array->ndim);
    /* The common ones are part of level 0 already when a level is guessed from it. */
    if (transforms || !count)
        transform_apply(image, common, "multiscales", array->ndim, level->scale, level->translate);
    image->arrays[count] = array;
    image->info.level_count++;
    return true;
}

bool multiscale_open(struct image *image, const char *path, const cJSON *ome, uint32_t zarr_version,
                     struct fault *fault)
{
    const cJSON *list = json_get(ome, "multiscales");
    const cJSON *multiscale = cJSON_GetArrayItem(list, 0);
    const cJSON *datasets = json_get(multiscale, "datasets");
    int count = cJSON_GetArraySize(datasets);
    const char *store = image->catalog.store->name;
    if (count < 1 || !cJSON_IsArray(datasets))
        return fault_set(fault, ORIEL_IO, "%s/%s: multiscales has no datasets", store, path);
    if (cJSON_GetArraySize(list) > 1)
        text_list_add(&image->warnings, &image->arena,
                      "multiscales has %d images: the first is shown", cJSON_GetArraySize(list));
    image->arrays = arena_alloc(&image->arena, (size_t)count * sizeof *image->arrays);
    image->info.levels =
        arena_alloc(&image->arena, (size_t)count * sizeof(struct oriel_source_level));
    if (!image->arrays || !image->info.levels)
        return fault_nomem(fault);
    /* 0.6 leads on into other coordinate systems: those are left alone. */
    const cJSON *common = json_get(multiscale, "coordinateSystems")
                              ? NULL
                              : json_get(multiscale, "coordinateTransformations");
    if (json_get(multiscale, "coordinateSystems") &&
        json_get(multiscale, "coordinateTransformations"))
        text_list_add(&image->warnings, &image->arena,
                      "transformations between coordinate systems are ignored");
    const cJSON *dataset;
    cJSON_ArrayForEach(dataset, datasets)
    {
        if (!read_level(image, path, dataset, common, fault))
            return false;
    }
    if (!image->info.level_count)
        return fault_set(fault, ORIEL_IO, "%s/%s: none of the %d levels of multiscales is there",
                         store, path, count);
    if (!read_axes(image, axes_of(multiscale), image->arrays[0], fault))
        return false;
    const char *name = json_string(multiscale, "name");
    const char *version = ome_version(ome);
    image->info.name = arena_print(&image->arena, "%s", name ? name : "");
    image->info.format =
        arena_print(&image->arena, "zarr v%u, OME%s%s", zarr_version, *version ? " " : "", version);
    image->info.kind = "ome-zarr";
    if (!image->info.name || !image->info.format)
        return fault_nomem(fault);
    omero_read(image, json_get(ome, "omero"));
    return true;
}
