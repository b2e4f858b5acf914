// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as camera from '../../../web/js/view/camera.js';
import { predict } from '../../../web/js/view/predict.js';

const SIZE = { w: 640, h: 480 };
const flat = { ndisplay: 2, center: [10, 20, 0], zoom: 2, quat: [1, 0, 0, 0], fov: 0 };
const solid = { ...flat, ndisplay: 3, quat: camera.normalize([0.7, 0.2, 0.1, -0.4]) };

test('the picture of the local pose is drawn as it is', () => {
    assert.deepEqual(predict(flat, SIZE, flat, SIZE), { s: 1, e: 0, f: 0 });
    assert.deepEqual(predict(solid, SIZE, solid, SIZE), { s: 1, e: 0, f: 0 });
});

test('a world point lands where the local pose has it, for any pan and zoom', () => {
    for (const frame of [flat, solid]) {
        const local = camera.zoom(camera.pan(frame, 41, -17), 1.7, { x: 100, y: 400 }, SIZE);
        const { s, e, f } = predict(frame, SIZE, local, SIZE);
        const p = camera.toWorld(frame, { x: 222, y: 333 }, SIZE);
        const old = camera.toScreen(frame, p, SIZE), now = camera.toScreen(local, p, SIZE);
        assert.ok(Math.abs(s * old.x + e - now.x) < 1e-9 && Math.abs(s * old.y + f - now.y) < 1e-9);
    }
});

test('a picture of half the pixels is stretched over the view', () => {
    assert.deepEqual(predict({ ...flat, zoom: 1 }, { w: 320, h: 240 }, flat, SIZE), { s: 2, e: 0, f: 0 });
});

test('beyond a quarter and eight times there is no prediction', () => {
    assert.equal(predict(flat, SIZE, { ...flat, zoom: 0.49 }, SIZE), null);
    assert.equal(predict(flat, SIZE, { ...flat, zoom: 16.1 }, SIZE), null);
    assert.notEqual(predict(flat, SIZE, { ...flat, zoom: 16 }, SIZE), null);
});

test('a smaller page shows the middle of a picture that larger pages share', () => {
    const shared = { w: SIZE.w + 200, h: SIZE.h + 100 };
    for (const pose of [flat, solid, { ...solid, fov: 30 }])
        assert.deepEqual(predict(pose, shared, pose, SIZE), { s: 1, e: -100, f: -50 });
});

test('perspective and another mode are not predicted', () => {
    assert.deepEqual(predict(flat, SIZE, { ...solid, center: [99, 0, 0] }, SIZE), { s: 1, e: 0, f: 0 });
    assert.deepEqual(predict({ ...solid, fov: 30 }, SIZE, { ...solid, fov: 30, zoom: 4 }, SIZE), { s: 1, e: 0, f: 0 });
});
