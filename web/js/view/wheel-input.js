// SPDX-License-Identifier: BSD-3-Clause
// Wheel and trackpad on the canvas: deltas of one frame are summed, then applied once.

import * as camera from './camera.js';
import {
    clipNotches, createStepper, notches, notchesOnEitherAxis, pinchFactor, wheelMeaning,
} from './wheel.js';

/** @typedef {import('./camera.js').Point} Point */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./gestures.js').Hooks & {
 *   pixel: (event: {clientX: number, clientY: number}) => Point,
 *   density: () => number,
 *   context: () => {controlDown: boolean, mac: boolean, shiftSteps: boolean},
 * }} hooks
 */
export function attachWheel(canvas, { viewport, frames, settings, stepSlice, stepLayer, pixel, density, context }) {
    const slices = createStepper();
    const layers = createStepper();
    let zoomed = 0;
    let pinched = 1;
    let panned = { x: 0, y: 0 };
    /** @type {Point} */
    let at = { x: 0, y: 0 };
    let when = 0;

    function apply() {
        const pose = viewport.pose();
        const size = viewport.size();
        const flat = pose.ndisplay === 2;
        const notch = flat ? camera.NOTCH_2D : camera.NOTCH_3D;
        let next = pose;
        if (panned.x || panned.y)
            next = camera.pan(next, panned.x, panned.y);
        const factor = notch ** zoomed * pinched;
        if (factor !== 1)
            next = camera.zoom(next, factor, flat ? at : undefined, size);
        zoomed = 0;
        pinched = 1;
        panned = { x: 0, y: 0 };
        if (next !== pose)
            viewport.move(next, when);
    }

    /** @param {WheelEvent} event */
    function wheel(event) {
        event.preventDefault();
        const slice = (/** @type {number} */ d) => -slices(d) * (settings.get().reverseSlices ? -1 : 1);
        switch (wheelMeaning(event, context())) {
        case 'step':
            stepSlice(slice(notches(event)) || 0);
            return;
        case 'step10':
            stepSlice(slice(notchesOnEitherAxis(event)) * 10 || 0);
            return;
        case 'layer':
            stepLayer(layers(notchesOnEitherAxis(event)));
            return;
        case 'ignore':
            return;
        case 'pinch':
            pinched *= pinchFactor(event);
            break;
        default:
            if (settings.get().scrollPans && event.deltaMode === 0) {
                panned.x -= event.deltaX * density();
                panned.y -= event.deltaY * density();
            } else {
                zoomed = clipNotches(zoomed + notches(event));
            }
        }
        at = pixel(event);
        when = when && frames.pending('input') ? when : event.timeStamp;
        frames.request('input', apply);
    }

    canvas.addEventListener('wheel', wheel, { passive: false });

    // Safari reports a trackpad pinch as gesture events.
    let scale = 1;
    /** @param {any} event */
    const gesture = (event) => {
        event.preventDefault();
        if (event.type === 'gesturechange') {
            pinched *= event.scale / scale;
            at = pixel(event);
            when = event.timeStamp;
            frames.request('input', apply);
        }
        scale = event.type === 'gesturestart' ? 1 : event.scale;
    };
    for (const type of ['gesturestart', 'gesturechange', 'gestureend'])
        canvas.addEventListener(type, gesture);
}
