/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel info: what a source sees in a dataset. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/data.h"
#include "cli/options.h"
#include "util/check.h"

static const char usage[] = "usage: oriel info DATA [--json]\n\n"
                            "Tells what DATA holds: axes, type, levels, channels, labels.\n\n";

static cJSON *checked(cJSON *item)
{
    CHECK(item);
    return item;
}

static void add(cJSON *object, const char *key, cJSON *item)
{
    cJSON_AddItemToObject(object, key, checked(item));
}

static cJSON *counts(const uint64_t *values, uint32_t count)
{
    cJSON *list = checked(cJSON_CreateArray());
    for (uint32_t k = 0; k < count; k++)
        cJSON_AddItemToArray(list, checked(cJSON_CreateNumber((double)values[k])));
    return list;
}

static cJSON *numbers(const double *values, uint32_t count)
{
    cJSON *list = checked(cJSON_CreateArray());
    for (uint32_t k = 0; k < count; k++)
        cJSON_AddItemToArray(list, checked(cJSON_CreateNumber(values[k])));
    return list;
}

static cJSON *texts(const char *const *items, uint32_t count, const char *prefix)
{
    cJSON *list = checked(cJSON_CreateArray());
    size_t n = strlen(prefix);
    for (uint32_t i = 0; i < count; i++) {
        const char *text = strncmp(items[i], prefix, n) == 0 ? items[i] + n : items[i];
        cJSON_AddItemToArray(list, checked(cJSON_CreateString(text)));
    }
    return list;
}

static cJSON *level_json(const struct oriel_source_level *level, uint32_t ndim)
{
    cJSON *object = checked(cJSON_CreateObject());
    bool sharded = ndim && level->shard[0];
    add(object, "path", cJSON_CreateString(level->path));
    add(object, "shape", counts(level->shape, ndim));
    add(object, "chunks", counts(level->chunk, ndim));
    add(object, "shards", sharded ? counts(level->shard, ndim) : cJSON_CreateNull());
    add(object, "scale", numbers(level->scale, ndim));
    add(object, "translate", numbers(level->translate, ndim));
    add(object, "codecs", cJSON_CreateString(level->codecs));
    return object;
}

static cJSON *channel_json(const struct oriel_source_channel *channel)
{
    cJSON *object = checked(cJSON_CreateObject());
    char color[8] = "";
    snprintf(color, sizeof color, "%06" PRIX32, channel->color & 0xffffffu);
    add(object, "label", cJSON_CreateString(channel->label));
    add(object, "color", channel->has_color ? cJSON_CreateString(color) : cJSON_CreateNull());
    add(object, "window", channel->has_window ? numbers(channel->window, 2) : cJSON_CreateNull());
    add(object, "range", channel->has_range ? numbers(channel->range, 2) : cJSON_CreateNull());
    add(object, "active", cJSON_CreateBool(channel->active));
    add(object, "inverted", cJSON_CreateBool(channel->inverted != 0));
    return object;
}

static void print_json(const struct dataset *dataset)
{
    const struct oriel_source_info *info = dataset_info(dataset);
    cJSON *root = checked(cJSON_CreateObject());
    add(root, "uri", cJSON_CreateString(dataset_uri(dataset)));
    add(root, "kind", cJSON_CreateString(info->kind));
    add(root, "format", cJSON_CreateString(info->format));
    add(root, "name", cJSON_CreateString(info->name));
    add(root, "module", cJSON_CreateString(dataset_module(dataset)));
    cJSON *axes = checked(cJSON_AddArrayToObject(root, "axes"));
    for (uint32_t k = 0; k < info->ndim; k++) {
        cJSON *axis = checked(cJSON_CreateObject());
        add(axis, "name", cJSON_CreateString(info->axes[k].name));
        add(axis, "type", cJSON_CreateString(info->axes[k].type));
        add(axis, "unit", cJSON_CreateString(info->axes[k].unit));
        cJSON_AddItemToArray(axes, axis);
    }
    add(root, "dtype",
        info->dtype ? cJSON_CreateString(dtype_name(info->dtype)) : cJSON_CreateNull());
    cJSON *levels = checked(cJSON_AddArrayToObject(root, "levels"));
    for (uint32_t i = 0; i < info->level_count; i++)
        cJSON_AddItemToArray(levels, level_json(&info->levels[i], info->ndim));
    cJSON *channels = checked(cJSON_AddArrayToObject(root, "channels"));
    for (uint32_t i = 0; i < info->channel_count; i++)
        cJSON_AddItemToArray(channels, channel_json(&info->channels[i]));
    add(root, "labels", texts(info->labels, info->label_count, "labels/"));
    add(root, "images", texts(info->images, info->image_count, ""));
    add(root, "warnings", texts(info->warnings, info->warning_count, ""));
    char *text = cJSON_Print(root);
    CHECK(text);
    puts(text);
    cJSON_free(text);
    cJSON_Delete(root);
}

static void print_lengths(const char *before, const uint64_t *values, uint32_t count)
{
    printf("%s", before);
    for (uint32_t k = 0; k < count; k++)
        printf("%s%" PRIu64, k ? " × " : "", values[k]);
}

static void print_level(const struct oriel_source_level *level, uint32_t number, uint32_t ndim)
{
    printf("  %u %-10s ", number, level->path);
    print_lengths("", level->shape, ndim);
    print_lengths("  chunks ", level->chunk, ndim);
    if (ndim && level->shard[0])
        print_lengths("  shards ", level->shard, ndim);
    printf("  %s\n", level->codecs);
    printf("    scale");
    for (uint32_t k = 0; k < ndim; k++)
        printf(" %g", level->scale[k]);
    printf("  from");
    for (uint32_t k = 0; k < ndim; k++)
        printf(" %g", level->translate[k]);
    printf("\n");
}

static void print_channel(const struct oriel_source_channel *channel, uint32_t number)
{
    printf("  %u %-16s", number, channel->label);
    if (channel->has_color)
        printf(" #%06" PRIX32, channel->color & 0xffffffu);
    if (channel->has_window)
        printf("  window %g … %g", channel->window[0], channel->window[1]);
    if (channel->has_range)
        printf("  of %g … %g", channel->range[0], channel->range[1]);
    printf("%s%s\n", channel->inverted ? "  inverted" : "", channel->active ? "" : "  hidden");
}

static void print_list(const char *title, const char *const *items, uint32_t count)
{
    if (count)
        printf("%s\n", title);
    for (uint32_t i = 0; i < count; i++)
        printf("  %s\n", items[i]);
}

static void print_text(const struct dataset *dataset)
{
    const struct oriel_source_info *info = dataset_info(dataset);
    printf("%s\n", dataset_uri(dataset));
    if (*info->name)
        printf("name      %s\n", info->name);
    printf("format    %s (%s)\n", info->format, dataset_module(dataset));
    if (info->level_count) {
        printf("dtype     %s\n", dtype_name(info->dtype));
        print_lengths("shape     ", info->levels[0].shape, info->ndim);
        printf("\n");
    }
    for (uint32_t k = 0; k < info->ndim; k++) {
        const struct oriel_axis *axis = &info->axes[k];
        printf("%-10s%u %s%s%s%s%s\n", k ? "" : "axes", k, *axis->name ? axis->name : "unnamed",
               *axis->type ? ", " : "", axis->type, *axis->unit ? ", " : "", axis->unit);
    }
    if (info->level_count)
        printf("levels\n");
    for (uint32_t i = 0; i < info->level_count; i++)
        print_level(&info->levels[i], i, info->ndim);
    if (info->channel_count)
        printf("channels\n");
    for (uint32_t i = 0; i < info->channel_count; i++)
        print_channel(&info->channels[i], i);
    print_list("labels", info->labels, info->label_count);
    print_list("images", info->images, info->image_count);
    print_list("warnings", info->warnings, info->warning_count);
}

int cli_info(int argc, char **argv)
{
    struct cli_options options;
    struct cli_data data;
    int status = cli_options_parse(&options, argc, argv, usage, NULL);
    if (status != CLI_GO_ON)
        return status;
    if (options.argument_count != 1 && !options.print_config && !options.print_schema)
        status = cli_fail(CLI_USAGE, "info: wants one DATA; `oriel info --help` tells more");
    else
        status = cli_data_open(&data, &options, options.argument_count ? options.arguments[0] : "");
    if (status == CLI_GO_ON) {
        if (options.json)
            print_json(data.dataset);
        else
            print_text(data.dataset);
        cli_data_close(&data);
        status = CLI_DONE;
    }
    cli_options_finish(&options);
    return status;
}
