// SPDX-License-Identifier: BSD-3-Clause
// What is under the cursor: the place at once from the pose, the value from the server when it comes.

import { toWorld } from './view/camera.js';

/** @typedef {import('./view/camera.js').Point} Point */
/** @typedef {{layer_id: string, index: number[], value: unknown, level: number, visible?: boolean}} Hit */
/** @typedef {{position: import('./types.js').Vec3, hits: Hit[], stale: boolean}|null} Reading */

const GREY_MS = 250;

/**
 * @param {{
 *   store: import('./store.js').Store,
 *   session: import('./session.js').Session,
 *   viewport: import('./view/viewport.js').Viewport,
 *   frames: import('./frame.js').FrameLoop,
 *   onReading: (reading: Reading) => void,
 * }} parts
 */
export function createProbe({ store, session, viewport, frames, onReading }) {
    /** @type {Point|null} */
    let cursor = null;
    let asking = false;
    let again = false;
    let unsupported = false;
    /** @type {Hit[]} */
    let hits = [];
    let answered = -Infinity;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let greying;

    function show() {
        clearTimeout(greying);
        if (!cursor || !viewport.known() || !store.get().layers.length) {
            onReading(null);
            return;
        }
        const stale = performance.now() - answered > GREY_MS;
        onReading({ position: toWorld(viewport.pose(), cursor, viewport.size()), hits, stale });
        if (asking && !stale)
            greying = setTimeout(show, GREY_MS);
    }

    function ask() {
        const { view, link } = store.get();
        if (!cursor || !view || link.phase !== 'open' || unsupported || !viewport.known())
            return;
        if (asking) {
            again = true;
            return;
        }
        asking = true;
        again = false;
        const [x, y, z] = toWorld(viewport.pose(), cursor, viewport.size());
        const position = view.ndisplay === 3 ? [x, y, z] : [x, y];
        const dims = view.revision;
        const step = view.step.join();
        session.command('napari.probe', { position, dims }).then((answer) => {
            const now = store.get().view;
            if (!cursor || answer?.dims !== dims || now?.step.join() !== step)
                return;
            hits = (/** @type {Hit[]} */ (answer.layers ?? [])).filter((hit) => hit.visible !== false);
            answered = performance.now();
        }, (error) => {
            unsupported = error.code === 'command.not_found';
            hits = [];
        }).finally(() => {
            asking = false;
            show();
            if (again)
                frames.request('send', ask);
        });
    }

    store.watch((s) => s.session, () => {
        unsupported = false;
    });
    store.watch((s) => [s.view?.revision, s.view?.step.join()], () => {
        if (cursor) {
            show();
            frames.request('send', ask);
        }
    });

    return {
        /** @param {Point|null} u canvas pixels; null: the cursor left */
        hover(u) {
            cursor = u;
            if (!u) {
                hits = [];
                answered = -Infinity;
            }
            show();
            if (u)
                frames.request('send', ask);
        },
    };
}
