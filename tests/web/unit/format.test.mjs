// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as format from '../../../web/js/format.js';
import { chordOf, chordText } from '../../../web/js/keys.js';
import { decode, describe, encode, LONGEST } from '../../../web/js/url.js';
import { initialState } from '../../../web/js/store.js';
import { createLayers, createView } from '../stub/scene.mjs';

test('decimals of a slider: clamp(int(3 - log10(range)), 0, 64)', () => {
    assert.deepEqual([1, 1000, 65535, 0.01, 1e-70].map(format.decimals), [3, 0, 0, 5, 64]);
    assert.equal(format.limit(0.12345, false, 1), '0.123');
    assert.equal(format.limit(12.6, true, 255), '13');
});

test('values: integers whole, floats to three digits', () => {
    assert.deepEqual([format.datum(1043, true), format.datum(0.123456, false), format.datum(null, false), format.datum([1, 2], true)],
        ['1043', '0.123', '', '[1 2]']);
    assert.equal(format.datum(1234567.5, false), '1.23e+6');
});

test('coordinates are whole for plain pixels, else as fine as the scale asks', () => {
    const axis = { name: 'x', type: 'space', unit: 'pixel', size: 9, scale: 1, translate: 0 };
    assert.equal(format.coordinateDecimals([axis]), 0);
    assert.equal(format.coordinateDecimals([axis, { ...axis, scale: 0.05, unit: 'micrometer' }]), 4);
    assert.equal(format.coordinateDecimals([{ ...axis, unit: 'micrometer' }]), 2);
    assert.equal(format.coordinateDecimals([{ ...axis, scale: 1000, unit: 'nanometer' }]), 0);
});

test('scale bars have round lengths', () => {
    assert.deepEqual([149, 99, 74, 0.026, 10].map((v) => +format.barLength(v).toPrecision(6)), [100, 75, 50, 0.025, 10]);
    assert.equal(format.barLength(NaN), 0);
});

const key = (k, code, more = {}) => ({ key: k, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test('chords: letters by place with Alt, symbols by what they are', () => {
    assert.equal(chordOf(key('y', 'KeyY', { ctrlKey: true }), false), 'Mod+Y');
    assert.equal(chordOf(key('y', 'KeyY', { metaKey: true }), true), 'Mod+Y');
    assert.equal(chordOf(key('†', 'KeyT', { altKey: true }), true), 'Alt+T');
    assert.equal(chordOf(key('?', 'Slash', { shiftKey: true }), false), '?');
    assert.equal(chordOf(key('V', 'KeyV', { shiftKey: true }), false), 'Shift+V');
    assert.equal(chordOf(key('ArrowUp', 'ArrowUp', { ctrlKey: true, shiftKey: true }), false), 'Mod+Shift+Up');
    assert.equal(chordOf(key('v', 'KeyV', { metaKey: true }), false), 'Other+V');
    assert.equal(chordText('Mod+Alt+P', false), 'Ctrl+Alt+P');
});

const state = () => ({ ...initialState(), view: createView(), layers: createLayers().map((b) => ({
    id: b.layer_id, name: b.name, controls: b.controls, facts: { ...b.oriel, source: '/home/someone/embryo.ome.zarr' } })) });
const pose = { ndisplay: 2, center: [1.25, 2, 0], zoom: 3.5, quat: [1, 0, 0, 0], fov: 0 };

test('a link holds the view and comes back equal, without a path', async () => {
    const link = describe(state(), pose, { w: 640, h: 480 });
    const fragment = await encode(link);
    assert.ok(fragment.startsWith('#v1=') && fragment.length <= LONGEST);
    assert.deepEqual(await decode(fragment), link);
    assert.equal(link.s, 'embryo.ome.zarr');
    assert.ok(!JSON.stringify(link).includes('someone'));
});

test('a link that would be too long leaves the display settings out', async () => {
    const big = state();
    big.layers = Array.from({ length: 300 }, (_, i) => ({ ...big.layers[0], name: `layer ${Math.sin(i)}`,
        controls: { ...big.layers[0].controls, gamma: Math.cos(i) } }));
    const back = await decode(await encode(describe(big, pose, { w: 640, h: 480 })));
    assert.equal(back.l, undefined);
    assert.deepEqual(back.c, pose.center);
});

test('what is no link is told from a broken one', async () => {
    assert.equal(await decode(''), null);
    assert.equal(await decode('#canvas'), null);
    await assert.rejects(decode('#v1=garbage'));
    await assert.rejects(decode('#v1=' + (await encode({ d: 7, p: [] })).slice(4)));
});
