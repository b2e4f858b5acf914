// SPDX-License-Identifier: BSD-3-Clause
// Two thumbs on one groove: contrast limits. Thumbs are sliders of their own for keyboards and readers.

import { decimals, limit } from '../format.js';
import { h } from './dom.js';

/**
 * @param {{
 *   label: string,
 *   onInput: (value: [number, number], final?: boolean) => void,
 * }} options
 */
export function createRangeSlider({ label, onInput }) {
    let range = [0, 1];
    /** @type {[number, number]} */
    let value = [0, 1];
    let integer = false;
    /** @type {number} 0 or 1: the thumb being dragged, 2: both, −1: none */
    let dragging = -1;
    let grabbed = 0;
    let off = false;

    const thumbs = ['low', 'high'].map((end, i) => h('div', {
        class: 'range-thumb', role: 'slider', tabIndex: 0, 'aria-label': `${label}, ${end}`, 'aria-orientation': 'horizontal',
        onkeydown: (/** @type {KeyboardEvent} */ event) => key(event, i),
    }));
    const fill = h('div', { class: 'range-fill' });
    const groove = h('div', { class: 'range-groove' }, fill, ...thumbs);
    const element = h('div', { class: 'range', role: 'group', 'aria-label': label }, groove);

    const span = () => range[1] - range[0] || 1;
    /** @param {number} v */
    const fraction = (v) => Math.min(Math.max((v - range[0]) / span(), 0), 1);
    /** @param {number} v */
    const snap = (v) => (integer ? Math.round(v) : +v.toFixed(Math.min(decimals(span()), 12)));
    const step = () => (integer ? 1 : 10 ** -decimals(span()));

    function show() {
        const [a, b] = value.map(fraction);
        element.style.setProperty('--low', String(Math.min(a, b)));
        element.style.setProperty('--high', String(Math.max(a, b)));
        thumbs.forEach((thumb, i) => {
            thumb.style.setProperty('--at', String(fraction(value[i])));
            thumb.setAttribute('aria-valuemin', String(i ? value[0] : range[0]));
            thumb.setAttribute('aria-valuemax', String(i ? range[1] : value[1]));
            thumb.setAttribute('aria-valuenow', String(value[i]));
            thumb.setAttribute('aria-valuetext', limit(value[i], integer, span()));
        });
    }

    /** Moves a thumb; it stops at the other one. @param {number} i @param {number} to @param {boolean} [final] undefined: a single step */
    function set(i, to, final) {
        const inside = snap(Math.min(Math.max(to, range[0]), range[1]));
        /** @type {[number, number]} */
        const next = i ? [value[0], Math.max(inside, value[0])] : [Math.min(inside, value[1]), value[1]];
        emit(next, final);
    }

    /** @param {[number, number]} next @param {boolean} [final] */
    function emit(next, final) {
        if (final === false && next[0] === value[0] && next[1] === value[1])
            return;
        value = next;
        show();
        onInput(value, final);
    }

    /** @param {KeyboardEvent} event @param {number} i */
    function key(event, i) {
        if (off || event.ctrlKey || event.metaKey || event.altKey)
            return;
        const page = span() / 10;
        const by = { ArrowLeft: -step(), ArrowDown: -step(), ArrowRight: step(), ArrowUp: step(),
            PageDown: -page, PageUp: page }[event.key];
        if (by !== undefined)
            set(i, value[i] + by * (event.shiftKey ? 10 : 1), undefined);
        else if (event.key === 'Home')
            set(i, range[0], undefined);
        else if (event.key === 'End')
            set(i, range[1], undefined);
        else
            return;
        event.preventDefault();
    }

    /** @param {PointerEvent} event */
    function at(event) {
        const box = groove.getBoundingClientRect();
        return range[0] + ((event.clientX - box.left) / (box.width || 1)) * span();
    }

    element.addEventListener('pointerdown', (event) => {
        if (off || event.button !== 0)
            return;
        const v = at(event);
        const near = Math.abs(v - value[0]) === Math.abs(v - value[1])
            ? v < value[0] ? 0 : 1
            : Math.abs(v - value[0]) < Math.abs(v - value[1]) ? 0 : 1;
        const middle = event.shiftKey && v > value[0] && v < value[1];
        dragging = middle ? 2 : near;
        grabbed = v;
        element.setPointerCapture(event.pointerId);
        thumbs[near].focus({ preventScroll: true });
        event.preventDefault();
        if (!middle)
            set(near, v, false);
    });
    element.addEventListener('pointermove', (event) => {
        if (dragging < 0)
            return;
        const v = at(event);
        if (dragging < 2) {
            set(dragging, v, false);
            return;
        }
        const width = value[1] - value[0];
        const low = snap(Math.min(Math.max(value[0] + v - grabbed, range[0]), range[1] - width));
        grabbed += low - value[0];
        emit([low, low + width], false);
    });
    const end = () => {
        if (dragging >= 0)
            onInput(value, true);
        dragging = -1;
    };
    element.addEventListener('pointerup', end);
    element.addEventListener('pointercancel', end);

    return {
        element,
        /** @param {number[]} limits @param {number[]} over @param {boolean} whole @param {boolean} [disabled] */
        update(limits, over, whole, disabled = false) {
            off = disabled;
            for (const thumb of thumbs)
                thumb.setAttribute('aria-disabled', String(off));
            integer = whole;
            range = over;
            if (dragging < 0)
                value = [limits[0], limits[1]];
            show();
        },
    };
}
