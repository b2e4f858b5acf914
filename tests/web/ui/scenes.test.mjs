// SPDX-License-Identifier: BSD-3-Clause
// Scenes, layers added, long folders, pictures from the server, thumbnails, and what the server is made of.
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { assert, rest, sleep, stage, until } from './harness.mjs';

const it = stage();
const toast = (text) => it.page.locator('.toast', { hasText: text });
const button = (name) => it.page.getByRole('button', { name, exact: true });
const cancelled = () => it.stub.log.filter((f) => f.type === 'cancel.command').map((f) => f.payload.in_reply_to);

async function scene(item) {
    await it.page.locator('.data-menu').click();
    await it.page.getByRole('menuitem', { name: item }).click();
}

test('a scene is saved under a name that the server takes; one that is there already is told', async () => {
    it.stub.scenes.set('old one', { mtime: Date.now() / 1000 - 7200, layers: [] });
    await scene(/Save the scene/);
    const name = it.page.getByRole('textbox', { name: 'Name of the scene' });
    assert.equal(await name.inputValue(), 'embryo');
    for (const bad of ['.hidden', 'a/b', '', 'naïve']) {
        await name.fill(bad);
        assert.ok(await button('Save').isDisabled(), bad);
    }
    await name.fill('old one');
    await it.page.getByText('Replaces the one saved 2 hours ago.').waitFor();
    await name.fill('day 1');
    await name.press('Enter');
    await toast('Saved as day 1').waitFor();
    assert.equal(await it.page.getByRole('dialog', { name: 'Save the scene' }).count(), 0);
    assert.deepEqual(it.stub.calls('napari.scene.save'), [{ name: 'day 1' }]);
});

test('a saved scene is opened from the list, newest first; by keyboard', async () => {
    const layers = structuredClone(it.stub.layers).slice(0, 1);
    it.stub.scenes.set('older', { mtime: 1000, layers });
    it.stub.scenes.set('newer', { mtime: Date.now() / 1000, layers });
    await it.page.keyboard.press('Control+k');
    await it.page.keyboard.type('saved scene');
    await it.page.keyboard.press('Enter');
    const rows = it.page.getByRole('dialog', { name: 'Saved scenes' }).getByRole('button');
    await until(() => rows.count().then((n) => n === 2), 'the list');
    assert.deepEqual((await rows.allInnerTexts()).map((t) => t.split('\n')[0]), ['newer', 'older']);
    await until(() => it.page.evaluate(() => document.activeElement.textContent.startsWith('newer')), 'the focus');
    await it.page.keyboard.press('ArrowDown');
    await it.page.keyboard.press('Enter');
    await until(() => it.stub.calls('napari.scene.load').length === 1, 'the call');
    assert.deepEqual(it.stub.calls('napari.scene.load')[0], { name: 'older' });
    await until(() => it.page.locator('.layer-row').count().then((n) => n === 1), 'its layers');
});

test('closing everything can be undone', async () => {
    await scene('Close everything');
    await it.page.getByRole('heading', { name: 'Nothing to show yet' }).waitFor();
    await toast('Everything is closed').getByRole('button', { name: 'Undo' }).click();
    await until(() => it.page.locator('.layer-row').count().then((n) => n === 3), 'the layers');
});

test('a layer is added by its path, or by the plus beside it; what fails is told', async () => {
    await it.page.keyboard.press('Control+o');
    const path = it.page.getByRole('textbox', { name: 'Path on the server' });
    await path.fill('/data/none.zarr');
    await button('Add as layer').click();
    await it.page.getByText('/data/none.zarr: no such file').waitFor();
    await button('Add embryo.ome.zarr as layer').click();
    await until(() => it.page.locator('.layer-row').count().then((n) => n === 4), 'four layers');
    assert.equal(await it.page.getByRole('dialog', { name: 'Open data' }).count(), 0);
    await scene(/Add as a layer/);
    await path.fill('/data/embryo.ome.zarr');
    await path.press('Enter');
    await until(() => it.page.locator('.layer-row').count().then((n) => n === 5), 'five layers');
    assert.equal(it.stub.calls('napari.load_zarr').length, 0);
    await it.page.locator('.layer-row').first().dblclick();
    await it.page.getByRole('textbox', { name: 'Layer name' }).fill('second');
    await it.page.keyboard.press('Enter');
    await until(() => it.stub.layers[4].name === 'second', 'the name');
});

test('a long folder comes in pages, as it is scrolled or asked for', async () => {
    it.stub.folder = Array.from({ length: 450 }, (_, i) => `folder ${i}`);
    await it.page.keyboard.press('Control+o');
    const rows = it.page.locator('.folder-row:not(.folder-more)');
    await until(() => rows.count().then((n) => n === 200), 'the first page');
    await sleep(150);
    assert.equal(it.stub.calls('fs.listdir').length, 1);
    await it.page.locator('.folder').evaluate((list) => { list.scrollTop = list.scrollHeight; });
    await until(() => rows.count().then((n) => n === 400), 'the second');
    await it.page.locator('.folder-more').focus();
    await until(() => rows.count().then((n) => n === 450), 'the last');
    assert.deepEqual(it.stub.calls('fs.listdir').map((k) => k.cursor ?? null), [null, '200', '400']);
    assert.equal(await it.page.locator('.folder-more').count(), 0);
    assert.equal(new Set(await rows.allInnerTexts()).size, 450);
});

test('closing the dialog takes back what it was doing', async () => {
    it.stub.hold = (command) => ['fs.listdir', 'napari.load_zarr'].includes(command);
    await it.page.keyboard.press('Control+o');
    await until(() => it.stub.calls('fs.listdir').length === 1, 'the listing');
    await it.page.getByRole('textbox', { name: 'Path on the server' }).fill('/data/embryo.ome.zarr');
    await it.page.keyboard.press('Enter');
    await until(() => it.stub.calls('napari.load_zarr').length === 1, 'the opening');
    assert.equal(await it.page.locator('.status-state').innerText(), 'Opening');
    await it.page.keyboard.press('Escape');
    const calls = it.stub.log.filter((f) => f.type === 'call.command' && ['fs.listdir', 'napari.load_zarr'].includes(f.payload.command)).map((f) => f.frame_id);
    await until(() => cancelled().length === 2, 'both cancelled');
    assert.deepEqual(cancelled().sort(), calls.sort());
    await until(() => it.page.locator('.status-state').innerText().then((t) => t !== 'Opening'), 'rest');
    assert.equal(await it.page.locator('.toast').count(), 0);
});

for (const [item, factor] of [[/full quality, 1×/, 1], [/full quality, 2×/, 2]]) {
    test(`a picture from the server at ${factor}×`, async () => {
        const size = it.stub.view.canvas.size.map((n) => n * factor);
        await button('Screenshot choices').click();
        const [download] = await Promise.all([it.page.waitForEvent('download'), it.page.getByRole('menuitem', { name: item }).click()]);
        const file = readFileSync(await download.path());
        assert.equal(file.subarray(1, 4).toString(), 'PNG');
        assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], size);
        assert.equal(download.suggestedFilename(), 'embryo.ome.zarr.png');
        await toast(`Saved ${size[0]} × ${size[1]} pixels`).waitFor();
        assert.equal(await toast('The server draws').count(), 0);
        assert.deepEqual(it.stub.calls('napari.screenshot')[0].size, size);
    });
}

test('a picture from the server of another size; a slow one can be given up', async () => {
    await button('Screenshot choices').click();
    await it.page.getByRole('menuitem', { name: /other size/ }).click();
    const width = it.page.getByRole('textbox', { name: 'Width in pixels' });
    await width.fill('100');
    await it.page.getByRole('textbox', { name: 'Height in pixels' }).fill('50');
    const [download] = await Promise.all([it.page.waitForEvent('download'), button('Save').click()]);
    const file = readFileSync(await download.path());
    assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], [100, 50]);
    it.stub.hold = (command) => command === 'napari.screenshot';
    await button('Screenshot choices').click();
    await it.page.getByRole('menuitem', { name: /full quality, 1×/ }).click();
    await toast('The server draws').getByRole('button', { name: 'Cancel' }).click();
    await until(() => cancelled().length === 1, 'the cancellation');
    await until(() => toast('The server draws').count().then((n) => n === 0), 'the note gone');
});

test('thumbnails: whole and undistorted, nothing moves when they come, no reader hears them', async () => {
    const thumb = it.page.locator('.layer-row .layer-thumb').first();
    const image = thumb.locator('img');
    const places = () => it.page.locator('.layer-row').evaluateAll((rows) => rows.map((r) => {
        const [a, b] = [r, r.querySelector('.layer-name')].map((e) => e.getBoundingClientRect());
        return [a.y, a.height, b.x];
    }));
    const before = await places();
    assert.ok(!(await image.isVisible()) && await thumb.locator('.layer-chip').isVisible());
    it.stub.thumbnail('layer-2', new Uint8ClampedArray(32 * 12 * 4).fill(255), 32, 12);
    await image.waitFor();
    assert.ok(!(await thumb.locator('.layer-chip').isVisible())); // nothing shows beside or through the picture
    assert.deepEqual(await image.evaluate((i) => i.decode().then(() => [i.naturalWidth, i.naturalHeight, getComputedStyle(i).objectFit, i.alt])), [32, 12, 'contain', '']);
    assert.deepEqual(await places(), before);
    assert.equal(await thumb.getAttribute('aria-hidden'), 'true');
    assert.ok(!(await it.page.locator('.layer-list').ariaSnapshot()).includes('img'));
    // A scene that says nothing of thumbnails keeps them; other data do not.
    it.stub.notifyScene();
    await rest(it.stub);
    assert.ok(await image.isVisible());
    for (const layer of it.stub.layers)
        layer.oriel.source = 'other.zarr';
    it.stub.notifyScene();
    await image.waitFor({ state: 'hidden' });
});

test('the statistics tell streams and modules when they are opened', async () => {
    await it.page.keyboard.press('\\');
    const panel = it.page.getByRole('complementary', { name: 'Statistics' });
    await panel.waitFor();
    assert.equal(it.stub.calls('oriel.streams').length + it.stub.calls('oriel.modules').length, 0);
    await panel.getByText('Streams').click();
    await panel.getByText(/h264 · \d+×\d+ · 13 fps · 1 client/).waitFor();
    await panel.getByText('Modules').click();
    await panel.getByText('encode/nvenc').waitFor();
    assert.equal(await panel.locator('.inside-line', { hasText: 'encode/nvenc' }).getAttribute('title'), 'no CUDA device');
    await until(() => it.stub.calls('oriel.streams').length >= 2, 'streams asked again', 3000);
    await panel.getByRole('button', { name: 'Close statistics' }).click();
    const asked = it.stub.calls('oriel.streams').length;
    await sleep(2300);
    assert.equal(it.stub.calls('oriel.streams').length, asked);
    assert.equal(it.stub.calls('oriel.modules').length, 1);
});
