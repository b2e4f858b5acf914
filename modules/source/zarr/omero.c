/* SPDX-License-Identifier: BSD-3-Clause */
/* omero.channels: labels, colours and windows. Nothing here is needed, so nothing here fails. */
#include "image.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static bool parse_color(const char *text, uint32_t *color)
{
    if (!text)
        return false;
    text += *text == '#';
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    if (text[digits] || (digits != 6 && digits != 8)) /* eight: with an alpha at the end */
        return false;
    unsigned long value = strtoul(text, NULL, 16);
    *color = (uint32_t)(digits == 8 ? value >> 8 : value);
    return true;
}

static bool parse_pair(const cJSON *window, const char *low, const char *high, double *pair)
{
    return json_number(json_get(window, low), &pair[0]) &&
           json_number(json_get(window, high), &pair[1]) && pair[0] < pair[1];
}

static void read_channel(struct image *image, const cJSON *item, uint32_t number,
                         struct oriel_source_channel *channel)
{
    const char *label = json_string(item, "label");
    const cJSON *window = json_get(item, "window");
    const char *text = arena_print(&image->arena, "%s", label ? label : "");
    channel->label = text ? text : "";
    channel->active = json_flag(item, "active", true);
    channel->inverted = json_flag(item, "inverted", false);
    channel->has_color = parse_color(json_string(item, "color"), &channel->color);
    channel->has_window = parse_pair(window, "start", "end", channel->window);
    channel->has_range = parse_pair(window, "min", "max", channel->range);
    if (json_get(item, "color") && !channel->has_color)
        text_list_add(&image->warnings, &image->arena, "omero: channel %u: color is no RRGGBB",
                      number);
    if (window && !channel->has_window)
        text_list_add(&image->warnings, &image->arena,
                      "omero: channel %u: window has no start below its end", number);
    if (window && !channel->has_range)
        text_list_add(&image->warnings, &image->arena,
                      "omero: channel %u: window has no min below its max", number);
}

void omero_read(struct image *image, const cJSON *omero)
{
    const cJSON *list = json_get(omero, "channels");
    if (!cJSON_IsArray(list) || !list->child)
        return;
    int32_t axis = image->info.channel_axis;
    uint64_t length = axis < 0 ? 1 : image->arrays[0]->shape[axis];
    uint64_t count = (uint64_t)cJSON_GetArraySize(list);
    if (count != length)
        text_list_add(&image->warnings, &image->arena,
                      "omero describes %llu channels but the image has %llu",
                      (unsigned long long)count, (unsigned long long)length);
    count = count < length ? count : length;
    struct oriel_source_channel *channels =
        arena_alloc(&image->arena, (size_t)(count + 1) * sizeof *channels);
    if (!channels)
        return;
    const cJSON *item = list->child;
    for (uint32_t i = 0; i < count; i++, item = item->next)
        read_channel(image, item, i, &channels[i]);
    image->info.channels = channels;
    image->info.channel_count = (uint32_t)count;
}
