// SPDX-License-Identifier: BSD-3-Clause
// 7 widgets, 18 status.
import { test } from 'node:test';
import { assert, canvasBox, near, rest, sleep, stage, until } from './harness.mjs';

const it = stage();
const popup = (name) => it.page.getByRole('dialog', { name });

test('a click on the groove of a slice slider jumps there; the index field clamps', async () => {
    const groove = await it.page.getByRole('slider', { name: 'z', exact: true }).boundingBox();
    await it.page.mouse.click(groove.x + groove.width * 0.75, groove.y + groove.height / 2);
    await until(() => Math.abs(it.stub.view.step[1] - 29) <= 1, 'z about 29');
    const field = it.page.getByRole('textbox', { name: 'z index' });
    await field.fill('99');
    await field.press('Enter');
    await until(() => it.stub.view.step[1] === 39, 'the last slice');
    assert.equal(await field.inputValue(), '39');
    const slider = it.page.getByRole('slider', { name: 'z', exact: true });
    assert.equal(await slider.getAttribute('aria-valuetext'), 'z 39 of 39, 39 µm');
    await slider.press('ArrowLeft');
    await until(() => it.stub.view.step[1] === 38, 'one back');
});

test('dragging a slider sends the newest value of a frame only and ends on the last', async () => {
    const box = await it.page.getByRole('slider', { name: 'z', exact: true }).boundingBox();
    await it.page.mouse.move(box.x + 8, box.y + box.height / 2);
    await it.page.mouse.down();
    for (let i = 0; i <= 40; i++)
        await it.page.mouse.move(box.x + (box.width * i) / 40, box.y + box.height / 2);
    await it.page.mouse.up();
    await until(() => it.stub.view.step[1] === 39, 'the end');
    await rest(it.stub);
    assert.equal(await it.page.getByRole('textbox', { name: 'z index' }).inputValue(), '39');
});

for (const [how, open] of [
    ['right button', (row) => row.click({ button: 'right' })],
    ['chevron', (row) => row.getByRole('button', { name: 'Contrast limits, range and histogram' }).click()],
    ['Shift+F10', (row) => row.getByRole('slider').first().press('Shift+F10')],
    ['menu key', (row) => row.getByRole('slider').first().press('ContextMenu')],
]) {
    test(`the contrast popup opens by ${how} and gives the focus back`, async () => {
        await open(it.page.locator('.row-contrast'));
        await popup('Contrast limits').waitFor();
        await it.page.keyboard.press('Escape');
        assert.equal(await popup('Contrast limits').count(), 0);
        assert.ok(await it.page.evaluate(() => document.activeElement !== document.body));
    });
}

test('the popup edits limits and range, resets to the data and to the full range', async () => {
    await it.page.locator('.row-contrast .chevron').click();
    const value = (name) => it.page.getByRole('textbox', { name });
    await value('High limit').fill('5000');
    await value('High limit').press('Enter');
    await until(() => it.stub.layers[2].controls.contrast_limits[1] === 5000, 'the limit');
    assert.deepEqual(it.stub.layers[2].controls.contrast_limits_range, [0, 5000]);
    await it.page.getByRole('button', { name: 'Reset', exact: true }).click();
    await until(() => it.stub.layers[2].controls.contrast_limits[1] === 4090, 'the range of the data');
    assert.deepEqual(it.stub.layers[2].controls.contrast_limits_range, [3, 4090]);
    await it.page.getByRole('button', { name: 'Full range' }).click();
    await until(() => it.stub.layers[2].controls.contrast_limits_range[1] === 65535, 'the full range');
});

test('thumbs: keyboard steps by one on integers; they do not cross', async () => {
    const [low, high] = await it.page.locator('.row-contrast [role=slider]').all();
    await low.press('ArrowRight');
    await until(() => it.stub.layers[2].controls.contrast_limits[0] === 101, 'one up');
    await low.press('End');
    await until(() => it.stub.layers[2].controls.contrast_limits[0] === 3000, 'up to the other');
    assert.equal(await high.getAttribute('aria-valuenow'), '3000');
});

test('float data: decimals by the range', async () => {
    Object.assign(it.stub.layers[2].oriel, { integer: false, dtype: 'float32' });
    Object.assign(it.stub.layers[2].controls, { contrast_limits: [0, 1], contrast_limits_range: [0, 1] });
    it.stub.notifyScene();
    await until(() => it.page.locator('.row-contrast [role=slider]').nth(1).getAttribute('aria-valuetext').then((t) => t === '1.000'), '1.000');
    await it.page.locator('.row-contrast [role=slider]').first().press('ArrowRight');
    await until(() => it.stub.layers[2].controls.contrast_limits[0] === 0.001, 'a thousandth');
});

test('opacity is off for minimum, opaque and multiplicative', async () => {
    const opacity = it.page.getByRole('slider', { name: 'opacity' });
    for (const [blending, off] of [['minimum', true], ['additive', false], ['opaque', true], ['multiplicative', true], ['translucent', false]]) {
        await it.page.getByLabel('blending').selectOption(blending);
        await until(() => it.stub.layers[2].controls.blending === blending, blending);
        assert.equal(await opacity.isDisabled(), off, blending);
    }
    assert.deepEqual(await it.page.getByLabel('blending').locator('option').evaluateAll((all) => all.map((o) => o.value)),
        ['translucent', 'translucent_no_depth', 'additive', 'minimum', 'opaque', 'multiplicative']);
});

test('the thirty colormaps, sorted, each with its strip', async () => {
    await it.page.locator('.select-button').click();
    const names = await it.page.getByRole('listbox', { name: 'Colormap' }).getByRole('option').allInnerTexts();
    assert.deepEqual(names.map((n) => n.trim()), ['blue', 'bop blue', 'bop orange', 'bop purple', 'cyan', 'fire', 'gist_earth', 'gray', 'gray_r',
        'green', 'HiLo', 'hsv', 'I Blue', 'I Bordeaux', 'I Forest', 'I Orange', 'I Purple', 'ice', 'inferno', 'magenta', 'magma', 'nan', 'PiYG',
        'plasma', 'red', 'turbo', 'twilight', 'twilight_shifted', 'viridis', 'yellow']);
    await it.page.keyboard.press('v');
    await it.page.keyboard.press('Enter');
    await until(() => it.stub.layers[2].controls.colormap === 'viridis', 'viridis');
});

test('controls of 3D: rendering, attenuation, threshold', async () => {
    await it.page.keyboard.press('Control+y');
    const rendering = it.page.getByLabel('rendering');
    await rendering.waitFor();
    assert.ok(!(await it.page.getByRole('slider', { name: 'attenuation' }).isVisible()));
    await rendering.selectOption('attenuated_mip');
    await it.page.getByRole('slider', { name: 'attenuation' }).waitFor();
    await rendering.selectOption('iso');
    await it.page.getByRole('slider', { name: 'iso threshold' }).press('ArrowRight');
    await until(() => it.stub.layers[2].controls.iso_threshold === 1501, 'the threshold');
});

test('layer list: select ranges, solo and back, rename, reorder, menu, remove with undo', async () => {
    const row = (name) => it.page.getByRole('option', { name, exact: true });
    await row('actin').click();
    await row('membrane').click({ modifiers: ['Shift'] });
    assert.equal(await it.page.locator('.layer-row[aria-selected=true]').count(), 3);
    await row('nuclei').click();
    await it.page.getByRole('button', { name: 'nuclei visible' }).click({ modifiers: ['Alt'] });
    await until(() => it.stub.layers.map((l) => l.controls.visible).join() === 'false,true,false', 'solo');
    await it.page.getByRole('button', { name: 'nuclei visible' }).click({ modifiers: ['Alt'] });
    await until(() => it.stub.layers.every((l) => l.controls.visible), 'all again');
    await row('nuclei').dblclick();
    await it.page.getByRole('textbox', { name: 'Layer name' }).fill('cells');
    await it.page.keyboard.press('Enter');
    await until(() => it.stub.layers[1].name === 'cells', 'the name');
    await row('cells').dragTo(row('actin'), { targetPosition: { x: 60, y: 3 } });
    await until(() => it.stub.layers.map((l) => l.name).join() === 'membrane,actin,cells', 'the order');
    await row('cells').click({ button: 'right' });
    await it.page.getByRole('menuitem', { name: /Move down/ }).click();
    await until(() => it.stub.layers.map((l) => l.name).join() === 'membrane,cells,actin', 'down again');
    await row('cells').press('Shift+F10').catch(() => {});
    await it.page.keyboard.press('Escape');
    await it.page.locator('.layer-list').press('Delete');
    await until(() => it.stub.layers.length === 2, 'removal');
    await it.page.getByRole('button', { name: 'Undo' }).click();
    await until(() => it.stub.layers.length === 3, 'undo');
});

test('an edit that the server refuses goes back, with its reason', async () => {
    it.stub.reject = 'layer.gamma';
    await it.page.getByRole('slider', { name: 'gamma' }).press('ArrowRight');
    await it.page.getByText('layer.gamma is refused here').first().waitFor();
    assert.equal(await it.page.getByRole('slider', { name: 'gamma' }).inputValue(), '1');
});

test('playback: rate and mode; the page follows the server', async () => {
    await it.page.getByRole('button', { name: 'Playback of t' }).click();
    await it.page.getByRole('textbox', { name: 'Frames per second' }).fill('20');
    await it.page.keyboard.press('Enter');
    await it.page.getByLabel('mode').selectOption('back');
    await it.page.keyboard.press('Escape');
    await it.page.getByRole('button', { name: 'Play t' }).click();
    await until(() => it.stub.view.play, 'play');
    assert.deepEqual(it.stub.view.play, { axis: 't', fps: 20, mode: 'back' });
    await until(() => it.page.getByRole('textbox', { name: 't index' }).inputValue().then((v) => v === '3'), 't 3');
    assert.equal(it.stub.updates('dims.index').length, 0);
    await it.page.getByRole('button', { name: 'Stop t' }).click();
    await until(() => it.stub.view.play === null, 'stop');
});

test('status: place at once, value when it comes, one question at a time, cleared on leaving', async () => {
    const { x, y, cx, cy } = await canvasBox(it.page);
    it.stub.probeDelay = 150;
    await it.page.mouse.move(cx, cy);
    const reading = it.page.locator('.status-reading');
    await until(() => reading.innerText().then((t) => /^\[0\.00 20\.00 1[45]\d\.\d\d (199|200)\.\d\d\]$/.test(t)), 'the place');
    for (let i = 0; i < 30; i++)
        await it.page.mouse.move(cx + i, cy);
    await sleep(300);
    assert.equal(it.stub.mostProbes, 1);
    await until(() => it.page.locator('.status-value').innerText().then((t) => t === ': 1043'), 'the value');
    await it.page.mouse.move(x - 100, y + 20);
    await until(() => reading.innerText().then((t) => t === ''), 'nothing');
    // An answer for another state of the slices is dropped.
    it.stub.probeDims = -1;
    await it.page.mouse.move(cx, cy);
    await sleep(400);
    assert.equal(await it.page.locator('.status-value').innerText(), '');
});

test('plain pixels read as integers; several selected layers are named', async () => {
    it.stub.view.axes = it.stub.view.axes.map((a) => ({ ...a, unit: 'pixel' }));
    it.stub.changed();
    await it.page.locator('.layer-row').first().click();
    await it.page.locator('.layer-row').nth(1).click({ modifiers: ['Shift'] });
    const { cx, cy } = await canvasBox(it.page);
    await it.page.mouse.move(cx, cy);
    await until(() => it.page.locator('.status-reading').innerText().then((t) => /^\[0 20 1(49|50) (199|200)\]$/.test(t)), 'integers');
    await until(() => it.page.locator('.status-value').innerText().then((t) => t.trim() === '» actin: 1043, nuclei: 1044'), 'both');
});

test('the index is marked late while the picture is of another slice', async () => {
    it.stub.delay = 700;
    await it.page.keyboard.press('ArrowRight');
    await until(() => it.page.locator('.dims-row.late').count(), 'the mark', 600);
    await until(async () => !(await it.page.locator('.dims-row.late').count()), 'the picture', 3000);
});

test('the scale bar is as long as it says', async () => {
    const text = await it.page.locator('.scale-text').innerText();
    const { width } = await it.page.locator('.scale-line').boundingBox();
    near(width, Number.parseFloat(text) * it.stub.view.camera.zoom, 0.1);
    assert.ok(text.endsWith('µm') && width <= 150);
});

test('2D/3D popup, axis order popup, screenshot choices: chevron and right button alike', async () => {
    for (const [target, name] of [['.mode-button', 'Camera'], ['[aria-label^="Roll axes"]', 'Axis order']]) {
        await it.page.locator(target).click({ button: 'right' });
        await popup(name).waitFor();
        await it.page.keyboard.press('Escape');
        await it.page.getByRole('button', { name, exact: true }).click();
        await popup(name).waitFor();
        if (name === 'Axis order')
            await it.page.getByRole('button', { name: 'Move z up' }).click();
        await it.page.keyboard.press('Escape');
    }
    await until(() => it.stub.view.order.join() === '1,0,2,3', 'the order');
    const [download] = await Promise.all([it.page.waitForEvent('download'), it.page.keyboard.press('Alt+s')]);
    const { readFileSync } = await import('node:fs');
    const file = readFileSync(await download.path());
    assert.equal(file.subarray(1, 4).toString(), 'PNG');
    const [w, h] = await it.page.evaluate(() => [document.getElementById('canvas').width, document.getElementById('canvas').height]);
    assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], [w, h]);
    await rest(it.stub);
});
