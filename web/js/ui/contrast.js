// SPDX-License-Identifier: BSD-3-Clause
// Contrast of one layer: auto, the two-thumb slider, and the popup with numbers, range, gamma and histogram.

import { limit } from '../format.js';
import { h, iconButton } from './dom.js';
import { checkbox, numberBox, sliderRow } from './field.js';
import { createHistogram } from './histogram.js';
import { attachPopup } from './popup.js';
import { createRangeSlider } from './range-slider.js';

/** @typedef {import('../types.js').Layer} Layer */

/** Limits and range as the slider shows them. @param {Layer} layer */
export function contrastOf(layer) {
    const limits = layer.controls.contrast_limits ?? [0, 1];
    const given = layer.controls.contrast_limits_range ?? limits;
    const over = [Math.min(given[0], limits[0]), Math.max(given[1], limits[1])];
    return { limits, over, integer: layer.facts.integer === true };
}

/** @type {Record<string, [number, number]>} */
const TYPE_RANGES = {
    bool: [0, 1], uint8: [0, 255], int8: [-128, 127], uint16: [0, 65535], int16: [-32768, 32767],
    uint32: [0, 4294967295], int32: [-2147483648, 2147483647],
};

/**
 * @param {{
 *   layer: () => Layer|undefined,
 *   session: import('../session.js').Session,
 *   layers: import('../layers.js').Layers,
 *   settings: import('../settings.js').Settings,
 *   tell: (text: string) => void,
 * }} parts
 */
export function createContrast({ layer, session, layers, settings, tell }) {
    /** @type {Map<string, import('../types.js').ValueRange>} */
    const ranges = new Map();
    /** @type {(() => void)|null} */
    let refreshPopup = null;

    const set = (/** @type {string} */ key, /** @type {unknown} */ value, /** @type {boolean|undefined} */ final = undefined) => {
        const current = layer();
        if (current)
            session.setControl(current.id, key, value, final);
    };
    const bar = createRangeSlider({ label: 'Contrast limits', onInput: (value, final) => set('contrast_limits', value, final) });
    let off = '';
    const graph = createHistogram({ log: () => true });
    const chevron = iconButton('down', 'Contrast limits, range and histogram', { class: 'chevron' });
    const auto = h('button', {
        type: 'button', class: 'small', title: 'Fit the limits to the values shown now (C)',
        onclick: () => layers.autoContrast([layer()].filter((l) => l !== undefined)),
    }, 'Auto');
    const inline = iconButton('histogram', 'Show the histogram here', {
        class: 'chevron', onclick: () => settings.set({ histogram: !settings.get().histogram }),
    });
    const row = h('div', { class: 'row row-contrast' }, h('span', { class: 'row-label', 'aria-hidden': 'true' }, 'contrast'),
        bar.element, chevron);
    const tools = h('div', { class: 'row row-tools' }, h('span', { class: 'row-label' }), auto, inline);
    const element = h('div', { class: 'contrast' }, row, graph.element, tools);
    attachPopup(row, buildPopup, chevron, () => off === '');

    /** @param {() => void} _close */
    function buildPopup(_close) {
        const low = numberBox({ label: 'Low limit', onCommit: (v) => commitLimits(0, v) });
        const high = numberBox({ label: 'High limit', onCommit: (v) => commitLimits(1, v) });
        const from = numberBox({ label: 'Range start', onCommit: (v) => commitRange(0, v) });
        const to = numberBox({ label: 'Range end', onCommit: (v) => commitRange(1, v) });
        const wide = createRangeSlider({ label: 'Contrast limits', onInput: (value, final) => set('contrast_limits', value, final) });
        const gamma = sliderRow({
            label: 'gamma', min: 0.2, max: 2, step: 0.02, digits: 2, onInput: (value, final) => set('gamma', value, final),
        });
        const logarithm = checkbox('logarithmic', () => big.draw());
        logarithm.input.checked = true;
        const big = createHistogram({ log: () => logarithm.input.checked });
        const full = h('button', { type: 'button', class: 'small', onclick: fullRange }, 'Full range');
        low.element.dataset.autofocus = '';
        const content = h('div', { class: 'contrast-popup' },
            h('div', { class: 'popup-line' }, from.element, h('span', { class: 'popup-title' }, 'Contrast limits'), to.element),
            big.element, wide.element,
            h('div', { class: 'popup-line' },
                h('label', { class: 'inline' }, 'low', low.element), h('label', { class: 'inline' }, high.element, 'high')),
            gamma.element,
            h('div', { class: 'popup-line popup-actions' },
                h('button', { type: 'button', class: 'small', onclick: reset, title: 'Limits and range to the values of the data' }, 'Reset'),
                full, h('button', { type: 'button', class: 'small', onclick: () => auto.click() }, 'Auto'), logarithm.element));

        refreshPopup = () => {
            const current = layer();
            if (!content.isConnected || !current) {
                refreshPopup = null;
                return;
            }
            const { limits, over, integer } = contrastOf(current);
            const span = over[1] - over[0];
            low.update(limit(limits[0], integer, span));
            high.update(limit(limits[1], integer, span));
            from.update(limit(over[0], integer, span));
            to.update(limit(over[1], integer, span));
            wide.update(limits, over, integer);
            gamma.update(current.controls.gamma ?? 1);
            full.hidden = !integer || !TYPE_RANGES[current.facts.dtype ?? ''];
            big.update(ranges.get(current.id) ?? null, limits, over, current.controls.gamma ?? 1);
        };
        queueMicrotask(() => {
            refreshPopup?.();
            fetchRange();
        });
        return { label: 'Contrast limits', content, wide: true };
    }

    /** @param {number} end @param {number} value */
    function commitLimits(end, value) {
        const current = layer();
        if (!current)
            return;
        const { limits, over } = contrastOf(current);
        const next = end ? [Math.min(limits[0], value), value] : [value, Math.max(limits[1], value)];
        if (value < over[0] || value > over[1])
            set('contrast_limits_range', [Math.min(over[0], value), Math.max(over[1], value)]);
        set('contrast_limits', next);
    }

    /** @param {number} end @param {number} value */
    function commitRange(end, value) {
        const current = layer();
        if (!current)
            return;
        const { limits, over } = contrastOf(current);
        const next = end ? [over[0], value] : [value, over[1]];
        if (!(next[0] < next[1])) {
            tell('The range must end above its start');
            return;
        }
        set('contrast_limits_range', next);
        const clipped = limits.map((/** @type {number} */ v) => Math.min(Math.max(v, next[0]), next[1]));
        if (clipped[0] !== limits[0] || clipped[1] !== limits[1])
            set('contrast_limits', clipped[0] < clipped[1] ? clipped : next);
    }

    /** @param {[number, number]} limits */
    function setBoth(limits) {
        set('contrast_limits_range', limits);
        set('contrast_limits', limits);
    }

    function reset() {
        fetchRange((range) => range.min < range.max && setBoth([range.min, range.max]));
    }

    function fullRange() {
        const whole = TYPE_RANGES[layer()?.facts.dtype ?? ''];
        if (whole)
            set('contrast_limits_range', whole);
    }

    /** @param {(range: import('../types.js').ValueRange) => void} [then] */
    function fetchRange(then) {
        const current = layer();
        if (!current)
            return;
        session.command('napari.layer.range', { layer_id: current.id }).then((range) => {
            ranges.set(current.id, range);
            then?.(range);
            update();
        }, (error) => tell(error.message));
    }

    /** @param {string} [disabled] the reason, if it cannot be changed now; left out: as before */
    function update(disabled = off) {
        const current = layer();
        if (!current)
            return;
        off = disabled;
        const { limits, over, integer } = contrastOf(current);
        bar.update(limits, over, integer, off !== '');
        auto.disabled = chevron.disabled = off !== '';
        auto.title = off || 'Fit the limits to the values shown now (C)';
        chevron.title = row.title = off || 'Contrast limits, range and histogram';
        row.classList.toggle('row-off', off !== '');
        const shown = settings.get().histogram;
        graph.element.hidden = !shown;
        inline.setAttribute('aria-pressed', String(shown));
        if (shown) {
            if (!ranges.has(current.id) && session.can('napari.layer.range')) {
                ranges.set(current.id, { min: 0, max: 0, low: 0, high: 0, bins: [] });
                fetchRange();
            }
            graph.update(ranges.get(current.id) ?? null, limits, over, current.controls.gamma ?? 1);
        }
        refreshPopup?.();
    }

    settings.watch(() => update());
    return {
        element,
        update,
        /** Values of another slice: counts are stale. */
        forget: () => ranges.clear(),
        openPopup: () => chevron.click(),
    };
}
