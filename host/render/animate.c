/* SPDX-License-Identifier: BSD-3-Clause */
#include "render/animate.h"

#include <math.h>

void animate_camera(struct oriel_camera *camera, uint32_t ndisplay, uint32_t width, uint32_t height,
                    double dps, double seconds)
{
    if (ndisplay == 3) {
        /* q * (rotation about the camera's y axis), so that the picture turns as on a turntable */
        double half = fmod(dps * seconds, 360) * M_PI / 360, c = cos(half), s = sin(half);
        const double w = camera->quat[0], x = camera->quat[1], y = camera->quat[2],
                     z = camera->quat[3];
        camera->quat[0] = w * c - y * s;
        camera->quat[1] = x * c - z * s;
        camera->quat[2] = y * c + w * s;
        camera->quat[3] = z * c + x * s;
        return;
    }
    camera->center[0] += 0.05 * width / camera->zoom * sin(0.6 * seconds);
    camera->center[1] += 0.05 * height / camera->zoom * cos(0.4 * seconds);
    camera->zoom *= 1 + 0.08 * sin(0.8 * seconds);
}
