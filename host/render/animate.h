/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RENDER_ANIMATE_H
#define RENDER_ANIMATE_H

#include <stdint.h>

#include "oriel/scene.h"

/* render.animate: the camera of a scene that turns by itself. In 3-D about the vertical of the
 * screen at `dps` degrees a second; in 2-D it sways by 5 % of the canvas and 8 % of the zoom. */
void animate_camera(struct oriel_camera *camera, uint32_t ndisplay, uint32_t width, uint32_t height,
                    double dps, double seconds);

#endif
