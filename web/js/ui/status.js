// SPDX-License-Identifier: BSD-3-Clause
// The bottom line, as napari's: what goes on, the layer, where the cursor is and what is there.

import { coordinateDecimals, datum } from '../format.js';
import { activeLayer } from '../store.js';
import { h, setText } from './dom.js';

/** @param {{store: import('../store.js').Store, stats: import('../stats.js').Stats}} parts */
export function createStatusBar({ store, stats }) {
    const state = h('span', { class: 'status-state' });
    const layer = h('span', { class: 'status-layer' });
    const reading = h('span', { class: 'status-reading' });
    const value = h('span', { class: 'status-value' });
    const source = h('span', { class: 'status-source' });
    const machine = h('span', { class: 'status-machine' });
    const element = h('footer', { class: 'status', 'aria-label': 'Status' }, state, layer,
        h('span', { class: 'status-cursor' }, reading, value), source, machine);

    /** World position in axis order, the sliced axes where they are. @param {import('../types.js').Vec3} position */
    function coordinates(position) {
        const { view } = store.get();
        if (!view)
            return '';
        const digits = coordinateDecimals(view.axes);
        const shown = view.order.slice(-view.ndisplay).reverse();
        const all = view.axes.map((axis, i) => {
            const at = shown.indexOf(i);
            return at >= 0 ? position[at] : axis.translate + axis.scale * view.step[i];
        });
        return `[${all.map((v) => (digits ? v.toFixed(digits) : String(Math.round(v) || 0))).join(' ')}]`;
    }

    /** @param {import('../probe.js').Reading} next */
    function show(next) {
        if (!next) {
            setText(reading, '');
            setText(value, '');
            return;
        }
        const { selected, layers, active } = store.get();
        setText(reading, coordinates(next.position));
        const wanted = selected.length > 1 ? selected : [active];
        const found = next.hits.filter((hit) => wanted.includes(hit.layer_id) && hit.value !== null && hit.value !== undefined);
        const texts = found.map((hit) => {
            const one = layers.find((l) => l.id === hit.layer_id);
            const multi = (one?.facts.level_count ?? 1) > 1 && hit.level > 0 ? `${hit.level}, ` : '';
            const text = multi + datum(hit.value, one?.facts.integer ?? false);
            return selected.length > 1 ? `${one?.name}: ${text}` : text;
        });
        setText(value, texts.length ? (selected.length > 1 ? ` » ${texts.join(', ')}` : `: ${texts[0]}`) : '');
        value.classList.toggle('stale', next.stale);
    }

    function update() {
        const s = store.get();
        const current = activeLayer(s);
        const busy = s.layers.some((l) => l.facts.status === 'loading') || (s.picture.seen && !s.picture.complete);
        const words = s.link.phase === 'open'
            ? !s.layers.length ? 'No data' : busy ? 'Loading' : 'Ready'
            : { connecting: 'Connecting', lost: 'Offline', refused: s.link.code === 'unauthorized' ? 'Locked' : 'Refused' }[s.link.phase];
        setText(state, s.busy || words);
        setText(layer, current?.name ?? '');
        setText(source, [current?.facts.source, current?.facts.format, current?.facts.dtype].filter(Boolean).join(' · '));
    }

    function rates() {
        const { status, picture, link } = store.get();
        const { fps, megabits } = stats.summary();
        const moving = fps > 0 && link.phase === 'open';
        setText(machine, [
            status.renderer ? (status.software ? 'software rendering' : status.renderer) : '', picture.rung,
            moving ? `${fps.toFixed(0)} fps` : '', moving ? `${megabits.toFixed(1)} Mb/s` : '',
        ].filter(Boolean).join('  ·  '));
        machine.title = status.renderer ?? '';
    }

    store.watch((s) => [s.link, s.layers, s.active, s.picture.complete, s.picture.seen, s.busy], update);
    store.watch((s) => [s.status, s.picture.rung], rates);
    setInterval(() => !document.hidden && rates(), 1000);
    return { element, show };
}
