// SPDX-License-Identifier: BSD-3-Clause
// 13 hidden, lost and back; 14 the view in the address; 15 drops; 16 rungs below video.
import { test } from 'node:test';
import { assert, canvasBox, lastPose, near, pixel, rest, show, sleep, stage, until } from './harness.mjs';

const it = stage({ allow: /ERR_|Failed to load|still images/ });
const words = (type) => it.stub.pixelLog.filter((m) => m.type === type);
const banner = () => it.page.locator('.banner');

const setHidden = (hidden) => it.page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (value ? 'hidden' : 'visible') });
    document.dispatchEvent(new Event('visibilitychange'));
}, hidden);

test('hidden: the server is told, nothing is sent; back: a key picture', async () => {
    await setHidden(true);
    await until(() => words('visible').at(-1)?.value === false, 'visible false');
    const before = it.stub.log.length;
    const shown = words('shown').length;
    it.stub.changed();
    await sleep(200);
    assert.equal(words('shown').length, shown);
    assert.equal(it.stub.log.length, before);
    await setHidden(false);
    await until(() => words('visible').at(-1)?.value === true, 'visible true');
    await until(() => words('shown').length > shown, 'a picture');
});

test('visible again and no picture comes: the pixel socket is opened anew', async () => {
    await setHidden(true);
    it.stub.mute = true;
    await setHidden(false);
    const peer = it.stub.pixels()[0];
    await until(() => it.stub.pixels().length === 1 && it.stub.pixels()[0] !== peer, 'a new socket', 4000);
    it.stub.mute = false;
});

test('a dead server: last picture dimmed, banner with a countdown; back at once on request, the view as it was', async () => {
    await it.page.keyboard.press('PageUp');
    await rest(it.stub);
    const pose = lastPose(it.stub);
    it.stub.refuse = true;
    it.stub.drop();
    await banner().waitFor();
    assert.match(await banner().innerText(), /Reconnecting in \d s, last picture \d+ s ago/);
    assert.equal(await it.page.locator('#canvas').getAttribute('aria-busy'), 'true');
    assert.equal(await it.page.locator('#canvas').evaluate((c) => getComputedStyle(c).opacity), '0.6');
    await it.page.keyboard.press('PageUp'); // moved while away: the last pose counts
    it.stub.refuse = false;
    // The server came back with nothing of ours.
    it.stub.view.origin = null;
    it.stub.view.camera = { ...it.stub.view.camera, zoom: 1 };
    await it.page.getByRole('button', { name: 'Reconnect now' }).click();
    await until(() => !lastPose(it.stub) || lastPose(it.stub).zoom > pose.zoom, 'the pose');
    near(lastPose(it.stub).zoom, pose.zoom * 1.007 ** 30, 1e-6);
    await banner().waitFor({ state: 'hidden' });
});

test('a server that started again gets slices, mode, camera and display back; one that was touched keeps its own', async () => {
    await it.page.keyboard.press('ArrowRight');
    await it.page.getByRole('slider', { name: 'gamma' }).press('ArrowLeft');
    await it.page.keyboard.press('Control+y');
    await until(() => it.stub.view.ndisplay === 3, '3D');
    await rest(it.stub);
    await it.page.keyboard.press('PageUp');
    await rest(it.stub);
    const want = structuredClone({ view: it.stub.view, gamma: it.stub.layers[2].controls.gamma });
    for (const mover of ['', 'somebody']) {
        it.stub.refuse = true;
        it.stub.drop();
        await banner().waitFor();
        it.stub.restart();
        it.stub.view.origin = { session: mover, rev: 0 };
        const step = it.stub.view.step.join();
        it.stub.refuse = false;
        await it.page.getByRole('button', { name: 'Reconnect now' }).click();
        await banner().waitFor({ state: 'hidden' });
        await rest(it.stub);
        if (mover) {
            assert.deepEqual([it.stub.view.ndisplay, it.stub.view.step.join(), it.stub.layers[2].controls.gamma], [2, step, 1]);
        } else {
            assert.equal(it.stub.view.ndisplay, 3);
            assert.deepEqual(it.stub.view.step, want.view.step);
            assert.equal(it.stub.layers[2].controls.gamma, want.gamma);
            near(it.stub.view.camera.zoom / want.view.camera.zoom, 1, 1e-9);
        }
    }
});

test('going online reconnects at once; another mover is not overruled', async () => {
    it.stub.refuse = true;
    it.stub.drop();
    await banner().waitFor();
    await sleep(1500);
    it.stub.refuse = false;
    it.stub.view.origin = { session: 'somebody', rev: 4 };
    it.stub.view.camera = { ...it.stub.view.camera, zoom: 2.25 };
    const poses = it.stub.updates('view.pose').length;
    await it.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await banner().waitFor({ state: 'hidden', timeout: 700 });
    await rest(it.stub);
    assert.equal(it.stub.updates('view.pose').length, poses);
    assert.equal(it.stub.view.camera.zoom, 2.25);
});

test('a server that refuses is no endless spinner', async () => {
    it.stub.drop();
    const { Peer } = await import('../stub/websocket.mjs');
    const send = Peer.prototype.send;
    Peer.prototype.send = function (data) {
        const frame = typeof data === 'string' ? JSON.parse(data) : null;
        if (frame?.type === 'session.welcome')
            data = JSON.stringify({ ...frame, session: undefined, type: 'session.reject', payload: { code: 'busy', message: 'too many viewers' } });
        return send.call(this, data);
    };
    try {
        await it.page.getByText('The server refused this page: too many viewers').waitFor({ timeout: 6000 });
        assert.ok(!(await it.page.locator('.connecting').isVisible()));
    } finally {
        Peer.prototype.send = send;
    }
});

test('empty, loading and failed data', async () => {
    it.stub.coarse = true;
    it.stub.layers[0].oriel.status = 'error';
    it.stub.layers[0].oriel.error = 'chunk 0.0.3 is corrupt';
    it.stub.notifyScene();
    await it.page.getByText('level 2 of 2, 46 %').waitFor();
    await it.page.locator('.layer-row.failed .icon-warning').waitFor();
    await it.page.locator('.layer-row.failed').getByText('data could not be read').click();
    await it.page.getByRole('dialog', { name: /What failed in membrane/ }).getByText('tries the rest again').waitFor();
    await it.page.keyboard.press('Escape');
    await it.page.locator('.layer-list').focus();
    await it.page.keyboard.press('Enter');
    await it.page.getByRole('dialog', { name: /What failed in membrane/ }).getByText('chunk 0.0.3 is corrupt').waitFor();
    await it.page.keyboard.press('Escape');
    assert.match(await it.page.locator('.status-state').innerText(), /Loading/);
    it.stub.coarse = false;
    it.stub.layers = [];
    it.stub.notifyScene();
    await it.page.getByRole('heading', { name: 'Nothing to show yet' }).waitFor();
    await it.page.getByPlaceholder(/Path on the server/).fill('/data/none.zarr');
    await it.page.keyboard.press('Enter');
    await it.page.getByText('/data/none.zarr: no such file').waitFor();
    await it.page.getByRole('button', { name: 'embryo.ome.zarr' }).click();
    await until(() => it.page.locator('.layer-row').count().then((n) => n === 3), 'the layers');
});

test('the address holds the view: a new page shows the same', async () => {
    await it.page.keyboard.press('PageUp');
    await it.page.keyboard.press('Alt+ArrowDown');
    await it.page.keyboard.press('ArrowRight');
    await it.page.getByRole('slider', { name: 'gamma' }).press('ArrowLeft');
    await until(async () => (await it.page.evaluate(() => location.hash)).startsWith('#v1='), 'the fragment');
    await rest(it.stub, 500);
    const hash = await it.page.evaluate(() => location.hash);
    const want = structuredClone({ view: it.stub.view, gamma: it.stub.layers[2].controls.gamma });
    assert.ok(hash.length < 2048 && !/session|127\.0/.test(Buffer.from(hash.slice(4), 'base64url').toString()));
    assert.equal(await it.page.evaluate(() => history.length), 2);
    // Another server, another page.
    it.stub.view.step = [0, 20, 150, 200];
    it.stub.view.camera.zoom = 1;
    it.stub.layers[2].controls.gamma = 1;
    it.stub.view.origin = null;
    await it.page.close();
    it.page = await it.context.newPage();
    await show(it.page, it.stub, hash);
    await until(() => it.stub.layers[2].controls.gamma === want.gamma, 'the gamma');
    assert.deepEqual(it.stub.view.step, want.view.step);
    near(it.stub.view.camera.zoom / want.view.camera.zoom, 1, 1e-9);
    it.stub.view.camera.center.forEach((v, i) => near(v, want.view.camera.center[i], 1e-6));
});

test('a broken address gives a toast and the default view; a changed one is applied', async () => {
    const address = () => it.page.evaluate(() => location.hash);
    await until(async () => (await address()).startsWith('#v1='), 'the fragment');
    await rest(it.stub, 900);
    const hash = await address(), zoom = it.stub.view.camera.zoom;
    await it.page.evaluate(() => { location.hash = '#v1=rubbish'; });
    await it.page.getByText('could not be read').first().waitFor();
    await rest(it.stub);
    await it.page.keyboard.press('PageUp');
    await rest(it.stub);
    await it.page.evaluate((h) => { location.hash = h; }, hash);
    await until(() => Math.abs(it.stub.view.camera.zoom / zoom - 1) < 1e-6, 'the old zoom');
});

test('dragging writes no address', async () => {
    await until(async () => (await it.page.evaluate(() => location.hash)).length > 4, 'the fragment');
    const { cx, cy } = await canvasBox(it.page);
    const hash = await it.page.evaluate(() => location.hash);
    await it.page.mouse.move(cx, cy);
    await it.page.mouse.down();
    await it.page.mouse.move(cx + 50, cy);
    await sleep(600);
    assert.equal(await it.page.evaluate(() => location.hash), hash);
    await it.page.mouse.up();
    await until(async () => (await it.page.evaluate(() => location.hash)) !== hash, 'the new fragment');
});

test('a file dropped on the page does not navigate away', async () => {
    const prevented = await it.page.evaluate(() => ['dragover', 'drop'].map((type) => {
        const event = new DragEvent(type, { bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
        return event.defaultPrevented;
    }));
    assert.deepEqual(prevented, [true, true]);
    await it.page.getByText('reads data on the server').first().waitFor();
});

const reasons = [
    ['no WebCodecs at all', () => { delete window.VideoDecoder; }, /no video decoder \(WebCodecs\)\. Showing still images/],
    ['no H.264', () => {
        const real = VideoDecoder.isConfigSupported;
        VideoDecoder.isConfigSupported = (c) => (c.codec.startsWith('avc1') ? Promise.resolve({ supported: false }) : real.call(VideoDecoder, c));
    }, /does not decode H\.264\. Showing still images/],
    ['H.264 that always fails', () => {
        window.VideoDecoder = class extends VideoDecoder {
            decode() {
                throw new Error('refused');
            }
        };
    }, /H\.264 could not be decoded here\. Showing still images/],
];
for (const [what, break_, expected] of reasons) {
    test(`${what}: a picture all the same, and the reason`, async () => {
        const page = await it.context.newPage();
        await page.addInitScript(break_);
        await page.goto(it.stub.url);
        await page.getByText(expected).first().waitFor({ timeout: 12000 });
        await until(() => it.stub.pixels().some((p) => !p.codecs.includes('h264') && p.seq > 0), 'pictures');
        await until(async () => {
            const [w, h] = await page.evaluate(() => [document.getElementById('canvas').width, document.getElementById('canvas').height]);
            return (await pixel(page, w / 2, h / 2)).some((v) => v > 0) || (await pixel(page, w / 3, h / 2)).some((v) => v > 0);
        }, 'a picture on the canvas');
        await page.close();
    });
}

test('an address that is not secure: stills with the explanation and a way out', async () => {
    // The name resolves inside the browser only: still this machine, but not a secure context.
    const { launch } = await import('./harness.mjs');
    const browser = await launch(['--host-resolver-rules=MAP microscope.test 127.0.0.1']);
    try {
        const page = await browser.newPage();
        await page.goto(`http://microscope.test:${it.stub.port}/`);
        assert.equal(await page.evaluate(() => isSecureContext), false);
        await page.getByText('This address is not secure (http)').first().waitFor();
        await until(() => it.stub.lastPixelUrl.searchParams.get('codecs') === 'jpeg', 'stills asked for');
        await page.getByRole('button', { name: 'Copy tunnel command' }).click();
        assert.match(await page.getByRole('textbox', { name: 'Tunnel command' }).inputValue(), /^ssh -L \d+:localhost:\d+ microscope\.test$/);
    } finally {
        await browser.close();
    }
});
