/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/layers.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/dataset.h"
#include "render/range.h"
#include "scene/controls.h"
#include "scene/json.h"
#include "scene/world.h"
#include "util/check.h"
#include "util/log.h"

/* The last part of a path or URL, without the endings that say what it is. */
static char *stem(const char *uri)
{
    size_t end = strlen(uri);
    while (end > 0 && uri[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && uri[begin - 1] != '/')
        begin--;
    char *name = xasprintf("%.*s", (int)(end - begin), uri + begin);
    static const char *const endings[] = {".zarr", ".ome", ".npy"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t length = strlen(name), ending = strlen(endings[i]);
        if (length > ending && strcasecmp(name + length - ending, endings[i]) == 0)
            name[length - ending] = '\0';
    }
    return name;
}

/* The names of options->axes, when the data have none of their own and the names fit them: a letter
 * for each axis, none twice. Else NULL; *misfit says whether they are wanted but do not fit. */
static const char *axes_names(const struct oriel_source_info *info,
                              const struct layers_options *options, bool *misfit)
{
    const char *names = options->axes ? options->axes : "";
    *misfit = false;
    for (uint32_t a = 0; a < info->ndim; a++)
        if (info->axes[a].name[0])
            return NULL;
    if (!*names)
        return NULL;
    *misfit = strlen(names) != info->ndim;
    for (const char *c = names; *c; c++)
        *misfit = *misfit || !isalpha((unsigned char)*c) || strchr(c + 1, *c);
    return *misfit ? NULL : names;
}

static void fill_axis(const struct oriel_source_info *info, const char *names, uint32_t from,
                      uint32_t left, const struct layer_binding *binding, struct scene_axis *axis)
{
    static const char *const usual[] = {"x", "y", "z", "t", "c"};
    const struct oriel_source_level *level = &info->levels[0];
    const char *name = info->axes[from].name;
    if (names)
        snprintf(axis->name, sizeof axis->name, "%c", names[from]);
    else if (name[0])
        snprintf(axis->name, sizeof axis->name, "%s", name);
    else if (left < 5)
        snprintf(axis->name, sizeof axis->name, "%s", usual[left]);
    else
        snprintf(axis->name, sizeof axis->name, "axis%u", from);
    snprintf(axis->type, sizeof axis->type, "%s", info->axes[from].type);
    snprintf(axis->unit, sizeof axis->unit, "%s", info->axes[from].unit);
    double scale = level->scale[from], translate = level->translate[from];
    axis->scale = world_scale_ok(scale) ? scale : 1;
    axis->translate = world_translate_ok(translate) ? translate : 0;
    axis->size = binding->count[from];
}

/* Level i against level 0 along one axis: from the metadata where they agree with the shapes to
 * within a pixel of the level, else from the shapes; the corner of both is the same where no
 * translation is given (how pyramids that average are made, and what napari assumes). */
static void relate(const struct oriel_source_level *level0, const struct oriel_source_level *level,
                   uint32_t axis, double *scale, double *translate)
{
    double ratio = level0->scale[axis] != 0 ? level->scale[axis] / level0->scale[axis] : 0;
    double shape0 = (double)level0->shape[axis], shape = (double)level->shape[axis];
    if (!isfinite(ratio) || ratio <= 0 || fabs(shape * ratio - shape0) > 2 * ratio)
        ratio = shape > 0 ? shape0 / shape : 1;
    double shift = (level->translate[axis] - level0->translate[axis]) / level0->scale[axis];
    *scale = ratio;
    *translate = isfinite(shift) && shift != 0 ? shift : (ratio - 1) / 2;
}

static void fill_levels(const struct oriel_source_info *info, struct scene_layer *layer)
{
    struct layer_binding *binding = &layer->binding;
    layer->level_count = info->level_count;
    layer->levels = xcalloc(info->level_count, sizeof *layer->levels);
    for (uint32_t l = 0; l < info->level_count; l++) {
        const struct oriel_source_level *from = &info->levels[l];
        struct oriel_level *level = &layer->levels[l];
        for (uint32_t a = 0; a < info->ndim; a++) {
            int32_t to = binding->layer_axis[a];
            if (to < 0)
                continue;
            uint64_t start, count;
            layer_binding_range(binding, a, info->levels[0].shape[a], from->shape[a], &start,
                                &count);
            level->shape[to] = count;
            level->chunk[to] = from->chunk[a];
            relate(&info->levels[0], from, a, &level->scale[to], &level->translate[to]);
            level->translate[to] += (double)start * level->scale[to] - (double)binding->start[a];
        }
    }
}

static bool bind_axes(const struct oriel_source_info *info, const struct layers_index *index,
                      int32_t channel, struct layer_binding *binding, uint32_t *ndim,
                      struct error *err)
{
    const uint64_t *shape = info->levels[0].shape;
    binding->axis_count = info->ndim;
    *ndim = 0;
    for (uint32_t a = 0; a < info->ndim; a++) {
        enum layers_part part = index ? index->axes[a].part : LAYERS_KEEP;
        binding->count[a] = shape[a];
        if (part == LAYERS_CROP) {
            if (index->axes[a].start >= index->axes[a].end || index->axes[a].end > shape[a])
                return error_set(err, "index of axis %u: [%llu, %llu] is not inside 0..%llu", a,
                                 (unsigned long long)index->axes[a].start,
                                 (unsigned long long)index->axes[a].end,
                                 (unsigned long long)shape[a]);
            binding->start[a] = index->axes[a].start;
            binding->count[a] = index->axes[a].end - index->axes[a].start;
        }
        if (part == LAYERS_FIX || (channel >= 0 && (int32_t)a == info->channel_axis)) {
            uint64_t at = part == LAYERS_FIX ? index->axes[a].start : (uint64_t)channel;
            if (at >= shape[a])
                return error_set(err, "index of axis %u: %llu is not below %llu", a,
                                 (unsigned long long)at, (unsigned long long)shape[a]);
            binding->start[a] = at;
            binding->count[a] = 1;
            binding->layer_axis[a] = -1;
        } else {
            binding->layer_axis[a] = (int32_t)(*ndim)++;
        }
        if (shape[a] == 0)
            return error_set(err, "axis %u is empty", a);
    }
    return true;
}

/* What a type can hold, for values that could not be read. */
static void type_range(uint32_t dtype, double range[2])
{
    bool is_signed = dtype >= ORIEL_I8 && dtype <= ORIEL_I64;
    double values = ldexp(1, (int)dtype_bytes(dtype) * 8);
    bool integer = is_signed || dtype <= ORIEL_U64;
    range[0] = is_signed ? -values / 2 : 0;
    range[1] = !integer ? 1 : is_signed ? values / 2 - 1 : values - 1;
}

/* What the values are. A dataset opens with a chunk that cannot be read, too: the picture shows the
 * rest. */
static void value_range(const struct scene_layer *layer, double range[2])
{
    struct data_range values;
    struct error err;
    bool read = data_range_read(layer->binding.dataset, &layer->binding, &values, &err);
    if (!read)
        log_warn(LOG_DATA, "%s: limits are those of the type: %s",
                 dataset_uri(layer->binding.dataset), err.text);
    range[0] = 0;
    range[1] = 1;
    if (!read || !values.count) {
        type_range(layer->dtype, range);
    } else if (values.min < values.max) {
        range[0] = values.min;
        range[1] = values.max;
    }
}

/* napari: the whole range for 8 bits, else what the values are. A described range that is all that
 * 16 or more bits can hold describes nothing: in it the limits could hardly be set. */
static void default_limits(const struct scene_layer *layer, const struct layers_options *options,
                           const struct oriel_source_channel *channel, double limits[2],
                           double range[2])
{
    bool window = channel && channel->has_window && channel->window[0] < channel->window[1];
    bool described = channel && channel->has_range && channel->range[0] < channel->range[1] &&
                     channel->range[1] - channel->range[0] < 65535;
    if (described)
        memcpy(range, channel->range, 2 * sizeof *range);
    else if (layer->dtype == ORIEL_U8)
        type_range(layer->dtype, range);
    else if (options->limits_known)
        memcpy(range, (double[]){0, 1}, 2 * sizeof *range);
    else
        value_range(layer, range);
    memcpy(limits, window ? channel->window : range, 2 * sizeof *limits);
    range[0] = fmin(range[0], limits[0]);
    range[1] = fmax(range[1], limits[1]);
}

static cJSON *default_colormap(const struct oriel_source_channel *channel, uint32_t index,
                               uint32_t channels)
{
    static const char *const two[] = {"magenta", "green"};
    static const char *const many[] = {"cyan", "magenta", "yellow", "blue", "green", "red"};
    if (channel && channel->has_color)
        return colormap_from_rgb(channel->color);
    return cJSON_CreateString(channels < 2 ? "gray" : channels == 2 ? two[index] : many[index % 6]);
}

static void fill_controls(struct scene_layer *layer, const struct layers_options *options,
                          const struct oriel_source_channel *channel, bool visible, uint32_t index,
                          uint32_t channels, const double limits[2], const double range[2])
{
    cJSON *c = layer->controls;
    json_put_bool(c, "visible", visible);
    json_put_number(c, "opacity", 1);
    json_put_string(c, "blending", channels > 1 ? "additive" : "translucent");
    json_put_string(c, "interpolation2d",
                    options->interpolation_2d ? options->interpolation_2d : "nearest");
    json_put_string(c, "interpolation3d", "linear");
    json_put(c, "colormap", default_colormap(channel, index, channels));
    json_put_number(c, "gamma", 1);
    json_put_numbers(c, "contrast_limits", limits, 2);
    json_put_numbers(c, "contrast_limits_range", range, 2);
    json_put_string(c, "rendering", "mip");
    json_put_number(c, "attenuation", 0.05);
    /* napari takes the middle of the range; with limits from the metadata that often shows nothing.
     */
    json_put_number(c, "iso_threshold", (limits[0] + limits[1]) / 2);
    json_put_string(c, "depiction", "volume");
    json_put_string(c, "projection_mode", "none");
}

static struct scene_layer *make_layer(struct dataset *dataset, const struct layers_options *options,
                                      int32_t index, uint32_t channels, bool any_active,
                                      struct error *err)
{
    const struct oriel_source_info *info = dataset_info(dataset);
    struct scene_layer *layer = scene_layer_create();
    layer->dtype = info->dtype;
    layer->binding.dataset = dataset_ref(dataset);
    layer->binding.level = options->level;
    memcpy(layer->full, info->levels[0].shape, sizeof layer->full);
    if (!bind_axes(info, options->index, index, &layer->binding, &layer->ndim, err))
        goto fail;
    if (layer->ndim < 2) {
        error_set(err, "has %u axes; a picture needs 2", layer->ndim);
        goto fail;
    }
    bool misfit;
    const char *names = axes_names(info, options, &misfit);
    for (uint32_t a = 0; a < info->ndim; a++) {
        int32_t to = layer->binding.layer_axis[a];
        if (to >= 0)
            fill_axis(info, names, a, layer->ndim - 1 - (uint32_t)to, &layer->binding,
                      &layer->axes[to]);
    }
    fill_levels(info, layer);

    const struct oriel_source_channel *channel = NULL;
    uint32_t described = index >= 0 ? (uint32_t)index : 0;
    if (described < info->channel_count && (index >= 0 || info->channel_axis < 0))
        channel = &info->channels[described];
    double limits[2], range[2];
    default_limits(layer, options, channel, limits, range);
    bool visible = !channel || !any_active || channel->active;
    fill_controls(layer, options, channel, visible, index >= 0 ? (uint32_t)index : 0, channels,
                  limits, range);

    const char *uri = dataset_uri(dataset);
    char *name = stem(uri);
    const char *label = channel && channel->label[0] ? channel->label : "";
    json_put_string(layer->controls, "name", label[0] ? label : info->name[0] ? info->name : name);
    free(name);
    char real[PATH_MAX]; /* a scene that is saved elsewhere still finds a local file */
    layer->uri = xstrdup(realpath(uri, real) ? real : uri);
    const char *slash = strrchr(uri, '/');
    layer->source = xstrdup(slash && slash[1] ? slash + 1 : uri);
    layer->format = xstrdup(info->format);
    layer->kind = xstrdup(info->kind);
    layer->has_color = channel && channel->has_color;
    layer->color = layer->has_color ? channel->color : 0;
    for (uint32_t i = 0; i < info->warning_count; i++)
        cJSON_AddItemToArray(layer->warnings, cJSON_CreateString(info->warnings[i]));
    if (misfit) {
        char *text = xasprintf("data.axes \"%s\" is not a letter for each of its %u axes",
                               options->axes, info->ndim);
        cJSON_AddItemToArray(layer->warnings, cJSON_CreateString(text));
        free(text);
    }
    if (channel && channel->inverted)
        cJSON_AddItemToArray(layer->warnings,
                             cJSON_CreateString("this channel asks for an inverted display"));
    for (uint32_t i = 0; i < info->label_count; i++)
        cJSON_AddItemToArray(layer->labels, cJSON_CreateString(info->labels[i]));
    return layer;
fail:
    scene_layer_destroy(layer);
    return NULL;
}

/* A dataset may be a single value, or have an axis of length 0: neither has a picture. */
static bool check_extent(const struct oriel_source_info *info, const char *uri, struct error *err)
{
    if (info->ndim == 0)
        return error_set(err, "%s: an array without axes cannot be shown", uri);
    for (uint32_t l = 0; l < info->level_count; l++)
        for (uint32_t a = 0; a < info->ndim; a++)
            if (info->levels[l].shape[a] == 0)
                return error_set(err, "%s: level %u is empty along axis %u", uri, l, a);
    return true;
}

bool layers_from_dataset(struct dataset *dataset, const struct layers_options *options,
                         struct scene_layer ***layers, size_t *count, struct error *err)
{
    const struct oriel_source_info *info = dataset_info(dataset);
    *layers = NULL;
    *count = 0;
    if (!info->dtype || !info->level_count)
        return error_set(err, "%s: holds no image", dataset_uri(dataset));
    if (!check_extent(info, dataset_uri(dataset), err))
        return false;
    if (options->index && options->index->count != info->ndim)
        return error_set(err, "%s: index has %u entries for %u axes", dataset_uri(dataset),
                         options->index->count, info->ndim);
    if (options->level >= (int32_t)info->level_count)
        return error_set(err, "%s: there is no level %d, only 0..%u", dataset_uri(dataset),
                         options->level, info->level_count - 1);

    uint32_t channels = 0;
    if (!options->index && info->channel_axis >= 0 && options->split != LAYERS_SPLIT_NEVER &&
        info->ndim > 2) {
        uint64_t n = info->levels[0].shape[info->channel_axis];
        uint32_t most = options->split == LAYERS_SPLIT_ALWAYS ? 256 : options->max_channels;
        channels = n <= most ? (uint32_t)n : 0;
    }
    bool any_active = false;
    for (uint32_t i = 0; i < info->channel_count; i++)
        any_active = any_active || info->channels[i].active;

    size_t wanted = channels ? channels : 1;
    struct scene_layer **made = xcalloc(wanted, sizeof *made);
    for (size_t i = 0; i < wanted; i++) {
        made[i] =
            make_layer(dataset, options, channels ? (int32_t)i : -1, channels, any_active, err);
        if (!made[i]) {
            error_prefix(err, "%s", dataset_uri(dataset));
            while (i--)
                scene_layer_destroy(made[i]);
            free(made);
            return false;
        }
    }
    *layers = made;
    *count = wanted;
    return true;
}
