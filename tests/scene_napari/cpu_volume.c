/* SPDX-License-Identifier: BSD-3-Clause */
#include "cpu_volume.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "scene/colormap.h"

#define STEP 0.8

static double texel(const struct cpu_volume *v, const int at[3])
{
    int p[3];
    for (int i = 0; i < 3; i++)
        p[i] = at[i] < 0 ? 0 : at[i] >= v->shape[i] ? v->shape[i] - 1 : at[i];
    return v->data[(p[2] * v->shape[1] + p[1]) * v->shape[0] + p[0]];
}

static double sample(const struct cpu_volume *v, const double p[3])
{
    int at[3];
    double part[3], sum = 0;
    for (int i = 0; i < 3; i++) {
        double q = v->linear ? p[i] : p[i] + 0.5;
        at[i] = (int)floor(q);
        part[i] = v->linear ? q - at[i] : 0;
    }
    for (int k = 0; k < 8; k++) {
        int corner[3];
        double weight = 1;
        for (int i = 0; i < 3; i++) {
            int up = k >> i & 1;
            corner[i] = at[i] + up;
            weight *= up ? part[i] : 1 - part[i];
        }
        if (weight > 0)
            sum += weight * texel(v, corner);
    }
    return sum;
}

bool cpu_invert(const double m[16], double out[16])
{
    double a[4][8] = {{0}};
    for (int r = 0; r < 4; r++) {
        for (int c = 0; c < 4; c++)
            a[r][c] = m[4 * c + r];
        a[r][4 + r] = 1;
    }
    for (int c = 0; c < 4; c++) {
        int best = c;
        for (int r = c + 1; r < 4; r++)
            best = fabs(a[r][c]) > fabs(a[best][c]) ? r : best;
        if (!(fabs(a[best][c]) > 0))
            return false;
        for (int k = 0; k < 8; k++) {
            double t = a[c][k];
            a[c][k] = a[best][k];
            a[best][k] = t;
        }
        for (int r = 0; r < 4; r++) {
            double f = r == c ? 0 : a[r][c] / a[c][c];
            for (int k = 0; k < 8; k++)
                a[r][k] -= f * a[c][k];
        }
    }
    for (int r = 0; r < 4; r++)
        for (int c = 0; c < 4; c++)
            out[4 * c + r] = a[r][4 + c] / a[r][r];
    return true;
}

static void unproject(const double inverse[16], double x, double y, double z, double out[3])
{
    double w = inverse[3] * x + inverse[7] * y + inverse[11] * z + inverse[15];
    for (int i = 0; i < 3; i++)
        out[i] = (inverse[i] * x + inverse[4 + i] * y + inverse[8 + i] * z + inverse[12 + i]) / w;
}

static double unit(const struct oriel_layer *l, double value)
{
    double low = l->contrast_limits[0], high = l->contrast_limits[1];
    return fmin(fmax((value - low) / (high - low), 0), 1);
}

void cpu_map(const struct oriel_layer *l, double value, double rgba[4])
{
    double t = pow(unit(l, value), l->gamma);
    double p = fmin(fmax(1024 * t - 0.5, 0), 1023);
    float c[4];
    colormap_sample(l->colormap, p / 1023, c);
    for (int i = 0; i < 4; i++)
        rgba[i] = (double)c[i];
}

struct ray {
    double start[3], stride[3], direction[3];
    int count;
};

static void at(const struct ray *r, double k, double p[3])
{
    for (int i = 0; i < 3; i++)
        p[i] = r->start[i] + k * r->stride[i];
}

static bool set_up(const struct cpu_volume *v, double x, double y, struct ray *r)
{
    double inverse[16], near[3], far[3], length = 0, enter = 0, leave = DBL_MAX;
    if (!cpu_invert(v->voxel_to_clip, inverse))
        return false;
    unproject(inverse, x, y, -1, near);
    unproject(inverse, x, y, 1, far);
    for (int i = 0; i < 3; i++)
        length += (far[i] - near[i]) * (far[i] - near[i]);
    length = sqrt(length);
    for (int i = 0; i < 3; i++) {
        double d = r->direction[i] = (far[i] - near[i]) / length;
        double a = (-0.5 - near[i]) / d, b = (v->shape[i] - 0.5 - near[i]) / d;
        enter = fmax(enter, fmin(a, b));
        leave = fmin(leave, fmax(a, b));
    }
    if (!(leave > enter))
        return false;
    if (v->layer->depiction == ORIEL_DEPICT_PLANE) {
        double above = 0, along = 0, size = 0;
        for (int i = 0; i < 3; i++) {
            above += (v->plane_position[i] - near[i]) * v->plane_normal[i];
            along += r->direction[i] * v->plane_normal[i];
            size += v->plane_normal[i] * v->plane_normal[i];
        }
        r->count = (int)(v->layer->plane_thickness / STEP + 0.5);
        for (int i = 0; i < 3; i++) {
            double hit = near[i] + above / along * r->direction[i];
            if (hit < -0.5 || hit > v->shape[i] - 0.5)
                return false;
            r->stride[i] = v->plane_normal[i] / sqrt(size);
            r->start[i] = hit - r->stride[i] * r->count / 2;
        }
        return true;
    }
    r->count = (int)((leave - enter) / STEP + 0.5);
    for (int i = 0; i < 3 && r->count; i++) {
        r->start[i] = near[i] + enter * r->direction[i];
        r->stride[i] = r->direction[i] * (leave - enter) / r->count;
    }
    return r->count >= 1;
}

static bool extreme(const struct cpu_volume *v, const struct ray *r, double sign, double cutoff,
                    double enough, double *out)
{
    double best = cutoff, p[3];
    int found = -1;
    for (int k = 0; k < r->count; k++) {
        at(r, k, p);
        double value = sample(v, p);
        if (sign * value > sign * best) {
            best = value;
            found = k;
            if (sign * best >= sign * enough)
                break;
        }
    }
    for (int i = 0; found >= 0 && i < 10; i++) {
        at(r, found - 0.5 + 0.1 * i, p);
        double value = sample(v, p);
        best = sign * value > sign * best ? value : best;
    }
    *out = best;
    return found >= 0;
}

static bool surface(const struct cpu_volume *v, const struct ray *r, double *out)
{
    double threshold = v->layer->iso_threshold, p[3];
    for (int k = 0; k < r->count; k++) {
        at(r, k, p);
        if (sample(v, p) <= threshold - 0.2)
            continue;
        for (int i = 0; i < 10; i++) {
            at(r, k - 1 + 0.1 * i, p);
            double best = sample(v, p), normal[3], length = 0, facing = 0;
            if (best <= threshold)
                continue;
            for (int a = 0; a < 3; a++) {
                double q[3];
                memcpy(q, p, sizeof q);
                q[a] = p[a] - 1.5;
                double below = sample(v, q);
                q[a] = p[a] + 1.5;
                double above = sample(v, q);
                normal[a] = below - above;
                best = fmax(best, fmax(below, above));
                length += normal[a] * normal[a];
            }
            for (int a = 0; a < 3; a++)
                facing += normal[a] / sqrt(length) * r->direction[a];
            facing = fabs(facing);
            *out = best * (0.2 + fmin(facing, 1)) + pow(facing, 40);
            return true;
        }
    }
    return false;
}

bool cpu_cast(const struct cpu_volume *v, double x, double y, struct cpu_result *out)
{
    const struct oriel_layer *l = v->layer;
    struct ray r;
    memset(out, 0, sizeof *out);
    if (!set_up(v, x, y, &r))
        return false;
    double low = l->contrast_limits[0], high = l->contrast_limits[1], p[3], c[4];
    bool cut =
        l->blending == ORIEL_BLEND_TRANSLUCENT || l->blending == ORIEL_BLEND_TRANSLUCENT_NO_DEPTH;
    double best = cut ? low : -DBL_MAX, sum = 0;
    bool found = false;
    switch (l->rendering) {
    case ORIEL_RENDER_MIP:
        return extreme(v, &r, 1, best, high, &out->value);
    case ORIEL_RENDER_MINIP:
        return extreme(v, &r, -1, cut ? high : DBL_MAX, low, &out->value);
    case ORIEL_RENDER_ISO:
        return surface(v, &r, &out->value);
    default:
        break;
    }
    for (int k = 0; k < r.count; k++) {
        at(&r, k, p);
        double value = sample(v, p);
        cpu_map(l, value, c);
        if (l->rendering == ORIEL_RENDER_ATTENUATED_MIP) {
            sum += STEP * unit(l, value);
            double left = exp(-l->attenuation * (sum - 1));
            if (best > left * high)
                break;
            if (value * left > best) {
                best = value * left;
                found = true;
            }
        } else if (l->rendering == ORIEL_RENDER_AVERAGE) {
            sum += value / r.count;
        } else if (l->rendering == ORIEL_RENDER_ADDITIVE) {
            for (int i = 0; i < 4; i++)
                out->color[i] = 1 - (1 - out->color[i]) * (1 - c[i]);
        } else {
            double before = out->color[3], added = c[3] * (1 - before);
            double alpha = fmax(before + added, 0.001);
            for (int i = 0; i < 3; i++)
                out->color[i] = out->color[i] * before / alpha + c[i] * added / alpha;
            out->color[3] = alpha;
            if (alpha > 0.99)
                break;
        }
    }
    out->value = l->rendering == ORIEL_RENDER_AVERAGE ? sum : best;
    out->is_color =
        l->rendering == ORIEL_RENDER_ADDITIVE || l->rendering == ORIEL_RENDER_TRANSLUCENT;
    return l->rendering != ORIEL_RENDER_ATTENUATED_MIP || found;
}
