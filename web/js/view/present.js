// SPDX-License-Identifier: BSD-3-Clause
// The one owner of the canvas: keeps the newest picture and draws it, with the prediction inside the draw.

import { predict } from './predict.js';

/** @typedef {import('../types.js').Picture} Picture */
/** @typedef {VideoFrame|ImageBitmap} Image */
/** @typedef {{image: Image, picture: Picture, arrived: number, decoded: number}} Shown */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./viewport.js').Viewport} viewport
 * @param {import('../frame.js').FrameLoop} frames
 * @param {{
 *   background: () => string,
 *   smooth: () => boolean,
 *   onShown: (shown: Shown, waited: number) => void,
 *   onDraw: () => void,
 * }} hooks `onShown` once for each picture that reaches the screen, `onDraw` after every draw
 */
export function createPresenter(canvas, viewport, frames, hooks) {
    const context = canvas.getContext('2d', { alpha: false, colorSpace: 'srgb' });
    /** @type {Shown|null} */
    let held = null;
    let announced = true;
    let blank = true;
    /** The picture held is of another stream, whose numbers mean nothing for the next one. */
    let foreign = false;

    /** A still must not hide a newer view, nor a compressed picture the still of the same view. @param {Picture} picture */
    function outdated(picture) {
        if (!held || foreign)
            return false;
        if (!picture.still)
            return held.picture.still && held.picture.number === picture.number;
        return held.picture.number > picture.number || viewport.rev() > picture.rev;
    }

    function draw() {
        if (!context || !canvas.width || document.hidden)
            return;
        if (held)
            drawHeld(context, held);
        else
            clear(context);
        hooks.onDraw();
    }

    /** @param {CanvasRenderingContext2D} target */
    function clear(target) {
        target.setTransform(1, 0, 0, 1, 0, 0);
        target.fillStyle = hooks.background();
        target.fillRect(0, 0, canvas.width, canvas.height);
        blank = true;
    }

    /** @param {CanvasRenderingContext2D} target @param {Shown} shown */
    function drawHeld(target, shown) {
        const { image, picture } = shown;
        const size = { w: picture.width, h: picture.height };
        const at = predict(picture.pose, size, viewport.pose(), viewport.size());
        if (at) {
            const exact = Math.abs(at.s - 1) < 1e-9;
            const e = exact ? Math.round(at.e) : at.e;
            const f = exact ? Math.round(at.f) : at.f;
            clear(target);
            target.imageSmoothingEnabled = !exact && (at.s < 1 || hooks.smooth());
            if (picture.bottomUp)
                target.setTransform(at.s, 0, 0, -at.s, e, f + at.s * size.h);
            else
                target.setTransform(at.s, 0, 0, at.s, e, f);
            target.drawImage(image, 0, 0, size.w, size.h);
            blank = false;
        }
        if (!announced) {
            announced = true;
            hooks.onShown(shown, performance.now() - shown.decoded);
        }
    }

    return {
        /** Takes the image over; draws at once when no draw is due anyway. @param {Shown} shown */
        show(shown) {
            if (outdated(shown.picture)) {
                shown.image.close();
                hooks.onShown(shown, 0);
                return;
            }
            held?.image.close();
            held = shown;
            foreign = announced = false;
            if (frames.pending('draw'))
                return;
            draw();
        },

        /** The canvas was resized, which emptied it: draw before the browser paints. */
        redraw: draw,

        /** The pose or the background changed. */
        invalidate: () => frames.request('draw', draw),

        /** Another stream begins; the picture stays until the next comes. */
        newStream() {
            foreign = true;
        },

        /** Forgets the picture, e.g. when the scene has gone. */
        clear() {
            held?.image.close();
            held = null;
            announced = true;
            frames.request('draw', draw);
        },

        picture: () => held?.picture ?? null,
        blank: () => blank,
    };
}

/** @typedef {ReturnType<typeof createPresenter>} Presenter */
