// SPDX-License-Identifier: BSD-3-Clause
// Keeps the address of the page and the view the same; never while something is dragged, never as history.

import { mayEdit, mayMove } from './store.js';
import { apply, decode, describe, encode } from './url.js';

const DEBOUNCE_MS = 300;

/**
 * @param {{
 *   store: import('./store.js').Store,
 *   session: import('./session.js').Session,
 *   viewport: import('./view/viewport.js').Viewport,
 *   busy: () => boolean,
 *   onRefused: (link: import('./url.js').Link) => void,
 *   tell: (text: string) => void,
 * }} parts `onRefused`: this page may not move the view that it looks at
 */
export function createLinkSync({ store, session, viewport, busy, onRefused, tell }) {
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let timer;
    let written = '';
    let ready = false;

    function schedule() {
        clearTimeout(timer);
        timer = setTimeout(write, DEBOUNCE_MS);
    }

    async function write() {
        if (!ready)
            return;
        if (busy()) {
            schedule();
            return;
        }
        const link = describe(store.get(), viewport.pose(), viewport.size());
        if (!link)
            return;
        const fragment = await encode(link);
        if (fragment === written || busy())
            return;
        written = fragment;
        history.replaceState(history.state, '', fragment);
    }

    /** The fragment, if there is one, becomes the view. @returns {Promise<boolean>} whether there was one */
    async function read() {
        const fragment = location.hash;
        try {
            const link = await decode(fragment);
            if (!link)
                return false;
            written = fragment;
            if (!mayMove(store.get())) {
                onRefused(link);
                return true;
            }
            const remark = apply(link, store, session, viewport, mayEdit(store.get()));
            if (remark)
                tell(remark);
            return true;
        } catch {
            tell('The view in this address could not be read; showing the default view.');
            return false;
        }
    }

    window.addEventListener('hashchange', () => location.hash !== written && store.get().view && read());
    store.watch((s) => [s.view, s.layers], () => ready && schedule());

    return {
        schedule,
        /** The first scene is here: take the address's view, then start to write it. */
        async begin() {
            const found = await read();
            ready = true;
            schedule();
            return found;
        },
        /** @returns {Promise<string>} an address of this very view */
        async address() {
            const link = describe(store.get(), viewport.pose(), viewport.size());
            return new URL(link ? await encode(link) : '', location.href).href;
        },
    };
}

/** @typedef {ReturnType<typeof createLinkSync>} LinkSync */
