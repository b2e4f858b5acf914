// SPDX-License-Identifier: BSD-3-Clause
// What stands where the picture will be: connecting, or nothing to show yet.

import { chordText } from '../keys.js';
import { VERSION } from '../session.js';
import { h } from './dom.js';

const PATIENCE_MS = 300;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   opener: ReturnType<typeof import('./open.js').createOpener>,
 * }} parts
 */
export function createEmpty({ store, opener }) {
    const element = h('div', { class: 'empty', hidden: true });
    let shown = '';
    let patient = false;
    setTimeout(() => {
        patient = true;
        update();
    }, PATIENCE_MS);

    function wanted() {
        const { link, picture, layers, scene, view } = store.get();
        if (link.phase === 'open' && view && (scene === 'idle' || (scene && !layers.length)))
            return 'nothing';
        if (picture.seen || !patient)
            return '';
        return link.phase === 'open' ? 'first' : link.phase === 'refused' ? '' : 'connecting';
    }

    function update() {
        const next = wanted();
        if (next === shown)
            return;
        shown = next;
        element.hidden = !next;
        element.replaceChildren(...(next === 'nothing' ? nothing() : next ? waiting(next) : []));
    }

    /** @param {string} kind */
    function waiting(kind) {
        return [h('div', { class: 'empty-wait' }, h('span', { class: 'spinner' }),
            h('span', null, kind === 'first' ? 'Waiting for the first picture' : 'Connecting to the server'))];
    }

    function nothing() {
        const keys = [['Mod+O', 'open'], ['?', 'all keys'], ['Mod+K', 'commands']];
        return [h('div', { class: 'empty-card' },
            h('h1', null, 'Nothing to show yet'),
            opener.can()
                ? opener.form(() => {})
                : h('p', null, 'Start the server with the path of an image: ', h('code', null, 'oriel serve PATH')),
            h('p', { class: 'empty-keys' }, ...keys.map(([chord, what]) => h('span', null, h('kbd', null, chordText(chord)), ` ${what}`))),
            h('p', { class: 'hint' }, `OME-Zarr and NumPy files are read where they lie, on the server. Oriel ${VERSION}`))];
    }

    store.watch((s) => [s.link.phase, s.picture.seen, s.layers.length, s.scene, s.commands, s.view === null], update);
    return { element };
}
