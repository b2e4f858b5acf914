// SPDX-License-Identifier: BSD-3-Clause
// What the server is made of and what it sends: its streams and modules, asked while their list is open.

import { h } from './dom.js';

const STREAMS_MS = 2000;

/** @param {import('../session.js').Session} session */
export function createInside(session) {
    /** @param {string} title @param {string} command @param {(answer: any) => HTMLElement[]} show */
    function part(title, command, show) {
        const list = h('div', { class: 'inside-list' });
        const details = h('details', { class: 'inside', ontoggle: refresh }, h('summary', null, title), list);
        function refresh() {
            details.hidden = !session.can(command);
            if (details.hidden || !details.open || !details.checkVisibility())
                return;
            session.command(command).then((answer) => list.replaceChildren(...show(answer)),
                (error) => list.replaceChildren(h('p', { class: 'problem' }, error.message)));
        }
        return { details, refresh };
    }

    /** @param {string} name @param {string} note @param {string} [title] */
    const line = (name, note, title = '') => h('div', { class: 'inside-line', title },
        h('span', { class: 'inside-name' }, name), h('span', { class: 'inside-note' }, note));

    /** @param {unknown} clients */
    const pages = (clients) => (Array.isArray(clients) ? `${clients.length} ${clients.length === 1 ? 'client' : 'clients'}` : '');

    const streams = part('Streams', 'oriel.streams', (answer) => {
        /** @type {Record<string, any>[]} */
        const all = answer?.streams ?? [];
        return all.map((one) => line(one.view === 'main' ? 'shared view' : String(one.view ?? '–'),
            [one.codec, Array.isArray(one.size) ? one.size.join('×') : '', Number.isFinite(one.fps) ? `${one.fps.toFixed(0)} fps` : '',
                pages(one.clients)].filter(Boolean).join(' · '),
            [one.encoder, one.reason].filter(Boolean).join(': ')));
    });
    const modules = part('Modules', 'oriel.modules', (answer) => {
        /** @type {Record<string, any>[]} */
        const all = [...(answer?.modules ?? []), ...(answer?.missing ?? [])];
        return all.map((one) => line(String(one.id), one.result === 'usable' ? String(one.version ?? '') : String(one.result),
            one.reason ?? one.description ?? ''));
    });
    /** @type {ReturnType<typeof setInterval>|undefined} */
    let timer;

    return {
        element: h('div', null, streams.details, modules.details),
        /** @param {boolean} on the panel is shown */
        refresh(on) {
            clearInterval(timer);
            if (!on)
                return;
            streams.refresh();
            modules.refresh();
            timer = setInterval(() => !document.hidden && streams.refresh(), STREAMS_MS);
        },
    };
}
