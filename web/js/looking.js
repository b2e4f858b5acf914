// SPDX-License-Identifier: BSD-3-Clause
// Through whose view this page looks: the one that all share, or one of its own; and how it comes back to what it
// showed after the connection was lost.

import { LOOK_ONLY, mayEdit, mayMove, ownView } from './store.js';
import { apply, describe, sourceName } from './url.js';

/** @typedef {import('./types.js').View} View */
/** @typedef {import('./url.js').Link} Link */

/**
 * @param {{
 *   store: import('./store.js').Store,
 *   session: import('./session.js').Session,
 *   viewport: import('./view/viewport.js').Viewport,
 *   pictures: import('./view/pictures.js').Pictures,
 *   linkSync: import('./link-sync.js').LinkSync,
 *   toasts: import('./ui/toast.js').Toasts,
 *   onFirst: () => void,
 * }} parts `onFirst`: the first scene of this page is on its way to the screen
 */
export function createLooking({ store, session, viewport, pictures, linkSync, toasts, onFirst }) {
    let lastSession = '';
    /**
     * What was shown when the connection was lost, until a scene is there to be given it.
     * @type {{session: string, pose: import('./types.js').Pose, link: Link|null, own: boolean}|null}
     */
    let returning = null;
    /** @type {HTMLElement|null} */
    let note = null;

    /**
     * The pixel socket is opened anew for the other view; the picture stays until the first of that view.
     * @param {boolean} own
     * @returns {Promise<boolean>} whether it is so now
     */
    async function choose(own) {
        const { session: id } = store.get();
        if (own === ownView(store.get()))
            return true;
        store.set({ busy: own ? 'Opening a view of your own' : 'Back to the shared view' });
        try {
            await session.look(own);
            if (store.get().session !== id)
                return false;
            viewport.announceSize();
            pictures.reopen();
            return true;
        } catch (error) {
            toasts.show(/** @type {Error} */ (error).message, { kind: 'error' });
            return false;
        } finally {
            store.set({ busy: '' });
        }
    }

    /** One note at a time: a drag asks sixty times a second. @param {string} text @param {() => void} [then] */
    function offer(text, then) {
        if (note?.isConnected)
            return;
        note = session.can('napari.view.fork')
            ? toasts.show(text, { action: 'Look around on your own', run: () => choose(true).then((done) => done && then?.()) })
            : toasts.show(LOOK_ONLY);
    }

    /** @param {(state: import('./types.js').State) => boolean} what @returns {Promise<boolean>} false: another session came first */
    function known(what) {
        const { session: id } = store.get();
        return new Promise((resolve) => {
            const stop = store.watch((s) => (s.session !== id ? 'other' : what(s) ? 'known' : ''), (now) => {
                if (!now)
                    return;
                resolve(now === 'known');
                queueMicrotask(() => stop());
            });
        });
    }

    /** The scene comes before or after the first view. */
    const sceneKnown = () => known((s) => s.scene !== '');
    const layersKnown = () => known((s) => s.scene !== '' && s.layers.length > 0);

    /** @param {Link|null} link */
    const fits = (link) => link !== null && link.s === sourceName(store.get());

    /**
     * A server that knows nothing of this page, most often one that started again without its state: the same data
     * get the view and the display they had here, unless somebody has touched them meanwhile.
     * @param {Link|null} link
     */
    async function putBack(link) {
        if (!(await layersKnown()))
            return;
        await laidOut();
        returning = null;
        const { view, session: id } = store.get();
        const mover = view?.origin?.session;
        if (mover && mover !== id)
            return;
        if (link && fits(link))
            apply(link, store, session, viewport);
        else
            session.setView('reset', {});
    }

    /** The view of its own went with the connection: another one, placed as it was. @param {Link|null} link @param {boolean} display */
    async function ownAgain(link, display) {
        const done = await choose(true) && await known((s) => ownView(s) && s.view?.view === s.viewId) && await layersKnown();
        returning = null;
        if (done && link && fits(link))
            apply(link, store, session, viewport, display);
    }

    return {
        choose,
        offerOwn: () => offer('You can look at the shared view, not move it.'),
        onlyLook() {
            if (!note?.isConnected)
                note = toasts.show(LOOK_ONLY);
        },
        /** An address that holds a view, where this page may not move the shared one. @param {Link} link */
        offerLink: (link) => offer('The address holds another view than the shared one.',
            () => known((s) => ownView(s) && s.view?.view === s.viewId).then((there) => there && apply(link, store, session, viewport, false))),

        /** A session begins; the store still holds the last one. @param {string} id */
        welcome(id) {
            if (viewport.known())
                returning ??= { session: lastSession, pose: viewport.pose(), own: ownView(store.get()),
                    link: describe(store.get(), viewport.pose(), viewport.size()) };
            lastSession = id;
        },

        /**
         * The first view of a session: untouched scenes are fitted to this canvas, a link in the address is applied,
         * and after a lost connection the view comes back unless somebody else moved it.
         * @param {View} view
         */
        async begin(view) {
            const untouched = !view.origin?.session;
            if (returning) {
                const { own, link, pose, session: before } = returning;
                if (own) {
                    await ownAgain(link, untouched && mayEdit(store.get()));
                } else if (!mayMove(store.get())) {
                    returning = null;
                } else if (untouched) {
                    await putBack(link);
                } else {
                    if (view.origin?.session === before)
                        viewport.place(pose);
                    returning = null;
                }
                return;
            }
            if (!(await sceneKnown()))
                return;
            await laidOut();
            viewport.announceSize();
            const linked = await linkSync.begin();
            if (untouched && !linked && mayMove(store.get()))
                session.setView('reset', {});
            viewport.settleLayout();
            onFirst();
        },
    };
}

/** The first view brings slider rows, which make the canvas smaller. A hidden page has no frames to wait for. */
function laidOut() {
    return Promise.race([
        new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
        new Promise((resolve) => setTimeout(resolve, 100)),
    ]);
}

/** @typedef {ReturnType<typeof createLooking>} Looking */
