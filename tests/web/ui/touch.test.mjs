// SPDX-License-Identifier: BSD-3-Clause
// 5 touch.
import { test } from 'node:test';
import { toScreen, toWorld } from '../../../web/js/view/camera.js';
import { assert, canvasBox, lastPose, near, rest, sleep, stage, until } from './harness.mjs';

const it = stage({ context: { viewport: { width: 412, height: 820 }, isMobile: true, hasTouch: true, deviceScaleFactor: 1 } });
const size = () => ({ w: it.stub.view.canvas.size[0], h: it.stub.view.canvas.size[1] });
const view = () => ({ ...it.stub.view.camera, ndisplay: it.stub.view.ndisplay });

async function fingers() {
    const cdp = await it.context.newCDPSession(it.page);
    const { x, y } = await canvasBox(it.page);
    return async (type, ...points) => {
        await cdp.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([px, py], id) => ({ x: x + px, y: y + py, id })) });
        await sleep(20);
    };
}

test('one finger pans, the page does not scroll and nothing is cancelled', async () => {
    const before = view();
    await it.page.evaluate(() => {
        window.cancels = 0;
        document.getElementById('canvas').addEventListener('pointercancel', () => window.cancels++);
    });
    const touch = await fingers();
    await touch('touchStart', [200, 300]);
    for (let i = 1; i <= 10; i++)
        await touch('touchMove', [200 + i * 6, 300 + i * 4]);
    await touch('touchEnd');
    await rest(it.stub);
    near(lastPose(it.stub).center[0], before.center[0] - 60 / before.zoom, 1e-6);
    near(lastPose(it.stub).center[1], before.center[1] - 40 / before.zoom, 1e-6);
    assert.deepEqual(await it.page.evaluate(() => [scrollY, window.cancels]), [0, 0]);
});

test('a pinch keeps its midpoint; the second finger makes no jump', async () => {
    const touch = await fingers();
    await touch('touchStart', [150, 300]);
    await touch('touchMove', [165, 300]);
    await touch('touchMove', [180, 300]);
    await rest(it.stub);
    const before = view();
    await touch('touchStart', [180, 300], [280, 300]);
    await rest(it.stub);
    assert.deepEqual(view(), before);
    await touch('touchMove', [130, 300], [330, 300]);
    await touch('touchEnd');
    await rest(it.stub);
    near(lastPose(it.stub).zoom / before.zoom, 2, 1e-6);
    const at = toScreen({ ...lastPose(it.stub), ndisplay: 2 }, toWorld(before, { x: 230, y: 300 }, size()), size());
    near(at.x, 230, 0.01);
    near(at.y, 300, 0.01);
});

test('double tap zooms in, a tap of two fingers out', async () => {
    const before = view();
    const touch = await fingers();
    for (let i = 0; i < 2; i++) {
        await touch('touchStart', [120, 200]);
        await touch('touchEnd');
    }
    await until(() => view().zoom > before.zoom * 1.9, 'the zoom');
    near(view().zoom / before.zoom, 2, 1e-9);
    await touch('touchStart', [120, 200]);
    await touch('touchStart', [120, 200], [200, 200]);
    await touch('touchEnd');
    await rest(it.stub);
    near(view().zoom / before.zoom, 1, 1e-9);
});

test('a twist rolls in 3D, one finger turns', async () => {
    await it.page.locator('.dock-toggle').click();
    await it.page.locator('.mode-button').click();
    await until(() => it.stub.view.ndisplay === 3, '3D');
    await it.page.locator('.dock-toggle').click();
    await rest(it.stub);
    const touch = await fingers();
    await touch('touchStart', [150, 300], [250, 300]);
    await touch('touchMove', [200, 250], [200, 350]);
    await touch('touchEnd');
    await rest(it.stub);
    const [w, x, y, z] = lastPose(it.stub).quat;
    near(Math.abs(z), Math.SQRT1_2, 1e-6);
    near(w, Math.SQRT1_2, 1e-6);
    near(Math.hypot(x, y), 0, 1e-6);
    await touch('touchStart', [150, 300]);
    await touch('touchMove', [190, 330]);
    await touch('touchMove', [220, 350]);
    await touch('touchEnd');
    await rest(it.stub);
    assert.ok(Math.hypot(...lastPose(it.stub).quat.slice(1, 3)) > 0.05);
});

test('a long press reads the value', async () => {
    const touch = await fingers();
    const { width, height } = await canvasBox(it.page);
    await touch('touchStart', [width / 2, height / 2]);
    await until(() => it.stub.calls('napari.probe').length > 0, 'the question');
    await touch('touchEnd');
    await until(() => it.page.locator('.status-value').innerText().then((t) => t.includes('1043')), 'the value');
});
