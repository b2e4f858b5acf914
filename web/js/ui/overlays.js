// SPDX-License-Identifier: BSD-3-Clause
// What lies over the picture and must match it: drawn from the pose that was drawn last, in the same frame.

import { barLength, short, unitText } from '../format.js';
import { conjugate, rotate } from '../view/camera.js';
import { h, setText } from './dom.js';

const BAR_PIXELS = 150;
const AXIS_PIXELS = 26;
const SPACE = 'http://www.w3.org/2000/svg';
const COLORS = ['#ff6b6b', '#6bdc7a', '#6ba8ff'];

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   settings: import('../settings.js').Settings,
 *   viewport: import('../view/viewport.js').Viewport,
 *   canvas: HTMLCanvasElement,
 * }} parts
 */
export function createOverlays({ store, settings, viewport, canvas }) {
    const barText = h('span', { class: 'scale-text' });
    const barLine = h('span', { class: 'scale-line' });
    const bar = h('div', { class: 'scale-bar', 'aria-hidden': 'true' }, barText, barLine);
    const chip = h('div', { class: 'chip', hidden: true });
    const box = h('div', { class: 'rubber-box', hidden: true });
    const gizmo = document.createElementNS(SPACE, 'svg');
    gizmo.setAttribute('class', 'gizmo');
    gizmo.setAttribute('viewBox', '-40 -40 80 80');
    gizmo.setAttribute('aria-hidden', 'true');
    const arms = COLORS.map((color) => {
        const line = document.createElementNS(SPACE, 'line');
        const text = document.createElementNS(SPACE, 'text');
        line.setAttribute('stroke', color);
        text.setAttribute('fill', color);
        gizmo.append(line, text);
        return { line, text };
    });
    const element = h('div', { class: 'overlays' }, chip, bar, box);
    element.append(gizmo);
    let shownBar = '';

    /** Names of world x, y, z. */
    function axisNames() {
        const { view } = store.get();
        if (!view)
            return [];
        const shown = view.order.slice(-view.ndisplay).reverse();
        return shown.map((i) => view.axes[i]?.name ?? '');
    }

    function drawBar() {
        const { view } = store.get();
        const pose = viewport.pose();
        const perCss = (pose.zoom * canvas.clientWidth) / (canvas.width || 1);
        const length = barLength(BAR_PIXELS / perCss);
        const on = settings.get().scaleBar && view !== null && length > 0 && pose.fov === 0 && viewport.known() &&
            store.get().layers.length > 0;
        bar.hidden = !on;
        if (!on)
            return;
        const unit = unitText(view.axes[view.order[view.order.length - 1]]?.unit) || 'px';
        const key = `${length} ${unit} ${perCss}`;
        if (key === shownBar)
            return;
        shownBar = key;
        setText(barText, `${short(length)} ${unit}`);
        barLine.style.width = `${(length * perCss).toFixed(2)}px`;
    }

    function drawGizmo() {
        const pose = viewport.pose();
        const on = settings.get().axes && viewport.known() && pose.ndisplay === 3;
        gizmo.toggleAttribute('hidden', !on);
        if (!on)
            return;
        const names = axisNames();
        const back = conjugate(pose.quat);
        const ends = arms.map((arm, i) => {
            const [x, y, z] = rotate(back, [i === 0 ? 1 : 0, i === 1 ? 1 : 0, i === 2 ? 1 : 0]);
            return { ...arm, x: x * AXIS_PIXELS, y: y * AXIS_PIXELS, z, name: names[i] ?? '' };
        });
        for (const { line, text, x, y, name } of ends.sort((a, b) => b.z - a.z)) {
            line.setAttribute('x2', x.toFixed(1));
            line.setAttribute('y2', y.toFixed(1));
            text.setAttribute('x', (x * 1.32).toFixed(1));
            text.setAttribute('y', (y * 1.32).toFixed(1));
            setText(text, name);
            gizmo.append(line, text);
        }
    }

    function drawChip() {
        const { picture, link } = store.get();
        const coarse = picture.seen && !picture.complete && link.phase === 'open' && picture.levels > 0;
        chip.hidden = !coarse;
        if (!coarse)
            return;
        const part = picture.coverage < 0.995 ? `, ${Math.round(picture.coverage * 100)} %` : '';
        const level = picture.level > 0 ? `level ${picture.level} of ${picture.levels - 1}` : part ? 'loading' : 'coarse while moving';
        setText(chip, level + part);
    }

    store.watch((s) => [s.picture, s.link], drawChip);
    settings.watch(() => draw());

    function draw() {
        drawBar();
        drawGizmo();
    }

    return {
        element,
        draw,
        /** @param {{a: {x: number, y: number}, b: {x: number, y: number}}|null} corners CSS pixels in the canvas */
        showBox(corners) {
            box.hidden = !corners;
            if (!corners)
                return;
            const { a, b } = corners;
            box.style.left = `${Math.min(a.x, b.x)}px`;
            box.style.top = `${Math.min(a.y, b.y)}px`;
            box.style.width = `${Math.abs(a.x - b.x)}px`;
            box.style.height = `${Math.abs(a.y - b.y)}px`;
        },
    };
}
