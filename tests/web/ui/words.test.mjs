// SPDX-License-Identifier: BSD-3-Clause
// What the page says where something is not, or not quite, as asked.
import { test } from 'node:test';
import { assert, rest, show, stage, until } from './harness.mjs';

const it = stage();

test('interpolation: what is drawn is offered, another name is shown as what it is', async () => {
    const choice = it.page.getByLabel('interpolation').first();
    assert.deepEqual(await choice.locator('option').allTextContents(), ['nearest', 'linear']);
    it.stub.layers[2].controls.interpolation2d = 'cubic';
    it.stub.notifyScene();
    await choice.locator('option', { hasText: 'cubic (shown as linear)' }).waitFor({ state: 'attached' });
    assert.equal(await choice.inputValue(), 'cubic');
    await choice.selectOption('nearest');
    await until(() => it.stub.layers[2].controls.interpolation2d === 'nearest', 'nearest');
    assert.deepEqual(await choice.locator('option').allTextContents(), ['nearest', 'linear']);
});

test('translucent rendering says what it shows, unless the colormap lets through', async () => {
    const hint = it.page.getByText('Shows the first surface only');
    await it.page.keyboard.press('Control+y');
    const choice = it.page.getByLabel('rendering');
    await choice.waitFor();
    assert.equal(await hint.isVisible(), false);
    await choice.selectOption('translucent');
    await hint.waitFor();
    it.stub.layers[2].controls.colormap = { colors: [[0, 0, 0, 0], [1, 1, 1, 1]], controls: [0, 1], interpolation: 'linear' };
    it.stub.notifyScene();
    await hint.waitFor({ state: 'hidden' });
});

test('two axes: the 3D button and its key say why not, and send nothing', async () => {
    const { view } = it.stub;
    Object.assign(view, { axes: view.axes.slice(2), order: [0, 1], step: [150, 200] });
    it.stub.changed();
    const button = it.page.getByRole('button', { name: 'Switch to 3D', disabled: true });
    await button.waitFor();
    assert.match(await button.getAttribute('aria-description'), /only two axes/);
    await it.page.locator('#canvas').focus();
    await it.page.keyboard.press('Control+y');
    await it.page.locator('.toast', { hasText: 'only two axes' }).waitFor();
    await rest(it.stub);
    assert.equal(it.stub.updates('view.ndisplay').length, 0);
});

test('statistics name the encoder of the codec that comes here and why, below the banner', async () => {
    it.stub.broadcast('notify.status', { revision: 2, renderer: 'llvmpipe', software: true, version: '0.1.0', stream: {
        codec: 'vp9', encoder: 'encode/vpx', branches: [{ name: 'main', codec: 'vp9', encoder: 'encode/vpx', clients: 1 },
            { name: 'h264', codec: 'h264', encoder: 'encode/openh264', clients: 1 }] } });
    await it.page.keyboard.press('\\');
    const table = it.page.locator('.stats-table');
    await table.getByText('encode/openh264').waitFor();
    await table.getByText('first of the list').waitFor();
    // Another encoder takes over: said in words, while the panel is open.
    it.stub.broadcast('notify.status', { revision: 3, renderer: 'llvmpipe', software: true, version: '0.1.0', stream: {
        codec: 'h264', encoder: 'encode/x264',
        ladder: [{ encoder: 'encode/nvenc', taken: false, ms: null, reason: 'encode/nvenc: the device is lost' },
            { encoder: 'encode/x264', taken: true, ms: 2.13, reason: '' }],
        branches: [{ name: 'main', codec: 'h264', encoder: 'encode/x264', clients: 1, reason: 'encode/nvenc: the device is lost',
            chain: 'capture/cuda NV12 cpu bt601 full -> encode/x264' }] } });
    await table.getByText('2.1 ms a picture; not encode/nvenc: the device is lost', { exact: true }).waitFor();
    await table.getByText('capture/cuda NV12 cpu bt601 full -> encode/x264', { exact: true }).waitFor();
    it.stub.refuse = true;
    it.stub.drop();
    await it.page.locator('.banner').waitFor();
    const [banner, stats] = await Promise.all(['.banner', '.stats'].map((s) => it.page.locator(s).boundingBox()));
    assert.ok(stats.y >= banner.y + banner.height, 'the panel covers the banner');
});

test('?source= is offered, never loaded unasked; what cannot be opened says so', async () => {
    await show(it.page, it.stub, '?source=/data/embryo.ome.zarr/');
    assert.equal(await it.page.getByText('This address asks for').count(), 0);
    await show(it.page, it.stub, '?source=/data/none.zarr');
    await it.page.locator('.toast', { hasText: 'This address asks for /data/none.zarr' }).waitFor();
    assert.equal(it.stub.calls('napari.load_zarr').length, 0);
    await it.page.locator('.toast').getByRole('button', { name: 'Open' }).click();
    await it.page.locator('.toast', { hasText: 'Open a dataset from the server: /data/none.zarr: no such file' }).waitFor();
});

test('the folder list has a way up only below where it began', async () => {
    await it.page.keyboard.press('Control+o');
    const up = it.page.getByRole('button', { name: 'Folder above' });
    await it.page.getByRole('button', { name: 'plates' }).waitFor();
    assert.equal(await up.count(), 0);
    await it.page.getByRole('button', { name: 'plates' }).click();
    await up.click();
    await until(() => it.stub.calls('fs.listdir').length === 3, 'the folder above');
    assert.equal(it.stub.calls('fs.listdir')[2].path, '/data');
    await until(async () => (await up.count()) === 0, 'the top');
});
