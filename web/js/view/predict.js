// SPDX-License-Identifier: BSD-3-Clause
// Where to draw the picture in hand so that it agrees with the local pose; pure and stateless.

import { conjugate, rotate } from './camera.js';

/** @typedef {import('../types.js').Pose} Pose */
/** @typedef {import('../types.js').Size} Size */

/** Past these a stretched picture says less than the one already on the screen. */
const SMALLEST = 0.25;
const LARGEST = 8;

/**
 * Canvas transform (x, y) → (s·x + e, s·y + f) for a picture of `frame` size drawn with pose `drawn`.
 * Exact in 2-D and for pan and zoom in orthographic 3-D; null: leave the canvas as it is.
 * @param {Pose|null} drawn pose of the pixels; its zoom counts pixels of that picture
 * @param {Size} frame
 * @param {Pose} local
 * @param {Size} size
 * @returns {{s: number, e: number, f: number}|null}
 */
export function predict(drawn, frame, local, size) {
    if (!drawn || drawn.ndisplay !== local.ndisplay)
        return fill(frame, size);
    if (drawn.fov !== 0 || local.fov !== 0)
        return frame.w >= size.w && frame.h >= size.h ? middle(frame, size) : fill(frame, size);
    const s = local.zoom / drawn.zoom;
    if (!(s >= SMALLEST && s <= LARGEST))
        return null;
    const shift = /** @type {import('../types.js').Vec3} */ (drawn.center.map((v, i) => v - local.center[i]));
    const [x, y] = local.ndisplay === 3 ? rotate(conjugate(drawn.quat), shift) : shift;
    return {
        s,
        e: size.w / 2 - (s * frame.w) / 2 + local.zoom * x,
        f: size.h / 2 - (s * frame.h) / 2 + local.zoom * y,
    };
}

/**
 * No prediction: the middle of a picture that larger pages share.
 * @param {Size} frame
 * @param {Size} size
 */
function middle(frame, size) {
    return { s: 1, e: (size.w - frame.w) / 2, f: (size.h - frame.h) / 2 };
}

/**
 * No prediction: the picture, centred, over the whole view.
 * @param {Size} frame
 * @param {Size} size
 */
function fill(frame, size) {
    const s = Math.min(size.w / frame.w, size.h / frame.h);
    return { s, e: (size.w - s * frame.w) / 2, f: (size.h - s * frame.h) / 2 };
}
