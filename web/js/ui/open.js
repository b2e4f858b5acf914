// SPDX-License-Identifier: BSD-3-Clause
// Opening data on the server: a path, or looking through the folders it lets us see.

import { CANCELLED } from '../protocol/state.js';
import { mayEdit } from '../store.js';
import { h, icon, iconButton, setText } from './dom.js';
import { openPopup } from './popup.js';

/** @typedef {{name: string, path: string, is_dir: boolean, zarr_metadata: {is_dataset: boolean, has_multiscales: boolean}|null}} Entry */
/** @typedef {'open'|'add'} How In place of all that is open, or as layers above it. */

const PAGE = 200;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   session: import('../session.js').Session,
 *   tell: (text: string) => void,
 * }} parts
 */
export function createOpener({ store, session, tell }) {
    const can = () => session.can('napari.load_zarr');
    const canAdd = () => session.can('napari.layer.add') && store.get().layers.length > 0;
    let place = '';
    /** The folders above, as they were gone through: those and no others may be looked into. @type {string[]} */
    let above = [];

    /**
     * @param {string} path @param {How} how @param {(text: string) => void} fail @param {() => void} done
     * @param {AbortSignal} [signal]
     */
    function load(path, how, fail, done, signal) {
        store.set({ busy: 'Opening' });
        const command = how === 'add' ? 'napari.layer.add' : 'napari.load_zarr';
        return session.command(command, { path }, { signal }).then(done, (error) => {
            const options = error.details?.options;
            if (error.code !== CANCELLED)
                fail(Array.isArray(options) ? `${error.message}: ${options.slice(0, 6).join(', ')}` : error.message);
        }).finally(() => store.set({ busy: '' }));
    }

    /**
     * The path field and the folder list.
     * @param {{done: () => void, first?: How, signal?: AbortSignal}} options `first`: what Enter does; `signal`: the form has gone
     */
    function form({ done, first = 'open', signal }) {
        const problem = h('p', { class: 'problem', role: 'alert' });
        const input = h('input', { type: 'text', placeholder: 'Path on the server, e.g. data/embryo.ome.zarr', 'aria-label': 'Path on the server',
            autocomplete: 'off', spellcheck: false });
        const list = h('div', { class: 'folder', role: 'group', 'aria-label': 'Folders on the server' });
        const fail = (/** @type {string} */ text) => setText(problem, text);
        const adds = canAdd();
        const openButton = h('button', { type: first === 'open' ? 'submit' : 'button', class: first === 'open' ? 'primary' : 'second', onclick: click('open') }, 'Open');
        const addButton = adds && h('button', { type: first === 'add' ? 'submit' : 'button', class: first === 'add' ? 'primary' : 'second',
            title: 'Above what is open now', onclick: click('add') }, 'Add as layer');
        /** The folder whose entries come, or the next page of them. @type {AbortController|null} */
        let looking = null;
        let working = false;

        /** @param {How} how */
        function click(how) {
            return (/** @type {Event} */ event) => {
                event.preventDefault();
                go(input.value.trim(), how);
            };
        }

        /** @param {string} path @param {How} how */
        function go(path, how) {
            if (!path || working)
                return;
            working = true;
            fail('');
            element.setAttribute('aria-busy', 'true');
            load(path, how, fail, done, signal).finally(() => {
                working = false;
                element.removeAttribute('aria-busy');
            });
        }

        const element = h('form', { class: 'open-form', onsubmit: click(adds ? first : 'open') },
            h('div', { class: 'open-line' }, input, openButton, addButton), problem, list);

        /** @param {Entry} entry @param {string[]} trail */
        function row(entry, trail) {
            const data = entry.zarr_metadata?.is_dataset || !entry.is_dir;
            const take = (/** @type {How} */ how) => () => {
                input.value = entry.path;
                go(entry.path, how);
            };
            const name = h('button', { type: 'button', class: 'folder-row', onclick: data ? take(adds ? first : 'open') : () => browse(entry.path, [...trail, place]) },
                icon(data ? 'file' : 'folder'), h('span', { class: 'folder-name' }, entry.name));
            return data && adds && first === 'open'
                ? h('div', { class: 'folder-pair' }, name, iconButton('plus', `Add ${entry.name} as layer`, { onclick: take('add') }))
                : name;
        }

        /** The next page comes when its button is scrolled to, or pressed. @param {string} path @param {string} cursor @param {string[]} trail */
        function more(path, cursor, trail) {
            const button = h('button', { type: 'button', class: 'folder-row folder-more', onclick: next }, 'More');
            const seen = new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && next(), { root: list, rootMargin: '80px' });
            let asked = false;
            function next() {
                if (asked)
                    return;
                asked = true;
                seen.disconnect();
                const focused = document.activeElement === button;
                ask(path, cursor, (result) => {
                    const rows = page(result, path, trail);
                    button.replaceWith(...rows);
                    if (focused)
                        (rows[0]?.querySelector('button') ?? rows[0])?.focus();
                });
            }
            seen.observe(button);
            return button;
        }

        /** @param {Record<string, any>} result @param {string} path @param {string[]} trail */
        function page(result, path, trail) {
            /** @type {HTMLElement[]} */
            const rows = (result.entries ?? []).map((/** @type {Entry} */ entry) => row(entry, trail));
            if (result.has_more)
                rows.push(result.cursor ? more(path, String(result.cursor), trail) : h('p', { class: 'hint folder-hint' }, 'There are more; type the path.'));
            return rows;
        }

        /** @param {string} path @param {string|null} cursor @param {(result: Record<string, any>) => void} then */
        function ask(path, cursor, then) {
            looking?.abort();
            const mine = new AbortController();
            looking = mine;
            const kwargs = { path, only: ['.zarr', '.npy'], show_hidden: false, limit: PAGE, ...(cursor ? { cursor } : {}) };
            session.command('fs.listdir', kwargs, { signal: mine.signal }).then(then, (error) => error.code !== CANCELLED && fail(error.message));
        }

        /** @param {string} path @param {string[]} [trail] the folders above it */
        function browse(path, trail = above) {
            ask(path, null, (result) => {
                place = String(result.path ?? path);
                above = trail;
                fail('');
                const up = trail.length > 0 && h('button', { type: 'button', class: 'folder-row', 'aria-label': 'Folder above',
                    onclick: () => browse(trail[trail.length - 1], trail.slice(0, -1)) }, icon('up'), '..');
                list.replaceChildren(h('div', { class: 'folder-place', title: place }, h('bdi', {}, place)), ...(up ? [up] : []),
                    ...page(result, place, trail));
                list.scrollTop = 0;
            });
        }
        signal?.addEventListener('abort', () => looking?.abort());
        if (session.can('fs.listdir'))
            browse(place);
        return element;
    }

    return {
        can,
        canAdd,
        form,
        load,
        /** Closing the dialog gives up what it was doing. @param {HTMLElement} anchor @param {How} [first] */
        open(anchor, first = 'open') {
            if (!can()) {
                tell('This server shows what it was started with; it does not open other data.');
                return;
            }
            if (!mayEdit(store.get())) {
                session.refused('edit');
                return;
            }
            const abort = new AbortController();
            const title = first === 'add' ? 'Add a layer from the server' : 'Open data on the server';
            openPopup(anchor, (close) => ({
                label: first === 'add' ? 'Add a layer' : 'Open data', wide: true, onClose: () => abort.abort(),
                content: h('div', { class: 'open-popup' }, h('h2', { class: 'popup-title' }, title),
                    form({ done: close, first: canAdd() ? first : 'open', signal: abort.signal })),
            }));
        },
    };
}
