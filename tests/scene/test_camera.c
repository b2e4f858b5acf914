/* SPDX-License-Identifier: BSD-3-Clause */
/* The one camera against the closed forms of napari's and vispy's, written out here as matrices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scene/camera.h"

#define NEAR 1e-9

static void multiply(double a[3][3], double b[3][3], double out[3][3])
{
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++)
            out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
    }
}

/* Right-handed rotation about an axis, for column vectors. */
static void rotation(int axis, double deg, double m[3][3])
{
    double c = cos(deg * M_PI / 180), s = sin(deg * M_PI / 180);
    int i = (axis + 1) % 3, j = (axis + 2) % 3;
    memset(m, 0, 9 * sizeof(double));
    m[axis][axis] = 1;
    m[i][i] = m[j][j] = c;
    m[i][j] = -s;
    m[j][i] = s;
}

static void project(const double m[16], const double p[3], double ndc[3])
{
    double clip[4];
    for (int i = 0; i < 4; i++)
        clip[i] = m[i] * p[0] + m[4 + i] * p[1] + m[8 + i] * p[2] + m[12 + i];
    for (int i = 0; i < 3; i++)
        ndc[i] = clip[i] / clip[3];
}

static void assert_near(double a, double b, double within)
{
    if (fabs(a - b) > within)
        fail_msg("%.12g is not %.12g", a, b);
}

static void test_plane(void **state)
{
    (void)state;
    struct oriel_camera camera = {.center = {100, 50, 0}, .quat = {1, 0, 0, 0}, .zoom = 2};
    double m[16], ndc[3];
    camera_matrix(&camera, 2, 640, 480, m);
    project(m, (double[]){100 + 160, 50 + 120, 0}, ndc); /* right and bottom edge */
    assert_near(ndc[0], 1, NEAR);
    assert_near(ndc[1], -1, NEAR);
    assert_near(ndc[2], 0, NEAR);
    double world[3];
    camera_unproject(&camera, 2, 640, 480, 640, 480, world);
    assert_near(world[0], 260, NEAR);
    assert_near(world[1], 170, NEAR);
}

/* napari's angles through its own formula: q = qx(rz+90) qz(-ry) qy(rx), R = matrix of (w, qx, qz,
 * qy), p_cam = A Rᵀ (p - center), A = rows (1,0,0) (0,0,1) (0,-1,0). */
static void napari_camera(const double angles[3], const double p[3], double out[3])
{
    double x[4] = {cos((angles[2] + 90) * M_PI / 360), sin((angles[2] + 90) * M_PI / 360), 0, 0};
    double z[4] = {cos(-angles[1] * M_PI / 360), 0, 0, sin(-angles[1] * M_PI / 360)};
    double y[4] = {cos(angles[0] * M_PI / 360), 0, sin(angles[0] * M_PI / 360), 0};
    double q[4] = {1, 0, 0, 0};
    const double *parts[] = {x, z, y};
    for (int k = 0; k < 3; k++) {
        const double *b = parts[k];
        double a[4] = {q[0], q[1], q[2], q[3]};
        q[0] = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3];
        q[1] = a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2];
        q[2] = a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1];
        q[3] = a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0];
    }
    double w = q[0], i = q[1], j = q[3], k = q[2];
    double r[3][3] = {{1 - 2 * (j * j + k * k), 2 * (i * j - w * k), 2 * (i * k + w * j)},
                      {2 * (i * j + w * k), 1 - 2 * (i * i + k * k), 2 * (j * k - w * i)},
                      {2 * (i * k - w * j), 2 * (j * k + w * i), 1 - 2 * (i * i + j * j)}};
    double v[3];
    for (int a = 0; a < 3; a++)
        v[a] = r[0][a] * p[0] + r[1][a] * p[1] + r[2][a] * p[2];
    out[0] = v[0];
    out[1] = v[2];
    out[2] = -v[1];
}

static const double poses[][3] = {{0, 0, 0},   {20, -35, 110}, {10, 50, 90}, {-170, 12, -95},
                                  {0, 90, 30}, {45, -90, 0},   {180, 0, 0},  {30, 89.9999, -60}};

static void test_napari(void **state)
{
    (void)state;
    const double point[3] = {3, -7, 11}, center[3] = {37, 45.5, 39};
    for (size_t i = 0; i < sizeof poses / sizeof *poses; i++) {
        for (int perspective = 0; perspective < 2; perspective++) {
            struct oriel_camera camera = {.center = {37, 45.5, 39}, .zoom = 4};
            camera.fov = perspective ? 45 : 0;
            camera_from_angles(poses[i], camera.quat);
            double m[16], ndc[3], c[3], relative[3];
            camera_matrix(&camera, 3, 480, 360, m);
            project(m, point, ndc);
            for (int k = 0; k < 3; k++)
                relative[k] = point[k] - center[k];
            napari_camera(poses[i], relative, c);
            double fy = 360 / 4.0, fx = 480 / 4.0;
            if (perspective) {
                double dist = fy / 2 / tan(45 * M_PI / 360);
                double f = 1 / tan(45 * M_PI / 360), depth = dist - c[2];
                double n = dist / sqrt(1e7), far = dist * sqrt(1e7);
                assert_near(ndc[0], f * fy / fx * c[0] / depth, NEAR);
                assert_near(ndc[1], f * c[1] / depth, NEAR);
                assert_near(ndc[2], (far + n) / (far - n) - 2 * far * n / (far - n) / depth, NEAR);
            } else {
                assert_near(ndc[0], 2 * c[0] / fx, NEAR);
                assert_near(ndc[1], 2 * c[1] / fy, NEAR);
                assert_near(ndc[2], -c[2] / 1e6, NEAR);
            }
        }
    }
}

static void test_angles_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof poses / sizeof *poses; i++) {
        double quat[4], angles[3], again[4];
        camera_from_angles(poses[i], quat);
        camera_to_angles(quat, angles);
        camera_from_angles(angles, again);
        double dot = 0;
        for (int k = 0; k < 4; k++)
            dot += quat[k] * again[k];
        assert_near(fabs(dot), 1, 1e-9);
        if (fabs(poses[i][1]) < 89)
            assert_near(angles[1], poses[i][1], 1e-7);
    }
    double identity[4];
    camera_from_angles((double[]){0, 0, 0}, identity);
    assert_near(fabs(identity[0]), 1, NEAR);
}

/* vispy: right, up and forward are (1,0,0), (0,0,1), (0,1,0) turned by -elevation about x, then by
 * azimuth about z, then by roll about y; the eye is `distance` behind the centre. */
static void test_turntable(void **state)
{
    (void)state;
    const double views[][3] = {{30, 30, 0},   {-120, 75, 40}, {170, -20, -130},
                               {90, 10, 5},   {-90, 30, 60},  {0, 90, 0},
                               {45, -90, 20}, {20, -90, 0},   {-35, 90, 10}};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        struct camera_turntable t = {.center = {1, 2, 3}, .distance = 200, .fov = 60};
        t.azimuth = views[i][0];
        t.elevation = views[i][1];
        t.roll = views[i][2];
        struct oriel_camera camera;
        camera_from_turntable(&t, 360, &camera);
        assert_near(camera.zoom, 360 / (2 * 200 * tan(M_PI / 6)), NEAR);

        double el[3][3], az[3][3], ro[3][3], ra[3][3], r[3][3];
        rotation(0, -t.elevation, el);
        rotation(2, t.azimuth, az);
        rotation(1, t.roll, ro);
        multiply(ro, az, ra);
        multiply(ra, el, r);
        double m[16], ndc[3], point[3] = {21, -9, 14}, v[3];
        camera_matrix(&camera, 3, 480, 360, m);
        project(m, point, ndc);
        for (int a = 0; a < 3; a++) /* along right, forward, up */
            v[a] = r[0][a] * (point[0] - 1) + r[1][a] * (point[1] - 2) + r[2][a] * (point[2] - 3);
        double f = 1 / tan(M_PI / 6), depth = v[1] + 200;
        assert_near(ndc[0], f * 360 / 480 * v[0] / depth, NEAR);
        assert_near(ndc[1], f * v[2] / depth, NEAR);

        struct camera_turntable back;
        camera_to_turntable(&camera, 360, &back);
        assert_true(fabs(back.elevation) <= 90 && fabs(back.azimuth) <= 180);
        struct oriel_camera again;
        camera_from_turntable(&back, 360, &again);
        double dot = 0;
        for (int k = 0; k < 4; k++)
            dot += camera.quat[k] * again.quat[k];
        assert_near(fabs(dot), 1, 1e-9);
        assert_near(back.distance, 200, 1e-7);
        if (fabs(fabs(t.azimuth) - 90) > 1) { /* the poles as well: orbiting goes on from there */
            assert_near(back.azimuth, t.azimuth, 1e-6);
            assert_near(back.elevation, t.elevation, 1e-6);
            assert_near(back.roll, t.roll, 1e-6);
        }
    }
}

static void test_home(void **state)
{
    (void)state;
    struct camera_extent extent = {.min = {-0.5, -0.5, -0.5}, .max = {299.5, 99.5, 49.5}};
    struct oriel_camera camera = {.quat = {0, 1, 0, 0}, .zoom = 9};
    camera_reset(&camera, 3, 600, 400, &extent);
    assert_near(camera.zoom, 0.95 * 2, NEAR);
    assert_near(camera.center[2], 24.5, NEAR);
    assert_near(camera.quat[0], 1, NEAR);
    camera_reset(&camera, 2, 600, 100, &extent);
    assert_near(camera.zoom, 0.95, NEAR);
    assert_near(camera.center[2], 0, NEAR);
    struct camera_extent point = {.min = {5, 5, 5}, .max = {5, 5, 5}};
    camera_reset(&camera, 3, 600, 400, &point);
    assert_true(isfinite(camera.zoom) && camera.zoom > 0);
}

static void test_unproject_inverts_project(void **state)
{
    (void)state;
    for (int perspective = 0; perspective < 2; perspective++) {
        struct oriel_camera camera = {.center = {10, 20, 30}, .zoom = 3};
        camera.fov = perspective ? 70 : 0;
        camera_from_angles((double[]){20, -35, 110}, camera.quat);
        double m[16], ndc[3], world[3];
        camera_matrix(&camera, 3, 640, 480, m);
        camera_unproject(&camera, 3, 640, 480, 500, 100, world);
        project(m, world, ndc);
        assert_near((ndc[0] + 1) * 320, 500, 1e-6);
        assert_near((1 - ndc[1]) * 240, 100, 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plane),
        cmocka_unit_test(test_napari),
        cmocka_unit_test(test_angles_round_trip),
        cmocka_unit_test(test_turntable),
        cmocka_unit_test(test_home),
        cmocka_unit_test(test_unproject_inverts_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
