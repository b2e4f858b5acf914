/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene_file.h"

#include <cjson/cJSON.h>
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "scene/colormap.h"

struct scene_file {
    struct oriel_colormap maps[RIG_LAYERS]; /* given in the file */
};

struct array {
    char type[4]; /* "u1", "u2", "i2", "f4" */
    uint32_t ndim;
    uint32_t shape[3];
    char *data;
};

static char *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened", path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    text[size] = 0;
    if (bytes)
        *bytes = (size_t)size;
    return text;
}

static void array_load(const char *path, struct array *array)
{
    size_t bytes;
    char *file = read_file(path, &bytes);
    assert_memory_equal(file, "\x93NUMPY\x01", 7);
    uint32_t header = (uint8_t)file[8] + 256u * (uint8_t)file[9];
    char *text = strndup(file + 10, header);
    char *type = strstr(text, "'descr': '") + 11;
    snprintf(array->type, sizeof array->type, "%.2s", type);
    char *shape = strchr(strstr(text, "'shape'"), '(') + 1;
    for (array->ndim = 0; array->ndim < 3; array->ndim++) {
        array->shape[array->ndim] = (uint32_t)strtoul(shape, &shape, 10);
        if (!array->shape[array->ndim])
            break;
        shape += strspn(shape, ", ");
    }
    free(text);
    memmove(file, file + 10 + header, bytes - 10 - header);
    array->data = file;
}

static double voxel(const struct array *array, size_t i)
{
    const char *p = array->data;
    if (strcmp(array->type, "u1") == 0)
        return ((const uint8_t *)p)[i];
    if (strcmp(array->type, "u2") == 0)
        return ((const uint16_t *)p)[i];
    if (strcmp(array->type, "i2") == 0)
        return ((const int16_t *)p)[i];
    assert_string_equal(array->type, "f4");
    return ((const float *)p)[i];
}

/* Uploads the displayed part of an array: all of a volume, or the slice that `index` names. */
static void upload(struct rig *rig, uint32_t layer, const struct array *array, const cJSON *index,
                   const double scale[3], const double translate[3])
{
    uint32_t start[3] = {0}, count[3] = {1, 1, 1}, shape[3] = {1, 1, 1};
    uint32_t stride[3] = {array->shape[1] * array->shape[2], array->shape[2], 1};
    size_t strides[3] = {0};
    uint32_t n = 0;
    size_t origin = 0;
    for (uint32_t i = 3; i-- > 0;) {
        const cJSON *item = index ? cJSON_GetArrayItem(index, (int)i) : NULL;
        if (item && cJSON_IsNumber(item)) {
            start[i] = (uint32_t)item->valueint;
            origin += (size_t)start[i] * stride[i];
        } else {
            count[i] = array->shape[i];
            shape[n] = count[i];
            strides[n++] = stride[i];
        }
    }
    assert_int_equal(n, rig->snapshot.ndisplay);
    uint32_t dtype = strcmp(array->type, "u1") == 0   ? ORIEL_U8
                     : strcmp(array->type, "u2") == 0 ? ORIEL_U16
                                                      : ORIEL_F32;
    size_t voxels = (size_t)shape[0] * shape[1] * shape[2];
    char *data = malloc(voxels * 4);
    assert_non_null(data);
    size_t k = 0;
    for (uint32_t z = 0; z < shape[2]; z++)
        for (uint32_t y = 0; y < shape[1]; y++)
            for (uint32_t x = 0; x < shape[0]; x++, k++) {
                double value =
                    voxel(array, origin + x * strides[0] + y * strides[1] + z * strides[2]);
                if (dtype == ORIEL_U8)
                    ((uint8_t *)data)[k] = (uint8_t)value;
                else if (dtype == ORIEL_U16)
                    ((uint16_t *)data)[k] = (uint16_t)value;
                else
                    ((float *)data)[k] = (float)value;
            }
    struct oriel_slab slab = rig_slab(rig, layer, layer + 1, dtype, shape, data);
    memcpy(slab.scale, scale, sizeof slab.scale);
    memcpy(slab.translate, translate, sizeof slab.translate);
    rig_upload(rig, &slab);
    free(data);
}

static uint32_t one_of(const char *name, const char *const *names)
{
    for (uint32_t i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0)
            return i + 1;
    fail_msg("unknown: %s", name);
    return 0;
}

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
}

static double number_of(const cJSON *object, const char *key)
{
    return cJSON_GetNumberValue(cJSON_GetObjectItem(object, key));
}

/* The last entry of a z, y, x list is x. */
static void reversed(const cJSON *list, double fallback, double out[3])
{
    int n = cJSON_GetArraySize(list);
    for (int i = 0; i < 3; i++)
        out[i] = i < n ? cJSON_GetArrayItem(list, n - 1 - i)->valuedouble : fallback;
}

static const struct oriel_colormap *colormap_of(const cJSON *item, struct oriel_colormap *own)
{
    if (cJSON_IsString(item)) {
        const struct oriel_colormap *map = colormap_find(item->valuestring);
        assert_non_null(map);
        return map;
    }
    const cJSON *colors = cJSON_GetObjectItem(item, "colors");
    uint32_t n = (uint32_t)cJSON_GetArraySize(colors);
    float *values = calloc(4 * n, sizeof *values), *controls = calloc(n, sizeof *controls);
    uint32_t i = 0;
    const cJSON *color;
    cJSON_ArrayForEach(color, colors)
    {
        for (uint32_t c = 0; c < 4; c++)
            values[4 * i + c] = (float)cJSON_GetArrayItem(color, (int)c)->valuedouble;
        controls[i] = (float)(i / (n - 1.0));
        i++;
    }
    *own = (struct oriel_colormap){.name = "own",
                                   .colors = values,
                                   .controls = controls,
                                   .count = n,
                                   .interpolation = ORIEL_LUT_LINEAR};
    return own;
}

static void limits_of(const cJSON *controls, const char *key, double out[2])
{
    const cJSON *item = cJSON_GetObjectItem(controls, key);
    for (int i = 0; item && i < 2; i++)
        out[i] = cJSON_GetArrayItem(item, i)->valuedouble;
}

static void add_layer(struct scene_file *file, struct rig *rig, const char *folder,
                      const cJSON *json)
{
    static const char *const blendings[] = {
        "translucent", "translucent_no_depth", "additive", "minimum",
        "opaque",      "multiplicative",       NULL};
    static const char *const renderings[] = {
        "mip", "minip", "attenuated_mip", "average", "additive", "translucent", "iso", NULL};
    static const char *const filters[] = {"nearest", "linear", NULL};
    const cJSON *controls = cJSON_GetObjectItem(json, "controls");
    uint32_t i = rig->snapshot.layer_count;
    struct oriel_layer *layer =
        rig_add(rig, colormap_of(cJSON_GetObjectItem(controls, "colormap"), &file->maps[i]));
    layer->opacity = number_of(controls, "opacity");
    layer->gamma = number_of(controls, "gamma");
    layer->attenuation = number_of(controls, "attenuation");
    layer->iso_threshold = number_of(controls, "iso_threshold");
    layer->blending = one_of(text_of(controls, "blending"), blendings);
    layer->rendering = one_of(text_of(controls, "rendering"), renderings);
    layer->interpolation_2d = layer->interpolation_3d =
        one_of(text_of(controls, "interpolation"), filters);
    limits_of(controls, "contrast_limits", layer->contrast_limits);
    memcpy(layer->contrast_limits_range, layer->contrast_limits, sizeof layer->contrast_limits);
    limits_of(controls, "contrast_limits_range", layer->contrast_limits_range);

    const cJSON *source = cJSON_GetObjectItem(json, "source");
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, text_of(source, "uri"));
    struct array array;
    array_load(path, &array);
    const cJSON *transform = cJSON_GetObjectItem(json, "transform");
    double scale[3], translate[3];
    reversed(cJSON_GetObjectItem(transform, "scale"), 1, scale);
    reversed(cJSON_GetObjectItem(transform, "translate"), 0, translate);
    rig_apply(rig);
    upload(rig, i, &array, cJSON_GetObjectItem(source, "index"), scale, translate);
    free(array.data);
}

struct scene_file *scene_file_load(const char *folder, const char *path, struct rig *rig)
{
    struct scene_file *file = calloc(1, sizeof *file);
    assert_non_null(file);
    char *text = read_file(path, NULL);
    cJSON *json = cJSON_Parse(text);
    free(text);
    assert_non_null(json);
    const cJSON *canvas = cJSON_GetObjectItem(json, "canvas");
    const cJSON *size = cJSON_GetObjectItem(canvas, "size");
    uint32_t ndisplay = (uint32_t)number_of(cJSON_GetObjectItem(json, "dims"), "ndisplay");
    rig_init(rig, ndisplay, (uint32_t)cJSON_GetArrayItem(size, 0)->valueint,
             (uint32_t)cJSON_GetArrayItem(size, 1)->valueint);
    if (strcmp(text_of(canvas, "background"), "white") == 0)
        for (int i = 0; i < 3; i++)
            rig->view.background[i] = 1;
    const cJSON *camera = cJSON_GetObjectItem(json, "camera");
    double center[3], angles[3] = {0};
    reversed(cJSON_GetObjectItem(camera, "center"), 0, center);
    for (int i = 0; i < 3; i++)
        angles[i] = cJSON_GetArrayItem(cJSON_GetObjectItem(camera, "angles"), i)->valuedouble;
    if (ndisplay == 2)
        rig_look(rig, center[0], center[1], number_of(camera, "zoom"));
    else
        rig_turn(rig, center, angles, number_of(camera, "zoom"), number_of(camera, "perspective"));
    const cJSON *layer;
    cJSON_ArrayForEach(layer, cJSON_GetObjectItem(json, "layers"))
    {
        add_layer(file, rig, folder, layer);
    }
    cJSON_Delete(json);
    return file;
}

void scene_file_free(struct scene_file *file, struct rig *rig)
{
    rig_finish(rig);
    for (int i = 0; i < RIG_LAYERS; i++) {
        free((void *)file->maps[i].colors);
        free((void *)file->maps[i].controls);
    }
    free(file);
}

uint8_t *picture_load(const char *path, uint32_t width, uint32_t height)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&image, path))
        fail_msg("%s: %s", path, image.message);
    image.format = PNG_FORMAT_RGBA;
    assert_int_equal(image.width, width);
    assert_int_equal(image.height, height);
    uint8_t *rgba = malloc((size_t)width * height * 4);
    assert_non_null(rgba);
    assert_true(png_image_finish_read(&image, NULL, rgba, 0, NULL));
    return rgba;
}
