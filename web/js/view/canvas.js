// SPDX-License-Identifier: BSD-3-Clause
// How many pixels the canvas has: exactly those of the screen, told to the server once it holds still.

const REQUEST_MS = 80;
const LARGEST = 4096;
/** Phones: more than this for a CSS pixel costs more than it shows. */
const PHONE_DENSITY = 1.5;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./viewport.js').Viewport} viewport
 * @param {() => void} redraw at once: changing the size empties the canvas
 */
export function watchCanvasSize(canvas, viewport, redraw) {
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let timer;
    /** @type {MediaQueryList|undefined} */
    let density;

    /** @param {number} w @param {number} h device pixels */
    function take(w, h) {
        const phone = matchMedia('(pointer: coarse) and (max-width: 600px), (pointer: coarse) and (max-height: 600px)').matches;
        const limit = phone ? Math.min(1, (PHONE_DENSITY * canvas.clientWidth) / w) : 1;
        const shrink = Math.min(limit, LARGEST / Math.max(w, h));
        const width = Math.max(16, shrink < 1 ? Math.floor(w * shrink) : w);
        const height = Math.max(16, shrink < 1 ? Math.floor(h * shrink) : h);
        if (canvas.width === width && canvas.height === height && viewport.size().w)
            return;
        canvas.width = width;
        canvas.height = height;
        viewport.setSize({ w: width + (width & 1), h: height + (height & 1) });
        redraw();
        clearTimeout(timer);
        timer = setTimeout(viewport.announceSize, REQUEST_MS);
    }

    function measure() {
        const box = canvas.getBoundingClientRect();
        take(Math.round(box.width * devicePixelRatio), Math.round(box.height * devicePixelRatio));
    }

    const observer = new ResizeObserver((entries) => {
        const box = entries[entries.length - 1].devicePixelContentBoxSize?.[0];
        if (box && box.inlineSize && box.blockSize)
            take(box.inlineSize, box.blockSize);
        else
            measure();
    });
    try {
        observer.observe(canvas, { box: 'device-pixel-content-box' });
    } catch {
        observer.observe(canvas);
    }

    /** A move to another screen changes the ratio without changing the CSS size. */
    function watchDensity() {
        density?.removeEventListener('change', watchDensity);
        density = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
        density.addEventListener('change', watchDensity);
        if (!('devicePixelContentBoxSize' in ResizeObserverEntry.prototype))
            measure();
    }
    watchDensity();
}
