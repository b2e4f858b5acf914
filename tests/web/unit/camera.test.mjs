// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as camera from '../../../web/js/view/camera.js';

const SIZE = { w: 640, h: 480 };
const flat = { ndisplay: 2, center: [12, -7, 0], zoom: 2.5, quat: [1, 0, 0, 0], fov: 0 };
const solid = { ...flat, ndisplay: 3, center: [3, 4, 5], quat: camera.normalize([0.8, 0.1, -0.3, 0.5]) };
const near = (a, b, tolerance = 1e-9) => a.forEach((v, i) => assert.ok(Math.abs(v - b[i]) < tolerance, `${a} ≠ ${b}`));

test('a wheel notch is 1.007^30', () => assert.ok(Math.abs(camera.NOTCH_2D - 1.2327758) < 1e-6));

test('zoom keeps the world point under the cursor, in 2-D and 3-D', () => {
    for (const pose of [flat, solid]) {
        for (const u of [{ x: 0, y: 0 }, { x: 317.5, y: 402.25 }, { x: 640, y: 480 }]) {
            const next = camera.zoom(pose, camera.NOTCH_2D ** 3, u, SIZE);
            const at = camera.toScreen(next, camera.toWorld(pose, u, SIZE), SIZE);
            near([at.x, at.y], [u.x, u.y]);
            assert.ok(Math.abs(next.zoom / pose.zoom - 1.007 ** 90) < 1e-9);
        }
    }
});

test('zoom without a point keeps the centre', () => assert.deepEqual(camera.zoom(solid, 1.1).center, solid.center));

test('pan moves the picture with the pointer', () => {
    for (const pose of [flat, solid]) {
        const p = camera.toWorld(pose, { x: 100, y: 50 }, SIZE);
        const at = camera.toScreen(camera.pan(pose, 33, -21), p, SIZE);
        near([at.x, at.y], [133, 29]);
    }
});

test('2-D pan in world units', () => near(camera.pan(flat, 10, 5).center, [12 - 4, -7 - 2, 0]));

test('canonical identity is napari at angles 0, 0, 0', () => {
    // vispy's quaternion there is 90 degrees about x: q = qx(rz + 90) qz(-ry) qy(rx).
    near(camera.toVispy([1, 0, 0, 0]), [Math.SQRT1_2, Math.SQRT1_2, 0, 0]);
    near(camera.fromVispy([Math.SQRT1_2, Math.SQRT1_2, 0, 0]), [1, 0, 0, 0]);
});

test('the conversion to vispy and back is exact', () => near(camera.fromVispy(camera.toVispy(solid.quat)), solid.quat));

test('the arcball follows the formula', () => {
    const r = (640 + 480) / 2;
    for (const u of [{ x: 400, y: 100 }, { x: 3, y: 470 }]) {
        const x = -(2 * u.x - 640) / r, y = (2 * u.y - 480) / r, h = Math.hypot(x, y);
        near(camera.arcball(u, SIZE), h > 1 ? [0, x / h, y / h, 0] : [0, x, y, Math.sqrt(1 - h * h)]);
    }
});

test('an orbit is q(now) q(prev) Q in the frame of vispy', () => {
    const from = { x: 300, y: 200 }, to = { x: 350, y: 260 };
    const Q = camera.toVispy(solid.quat);
    const expected = camera.multiply(camera.multiply(camera.arcball(to, SIZE), camera.arcball(from, SIZE)), Q);
    const got = camera.toVispy(camera.orbit(solid, from, to, SIZE).quat);
    const sign = Math.sign(expected[0] * got[0]) || 1;
    near(got, expected.map((v) => v * sign));
});

test('dragging right turns the near side to the right, dragging down turns it down', () => {
    const pose = { ...solid, center: [0, 0, 0], quat: [1, 0, 0, 0] };
    const nearSide = [0, 0, -1]; // identity: camera looks along +z
    const right = camera.orbit(pose, { x: 320, y: 240 }, { x: 340, y: 240 }, SIZE);
    const down = camera.orbit(pose, { x: 320, y: 240 }, { x: 320, y: 260 }, SIZE);
    assert.ok(camera.toScreen(right, nearSide, SIZE).x > 320);
    assert.ok(camera.toScreen(down, nearSide, SIZE).y > 240);
});

test('a spin about the view axis rolls the picture clockwise', () => {
    const pose = { ...solid, center: [0, 0, 0], quat: [1, 0, 0, 0] };
    const at = camera.toScreen(camera.spin(pose, [0, 0, 1], 90), [1, 0, 0], SIZE);
    near([at.x, at.y], [320, 240 + pose.zoom]);
});

test('a rubber box fills the view', () => {
    const a = { x: 100, y: 120 }, b = { x: 260, y: 200 };
    const next = camera.zoomToBox(flat, a, b, SIZE);
    assert.equal(next.zoom, flat.zoom * Math.min(640 / 160, 480 / 80));
    near(next.center, camera.toWorld(flat, { x: 180, y: 160 }, SIZE));
});

test('resizing keeps what is visible and comes back', () => {
    const there = camera.resize(flat, SIZE, { w: 320, h: 480 });
    assert.equal(there.zoom, flat.zoom / 2);
    assert.equal(camera.resize(there, { w: 320, h: 480 }, { w: 320, h: 480 }).zoom, there.zoom);
});

test('alike sees a thousandth of a pixel, not less', () => {
    assert.ok(camera.alike(flat, { ...flat, center: [12 + 1e-5, -7, 0] }));
    assert.ok(!camera.alike(flat, { ...flat, center: [12.01, -7, 0] }));
    assert.ok(camera.alike(solid, { ...solid, quat: solid.quat.map((v) => -v) }));
});
