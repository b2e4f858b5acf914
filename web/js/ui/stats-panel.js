// SPDX-License-Identifier: BSD-3-Clause
// The statistics panel: how long a picture takes from an input to the screen, and where the time goes.

import { h, iconButton, setText } from './dom.js';
import { createInside } from './inside.js';

const REFRESH_MS = 500;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   settings: import('../settings.js').Settings,
 *   stats: import('../stats.js').Stats,
 *   pictures: import('../view/pictures.js').Pictures,
 *   session: import('../session.js').Session,
 *   copy: (text: string, what: string) => void,
 * }} parts
 */
export function createStatsPanel({ store, settings, stats, pictures, session, copy }) {
    const inside = createInside(session);
    /** @type {Map<string, HTMLElement>} */
    const cells = new Map();
    const graph = h('canvas', { class: 'stats-graph', role: 'img', 'aria-label': 'Input to picture, last moves' });
    const table = h('dl', { class: 'stats-table' });
    const element = h('aside', { class: 'stats', 'aria-label': 'Statistics', hidden: true },
        h('header', { class: 'stats-head' }, h('h2', { class: 'section-title' }, 'Statistics'),
            iconButton('close', 'Close statistics', { onclick: () => settings.set({ statistics: false }) })),
        graph, table, inside.element,
        h('div', { class: 'stats-actions' },
            h('button', { type: 'button', class: 'small', onclick: () => copy(JSON.stringify(report(), null, 2), 'Statistics') }, 'Copy as JSON'),
            h('button', { type: 'button', class: 'small', onclick: pictures.softwareDecoding }, 'Software decoding')));
    /** @type {ReturnType<typeof setInterval>|undefined} */
    let timer;

    /** @param {string} name @param {string} text @param {boolean} [sentence] it takes the whole width, and more lines */
    function cell(name, text, sentence = false) {
        let value = cells.get(name);
        if (!value) {
            value = h('dd', { class: sentence ? 'stats-sentence' : '' });
            cells.set(name, value);
            table.append(h('dt', null, name), value);
        }
        setText(value, text);
    }

    /**
     * Of the codec that comes here: the server may have one branch for each.
     * @returns {{encoder: string, chain: string, why: string}}
     */
    function encoder() {
        const { picture, status } = store.get();
        const stream = status.stream ?? {};
        /** @type {{codec: string, encoder: string, chain?: string, reason?: string, clients: number}[]} */
        const branches = stream.branches ?? [];
        const mine = branches.filter((branch) => branch.codec === picture.rung).sort((a, b) => b.clients - a.clients)[0]
            ?? (stream.codec === picture.rung ? stream : null);
        if (!mine?.encoder)
            return { encoder: '–', chain: '–', why: '–' };
        /** @type {{encoder: string, taken: boolean, ms: number|null}[]} */
        const ladder = stream.ladder ?? [];
        const tried = ladder.find((rung) => rung.taken && rung.encoder === mine.encoder);
        return {
            encoder: mine.encoder, chain: mine.chain || '–',
            why: [typeof tried?.ms === 'number' ? `${tried.ms.toFixed(1)} ms a picture` : '', mine.reason ? `not ${mine.reason}` : '']
                .filter(Boolean).join('; ') || 'first of the list',
        };
    }

    function report() {
        const { picture, status, view, layers } = store.get();
        return {
            ...stats.summary(), picture: { ...picture }, encoder: encoder().encoder, stream: status.stream ?? null, renderer: status.renderer ?? null,
            canvas: view?.canvas.size ?? null, version: status.version ?? null,
            layers: layers.map((l) => ({ name: l.name, level: l.facts.level, levels: l.facts.level_count, status: l.facts.status })),
        };
    }

    /** @param {{p50: number|null, p95: number|null}} pair */
    function pair({ p50, p95 }) {
        return p50 === null || p95 === null ? '–' : `${p50.toFixed(1)} / ${p95.toFixed(1)} ms`;
    }

    function update() {
        const s = stats.summary();
        const { picture, status } = store.get();
        cell('input → picture', pair(s.input));
        cell('edit → answer', pair(s.trip));
        cell('decode', pair(s.decode));
        cell('wait to draw', pair(s.wait));
        for (const stage of s.stages.filter((one) => one.p50 !== null))
            cell(`server: ${stage.name}`, pair(stage));
        cell('pictures', `${s.fps.toFixed(1)} /s, ${s.megabits.toFixed(2)} Mb/s`);
        cell('received', `${s.pictures}, ${s.keys} key`);
        cell('dropped', `${s.drops}, decoder rebuilt ${s.rebuilds} ×`);
        cell('decoder', `${picture.rung || '–'}, ${s.held} held`);
        cell('size', picture.seen ? `${picture.width} × ${picture.height}` : '–');
        cell('level', picture.levels ? `${picture.level} of ${picture.levels - 1}, ${Math.round(picture.coverage * 100)} %` : '–');
        const { encoder: name, chain, why } = encoder();
        cell('encoder', name);
        cell('chosen', why, true);
        cell('chain', chain, true);
        cell('renderer', status.renderer ?? '–', true);
        drawGraph();
    }

    /** One bar for each input answered, 100 ms high. */
    function drawGraph() {
        const ratio = devicePixelRatio || 1;
        const w = Math.round(graph.clientWidth * ratio);
        const tall = Math.round(graph.clientHeight * ratio);
        const context = graph.getContext('2d');
        if (!context || !w || !tall)
            return;
        graph.width = w;
        graph.height = tall;
        const style = getComputedStyle(graph);
        const values = stats.inputs().slice(-Math.floor(w / (3 * ratio)));
        const y = (/** @type {number} */ ms) => tall - Math.min(ms / 100, 1) * tall;
        context.fillStyle = style.getPropertyValue('--focus');
        values.forEach((ms, i) => context.fillRect(w - (values.length - i) * 3 * ratio, y(ms), 2 * ratio, tall - y(ms)));
        context.fillStyle = style.getPropertyValue('--edge');
        context.font = `${9 * ratio}px system-ui`;
        for (const line of [16.7, 50]) {
            context.fillRect(0, Math.round(y(line)), w, 1);
            context.fillText(`${Math.round(line)} ms`, 2 * ratio, y(line) - 2 * ratio);
        }
    }

    settings.watch(({ statistics }) => {
        if (statistics === !element.hidden)
            return;
        element.hidden = !statistics;
        clearInterval(timer);
        inside.refresh(statistics);
        if (statistics) {
            update();
            timer = setInterval(update, REFRESH_MS);
        }
    });
    return { element };
}
