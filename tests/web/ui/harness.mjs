// SPDX-License-Identifier: BSD-3-Clause
// One browser and one test server for a test file; a fresh page for each test.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, beforeEach, afterEach } from 'node:test';
import { Stub } from '../stub/server.mjs';

const { chromium } = createRequire(`${process.env.ORIEL_WEB_TOOLS}/`)('playwright-core');
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'];

/** @param {string[]} [more] */
export function launch(more = []) {
    return chromium.launch({ executablePath: process.env.ORIEL_CHROMIUM, headless: true, args: [...ARGS, ...more] });
}

/** Waits until `check` is true or gives something; asserts after the time is up. */
export async function until(check, what, ms = 4000) {
    const end = performance.now() + ms;
    for (;;) {
        const value = await check();
        if (value)
            return value;
        if (performance.now() > end)
            assert.fail(`waited ${ms} ms for ${what}`);
        await new Promise((done) => setTimeout(done, 15));
    }
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/**
 * Registers the hooks of a test file. `it.page`, `it.stub` and `it.problems` belong to the running test.
 * @param {{flags?: string[], context?: object, prepare?: (stub: Stub) => void, open?: boolean, allow?: RegExp}} [options]
 */
export function stage({ flags, context, prepare, open = true, allow } = {}) {
    const it = { page: null, stub: null, problems: [], browser: null, foreign: [] };
    before(async () => {
        it.browser = await launch(flags);
    });
    after(() => it.browser?.close());
    beforeEach(async () => {
        it.stub = await new Stub().listen();
        prepare?.(it.stub);
        it.problems = [];
        it.foreign = [];
        it.context = await it.browser.newContext({ viewport: { width: 1000, height: 640 }, ...context });
        it.page = await it.context.newPage();
        watch(it, it.page);
        if (open)
            await show(it.page, it.stub);
    });
    afterEach(async () => {
        await it.context.close();
        await it.stub.close();
        const serious = it.problems.filter((text) => !allow?.test(text) && !/WebSocket connection/.test(text));
        assert.deepEqual(serious, [], 'the page complained');
        assert.deepEqual(it.foreign, [], 'requests to elsewhere');
    });
    return it;
}

export function watch(it, page) {
    page.on('console', (m) => ['error', 'warning'].includes(m.type()) && it.problems.push(m.text()));
    page.on('pageerror', (e) => it.problems.push(String(e.stack)));
    page.on('request', (r) => {
        if (!/^(data:|blob:)/.test(r.url()) && new URL(r.url()).port !== String(it.stub.port))
            it.foreign.push(r.url());
    });
}

/** Opens the page and waits for a picture at rest. */
export async function show(page, stub, path = '') {
    await page.goto(stub.url + path);
    await until(() => stub.pixelLog.some((m) => m.type === 'shown' && m.decode_ms > 0), 'the first picture', 8000);
    await rest(stub);
}

/** Nothing said for a while. */
export async function rest(stub, ms = 150) {
    let n = -1;
    await until(async () => {
        const before = stub.log.length + stub.pixelLog.length;
        const same = before === n;
        n = before;
        if (!same)
            await sleep(ms);
        return same;
    }, 'rest', 8000);
}

/** Middle of the canvas in client pixels, and a helper for places relative to it. */
export async function canvasBox(page) {
    const box = await page.locator('#canvas').boundingBox();
    return { ...box, cx: box.x + box.width / 2, cy: box.y + box.height / 2 };
}

/** Colour of a canvas pixel. */
export function pixel(page, x, y) {
    return page.evaluate(([i, j]) => {
        const canvas = document.getElementById('canvas');
        const copy = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
        copy.drawImage(canvas, i, j, 1, 1, 0, 0, 1, 1);
        return [...copy.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    }, [Math.round(x), Math.round(y)]);
}

export const lastPose = (stub) => stub.updates('view.pose').at(-1)?.value;
export const near = (a, b, tolerance, what = '') =>
    assert.ok(Math.abs(a - b) <= tolerance, `${what} ${a} is not ${b} ± ${tolerance}`);

export { assert };
