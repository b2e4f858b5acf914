/* SPDX-License-Identifier: BSD-3-Clause */
/* Rotations as unit quaternions (w, x, y, z) and 3×3 matrices for column vectors. */
#ifndef SCENE_ROTATION_H
#define SCENE_ROTATION_H

#include <math.h>

static inline double radians(double degrees)
{
    return degrees * (M_PI / 180);
}

static inline double degrees(double rad)
{
    return rad * (180 / M_PI);
}

/* Into (-180, 180]. */
static inline double wrap_degrees(double a)
{
    a = fmod(a, 360);
    return a > 180 ? a - 360 : a <= -180 ? a + 360 : a + 0.0; /* no -0 */
}

static inline void quat_about(int axis, double angle, double q[4])
{
    double half = radians(angle) / 2;
    q[0] = cos(half);
    q[1] = q[2] = q[3] = 0;
    q[1 + axis] = sin(half);
}

/* out = a · b: b is applied first. `out` may be a or b. */
static inline void quat_multiply(const double a[4], const double b[4], double out[4])
{
    double w = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3];
    double x = a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2];
    double y = a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1];
    double z = a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0];
    out[0] = w;
    out[1] = x;
    out[2] = y;
    out[3] = z;
}

static inline void matrix_from_quat(const double q[4], double m[3][3])
{
    double n = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    double w = q[0] / n, x = q[1] / n, y = q[2] / n, z = q[3] / n;
    m[0][0] = 1 - 2 * (y * y + z * z);
    m[0][1] = 2 * (x * y - w * z);
    m[0][2] = 2 * (x * z + w * y);
    m[1][0] = 2 * (x * y + w * z);
    m[1][1] = 1 - 2 * (x * x + z * z);
    m[1][2] = 2 * (y * z - w * x);
    m[2][0] = 2 * (x * z - w * y);
    m[2][1] = 2 * (y * z + w * x);
    m[2][2] = 1 - 2 * (x * x + y * y);
}

#endif
