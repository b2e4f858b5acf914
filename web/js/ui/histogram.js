// SPDX-License-Identifier: BSD-3-Clause
// How the values of a layer are distributed, as the server counted them, with the limits drawn over it.

import { h } from './dom.js';

/** @typedef {import('../types.js').ValueRange} ValueRange */

/** @param {{log: () => boolean}} options */
export function createHistogram({ log }) {
    const canvas = h('canvas', { class: 'histogram', role: 'img', 'aria-label': 'Histogram of values' });
    /** @type {ValueRange|null} */
    let counts = null;
    let limits = [0, 1];
    let over = [0, 1];
    let gamma = 1;

    function draw() {
        const ratio = devicePixelRatio || 1;
        const w = Math.round(canvas.clientWidth * ratio);
        const tall = Math.round(canvas.clientHeight * ratio);
        const context = canvas.getContext('2d');
        if (!context || !w || !tall)
            return;
        canvas.width = w;
        canvas.height = tall;
        const style = getComputedStyle(canvas);
        const span = over[1] - over[0] || 1;
        const x = (/** @type {number} */ v) => ((v - over[0]) / span) * w;
        if (counts && counts.bins.length) {
            const { min, max } = counts;
            const bins = counts.bins.map((n) => (log() ? Math.log1p(n) : n));
            // A background peak would flatten all else: the tallest of the rest sets the scale.
            const top = bins.slice().sort((a, b) => b - a)[log() ? 0 : Math.min(2, bins.length - 1)] || 1;
            const width = (max - min) / bins.length;
            context.fillStyle = style.getPropertyValue('--muted');
            context.beginPath();
            bins.forEach((n, i) => {
                const from = x(min + i * width);
                const to = x(min + (i + 1) * width);
                const high = Math.min(n / top, 1) * (tall - 2 * ratio);
                context.rect(from, tall - high, Math.max(to - from, 0.5), high);
            });
            context.fill();
        }
        const [a, b] = limits.map(x);
        context.fillStyle = style.getPropertyValue('--shade');
        context.fillRect(0, 0, Math.max(Math.min(a, b), 0), tall);
        context.fillRect(Math.max(a, b), 0, w, tall);
        context.strokeStyle = style.getPropertyValue('--focus');
        context.lineWidth = 1.5 * ratio;
        context.beginPath();
        for (let i = 0; i <= 48; i++) {
            const t = i / 48;
            const point = [a + (b - a) * t, (tall - ratio) - t ** gamma * (tall - 2 * ratio)];
            context.lineTo(point[0], point[1]);
        }
        context.stroke();
    }

    new ResizeObserver(draw).observe(canvas);
    return {
        element: canvas,
        draw,
        /** @param {ValueRange|null} range @param {number[]} current @param {number[]} axis @param {number} exponent */
        update(range, current, axis, exponent) {
            counts = range;
            limits = current;
            over = axis;
            gamma = exponent;
            draw();
        },
    };
}
