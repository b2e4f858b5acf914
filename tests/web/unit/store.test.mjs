// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFrameLoop } from '../../../web/js/frame.js';
import { createStats } from '../../../web/js/stats.js';
import { createStore, initialState, sliderAxes } from '../../../web/js/store.js';
import { createViewport } from '../../../web/js/view/viewport.js';
import { createView } from '../stub/scene.mjs';

test('watchers run once for a batch and only when their part changed', async () => {
    const store = createStore();
    const seen = [];
    const stop = store.watch((s) => [s.active, s.busy], ([active]) => seen.push(active));
    store.set({ active: 'a' });
    store.set({ active: 'b' });
    store.set({ scene: 'ready' });
    await null;
    assert.deepEqual(seen, ['', 'b']);
    store.set({ scene: 'idle' });
    await null;
    assert.equal(seen.length, 2);
    stop();
    store.set({ active: 'c' });
    await null;
    assert.equal(seen.length, 2);
});

test('sliders are for axes that are not shown and have something to step', () => {
    const view = createView();
    assert.deepEqual(sliderAxes(view), [0, 1]);
    assert.deepEqual(sliderAxes({ ...view, ndisplay: 3 }), [0]);
    assert.deepEqual(sliderAxes({ ...view, axes: view.axes.map((a, i) => (i ? a : { ...a, size: 1 })) }), [1]);
    assert.deepEqual(sliderAxes(initialState().view), []);
});

test('a frame runs input, send, draw in this order, each task once', () => {
    const asked = [];
    const frames = createFrameLoop((run) => asked.push(run));
    const order = [];
    const draw = () => order.push('draw');
    frames.request('draw', draw);
    frames.request('draw', draw);
    frames.request('input', () => {
        order.push('input');
        frames.request('send', () => order.push('send'));
    });
    assert.equal(asked.length, 1);
    asked[0](0);
    assert.deepEqual(order, ['input', 'send', 'draw']);
    assert.ok(!frames.pending('draw'));
});

function viewport() {
    const sent = [];
    let now = 0;
    const v = createViewport({ send: (pose, rev) => sent.push({ pose, rev }), sendSize: () => {}, changed: () => {}, now: () => now });
    v.begin('me');
    v.setSize({ w: 640, h: 480 });
    v.settleLayout();
    return { v, sent, tick: (to) => (now = to) };
}

test('the server is believed once it has seen all moves, and not before', () => {
    const { v } = viewport();
    const view = createView();
    v.adopt(view);
    v.move({ ...v.pose(), zoom: 3 });
    v.move({ ...v.pose(), zoom: 4 });
    v.adopt({ ...view, camera: { ...view.camera, zoom: 3 }, origin: { session: 'me', rev: 1 } });
    assert.equal(v.pose().zoom, 4);
    v.adopt({ ...view, camera: { ...view.camera, zoom: 3.5 }, origin: { session: 'me', rev: 2 } });
    assert.equal(v.pose().zoom, 3.5);
    v.adopt({ ...view, camera: { ...view.camera, zoom: 9 }, origin: { session: 'other', rev: 1 } });
    assert.equal(v.pose().zoom, 9);
});

test('moves of a mode that is gone are dropped; nothing moves before the server spoke', () => {
    const { v, sent } = viewport();
    v.move({ ...v.pose(), zoom: 3 });
    assert.equal(sent.length, 0);
    v.adopt({ ...createView(), ndisplay: 3 });
    v.move({ ...v.pose(), ndisplay: 2 });
    assert.equal(sent.length, 0);
});

test('shrinking and growing again comes back to the same zoom', () => {
    const { v } = viewport();
    v.adopt(createView());
    const zoom = v.pose().zoom;
    for (const size of [{ w: 320, h: 480 }, { w: 320, h: 200 }, { w: 640, h: 480 }])
        v.setSize(size);
    assert.equal(v.pose().zoom, zoom);
});

test('the delay of an input runs from the oldest that a picture is first to show', () => {
    const { v, tick } = viewport();
    v.adopt(createView());
    v.move({ ...v.pose(), zoom: 3 }, 10);
    v.move({ ...v.pose(), zoom: 4 }, 20);
    tick(50);
    assert.equal(v.settle(1), 40);
    assert.equal(v.settle(1), null);
    assert.equal(v.settle(2), 30);
});

test('statistics: quantiles and rates of the last two seconds', () => {
    let now = 0;
    const stats = createStats(() => now);
    for (let i = 1; i <= 100; i++)
        stats.answered(i);
    const picture = { key: true, still: false, bytes: new Uint8Array(1000), stages: [1000] };
    for (now = 0; now < 1000; now += 100) {
        stats.received(picture);
        stats.shown(picture, 1, 0);
    }
    const s = stats.summary();
    assert.deepEqual([s.input.p50, s.input.p95, s.fps, s.keys], [51, 96, 5, 10]);
    assert.ok(Math.abs(s.megabits - 0.04) < 1e-9);
});
