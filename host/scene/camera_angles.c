/* SPDX-License-Identifier: BSD-3-Clause */
/* Orientation C (camera right, down, away → world) as napari's and as the turntable's angles.
 *  napari: with q = qx(rz + 90) · qz(−ry) · qy(rx) and R the rotation of (w, q.x, q.z, q.y),
 *          C = R · Rx(−90).
 *  turntable (up +z, forward +y): C = Ry(roll) · Rz(azimuth) · Rx(−elevation) · Rx(−90). */
#include <string.h>

#include "scene/camera.h"
#include "scene/rotation.h"

/* Below this cosine the outer two angles turn about the same axis. */
#define GIMBAL 1e-9
/* Degrees: so far past a pole is still the pole; the other solution would turn the other way. */
#define POLE 1e-6

void camera_from_angles(const double angles[3], double quat[4])
{
    double a[4], b[4], c[4], q[4];
    quat_about(0, angles[2] + 90, a);
    quat_about(2, -angles[1], b);
    quat_about(1, angles[0], c);
    quat_multiply(a, b, q);
    quat_multiply(q, c, q);
    double r[4] = {q[0], q[1], q[3], q[2]}, back[4];
    quat_about(0, -90, back);
    quat_multiply(r, back, quat);
}

void camera_to_angles(const double quat[4], double angles[3])
{
    double forth[4], r[4], m[3][3];
    quat_about(0, 90, forth);
    quat_multiply(quat, forth, r);
    double q[4] = {r[0], r[1], r[3], r[2]};
    matrix_from_quat(q, m); /* = Rx(rz + 90) Rz(-ry) Ry(rx) */
    double rz;
    if (hypot(m[0][0], m[0][2]) > GIMBAL) {
        angles[0] = degrees(atan2(m[0][2], m[0][0]));
        rz = degrees(atan2(m[2][1], m[1][1])) - 90;
    } else {
        double sign = m[0][1] < 0 ? 1 : -1;
        angles[0] = 0;
        rz = degrees(atan2(sign * m[2][0], sign * m[1][0])) - 90;
    }
    angles[1] = degrees(atan2(m[0][1], hypot(m[0][0], m[0][2])));
    angles[2] = wrap_degrees(rz);
}

void camera_from_turntable(const struct camera_turntable *turntable, unsigned height,
                           struct oriel_camera *camera)
{
    double roll[4], az[4], el[4], q[4];
    quat_about(1, turntable->roll, roll);
    quat_about(2, turntable->azimuth, az);
    quat_about(0, -turntable->elevation - 90, el);
    quat_multiply(roll, az, q);
    quat_multiply(q, el, camera->quat);
    memcpy(camera->center, turntable->center, sizeof camera->center);
    camera->fov = turntable->fov;
    camera->reserved = 0;
    camera->zoom = 1;
    camera->zoom = camera_distance(camera, height) / turntable->distance;
}

void camera_to_turntable(const struct oriel_camera *camera, unsigned height,
                         struct camera_turntable *turntable)
{
    double forth[4], q[4], m[3][3];
    quat_about(0, 90, forth);
    quat_multiply(camera->quat, forth, q);
    matrix_from_quat(q, m); /* = Ry(roll) Rz(az) Rx(-el) */
    double az, el, roll;
    if (hypot(m[1][1], m[1][2]) > GIMBAL) {
        az = degrees(atan2(m[1][0], hypot(m[1][1], m[1][2])));
        roll = degrees(atan2(-m[2][0], m[0][0]));
        el = -degrees(atan2(-m[1][2], m[1][1]));
        if (fabs(el) >
            90 + POLE) { /* the other solution: all of the sphere with |elevation| <= 90 */
            az = 180 - az;
            roll += 180;
            el += 180;
        }
    } else {
        az = m[1][0] > 0 ? 90 : -90;
        double sum = -degrees(atan2(m[2][1], m[2][2])); /* elevation and roll together */
        el = fmax(-90, fmin(90, sum));
        roll = az > 0 ? el - sum : sum - el;
    }
    memcpy(turntable->center, camera->center, sizeof turntable->center);
    turntable->azimuth = wrap_degrees(az);
    turntable->elevation = fmax(-90, fmin(90, wrap_degrees(el)));
    turntable->roll = wrap_degrees(roll);
    turntable->distance = camera_distance(camera, height);
    turntable->fov = camera->fov;
}
