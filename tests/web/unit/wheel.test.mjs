// SPDX-License-Identifier: BSD-3-Clause
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clipNotches, createStepper, notches, pinchFactor, wheelMeaning } from '../../../web/js/view/wheel.js';

const event = (more) => ({ deltaX: 0, deltaY: 0, deltaMode: 0, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
const pc = { controlDown: false, mac: false, shiftSteps: false };

test('notches keep their fractions in every delta mode', () => {
    assert.equal(notches(event({ deltaY: -100 })), 1);
    assert.equal(notches(event({ deltaY: 7 })), -0.07);
    assert.equal(notches(event({ deltaY: -3, deltaMode: 1 })), 1);
    assert.equal(notches(event({ deltaY: 5, deltaMode: 2 })), -1);
    assert.equal(clipNotches(9), 4);
    assert.equal(clipNotches(-9), -4);
});

test('the deltas of a pinch multiply to its scale', () => {
    const deltas = [-10, -12.5, -18.0465108108];
    const scale = deltas.reduce((product, deltaY) => product * pinchFactor(event({ deltaY })), 1);
    assert.ok(Math.abs(scale - 1.5) < 1e-9);
});

test('ctrl+wheel is a pinch unless the key itself is held', () => {
    assert.equal(wheelMeaning(event({ ctrlKey: true }), pc), 'pinch');
    assert.equal(wheelMeaning(event({ ctrlKey: true }), { ...pc, controlDown: true }), 'step');
    assert.equal(wheelMeaning(event({ ctrlKey: true }), { ...pc, controlDown: true, mac: true }), 'pinch');
    assert.equal(wheelMeaning(event({ metaKey: true }), { ...pc, mac: true }), 'step');
});

test('other modifiers', () => {
    assert.equal(wheelMeaning(event({}), pc), 'zoom');
    assert.equal(wheelMeaning(event({ altKey: true }), pc), 'layer');
    assert.equal(wheelMeaning(event({ altKey: true, shiftKey: true }), pc), 'ignore');
    assert.equal(wheelMeaning(event({ shiftKey: true }), pc), 'ignore');
    assert.equal(wheelMeaning(event({ shiftKey: true }), { ...pc, shiftSteps: true }), 'step10');
    assert.equal(wheelMeaning(event({ metaKey: true }), pc), 'ignore');
});

test('steps: one at most for an event, fractions add up, turning round starts anew', () => {
    const step = createStepper();
    assert.equal(step(3), 1);
    assert.deepEqual([0.4, 0.4, 0.4].map(step), [0, 0, 1]);
    assert.equal(step(-0.5), 0);
    assert.equal(step(-0.5), -1);
    assert.deepEqual(Array.from({ length: 10 }, () => step(0.1)).filter((n) => n === 1).length, 1);
});
