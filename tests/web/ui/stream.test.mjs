// SPDX-License-Identifier: BSD-3-Clause
// 8 prediction, 9 decoder, 10 back-pressure.
import { test } from 'node:test';
import { MARKER } from '../stub/scene.mjs';
import { toScreen } from '../../../web/js/view/camera.js';
import { assert, canvasBox, near, rest, sleep, stage, until } from './harness.mjs';

/** Counts open frames and decoders, and remembers where the marker was in every drawn frame. */
const SPY = () => {
    window.open_ = 0;
    window.decoders = 0;
    window.outputs = 0;
    const close = VideoFrame.prototype.close;
    VideoFrame.prototype.close = function () {
        if (this.format !== null || this.codedWidth)
            window.open_--;
        return close.call(this);
    };
    const Real = VideoDecoder;
    window.VideoDecoder = class extends Real {
        constructor({ output, error }) {
            super({ output: (f) => { window.open_++; window.outputs++; output(f); }, error });
            window.decoders++;
        }
    };
};

const it = stage({ open: false });

async function open(style = 'marker', setup) {
    await it.page.addInitScript(SPY);
    it.stub.style = style;
    setup?.(it.stub);
    const { show } = await import('./harness.mjs');
    await show(it.page, it.stub);
}

const keysAsked = () => it.stub.pixelLog.filter((m) => m.type === 'key').length;

/** Centre of the white marker on the canvas, or null. */
const findMarker = () => it.page.evaluate(() => {
    const canvas = document.getElementById('canvas');
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    let x = 0, y = 0, n = 0;
    for (let i = 0; i < data.length; i += 4) {
        if (data[i] > 200) {
            x += (i / 4) % canvas.width + 0.5;
            y += Math.floor(i / 4 / canvas.width) + 0.5;
            n++;
        }
    }
    return n ? { x: x / n, y: y / n } : null;
});

/** In every animation frame: where the marker is, and where the pointer has taken it. */
const record = () => it.page.evaluate(() => {
    const canvas = document.getElementById('canvas');
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
    window.trace = [];
    let pointer = null;
    canvas.addEventListener('pointermove', (e) => { pointer = e.clientX; }, true);
    const look = () => {
        copy.drawImage(canvas, 0, 0);
        const y = window.markerRow;
        const { data } = copy.getImageData(0, y, canvas.width, 1);
        let x = 0, n = 0;
        for (let i = 0; i < canvas.width; i++) {
            if (data[i * 4] > 200) {
                x += i + 0.5;
                n++;
            }
        }
        window.trace.push({ x: n ? x / n : null, pointer });
    };
    // After the frame: all that was to be drawn in it has been.
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
        look();
        if (!window.stopTrace)
            requestAnimationFrame(() => channel.port2.postMessage(0));
    };
    channel.port2.postMessage(0);
});

const markerAt = () => toScreen({ ...it.stub.view.camera, ndisplay: 2 }, [MARKER.x, MARKER.y, 0],
    { w: it.stub.view.canvas.size[0], h: it.stub.view.canvas.size[1] });

for (const [what, setup] of [
    ['300 ms late', (stub) => { stub.delay = 300; }],
    ['late and out of order', (stub) => {
        let n = 0;
        Object.defineProperty(stub, 'delay', { get: () => [300, 120, 220][n++ % 3] });
        stub.codec = 'png'; // a reordered P picture would be a gap
    }],
    ['skipped', (stub) => {
        stub.delay = 100;
        const real = stub.changed.bind(stub);
        let n = 0;
        stub.changed = (session, rev) => {
            n++;
            if (n % 3 === 0 || !stub.skipping)
                real(session, rev);
        };
    }],
]) {
    test(`the picture stays with the pointer in every frame, pictures ${what}`, async () => {
        await open('marker', (stub) => {
            if (what !== 'skipped')
                return;
            setup(stub);
        });
        if (what !== 'skipped')
            setup(it.stub);
        it.stub.skipping = true;
        const start = markerAt();
        near((await findMarker()).x, start.x, 1);
        await it.page.evaluate((row) => { window.markerRow = row; }, Math.round(start.y));
        const { x, cy } = await canvasBox(it.page);
        await it.page.mouse.move(x + 200, cy);
        await it.page.mouse.down();
        await record();
        for (let i = 1; i <= 20; i++) {
            await it.page.mouse.move(x + 200 + i * 5, cy);
            await sleep(25);
        }
        await sleep(900);
        const trace = await it.page.evaluate(() => {
            window.stopTrace = true;
            return window.trace;
        });
        await it.page.mouse.up();
        const moved = trace.filter((t) => t.pointer !== null);
        assert.ok(moved.length > 20);
        for (const t of moved) {
            const want = start.x + (t.pointer - x - 200);
            assert.ok(t.x !== null && Math.abs(t.x - want) <= 1.5, `marker at ${t.x}, pointer took it to ${want}`);
        }
        await rest(it.stub, 500);
        near((await findMarker()).x, markerAt().x, 1);
    });
}

test('a pose that the server clamps is taken over', async () => {
    await open();
    it.stub.mostZoom = it.stub.view.camera.zoom * 1.1;
    await it.page.keyboard.press('PageUp');
    await rest(it.stub);
    const m = await findMarker();
    near(m.x, markerAt().x, 1);
    await it.page.keyboard.press('PageDown');
    await rest(it.stub);
    near(it.stub.updates('view.pose').at(-1).value.zoom, it.stub.mostZoom / 1.007 ** 30, 1e-9);
    assert.equal(keysAsked(), 0, 'a healthy stream needs no key pictures');
});

test('a missing picture: nothing is drawn until a key, which is asked for once', async () => {
    await open();
    await it.page.evaluate(() => { window.stopTrace = false; });
    const asked = keysAsked();
    let lost = 0;
    it.stub.lose = () => lost++ < 1;
    it.stub.deaf = true;
    for (const z of [21, 22, 23, 24]) {
        it.stub.view.step[1] = z;
        it.stub.changed();
        await sleep(120);
    }
    const outputs = await it.page.evaluate(() => window.outputs);
    assert.equal(keysAsked(), asked + 1);
    it.stub.deaf = false;
    it.stub.view.camera = { ...it.stub.view.camera, center: [150, 149.5, 0] };
    it.stub.pixels()[0].needKey = true;
    it.stub.changed();
    await until(async () => (await it.page.evaluate(() => window.outputs)) > outputs, 'the key picture');
    await rest(it.stub);
    near((await findMarker()).x, markerAt().x, 1);
});

test('garbage: a new decoder and the picture back within a second', async () => {
    await open();
    const peer = it.stub.pixels()[0];
    const before = await it.page.evaluate(() => window.decoders);
    const bad = Buffer.alloc(64, 0xff);
    it.stub.deliver(peer, it.stub.message(peer, it.stub.view, 0, { codec: 1, key: false, bytes: bad }));
    const start = performance.now();
    await until(async () => (await it.page.evaluate(() => window.decoders)) > before, 'a new decoder');
    await until(() => it.stub.pixelLog.filter((m) => m.type === 'shown').at(-1).seq >= peer.seq - 1, 'the picture');
    assert.ok(performance.now() - start < 1500);
    await rest(it.stub);
    near((await findMarker()).x, markerAt().x, 1);
});

test('a new size in the middle of the stream, held pictures, and every frame closed', async () => {
    await open();
    await it.page.setViewportSize({ width: 803, height: 577 });
    await rest(it.stub, 300);
    const [w, h] = await it.page.evaluate(() => [document.getElementById('canvas').width, document.getElementById('canvas').height]);
    assert.deepEqual(it.stub.view.canvas.size, [w + (w & 1), h + (h & 1)]);
    near((await findMarker()).x, markerAt().x, 1);
    const sent = it.stub.pixels()[0].seq;
    assert.equal(await it.page.evaluate(() => window.outputs), sent, 'as many outputs as pictures');
    assert.equal(await it.page.evaluate(() => window.open_), 1, 'only the one on the screen is open');
});

test('a page that stalls never has more than two pictures underway, and then shows the newest', async () => {
    await open();
    const { cx, cy } = await canvasBox(it.page);
    const busy = it.page.evaluate(() => {
        const end = performance.now() + 500;
        while (performance.now() < end);
    });
    for (let i = 0; i < 30; i++) {
        it.stub.view.camera = { ...it.stub.view.camera, center: [199.5 - i, 149.5, 0] };
        it.stub.changed('other', 1);
        await sleep(16);
    }
    await busy;
    await rest(it.stub, 300);
    assert.ok(it.stub.mostUnacked <= 2, `${it.stub.mostUnacked} underway`);
    near((await findMarker()).x, markerAt().x, 1);
    await it.page.mouse.move(cx, cy);
});

test('nothing grows over 400 pictures', async () => {
    await open();
    const cdp = await it.context.newCDPSession(it.page);
    await cdp.send('Performance.enable');
    const measure = async () => {
        await cdp.send('HeapProfiler.collectGarbage');
        const { metrics } = await cdp.send('Performance.getMetrics');
        return Object.fromEntries(metrics.map((m) => [m.name, m.value]));
    };
    const run = async (n) => {
        for (let i = 0; i < n; i++) {
            it.stub.view.step[1] = i % 40;
            it.stub.changed();
            await sleep(14);
        }
        await rest(it.stub);
    };
    await run(80);
    const before = await measure();
    await run(320);
    const after = await measure();
    assert.ok(after.JSEventListeners <= before.JSEventListeners, 'listeners');
    assert.ok(after.Nodes <= before.Nodes + 20, `${before.Nodes} → ${after.Nodes} nodes`);
    assert.ok(after.JSHeapUsedSize < before.JSHeapUsedSize + 1.5e6, `${before.JSHeapUsedSize} → ${after.JSHeapUsedSize} bytes`);
    assert.equal(await it.page.evaluate(() => window.open_), 1);
});
