/* SPDX-License-Identifier: BSD-3-Clause */
/* The camera's mathematics: pure functions, no state. One camera (struct oriel_camera) stands for
 * both napari's (center, zoom, angles, perspective) and the reference client's turntable and
 * pan-zoom views; the conversions are exact in both directions. Axes: world (x, y, z), camera
 * (right, down, away). */
#ifndef SCENE_CAMERA_H
#define SCENE_CAMERA_H

#include <stdbool.h>

#include "oriel/scene.h"

struct camera_turntable {
    double center[3];                /* x, y, z */
    double azimuth, elevation, roll; /* degrees: ±180, ±90, ±180 */
    double distance;                 /* world units */
    double fov;                      /* degrees */
};

/* The world box of everything visible, x, y, z; voxel edges, not centres. */
struct camera_extent {
    double min[3];
    double max[3];
};

void camera_matrix(const struct oriel_camera *camera, unsigned ndisplay, unsigned width,
                   unsigned height, double world_to_clip[16]); /* column-major */

/* From the eye to the centre, world units; for an orthographic camera as if its fov were nominal.
 */
#define CAMERA_NOMINAL_FOV 60.0
double camera_distance(const struct oriel_camera *camera, unsigned height);

/* World point of a canvas pixel (x right, y down) on the plane through the centre that faces the
 * viewer. */
void camera_unproject(const struct oriel_camera *camera, unsigned ndisplay, unsigned width,
                      unsigned height, double px, double py, double world[3]);

/* Centre of the extent, and the zoom at which the box as seen from the camera's own orientation
 * takes 0.95 of the canvas. */
void camera_fit(struct oriel_camera *camera, unsigned ndisplay, unsigned width, unsigned height,
                const struct camera_extent *extent);
/* napari's home: centre of the extent, 0.95 of the canvas, angles zero in 3-D. */
void camera_reset(struct oriel_camera *camera, unsigned ndisplay, unsigned width, unsigned height,
                  const struct camera_extent *extent);

/* napari angles (degrees, rx ry rz) and the quaternion of oriel_camera. */
void camera_from_angles(const double angles[3], double quat[4]);
void camera_to_angles(const double quat[4], double angles[3]);

void camera_to_turntable(const struct oriel_camera *camera, unsigned height,
                         struct camera_turntable *turntable);
void camera_from_turntable(const struct camera_turntable *turntable, unsigned height,
                           struct oriel_camera *camera);

#endif
