// SPDX-License-Identifier: BSD-3-Clause
// Fingers on the canvas: one pans or turns; two pan, pinch and, in 3-D, roll; taps zoom; a long press reads out.

import * as camera from './camera.js';

/** @typedef {import('./camera.js').Point} Point */

const TAP_MS = 250;
const DOUBLE_TAP_MS = 350;
const LONG_PRESS_MS = 500;
const SLOP = 10;
const DEGREES = 180 / Math.PI;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./gestures.js').Hooks & {pixel: (event: {clientX: number, clientY: number}) => Point}} hooks
 */
export function attachTouch(canvas, { viewport, pixel, onHover, onContext, onBusy }) {
    /** @type {Map<number, Point>} */
    const fingers = new Map();
    let downAt = 0;
    let most = 0;
    let moved = false;
    /** @type {Point} */
    let start = { x: 0, y: 0 };
    let lastTap = { at: -Infinity, x: 0, y: 0 };
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let press;

    /** Midpoint, distance and angle of the first two fingers. */
    function pair() {
        const [a, b] = [...fingers.values()];
        return {
            x: (a.x + b.x) / 2, y: (a.y + b.y) / 2,
            d: Math.hypot(b.x - a.x, b.y - a.y) || 1, angle: Math.atan2(b.y - a.y, b.x - a.x),
        };
    }

    /** @param {PointerEvent} event */
    function down(event) {
        if (event.pointerType !== 'touch')
            return;
        canvas.setPointerCapture(event.pointerId);
        fingers.set(event.pointerId, pixel(event));
        most = Math.max(most, fingers.size);
        clearTimeout(press);
        if (fingers.size > 1)
            return;
        most = 1;
        moved = false;
        downAt = event.timeStamp;
        start = pixel(event);
        onBusy(true);
        const { clientX: x, clientY: y } = event;
        press = setTimeout(() => {
            moved = true;
            onHover(start);
            onContext({ x, y });
        }, LONG_PRESS_MS);
    }

    /** @param {PointerEvent} event */
    function move(event) {
        const before = fingers.get(event.pointerId);
        if (!before)
            return;
        const at = pixel(event);
        const slop = SLOP * (canvas.width / (canvas.clientWidth || 1));
        if (!moved && fingers.size === 1 && Math.hypot(at.x - start.x, at.y - start.y) <= slop)
            return;
        clearTimeout(press);
        const pose = viewport.pose();
        const size = viewport.size();
        if (fingers.size === 1) {
            const from = moved ? before : start;
            fingers.set(event.pointerId, at);
            moved = true;
            const next = pose.ndisplay === 3
                ? camera.orbit(pose, from, at, size) : camera.pan(pose, at.x - from.x, at.y - from.y);
            viewport.move(next, event.timeStamp);
            return;
        }
        const old = pair();
        fingers.set(event.pointerId, at);
        const now = pair();
        moved ||= Math.abs(now.d - old.d) + Math.hypot(now.x - old.x, now.y - old.y) > slop / 4;
        let next = camera.pan(pose, now.x - old.x, now.y - old.y);
        next = camera.zoom(next, now.d / old.d, now, size);
        if (next.ndisplay === 3)
            next = camera.spin(next, [0, 0, 1], wrap(now.angle - old.angle) * DEGREES);
        viewport.move(next, event.timeStamp);
    }

    /** @param {PointerEvent} event */
    function up(event) {
        if (!fingers.has(event.pointerId))
            return;
        clearTimeout(press);
        fingers.delete(event.pointerId);
        if (fingers.size)
            return;
        onBusy(false);
        if (!moved && event.type === 'pointerup' && event.timeStamp - downAt < TAP_MS)
            tap(event);
        most = 0;
    }

    /** @param {PointerEvent} event */
    function tap(event) {
        const at = pixel(event);
        if (most === 2) {
            viewport.move(camera.zoom(viewport.pose(), 0.5, at, viewport.size()));
            return;
        }
        const near = Math.hypot(at.x - lastTap.x, at.y - lastTap.y) < 4 * SLOP * (canvas.width / (canvas.clientWidth || 1));
        if (near && event.timeStamp - lastTap.at < DOUBLE_TAP_MS) {
            viewport.move(camera.zoom(viewport.pose(), 2, at, viewport.size()));
            lastTap.at = -Infinity;
        } else {
            lastTap = { at: event.timeStamp, x: at.x, y: at.y };
        }
    }

    canvas.addEventListener('pointerdown', down);
    canvas.addEventListener('pointermove', move);
    for (const type of /** @type {const} */ (['pointerup', 'pointercancel', 'lostpointercapture']))
        canvas.addEventListener(type, up);
}

/** @param {number} angle radians @returns {number} −π..π */
function wrap(angle) {
    return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}
