// SPDX-License-Identifier: BSD-3-Clause
// Saving the scene on the server under a name, opening a saved one, and closing everything.

import { ago } from '../format.js';
import { sourceName } from '../url.js';
import { h, setText } from './dom.js';
import { uniqueId } from './field.js';
import { moveFocus, openPopup } from './popup.js';

const NAME = /^(?!\.)[A-Za-z0-9._ -]{1,100}$/;
/** @typedef {{name: string, mtime: number}} Saved */

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   session: import('../session.js').Session,
 *   toasts: import('./toast.js').Toasts,
 * }} parts
 */
export function createScenes({ store, session, toasts }) {
    /** @param {AbortSignal} signal @returns {Promise<Saved[]>} newest first */
    async function saved(signal) {
        const { scenes } = await session.command('napari.scene.list', {}, { signal });
        return (/** @type {Saved[]} */ (scenes ?? [])).slice().sort((a, b) => b.mtime - a.mtime);
    }

    /** @param {Error} error */
    const failed = (error) => toasts.show(error.message, { kind: 'error' });

    /** A name that the server takes, from that of the data. */
    function suggestion() {
        return sourceName(store.get()).replace(/(\.ome)?\.(zarr|npy)$/, '').replace(/[^A-Za-z0-9._ -]/g, '_').replace(/^\.+/, '').slice(0, 100);
    }

    return {
        canSave: () => session.can('napari.scene.save'),
        canOpen: () => session.can('napari.scene.load'),
        canClose: () => session.can('napari.close'),

        /** @param {HTMLElement} anchor */
        save(anchor) {
            if (session.refused('edit'))
                return;
            const abort = new AbortController();
            openPopup(anchor, (close) => {
                /** @type {Saved[]} */
                let known = [];
                const problem = h('p', { class: 'problem', role: 'alert' });
                const hint = h('p', { class: 'hint', id: uniqueId() });
                const input = h('input', { type: 'text', value: suggestion(), 'aria-label': 'Name of the scene', autocomplete: 'off',
                    spellcheck: false, maxLength: 100, 'aria-describedby': hint.id, 'data-autofocus': '', oninput: check });
                const button = h('button', { type: 'submit', class: 'primary' }, 'Save');

                function check() {
                    const name = input.value.trim();
                    const good = NAME.test(name);
                    const old = known.find((scene) => scene.name === name);
                    button.disabled = !good;
                    setText(hint, name && !good ? 'Letters, digits, space, dot, dash and underline; not a dot first.'
                        : old ? `Replaces the one saved ${ago(old.mtime)}.` : 'Data, view and display are saved; the data stay where they are.');
                }

                function go() {
                    if (button.disabled)
                        return;
                    button.disabled = true;
                    session.command('napari.scene.save', { name: input.value.trim() }, { signal: abort.signal }).then((answer) => {
                        close();
                        toasts.show(`Saved as ${answer?.name ?? input.value.trim()}`);
                    }, (error) => {
                        setText(problem, error.message);
                        check();
                    });
                }
                check();
                if (session.can('napari.scene.list'))
                    saved(abort.signal).then((list) => {
                        known = list;
                        check();
                    }, () => {}); // without the list there is only no warning
                return {
                    label: 'Save the scene', onClose: () => abort.abort(),
                    content: h('form', { class: 'scene-form', onsubmit: (/** @type {Event} */ event) => {
                        event.preventDefault();
                        go();
                    } }, h('h2', { class: 'popup-title' }, 'Save the scene on the server'), h('div', { class: 'open-line' }, input, button), hint, problem),
                };
            });
        },

        /** @param {HTMLElement} anchor */
        open(anchor) {
            if (session.refused('edit'))
                return;
            const abort = new AbortController();
            openPopup(anchor, (close) => {
                const problem = h('p', { class: 'problem', role: 'alert' });
                const list = h('div', { class: 'folder', role: 'group', 'aria-label': 'Saved scenes', onkeydown: moveFocus });
                const fail = (/** @type {Error} */ error) => setText(problem, error.message);

                /** @param {string} name @param {HTMLElement} row */
                function load(name, row) {
                    row.setAttribute('aria-busy', 'true');
                    session.command('napari.scene.load', { name }, { signal: abort.signal }).then(close, fail)
                        .finally(() => row.removeAttribute('aria-busy'));
                }
                saved(abort.signal).then((scenes) => {
                    list.replaceChildren(...scenes.map(({ name, mtime }) => {
                        const row = h('button', { type: 'button', class: 'folder-row', onclick: () => load(name, row) },
                            h('span', { class: 'folder-name' }, name), h('span', { class: 'folder-note' }, ago(mtime)));
                        return row;
                    }));
                    if (!scenes.length)
                        list.replaceChildren(h('p', { class: 'hint folder-hint' }, 'Nothing saved yet.'));
                    list.querySelector('button')?.focus();
                }, fail);
                return {
                    label: 'Saved scenes', quiet: true, onClose: () => abort.abort(),
                    content: h('div', { class: 'scene-form' }, h('h2', { class: 'popup-title' }, 'Saved scenes'), list, problem),
                };
            });
        },

        /** For everybody, so with a way back instead of a question. */
        async closeAll() {
            if (session.refused('edit'))
                return;
            try {
                const scene = session.can('napari.scene.load') ? await session.command('napari.scene.get').catch(() => null) : null;
                await session.command('napari.close');
                const undo = () => session.command('napari.scene.load', { scene }).catch(failed);
                toasts.show('Everything is closed', scene ? { action: 'Undo', run: undo } : {});
            } catch (error) {
                failed(/** @type {Error} */ (error));
            }
        },
    };
}

/** @typedef {ReturnType<typeof createScenes>} Scenes */
