// SPDX-License-Identifier: BSD-3-Clause
// One row for each axis that is not displayed: play, name, slider, index, last index.

import { short, unitText } from '../format.js';
import { mayMove, sliderAxes } from '../store.js';
import { attribute, h, iconButton, setIcon, setText } from './dom.js';
import { choiceRow, numberBox, slider } from './field.js';
import { attachPopup } from './popup.js';

/** @typedef {import('../types.js').Axis} Axis */

const LATE_MS = 120;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   session: import('../session.js').Session,
 * }} parts
 */
export function createDims({ store, session }) {
    /** @type {Map<string, ReturnType<typeof createRow>>} */
    const rows = new Map();
    /** What play uses next for an axis. @type {Map<string, {fps: number, mode: string}>} */
    const playing = new Map();
    const element = h('section', { class: 'dims', 'aria-label': 'Slices' });
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let lateTimer;

    /** @param {string} name */
    const rate = (name) => playing.get(name) ?? { fps: 10, mode: 'loop' };

    /** @param {string} name */
    function togglePlay(name) {
        const { view } = store.get();
        if (!view || session.refused('move'))
            return;
        const play = view.play?.axis === name ? null : { axis: name, ...rate(name) };
        store.set({ view: { ...view, play } });
        session.setView('play', play);
    }

    /** @param {string} name @param {Partial<{fps: number, mode: string}>} change */
    function setRate(name, change) {
        playing.set(name, { ...rate(name), ...change });
        if (store.get().view?.play?.axis === name)
            session.setView('play', { axis: name, ...rate(name) });
    }

    /** @param {string} name */
    function createRow(name) {
        const play = iconButton('play', `Play ${name}`, { class: 'dims-play', onclick: () => togglePlay(name) });
        const chevron = iconButton('down', `Playback of ${name}`, { class: 'chevron' });
        const label = h('button', { type: 'button', class: 'dims-name', title: `Make ${name} the axis that keys and wheel step`,
            onclick: () => store.set({ axis: name }) }, name);
        const bar = slider({
            label: name, min: 0, max: 1, step: 1, text: (v) => spoken(name, v),
            onInput: (value, final) => {
                session.setIndex(name, value, final);
                if (!mayMove(store.get()))
                    refresh();
            },
        });
        // PageUp and PageDown are one step, as everywhere on this page; a tenth of the range is not a page.
        bar.element.addEventListener('keydown', (event) => {
            const delta = { PageUp: 1, PageDown: -1 }[event.key];
            if (delta === undefined || event.ctrlKey || event.metaKey || event.altKey)
                return;
            event.preventDefault();
            session.stepAxis(name, delta);
        });
        bar.element.addEventListener('focus', () => store.set({ axis: name }));
        const index = numberBox({ label: `${name} index`, integer: true, onCommit: (value) => session.setIndex(name, value) });
        const last = h('span', { class: 'dims-last' });
        const row = h('div', { class: 'dims-row' }, play, chevron, label, bar.element,
            h('span', { class: 'dims-index' }, index.element, h('span', { class: 'dims-bar', 'aria-hidden': 'true' }), last));
        attachPopup(play, playPopup(name), chevron);

        /** @param {Axis} axis @param {number} step @param {boolean} active @param {boolean} runs @param {boolean} late */
        function update(axis, step, active, runs, late) {
            bar.setRange(0, axis.size - 1, 1);
            bar.update(step);
            index.update(String(step));
            setText(last, String(axis.size - 1));
            row.classList.toggle('active', active);
            row.classList.toggle('late', late && active);
            attribute(label, 'aria-pressed', active);
            attribute(play, 'aria-pressed', runs);
            attribute(play, 'aria-label', runs ? `Stop ${name}` : `Play ${name}`);
            setIcon(play, runs ? 'pause' : 'play');
        }
        return { row, update };
    }

    /** @param {string} name @param {number} step */
    function spoken(name, step) {
        const axis = store.get().view?.axes.find((a) => a.name === name);
        const last = axis ? axis.size - 1 : 0;
        const unit = unitText(axis?.unit);
        const place = axis && unit ? `, ${short(axis.translate + axis.scale * step)} ${unit}` : '';
        return `${name} ${step} of ${last}${place}`;
    }

    /** @param {string} name @returns {import('./popup.js').Build} */
    function playPopup(name) {
        return () => {
            const now = rate(name);
            const fps = numberBox({ label: 'Frames per second', onCommit: (value) => {
                const clamped = Math.min(Math.max(value, 0.1), 500);
                setRate(name, { fps: clamped });
                fps.update(String(clamped));
            } });
            fps.update(String(now.fps));
            const mode = choiceRow({
                label: 'mode', options: ['loop', 'once', 'back'], text: (m) => (m === 'back' ? 'back and forth' : m),
                onChange: (value) => setRate(name, { mode: value }),
            });
            mode.update(now.mode);
            const content = h('div', { class: 'rows' },
                h('div', { class: 'popup-title' }, `Playback of ${name}`),
                h('div', { class: 'row row-choice' }, h('span', { class: 'row-label' }, 'frames / s'), fps.element), mode.element);
            return { label: `Playback of ${name}`, content };
        };
    }

    function refresh() {
        const { view, axis, dimsLate } = store.get();
        const shown = sliderAxes(view).map((i) => view?.axes[i]).filter((a) => a !== undefined);
        for (const [name, { row }] of rows) {
            if (!shown.some((a) => a.name === name)) {
                row.remove();
                rows.delete(name);
            }
        }
        shown.forEach((a, i) => {
            let entry = rows.get(a.name);
            if (!entry) {
                entry = createRow(a.name);
                rows.set(a.name, entry);
            }
            if (element.children[i] !== entry.row)
                element.insertBefore(entry.row, element.children[i] ?? null);
            const step = view?.step[view.axes.indexOf(a)] ?? 0;
            entry.update(a, step, a.name === axis, view?.play?.axis === a.name, dimsLate);
        });
        element.hidden = !shown.length;
        const longest = Math.max(1, ...shown.map((a) => String(a.size - 1).length));
        element.style.setProperty('--digits', String(longest));
        element.style.setProperty('--name', String(Math.max(1, ...shown.map((a) => a.name.length))));
    }

    /** The picture is of another slice than the numbers say: tell after a moment. */
    function watchLate() {
        const { view, picture, dimsLate, link, sliceRevision } = store.get();
        const late = link.phase === 'open' && picture.seen && !view?.play &&
            (session.stepping() || picture.revision < sliceRevision);
        if (!late) {
            clearTimeout(lateTimer);
            lateTimer = undefined;
            if (dimsLate)
                store.set({ dimsLate: false });
        } else if (!lateTimer) {
            lateTimer = setTimeout(() => store.set({ dimsLate: true }), LATE_MS);
        }
    }

    store.watch((s) => [s.view, s.axis, s.dimsLate], refresh);
    store.watch((s) => [s.view, s.picture], watchLate);

    return {
        element,
        togglePlay: () => {
            const { axis, view } = store.get();
            const name = view?.play?.axis ?? axis;
            if (name)
                togglePlay(name);
        },
    };
}
