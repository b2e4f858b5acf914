// SPDX-License-Identifier: BSD-3-Clause
// One immutable state, replaced by patches; watchers run once per microtask, only when their part changed.

/** @typedef {import('./types.js').State} State */

/** @returns {State} */
export function initialState() {
    return {
        link: { phase: 'connecting', code: '', reason: '', retryAt: 0 },
        session: '', commands: [], role: 'editor', viewId: 'main', view: null, layers: [], scene: '', selected: [], active: '', axis: '',
        picture: {
            rung: '', why: '', level: 0, levels: 0, coverage: 0, complete: false, still: false,
            width: 0, height: 0, revision: 0, seen: false,
        },
        troubles: [], status: {}, sliceRevision: 0, dimsLate: false, busy: '',
    };
}

/**
 * @param {unknown} a
 * @param {unknown} b
 */
function same(a, b) {
    if (Object.is(a, b))
        return true;
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length)
        return false;
    return a.every((v, i) => Object.is(v, b[i]));
}

/** @param {State} [initial] */
export function createStore(initial = initialState()) {
    let state = initial;
    let queued = false;
    /** @type {Set<() => void>} */
    const watchers = new Set();

    function flush() {
        queued = false;
        for (const run of [...watchers])
            run();
    }

    return {
        get: () => state,

        /** @param {Partial<State>} patch */
        set(patch) {
            state = { ...state, ...patch };
            if (!queued) {
                queued = true;
                queueMicrotask(flush);
            }
        },

        /**
         * Calls `run` now and whenever `select` gives something else (arrays compare by element).
         * @template T
         * @param {(state: State) => T} select
         * @param {(value: T, state: State) => void} run
         * @returns {() => void} stops watching
         */
        watch(select, run) {
            let last = select(state);
            const check = () => {
                const next = select(state);
                if (!same(last, next)) {
                    last = next;
                    run(next, state);
                }
            };
            watchers.add(check);
            run(last, state);
            return () => watchers.delete(check);
        },
    };
}

/** @typedef {ReturnType<typeof createStore>} Store */

/**
 * @param {State} state
 * @returns {import('./types.js').Layer|undefined}
 */
export function activeLayer(state) {
    return state.layers.find((layer) => layer.id === state.active);
}

/**
 * Axes that have something to step through and are not displayed, in the order they are shown.
 * @param {import('./types.js').View|null} view
 */
export function sliderAxes(view) {
    if (!view)
        return [];
    return view.order.slice(0, view.order.length - view.ndisplay).filter((i) => view.axes[i] && view.axes[i].size > 1);
}

export const FLAT = 'These data have only two axes; 3D needs a third.';

/** Nothing to show in 3D. @param {import('./types.js').View|null} view */
export function flatData(view) {
    return view !== null && view.axes.length > 0 && view.axes.length < 3;
}

export const LOOK_ONLY = "You can look; changing the scene needs an editor's link.";

/** May this page change what all share? @param {State} state */
export const mayEdit = (state) => state.role !== 'viewer';

/** Does this page look through a view of its own? @param {State} state */
export const ownView = (state) => state.viewId !== 'main';

/** May this page move what it looks at? @param {State} state */
export const mayMove = (state) => mayEdit(state) || ownView(state);
