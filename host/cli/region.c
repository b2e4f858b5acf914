/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/region.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *skip(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

static bool parse_number(const char **at, long long *value)
{
    char *end = NULL;
    errno = 0;
    *value = strtoll(*at, &end, 10);
    if (end == *at || errno)
        return false;
    *at = skip(end);
    return true;
}

/* A bound of a slice: from the end when negative, and cut to the axis. */
static uint64_t bound(long long value, uint64_t length)
{
    if (value < 0)
        return length < (uint64_t)-value ? 0 : length - (uint64_t)-value;
    return (uint64_t)value < length ? (uint64_t)value : length;
}

static bool parse_axis(const char **at, uint32_t axis, uint64_t length, struct region *region,
                       struct error *err)
{
    long long start = 0, stop = 0;
    bool has_start = **at != ':' && parse_number(at, &start);
    if (**at != ':') {
        if (!has_start)
            return error_set(err, "axis %u: wants a number or a slice, not \"%.20s\"", axis, *at);
        if (start >= (long long)length || start < -(long long)length)
            return error_set(err, "axis %u: index %lld is outside of 0 … %lld", axis, start,
                             (long long)length - 1);
        region->origin[axis] = (uint64_t)(start < 0 ? start + (long long)length : start);
        region->shape[axis] = 1;
        region->dropped[axis] = true;
        return true;
    }
    *at = skip(*at + 1);
    bool has_stop = parse_number(at, &stop);
    if (**at == ':')
        return error_set(err, "axis %u: slices with a step are not supported", axis);
    uint64_t from = has_start ? bound(start, length) : 0;
    uint64_t to = has_stop ? bound(stop, length) : length;
    region->origin[axis] = from;
    region->shape[axis] = to > from ? to - from : 0;
    return true;
}

/* How many axes the text names; an ellipsis is none. */
static uint32_t count_axes(const char *text, bool *ellipsis)
{
    uint32_t count = 0;
    *ellipsis = false;
    for (const char *at = text;; at++) {
        at = skip(at);
        if (strncmp(at, "...", 3) == 0)
            *ellipsis = true;
        else
            count++;
        at += strcspn(at, ",");
        if (!*at)
            return count;
    }
}

bool region_parse(const char *text, const uint64_t *shape, uint32_t ndim, struct region *region,
                  struct error *err)
{
    *region = (struct region){0};
    for (uint32_t k = 0; k < ndim; k++)
        region->shape[k] = shape[k];
    if (!text || !*skip(text))
        return true;
    bool ellipsis = false;
    uint32_t named = count_axes(text, &ellipsis), axis = 0;
    if (named > ndim)
        return error_set(err, "region \"%s\" names %u axes, the array has %u", text, named, ndim);
    for (const char *at = skip(text); *at;) {
        if (strncmp(at, "...", 3) == 0) {
            at = skip(at + 3);
            axis += ellipsis ? ndim - named : 0;
            if (!ellipsis)
                return error_set(err, "region \"%s\" has two ellipses", text);
            ellipsis = false;
        } else if (!parse_axis(&at, axis, shape[axis], region, err)) {
            return error_prefix(err, "region \"%s\"", text);
        } else {
            axis++;
        }
        if (*at && *at != ',')
            return error_set(err, "region \"%s\": \"%.20s\" is not understood", text, at);
        if (*at == ',' && !*(at = skip(at + 1)))
            return error_set(err, "region \"%s\" ends with a comma", text);
    }
    return true;
}
