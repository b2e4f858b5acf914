/* SPDX-License-Identifier: BSD-3-Clause */
#include "scene/controls.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scene/colormap.h"
#include "scene/json.h"
#include "util/check.h"

struct choice {
    const char *name;
    uint32_t value;
};

static const struct choice blendings[] = {
    {"translucent", ORIEL_BLEND_TRANSLUCENT},
    {"translucent_no_depth", ORIEL_BLEND_TRANSLUCENT_NO_DEPTH},
    {"additive", ORIEL_BLEND_ADDITIVE},
    {"minimum", ORIEL_BLEND_MINIMUM},
    {"opaque", ORIEL_BLEND_OPAQUE},
    {"multiplicative", ORIEL_BLEND_MULTIPLICATIVE},
    {0},
};
static const struct choice filters[] = {
    {"nearest", ORIEL_FILTER_NEAREST},
    {"linear", ORIEL_FILTER_LINEAR},
    {"cubic", ORIEL_FILTER_CUBIC},
    {"bessel", ORIEL_FILTER_BESSEL},
    {"blackman", ORIEL_FILTER_BLACKMAN},
    {"catrom", ORIEL_FILTER_CATROM},
    {"gaussian", ORIEL_FILTER_GAUSSIAN},
    {"hamming", ORIEL_FILTER_HAMMING},
    {"hanning", ORIEL_FILTER_HANNING},
    {"hermite", ORIEL_FILTER_HERMITE},
    {"kaiser", ORIEL_FILTER_KAISER},
    {"lanczos", ORIEL_FILTER_LANCZOS},
    {"mitchell", ORIEL_FILTER_MITCHELL},
    {"spline16", ORIEL_FILTER_SPLINE16},
    {"spline36", ORIEL_FILTER_SPLINE36},
    {"custom", ORIEL_FILTER_CUSTOM},
    {0},
};
static const struct choice renderings[] = {
    {"mip", ORIEL_RENDER_MIP},
    {"minip", ORIEL_RENDER_MINIP},
    {"attenuated_mip", ORIEL_RENDER_ATTENUATED_MIP},
    {"average", ORIEL_RENDER_AVERAGE},
    {"additive", ORIEL_RENDER_ADDITIVE},
    {"translucent", ORIEL_RENDER_TRANSLUCENT},
    {"iso", ORIEL_RENDER_ISO},
    {0},
};
static const struct choice depictions[] = {
    {"volume", ORIEL_DEPICT_VOLUME},
    {"plane", ORIEL_DEPICT_PLANE},
    {0},
};

/* How the planes inside a slice's thickness become one. Slices here have none, so that all of them
 * show the slice, as they do in napari. */
static const struct choice projections[] = {
    {"none", 1}, {"sum", 2}, {"mean", 3}, {"max", 4}, {"min", 5}, {0},
};

enum kind { BOOLEAN, UNIT, POSITIVE, NOT_NEGATIVE, NUMBER, LIMITS, RANGE, CHOICE, COLORMAP };

static const struct control {
    const char *name;
    enum kind kind;
    const struct choice *choices;
} controls[] = {
    {"visible", BOOLEAN, NULL},
    {"opacity", UNIT, NULL},
    {"blending", CHOICE, blendings},
    {"interpolation2d", CHOICE, filters},
    {"interpolation3d", CHOICE, filters},
    {"colormap", COLORMAP, NULL},
    {"gamma", POSITIVE, NULL},
    {"contrast_limits", LIMITS, NULL},
    {"contrast_limits_range", RANGE, NULL},
    {"rendering", CHOICE, renderings},
    {"attenuation", NOT_NEGATIVE, NULL},
    {"iso_threshold", NUMBER, NULL},
    {"depiction", CHOICE, depictions},
    {"projection_mode", CHOICE, projections},
};

static const struct control *find(const char *key)
{
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        if (strcmp(key, controls[i].name) == 0)
            return &controls[i];
    }
    return NULL;
}

const char *control_name(size_t index)
{
    return index < sizeof controls / sizeof *controls ? controls[index].name : NULL;
}

bool control_known(const char *key)
{
    return find(key) != NULL;
}

static uint32_t choose(const struct choice *choices, const char *name)
{
    for (; choices->name; choices++) {
        if (name && strcasecmp(name, choices->name) == 0)
            return choices->value;
    }
    return 0;
}

uint32_t blending_from_name(const char *name)
{
    return choose(blendings, name);
}

uint32_t filter_from_name(const char *name)
{
    return choose(filters, name);
}

uint32_t rendering_from_name(const char *name)
{
    return choose(renderings, name);
}

uint32_t depiction_from_name(const char *name)
{
    return choose(depictions, name);
}

static cJSON *normalise_bool(const cJSON *value, struct error *err)
{
    static const char *const yes[] = {"1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off"};
    double d;
    if (cJSON_IsBool(value))
        return cJSON_CreateBool(cJSON_IsTrue(value));
    if (json_number(value, &d))
        return cJSON_CreateBool(d != 0);
    for (size_t i = 0; cJSON_IsString(value) && i < 4; i++) {
        if (strcasecmp(value->valuestring, yes[i]) == 0)
            return cJSON_CreateTrue();
        if (strcasecmp(value->valuestring, no[i]) == 0)
            return cJSON_CreateFalse();
    }
    error_set(err, "must be true or false");
    return NULL;
}

static cJSON *normalise_number(enum kind kind, const cJSON *value, struct error *err)
{
    double d;
    if (!json_number(value, &d) && !(cJSON_IsBool(value) && (d = cJSON_IsTrue(value), true))) {
        error_set(err, "must be a number");
        return NULL;
    }
    if (kind == POSITIVE && d <= 0) {
        error_set(err, "must be greater than 0, not %g", d);
        return NULL;
    }
    if (kind == UNIT)
        d = fmin(1, fmax(0, d));
    if (kind == NOT_NEGATIVE)
        d = fmax(0, d);
    return cJSON_CreateNumber(d);
}

static cJSON *normalise_limits(enum kind kind, const cJSON *value, struct error *err)
{
    double v[2];
    bool ok = cJSON_IsObject(value)
                  ? json_number(cJSON_GetObjectItemCaseSensitive(value, "lo"), &v[0]) &&
                        json_number(cJSON_GetObjectItemCaseSensitive(value, "hi"), &v[1])
                  : json_numbers(value, v, 2, 2) == 2;
    if (!ok || (kind == RANGE && v[0] == v[1])) {
        error_set(err, kind == RANGE ? "must be two different numbers" : "must be two numbers");
        return NULL;
    }
    if (v[0] > v[1]) {
        double low = v[1];
        v[1] = v[0];
        v[0] = low;
    }
    return cJSON_CreateDoubleArray(v, 2);
}

static cJSON *normalise_choice(const struct choice *choices, const cJSON *value, struct error *err)
{
    const char *text = json_string(value);
    for (const struct choice *c = choices; text && c->name; c++) {
        if (strcasecmp(text, c->name) == 0)
            return cJSON_CreateString(c->name);
    }
    char list[400] = "";
    size_t used = 0;
    for (const struct choice *c = choices; c->name && used < sizeof list; c++)
        used +=
            (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", c->name);
    error_set(err, "must be one of %s", list);
    return NULL;
}

cJSON *control_normalise(const char *key, const cJSON *value, struct error *err)
{
    const struct control *control = find(key);
    CHECK(control);
    switch (control->kind) {
    case BOOLEAN:
        return normalise_bool(value, err);
    case LIMITS:
    case RANGE:
        return normalise_limits(control->kind, value, err);
    case CHOICE:
        return normalise_choice(control->choices, value, err);
    case COLORMAP:
        return colormap_normalise(value, err);
    default:
        return normalise_number(control->kind, value, err);
    }
}
