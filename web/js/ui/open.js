// SPDX-License-Identifier: BSD-3-Clause
// Opening data on the server: a path, or looking through the folders it lets us see.

import { h, icon, setText } from './dom.js';
import { openPopup } from './popup.js';

/** @typedef {{name: string, path: string, is_dir: boolean, zarr_metadata: {is_dataset: boolean, has_multiscales: boolean}|null}} Entry */

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   session: import('../session.js').Session,
 *   tell: (text: string) => void,
 * }} parts
 */
export function createOpener({ store, session, tell }) {
    const can = () => session.can('napari.load_zarr');
    let place = '';
    /** The folders above, as they were gone through: those and no others may be looked into. @type {string[]} */
    let above = [];

    /** @param {string} path @param {(text: string) => void} fail @param {() => void} done */
    function load(path, fail, done) {
        store.set({ busy: 'Opening' });
        session.command('napari.load_zarr', { path }).then(done, (error) => {
            const options = error.details?.options;
            fail(Array.isArray(options) ? `${error.message}: ${options.slice(0, 6).join(', ')}` : error.message);
        }).finally(() => store.set({ busy: '' }));
    }

    /** The path field and the folder list. @param {() => void} done */
    function form(done) {
        const problem = h('p', { class: 'problem', role: 'alert' });
        const input = h('input', { type: 'text', placeholder: 'Path on the server, e.g. data/embryo.ome.zarr', 'aria-label': 'Path on the server',
            autocomplete: 'off', spellcheck: false });
        const list = h('div', { class: 'folder', role: 'group', 'aria-label': 'Folders on the server' });
        const fail = (/** @type {string} */ text) => setText(problem, text);
        const go = () => input.value.trim() && load(input.value.trim(), fail, done);
        const element = h('form', { class: 'open-form', onsubmit: (/** @type {Event} */ event) => {
            event.preventDefault();
            go();
        } }, h('div', { class: 'open-line' }, input, h('button', { type: 'submit', class: 'primary' }, 'Open')), problem, list);

        /** @param {string} path @param {string[]} [trail] the folders above it */
        function browse(path, trail = above) {
            session.command('fs.listdir', { path, only: ['.zarr', '.npy'], show_hidden: false }).then((result) => {
                place = String(result.path ?? path);
                above = trail;
                fail('');
                /** @type {Entry[]} */
                const entries = result.entries ?? [];
                const up = trail.length > 0 && h('button', { type: 'button', class: 'folder-row', 'aria-label': 'Folder above',
                    onclick: () => browse(trail[trail.length - 1], trail.slice(0, -1)) }, icon('up'), '..');
                list.replaceChildren(h('div', { class: 'folder-place', title: place }, h('bdi', {}, place)), ...(up ? [up] : []), ...entries.map((entry) => {
                    const data = entry.zarr_metadata?.is_dataset || !entry.is_dir;
                    return h('button', { type: 'button', class: 'folder-row', onclick: () => {
                        if (data) {
                            input.value = entry.path;
                            load(entry.path, fail, done);
                        } else {
                            browse(entry.path, [...trail, place]);
                        }
                    } }, icon(data ? 'file' : 'folder'), entry.name);
                }));
                if (result.has_more)
                    list.append(h('p', { class: 'hint' }, 'More than 1000 entries; type the path.'));
            }, (error) => fail(error.message));
        }
        if (session.can('fs.listdir'))
            browse(place);
        return element;
    }

    return {
        can,
        form,
        load,
        /** @param {HTMLElement} anchor */
        open(anchor) {
            if (!can()) {
                tell('This server shows what it was started with; it does not open other data.');
                return;
            }
            openPopup(anchor, (close) => ({
                label: 'Open data', wide: true,
                content: h('div', { class: 'open-popup' }, h('h2', { class: 'popup-title' }, 'Open data on the server'), form(close)),
            }));
        },
    };
}
