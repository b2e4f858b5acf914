// SPDX-License-Identifier: BSD-3-Clause
// A picture drawn by the server for the file alone: complete, in full quality, at the size asked for.

import { CANCELLED } from '../protocol/state.js';
import { savePng } from '../screenshot.js';
import { sourceName } from '../url.js';
import { h } from './dom.js';
import { numberBox } from './field.js';
import { openPopup } from './popup.js';

const PATIENCE_MS = 300000;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   session: import('../session.js').Session,
 *   viewport: import('../view/viewport.js').Viewport,
 *   toasts: import('./toast.js').Toasts,
 * }} parts
 */
export function createServerShot({ store, session, viewport, toasts }) {
    /** @param {number} factor */
    const times = (factor) => {
        const { w, h: tall } = viewport.size();
        return /** @type {[number, number]} */ ([w * factor, tall * factor]);
    };

    /** @param {[number, number]} size pixels */
    async function take(size) {
        const abort = new AbortController();
        const note = toasts.show(`The server draws ${size[0]} × ${size[1]} pixels`, { action: 'Cancel', run: () => abort.abort(), stay: true });
        store.set({ busy: 'Taking a picture' });
        try {
            const answer = await session.command('napari.screenshot', { size, timeout_ms: PATIENCE_MS },
                { signal: abort.signal, timeout: PATIENCE_MS });
            savePng(Uint8Array.from(atob(String(answer.png)), (c) => c.charCodeAt(0)), sourceName(store.get()));
            toasts.show(`Saved ${answer.width} × ${answer.height} pixels as PNG`);
        } catch (error) {
            const { code, message } = /** @type {import('../protocol/state.js').CommandError} */ (error);
            if (code !== CANCELLED)
                toasts.show(message, { kind: 'error' });
        } finally {
            note.remove();
            store.set({ busy: '' });
        }
    }

    return {
        can: () => session.can('napari.screenshot'),
        take,
        times,

        /** A size to type. @param {HTMLElement} anchor */
        ask(anchor) {
            openPopup(anchor, (close) => {
                let [width, tall] = times(1);
                const boxes = [
                    numberBox({ label: 'Width in pixels', integer: true, onCommit: (value) => {
                        width = Math.max(value, 16);
                        show();
                    } }),
                    numberBox({ label: 'Height in pixels', integer: true, onCommit: (value) => {
                        tall = Math.max(value, 16);
                        show();
                    } }),
                ];
                const show = () => [width, tall].forEach((value, i) => boxes[i].update(String(value)));
                show();
                boxes[0].element.dataset.autofocus = '';
                return {
                    label: 'Size of the picture',
                    content: h('form', { class: 'scene-form', onsubmit: (/** @type {Event} */ event) => {
                        event.preventDefault();
                        close();
                        take([width, tall]);
                    } }, h('h2', { class: 'popup-title' }, 'Picture from the server'),
                    h('div', { class: 'open-line size-line' }, boxes[0].element, h('span', { 'aria-hidden': 'true' }, '×'), boxes[1].element,
                        h('button', { type: 'submit', class: 'primary' }, 'Save'))),
                };
            });
        },
    };
}

/** @typedef {ReturnType<typeof createServerShot>} ServerShot */
