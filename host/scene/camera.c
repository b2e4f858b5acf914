/* SPDX-License-Identifier: BSD-3-Clause */
/* Formulae: vispy 0.16's PanZoom, Arcball and Turntable cameras, rewritten for one orientation
 * C = [right, down, away] in world coordinates. The conversions between models are in
 * camera_angles.c. */
#include "scene/camera.h"

#include <math.h>
#include <string.h>

#include "scene/rotation.h"

/* vispy's near and far planes are this far apart; orthographic views show ±1e6 world units. */
#define DEPTH_RATIO 1e7
#define ORTHO_DEPTH 1e6

static double clamp_fov(double fov)
{
    return fov < 0.01 ? 0.01 : fov > 179.0 ? 179.0 : fov;
}

double camera_distance(const struct oriel_camera *camera, unsigned height)
{
    double fov = camera->fov > 0 ? clamp_fov(camera->fov) : CAMERA_NOMINAL_FOV;
    return height / camera->zoom / 2 / tan(radians(fov) / 2);
}

void camera_matrix(const struct oriel_camera *camera, unsigned ndisplay, unsigned width,
                   unsigned height, double m[16])
{
    memset(m, 0, 16 * sizeof *m);
    double sx = 2 * camera->zoom / width, sy = -2 * camera->zoom / height;
    if (ndisplay == 2) {
        m[0] = sx;
        m[5] = sy;
        m[10] = 1 / ORTHO_DEPTH;
        m[12] = -sx * camera->center[0];
        m[13] = -sy * camera->center[1];
        m[14] = -camera->center[2] / ORTHO_DEPTH;
        m[15] = 1;
        return;
    }
    double c[3][3];
    matrix_from_quat(camera->quat, c);
    /* p = Cᵀ (world − center): right, down, away. */
    double rows[4][4] = {{0}};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            rows[i][j] = c[j][i];
            rows[i][3] -= c[j][i] * camera->center[j];
        }
    }
    double row_x[4], row_y[4], row_z[4], row_w[4] = {0, 0, 0, 1};
    if (camera->fov > 0) {
        double dist = camera_distance(camera, height);
        double near = dist / sqrt(DEPTH_RATIO), far = dist * sqrt(DEPTH_RATIO);
        double f = 1 / tan(radians(clamp_fov(camera->fov)) / 2);
        double a = (far + near) / (far - near), b = 2 * far * near / (far - near);
        for (int j = 0; j < 4; j++) {
            row_x[j] = f * height / width * rows[0][j];
            row_y[j] = -f * rows[1][j];
            row_w[j] = rows[2][j] + (j == 3 ? dist : 0);
            row_z[j] = a * row_w[j] - (j == 3 ? b : 0);
        }
    } else {
        for (int j = 0; j < 4; j++) {
            row_x[j] = sx * rows[0][j];
            row_y[j] = sy * rows[1][j];
            row_z[j] = rows[2][j] / ORTHO_DEPTH;
        }
    }
    for (int j = 0; j < 4; j++) {
        m[4 * j] = row_x[j];
        m[4 * j + 1] = row_y[j];
        m[4 * j + 2] = row_z[j];
        m[4 * j + 3] = row_w[j];
    }
}

void camera_unproject(const struct oriel_camera *camera, unsigned ndisplay, unsigned width,
                      unsigned height, double px, double py, double world[3])
{
    double u = (px - width / 2.0) / camera->zoom, v = (py - height / 2.0) / camera->zoom;
    if (ndisplay == 2) {
        world[0] = camera->center[0] + u;
        world[1] = camera->center[1] + v;
        world[2] = camera->center[2];
        return;
    }
    double c[3][3];
    matrix_from_quat(camera->quat, c);
    for (int i = 0; i < 3; i++)
        world[i] = camera->center[i] + c[i][0] * u + c[i][1] * v;
}

void camera_fit(struct oriel_camera *camera, unsigned ndisplay, unsigned width, unsigned height,
                const struct camera_extent *extent)
{
    double size[3], seen[2];
    for (int i = 0; i < 3; i++) {
        size[i] = extent->max[i] - extent->min[i];
        camera->center[i] = (extent->min[i] + extent->max[i]) / 2;
    }
    if (ndisplay == 2) {
        camera->center[2] = 0;
        seen[0] = size[0];
        seen[1] = size[1];
    } else { /* the box projected on the camera's right and down */
        double c[3][3];
        matrix_from_quat(camera->quat, c);
        for (int k = 0; k < 2; k++)
            seen[k] = fabs(c[0][k]) * size[0] + fabs(c[1][k]) * size[1] + fabs(c[2][k]) * size[2];
    }
    double w = seen[0] < 1e-12 ? 1 : seen[0], h = seen[1] < 1e-12 ? 1 : seen[1];
    camera->zoom = 0.95 * fmin(width / w, height / h);
}

void camera_reset(struct oriel_camera *camera, unsigned ndisplay, unsigned width, unsigned height,
                  const struct camera_extent *extent)
{
    camera->quat[0] = 1;
    camera->quat[1] = camera->quat[2] = camera->quat[3] = 0;
    camera_fit(camera, ndisplay, width, height, extent);
}
