// SPDX-License-Identifier: BSD-3-Clause
// 1 cold load, 11 colour, 12 pixels of the screen.
import { test } from 'node:test';
import { assert, launch, near, pixel, rest, show, sleep, stage, until, watch } from './harness.mjs';
import { Stub } from '../stub/server.mjs';

const it = stage({ open: false });

test('cold load: first picture within 1.5 s, nothing from elsewhere, no complaint', async () => {
    await it.page.goto(it.stub.url, { waitUntil: 'commit' });
    const start = performance.now();
    await until(() => it.stub.pixelLog.some((m) => m.type === 'shown'), 'the first picture', 8000);
    const took = performance.now() - start;
    // Two tests share the cores here; alone it is a third of this.
    assert.ok(took < 3000, `${took} ms`);
    const html = await (await fetch(it.stub.url)).text();
    assert.doesNotMatch(html, /<script(?![^>]*src=)|\son[a-z]+=|\sstyle=|<style/);
    // The server's policy forbids the rest; a violation would be a console error.
    assert.match((await fetch(it.stub.url)).headers.get('content-security-policy'), /script-src 'self'/);
});

test('an untouched scene is fitted to the canvas, once the layout stands', async () => {
    await show(it.page, it.stub);
    const size = await it.page.evaluate(() => [document.getElementById('canvas').width, document.getElementById('canvas').height]);
    assert.deepEqual(it.stub.view.canvas.size, size.map((n) => n + (n & 1)));
    near(it.stub.view.camera.zoom, 0.95 * Math.min(it.stub.view.canvas.size[0] / 400, it.stub.view.canvas.size[1] / 300), 1e-9);
    assert.equal(it.stub.updates('view.reset').length, 1);
});

test('idle: no message in either direction', async () => {
    await show(it.page, it.stub);
    const before = it.stub.log.length + it.stub.pixelLog.length;
    await sleep(1200);
    assert.equal(it.stub.log.length + it.stub.pixelLog.length, before);
});

for (const codec of ['h264', 'png']) {
    test(`four colours arrive within 3 levels (${codec})`, async () => {
        it.stub.style = 'quadrants';
        it.stub.codec = codec;
        await show(it.page, it.stub);
        const [w, h] = it.stub.view.canvas.size;
        const want = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]];
        for (let k = 0; k < 4; k++) {
            const got = await pixel(it.page, w * (k & 1 ? 0.75 : 0.25), h * (k < 2 ? 0.25 : 0.75));
            got.forEach((v, i) => near(v, want[k][i], codec === 'png' ? 0 : 3, `quadrant ${k}`));
        }
    });
}

test('the still of the resting view is exact; a stale one is not drawn', async () => {
    it.stub.stills = true;
    it.stub.style = 'checker';
    await show(it.page, it.stub);
    await until(async () => (await pixel(it.page, 1, 0)).join() === '255,255,255', 'the still');
    assert.deepEqual(await pixel(it.page, 0, 0), [0, 0, 0]);
    // A late still of an older view: red, and must not appear.
    const peer = it.stub.pixels()[0];
    const [w, h] = it.stub.view.canvas.size;
    const red = new Uint8ClampedArray(w * h * 4).map((_, i) => (i % 4 === 0 || i % 4 === 3 ? 255 : 0));
    const { png } = await import('../stub/png.mjs');
    it.stub.frame -= 1;
    it.stub.deliver(peer, it.stub.message(peer, it.stub.view, it.stub.lastRev?.[peer.session] ?? 0, { codec: 7, key: true, still: true, bytes: png(red, w, h) }));
    await rest(it.stub);
    assert.deepEqual(await pixel(it.page, 1, 0), [255, 255, 255]);
});

for (const scale of [1, 1.25, 1.5, 2]) {
    test(`at ${scale} device pixels for a CSS pixel the canvas has the pixels of the screen`, async () => {
        const browser = await launch([`--force-device-scale-factor=${scale}`]);
        const stub = await new Stub().listen();
        try {
            const page = await (await browser.newContext({ viewport: null })).newPage();
            watch({ problems: it.problems, foreign: [], stub }, page);
            await page.setViewportSize?.({ width: 811, height: 541 }).catch(() => {});
            stub.style = 'checker';
            await show(page, stub);
            const facts = await page.evaluate(() => new Promise((resolve) => {
                const canvas = document.getElementById('canvas');
                new ResizeObserver(([entry]) => resolve({
                    box: [entry.devicePixelContentBoxSize[0].inlineSize, entry.devicePixelContentBoxSize[0].blockSize],
                    canvas: [canvas.width, canvas.height],
                })).observe(canvas, { box: 'device-pixel-content-box' });
            }));
            assert.deepEqual(facts.canvas, facts.box);
            assert.deepEqual(stub.view.canvas.size, facts.box.map((n) => n + (n & 1)));
            const row = [];
            for (let i = 0; i < 6; i++)
                row.push((await pixel(page, 100 + i, 100))[0]);
            assert.deepEqual(row.map((v) => (v < 8 ? 0 : v > 247 ? 1 : 2)), [0, 1, 0, 1, 0, 1]);
        } finally {
            await browser.close();
            await stub.close();
        }
    });
}
