// SPDX-License-Identifier: BSD-3-Clause
// Who looks at this server now: asked when the list is opened, not before.

import { h } from './dom.js';
import { openPopup } from './popup.js';

/** @typedef {{id: string, peer: string, name: string, role: string, view: string}} Person */

/** @param {Person} person */
function doing({ role, view }) {
    return `${role === 'viewer' ? 'looks' : 'edits'}, ${view === 'main' ? 'shared view' : 'own view'}`;
}

/** @param {HTMLElement} anchor @param {{store: import('../store.js').Store, session: import('../session.js').Session}} parts */
export function openPeople(anchor, { store, session }) {
    const abort = new AbortController();
    openPopup(anchor, () => {
        const list = h('ul', { class: 'people' }, h('li', { class: 'hint' }, 'Asking the server'));
        session.command('oriel.describe', {}, { signal: abort.signal }).then((answer) => {
            /** @type {Person[]} */
            const people = answer?.sessions ?? [];
            const me = store.get().session;
            const sorted = people.slice().sort((a, b) => Number(b.id === me) - Number(a.id === me));
            list.replaceChildren(...sorted.map((person) => h('li', { class: 'person' },
                h('span', { class: 'person-name' }, person.id === me ? 'This page' : person.name || 'unnamed'),
                h('span', { class: 'person-peer', title: person.peer }, person.peer), h('span', { class: 'person-doing' }, doing(person)))));
        }, (error) => list.replaceChildren(h('li', { class: 'problem' }, error.message)));
        return {
            label: 'Who is here', quiet: true, onClose: () => abort.abort(),
            content: h('div', { class: 'people-popup' }, h('h2', { class: 'popup-title' }, 'Who is here'), list),
        };
    });
}
