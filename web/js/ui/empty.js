// SPDX-License-Identifier: BSD-3-Clause
// What stands where the picture will be: connecting, or nothing to show yet.

import { chordText } from '../keys.js';
import { VERSION } from '../session.js';
import { mayEdit } from '../store.js';
import { h, icon, setText } from './dom.js';

const PATIENCE_MS = 300;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   opener: ReturnType<typeof import('./open.js').createOpener>,
 *   token: import('../token.js').Token,
 *   connect: () => void,
 * }} parts
 */
export function createEmpty({ store, opener, token, connect }) {
    const element = h('div', { class: 'empty', hidden: true });
    let shown = '';
    let patient = false;
    const denied = h('p', { class: 'problem', role: 'alert' });
    let link = store.get().link;
    setTimeout(() => {
        patient = true;
        update();
    }, PATIENCE_MS);

    function wanted() {
        const { link, picture, layers, scene, view } = store.get();
        if (link.phase === 'refused' && link.code === 'unauthorized')
            return 'token';
        if (link.phase === 'open' && view && (scene === 'idle' || (scene && !layers.length)))
            return 'nothing';
        if (picture.seen || !patient)
            return '';
        return link.phase === 'open' ? 'first' : link.phase === 'refused' ? '' : 'connecting';
    }

    function update() {
        const next = wanted();
        if (next === 'token' && store.get().link !== link) {
            setText(denied, token.get() && 'The token was not accepted.');
            token.set('');
        }
        link = store.get().link;
        if (next === shown)
            return;
        shown = next;
        element.hidden = !next;
        element.replaceChildren(...(next === 'nothing' ? nothing() : next === 'token' ? asking() : next ? waiting(next) : []));
    }

    /** @param {string} kind */
    function waiting(kind) {
        return [h('div', { class: 'empty-wait' }, h('span', { class: 'spinner' }),
            h('span', null, kind === 'first' ? 'Waiting for the first picture' : 'Connecting to the server'))];
    }

    function asking() {
        const input = h('input', { type: 'password', placeholder: 'Token', 'aria-label': 'Token', autocomplete: 'off', spellcheck: false });
        return [h('form', { class: 'empty-card', onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            const value = input.value.trim();
            input.value = '';
            if (!value)
                return;
            token.set(value);
            connect();
        } }, h('h1', { class: 'empty-title' }, icon('lock'), 'A token opens this page'),
        h('p', null, 'This server shows its data to those who have a token: the last part of the address that it printed, after ', h('code', null, 'token='), '.'),
        h('div', { class: 'open-line' }, input, h('button', { type: 'submit', class: 'primary' }, 'Connect')), denied)];
    }

    function nothing() {
        const keys = [['Mod+O', 'open'], ['?', 'all keys'], ['Mod+K', 'commands']];
        return [h('div', { class: 'empty-card' },
            h('h1', null, 'Nothing to show yet'),
            !mayEdit(store.get()) ? h('p', null, 'What an editor opens on this server will be seen here.') : opener.can()
                ? opener.form({ done: () => {} })
                : h('p', null, 'Start the server with the path of an image: ', h('code', null, 'oriel serve PATH')),
            h('p', { class: 'empty-keys' }, ...keys.map(([chord, what]) => h('span', null, h('kbd', null, chordText(chord)), ` ${what}`))),
            h('p', { class: 'hint' }, `OME-Zarr and NumPy files are read where they lie, on the server. Oriel ${VERSION}`))];
    }

    store.watch((s) => [s.link, s.role, s.picture.seen, s.layers.length, s.scene, s.commands, s.view === null], update);
    return { element };
}
