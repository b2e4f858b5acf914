// SPDX-License-Identifier: BSD-3-Clause
// 6 keys.
import { test } from 'node:test';
import { assert, lastPose, near, rest, sleep, stage, until } from './harness.mjs';

const it = stage();
const press = async (keys) => {
    await it.page.keyboard.press(keys);
    await rest(it.stub, 80);
};
const focusCanvas = () => it.page.locator('#canvas').focus();
/** The payload of the newest request, without its number. */
const newest = () => {
    const { client_seq: _, ...payload } = it.stub.log.filter((f) => ['state.update', 'call.command'].includes(f.type)).at(-1).payload;
    return payload;
};
const selection = () => it.page.locator('.layer-row[aria-selected=true] .layer-name').allInnerTexts();

test('slices: arrows, axis choice, play', async () => {
    await press('ArrowRight');
    assert.deepEqual(newest(), { scope: 'dims', key: 'index', target: '0', value: 1 });
    await press('ArrowLeft');
    assert.deepEqual(newest(), { scope: 'dims', key: 'index', target: '0', value: 0 });
    await press('Alt+ArrowDown');
    await press('ArrowRight');
    assert.deepEqual(newest(), { scope: 'dims', key: 'index', target: '1', value: 21 });
    await press('Alt+ArrowUp');
    await it.page.keyboard.press('Control+Alt+p');
    await until(() => it.stub.updates('view.play').length === 1, 'play');
    assert.deepEqual(it.stub.updates('view.play')[0].value, { axis: 't', fps: 10, mode: 'loop' });
    await it.page.keyboard.press('.');
    await until(() => it.stub.view.play === null, 'stop');
});

test('holding an arrow steps on; a click on a play button by keyboard is a click', async () => {
    await focusCanvas();
    await it.page.keyboard.press('Alt+ArrowDown');
    await it.page.keyboard.down('ArrowRight');
    for (let i = 0; i < 5; i++)
        await it.page.keyboard.down('ArrowRight');
    await it.page.keyboard.up('ArrowRight');
    await until(() => it.stub.view.step[1] === 26, 'six steps');
    await it.page.locator('.dims-play').first().focus();
    await it.page.keyboard.press('Space');
    await until(() => it.stub.view.play?.axis === 't', 'play by Space on the button');
    await it.page.keyboard.press('Space');
    await until(() => it.stub.view.play === null, 'stop');
});

test('view: 2D/3D, reset, roll, transpose, pan, zoom', async () => {
    await press('Control+y');
    assert.equal(it.stub.updates('view.ndisplay').length, 1);
    assert.equal(it.stub.updates('view.ndisplay')[0].value, 3);
    await press('Control+y');
    await press('Home');
    assert.deepEqual(newest(), { scope: 'view', key: 'reset', target: 'main', value: {} });
    await press('Control+e');
    assert.deepEqual(newest(), { scope: 'view', key: 'order', target: 'main', value: [3, 0, 1, 2] });
    await press('Alt+t');
    assert.deepEqual(newest().value, [3, 0, 2, 1]);
    await press('Home');
    const before = it.stub.view.camera;
    await press('PageUp');
    near(lastPose(it.stub).zoom / before.zoom, 1.007 ** 30, 1e-9);
    await press('PageDown');
    await press('Control+Shift+ArrowRight');
    near(lastPose(it.stub).center[0], before.center[0] + it.stub.view.canvas.size[0] / 10 / before.zoom, 1e-6);
});

test('reload is taken only with the focus in the page', async () => {
    await it.page.evaluate(() => {
        window.taken = [];
        window.addEventListener('keydown', (e) => {
            window.taken.push([e.key, e.defaultPrevented]);
            e.preventDefault();
        });
    });
    await it.page.keyboard.press('Control+r');
    await focusCanvas();
    await it.page.keyboard.press('Control+r');
    await it.page.keyboard.press('Alt+ArrowLeft');
    await it.page.keyboard.press('Control+0');
    await it.page.keyboard.press('F5');
    const taken = (await it.page.evaluate(() => window.taken)).filter(([key]) => !['Control', 'Alt'].includes(key));
    assert.deepEqual(taken, [['r', false], ['r', true], ['ArrowLeft', false], ['0', false], ['F5', false]]);
});

test('layers: selection, visibility, contrast, removal', async () => {
    await focusCanvas();
    assert.deepEqual(await selection(), ['actin']);
    await press('Control+ArrowDown');
    assert.deepEqual(await selection(), ['nuclei']);
    await press('Shift+ArrowDown');
    assert.deepEqual(await selection(), ['nuclei', 'membrane']);
    await press('Control+ArrowUp');
    await press('v');
    assert.deepEqual(newest(), { scope: 'layer', key: 'visible', target: 'layer-1', value: false });
    await press('v');
    await press('Shift+V');
    assert.deepEqual(it.stub.layers.map((l) => l.controls.visible), [false, true, false]);
    await press('Shift+V');
    await press('Alt+Shift+ArrowUp');
    assert.deepEqual(it.stub.layers.map((l) => l.controls.visible), [false, false, true]);
    await press('c');
    assert.deepEqual(newest(), { command: 'napari.layer.auto_contrast', args: [], kwargs: { layer_id: 'layer-2' } });
    await press('Backspace');
    assert.equal(it.stub.layers.length, 3);
    await press('Control+Delete');
    assert.equal(it.stub.layers.length, 2);
    await it.page.getByRole('button', { name: 'Undo' }).click();
    await until(() => it.stub.layers.length === 3, 'undo');
    await it.page.locator('.layer-list').focus();
    await press('Delete');
    assert.equal(it.stub.layers.length, 2);
});

test('page: sheet, palette, statistics, panel, theme, regions', async () => {
    await focusCanvas();
    await it.page.keyboard.press('?');
    await it.page.getByRole('dialog', { name: 'Keys and gestures' }).waitFor();
    await it.page.keyboard.press('Escape');
    assert.equal(await it.page.evaluate(() => document.activeElement.id), 'canvas');
    await it.page.keyboard.press('Control+k');
    await it.page.keyboard.type('roll');
    await it.page.keyboard.press('Enter');
    await until(() => it.stub.updates('view.order').length === 1, 'the command');
    await it.page.keyboard.press('\\');
    await it.page.locator('.stats').waitFor();
    await it.page.keyboard.press('\\');
    await it.page.keyboard.press('Control+b');
    assert.ok(!(await it.page.locator('.dock').isVisible()));
    await it.page.keyboard.press('Control+b');
    await it.page.keyboard.press('Alt+Shift+t');
    assert.equal(await it.page.evaluate(() => document.documentElement.dataset.theme), 'light');
    await focusCanvas();
    const seen = [];
    for (let i = 0; i < 5; i++) {
        await it.page.keyboard.press('F6');
        seen.push(await it.page.evaluate(() => ['topbar', 'controls', 'layers', 'dims', 'canvas']
            .find((name) => document.activeElement.closest(`.${name}`))));
    }
    assert.deepEqual(seen, ['dims', 'topbar', 'controls', 'layers', 'canvas']);
});

test('nothing fires while typing; losing the window releases Ctrl', async () => {
    const before = it.stub.log.length;
    await it.page.locator('.dims-index input').first().click();
    await it.page.keyboard.type('vc');
    await it.page.keyboard.press('ArrowRight');
    await it.page.keyboard.press('Escape');
    await sleep(60);
    assert.equal(it.stub.log.length, before);
    await focusCanvas();
    const zoom = it.stub.view.camera.zoom;
    await it.page.keyboard.down('Control');
    await it.page.evaluate(() => window.dispatchEvent(new Event('blur')));
    await it.page.evaluate(() => document.getElementById('canvas').dispatchEvent(new WheelEvent('wheel',
        { deltaY: -10, ctrlKey: true, cancelable: true, clientX: 500, clientY: 300 })));
    await rest(it.stub);
    await it.page.keyboard.up('Control');
    near(it.stub.view.camera.zoom / zoom, Math.exp(0.1), 1e-9);
});

test('Enter on the canvas reads the value at the centre; Space is swallowed there', async () => {
    await focusCanvas();
    await it.page.keyboard.press('Enter');
    await until(() => it.page.locator('.status-value').innerText().then((t) => t.includes('1043')), 'the value');
    await it.page.keyboard.press('Space');
    assert.equal(await it.page.evaluate(() => document.activeElement.id), 'canvas');
});
