// SPDX-License-Identifier: BSD-3-Clause
// 2 wheel, 3 modified wheel and pinch, 4 drags.
import { test } from 'node:test';
import { arcball, fromVispy, multiply, toVispy, toWorld, toScreen } from '../../../web/js/view/camera.js';
import { assert, canvasBox, lastPose, near, rest, sleep, stage, until } from './harness.mjs';

const it = stage();
const NOTCH = 1.007 ** 30;

const view = () => ({ ...it.stub.view.camera, ndisplay: it.stub.view.ndisplay });
const size = () => ({ w: it.stub.view.canvas.size[0], h: it.stub.view.canvas.size[1] });

/** Wheel events in one task: one frame. */
const wheels = (events) => it.page.evaluate((list) => {
    const canvas = document.getElementById('canvas');
    const box = canvas.getBoundingClientRect();
    for (const { x, y, ...more } of list)
        canvas.dispatchEvent(new WheelEvent('wheel', { bubbles: true, cancelable: true, clientX: box.left + x, clientY: box.top + y, ...more }));
}, events);

async function solid() {
    await it.page.keyboard.press('Control+y');
    await until(() => it.stub.view.ndisplay === 3, '3D');
    await rest(it.stub);
}

async function drag(points, options = {}) {
    const { x, y } = await canvasBox(it.page);
    const [[fx, fy], ...rest_] = points;
    await it.page.mouse.move(x + fx, y + fy);
    await it.page.mouse.down(options);
    for (const [px, py] of rest_)
        await it.page.mouse.move(x + px, y + py);
    if (options.hold)
        return;
    await it.page.mouse.up(options);
    await rest(it.stub);
}

test('one notch zooms by 1.2327758 and keeps the point under the cursor', async () => {
    const before = view();
    const { x, y } = await canvasBox(it.page);
    await it.page.mouse.move(x + 123, y + 77);
    await it.page.mouse.wheel(0, -100);
    await until(() => lastPose(it.stub)?.zoom > before.zoom, 'a pose');
    const pose = lastPose(it.stub);
    near(pose.zoom / before.zoom, 1.2327758, 1e-6);
    const p = toWorld(before, { x: 123, y: 77 }, size());
    const at = toScreen({ ...pose, ndisplay: 2 }, p, size());
    near(at.x, 123, 0.01);
    near(at.y, 77, 0.01);
});

test('fifty wheels in a frame: one message, the exact product, no more than four notches', async () => {
    const before = view();
    const sent = it.stub.updates('view.pose').length;
    await wheels(Array.from({ length: 50 }, () => ({ x: 200, y: 200, deltaY: -2 })));
    await rest(it.stub);
    assert.equal(it.stub.updates('view.pose').length, sent + 1);
    near(lastPose(it.stub).zoom / before.zoom, NOTCH, 1e-9);
    await wheels(Array.from({ length: 50 }, () => ({ x: 200, y: 200, deltaY: -100 })));
    await rest(it.stub);
    near(lastPose(it.stub).zoom / before.zoom, NOTCH ** 5, 1e-6);
});

test('in 3D a notch is 1.1 about the centre', async () => {
    await solid();
    const before = view();
    await wheels([{ x: 50, y: 60, deltaY: -100 }]);
    await rest(it.stub);
    near(lastPose(it.stub).zoom / before.zoom, 1.1, 1e-9);
    assert.deepEqual(lastPose(it.stub).center, before.center);
});

test('Ctrl held and wheel: the slice, not the zoom; away is the previous', async () => {
    const zoom = view().zoom;
    await it.page.locator('#canvas').click({ position: { x: 10, y: 10 } });
    const { cx, cy } = await canvasBox(it.page);
    await it.page.mouse.move(cx, cy);
    await it.page.keyboard.press('Alt+ArrowDown'); // axis z
    await it.page.keyboard.down('Control');
    await it.page.mouse.wheel(0, -100);
    await until(() => it.stub.view.step[1] === 19, 'z 19');
    await it.page.mouse.wheel(0, 100);
    await it.page.mouse.wheel(0, 100);
    await until(() => it.stub.view.step[1] === 21, 'z 21');
    await it.page.keyboard.up('Control');
    assert.equal(view().zoom, zoom);
    assert.equal(await it.page.evaluate(() => devicePixelRatio), 1);
});

test('a trackpad pinch zooms at the cursor and leaves the page as it is', async () => {
    const before = view();
    const step = [...it.stub.view.step];
    const { cx, cy } = await canvasBox(it.page);
    const cdp = await it.context.newCDPSession(it.page);
    await cdp.send('Input.synthesizePinchGesture', { x: cx, y: cy, scaleFactor: 1.5, relativeSpeed: 800, gestureSourceType: 'mouse' });
    await rest(it.stub);
    near(lastPose(it.stub).zoom / before.zoom, 1.5, 0.01);
    assert.deepEqual(it.stub.view.step, step);
    assert.equal(await it.page.evaluate(() => visualViewport.scale), 1);
});

test('Alt+wheel selects layers, other modifiers do nothing', async () => {
    const zoom = view().zoom;
    await wheels([{ x: 9, y: 9, deltaY: 100, altKey: true }]);
    await until(() => it.page.locator('.layer-row.active').innerText().then((t) => t.trim() === 'nuclei'), 'the layer below');
    await wheels([{ x: 9, y: 9, deltaY: -100, shiftKey: true }, { x: 9, y: 9, deltaY: -100, altKey: true, shiftKey: true }]);
    await sleep(100);
    assert.equal(view().zoom, zoom);
});

test('a drag pans exactly, also outside the canvas', async () => {
    const before = view();
    await drag([[200, 100], [150, 120], [-60, 300]]);
    const pose = lastPose(it.stub);
    near(pose.center[0], before.center[0] + 260 / before.zoom, 1e-9);
    near(pose.center[1], before.center[1] - 200 / before.zoom, 1e-9);
});

test('pointercancel ends a drag at the last pose', async () => {
    await drag([[200, 100], [220, 100]], { hold: true });
    const pose = lastPose(it.stub);
    await it.page.locator('#canvas').dispatchEvent('pointercancel', { pointerId: 1 });
    await until(() => it.stub.updates('view.pose').at(-1).phase === 'end', 'the end');
    const sent = it.stub.updates('view.pose').length;
    const { x, y } = await canvasBox(it.page);
    await it.page.mouse.move(x + 300, y + 200);
    await sleep(80);
    assert.equal(it.stub.updates('view.pose').length, sent);
    assert.deepEqual(lastPose(it.stub), pose);
    await it.page.mouse.up();
});

test('a drag tells its phases; a wheel is no drag', async () => {
    await wheels([{ x: 200, y: 200, deltaY: -100 }]);
    await rest(it.stub);
    assert.ok(!('phase' in it.stub.updates('view.pose').at(-1)));
    const before = it.stub.updates('view.pose').length;
    await drag([[200, 100], [220, 100], [240, 120], [250, 130]]);
    await rest(it.stub);
    const said = it.stub.updates('view.pose').slice(before);
    assert.equal(said[0].phase, 'start');
    assert.equal(said.at(-1).phase, 'end');
    assert.ok(said.slice(1, -1).every((u) => u.phase === 'update'));
    assert.equal(new Set(said.map((u) => u.interaction_id)).size, 1);
    assert.ok(said.every((u, i) => i === 0 || u.client_seq > said[i - 1].client_seq));
});

test('a right-drag zooms about the press point and opens no menu', async () => {
    const before = view();
    await it.page.evaluate(() => window.addEventListener('contextmenu', (e) => { window.menus = (window.menus ?? 0) + (e.defaultPrevented ? 0 : 1); }));
    await drag([[100, 300], [110, 260], [130, 200]], { button: 'right' });
    const pose = lastPose(it.stub);
    near(pose.zoom / before.zoom, 1.007 ** 100, 1e-6);
    const at = toScreen({ ...pose, ndisplay: 2 }, toWorld(before, { x: 100, y: 300 }, size()), size());
    near(at.x, 100, 0.01);
    near(at.y, 300, 0.01);
    assert.equal(await it.page.evaluate(() => window.menus ?? 0), 0);
});

test('a drag with a modifier does not pan in 2D', async () => {
    const sent = it.stub.updates('view.pose').length;
    await it.page.keyboard.down('Shift');
    await drag([[100, 100], [200, 200]]);
    await it.page.keyboard.up('Shift');
    assert.equal(it.stub.updates('view.pose').length, sent);
});

test('a 3D drag is the arcball, sent as a quaternion', async () => {
    await solid();
    const path = [[150, 150], [190, 170], [260, 140], [300, 260]];
    let Q = toVispy(view().quat);
    for (let i = 1; i < path.length; i++) {
        const [a, b] = [path[i - 1], path[i]].map(([x, y]) => arcball({ x, y }, size()));
        Q = multiply(multiply(b, a), Q);
    }
    await drag(path);
    const want = fromVispy(Q);
    const got = lastPose(it.stub).quat;
    near(Math.abs(got.reduce((sum, v, i) => sum + v * want[i], 0)), 1, 1e-9);
});

test('Shift+drag in 3D: the data stick to the pointer; Shift+right-drag: perspective', async () => {
    await solid();
    await drag([[100, 100], [160, 200]]);
    const before = view();
    const p = toWorld(before, { x: 200, y: 200 }, size());
    await it.page.keyboard.down('Shift');
    await drag([[200, 200], [250, 230]]);
    const at = toScreen({ ...lastPose(it.stub), ndisplay: 3 }, p, size());
    near(at.x, 250, 1e-6);
    near(at.y, 230, 1e-6);
    await drag([[200, 300], [200, 150]], { button: 'right' });
    await it.page.keyboard.up('Shift');
    near(lastPose(it.stub).fov, 30, 1e-9);
});

test('Alt+drag zooms into a box; five pixels are none; releasing Alt cancels', async () => {
    const before = view();
    const sent = () => it.stub.updates('view.pose').length;
    const none = sent();
    await it.page.keyboard.down('Alt');
    await drag([[100, 100], [180, 104]]);
    assert.equal(sent(), none);
    await drag([[100, 100], [300, 250]], { hold: true });
    assert.ok(await it.page.locator('.rubber-box').isVisible());
    await it.page.keyboard.up('Alt');
    assert.ok(!(await it.page.locator('.rubber-box').isVisible()));
    await it.page.mouse.up();
    await rest(it.stub);
    assert.equal(sent(), none);
    await it.page.keyboard.down('Alt');
    await drag([[100, 100], [300, 250]]);
    await it.page.keyboard.up('Alt');
    near(lastPose(it.stub).zoom / before.zoom, Math.min(size().w / 200, size().h / 150), 1e-9);
    near(lastPose(it.stub).center[0], toWorld(before, { x: 200, y: 175 }, size())[0], 1e-9);
});

test('double-click zooms in by two, with Alt out, keeping the point', async () => {
    const before = view();
    await it.page.locator('#canvas').dblclick({ position: { x: 90, y: 140 } });
    await rest(it.stub);
    near(lastPose(it.stub).zoom / before.zoom, 2, 1e-9);
    const at = toScreen({ ...lastPose(it.stub), ndisplay: 2 }, toWorld(before, { x: 90, y: 140 }, size()), size());
    near(at.x, 90, 0.01);
    await it.page.locator('#canvas').dblclick({ position: { x: 90, y: 140 }, modifiers: ['Alt'] });
    await rest(it.stub);
    near(lastPose(it.stub).zoom / before.zoom, 1, 1e-9);
    assert.equal(await it.page.evaluate(() => getSelection().toString()), '');
});
