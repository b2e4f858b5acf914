// SPDX-License-Identifier: BSD-3-Clause
// Preferences of this browser, remembered; never part of a link.

const KEY = 'oriel.settings';

const DEFAULTS = {
    theme: 'dark', dock: 264, dockOpen: true, scaleBar: true, axes: true, statistics: false,
    reverseSlices: false, scrollPans: false, shiftSteps: false, histogram: false,
};
/** @typedef {typeof DEFAULTS} Values */

function load() {
    try {
        const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}');
        const known = Object.entries(stored)
            .filter(([key, value]) => typeof value === typeof DEFAULTS[/** @type {keyof Values} */ (key)]);
        return { ...DEFAULTS, ...Object.fromEntries(known) };
    } catch {
        return { ...DEFAULTS };
    }
}

export function createSettings() {
    /** @type {Values} */
    let values = load();
    /** @type {Set<(values: Values) => void>} */
    const watchers = new Set();
    return {
        get: () => values,
        /** @param {Partial<Values>} patch */
        set(patch) {
            values = { ...values, ...patch };
            try {
                localStorage.setItem(KEY, JSON.stringify(values));
            } catch {
                // Private windows may refuse to remember; the setting still counts for this page.
            }
            for (const run of watchers)
                run(values);
        },
        /** Calls now and after every change. @param {(values: Values) => void} run */
        watch(run) {
            watchers.add(run);
            run(values);
        },
    };
}

/** @typedef {ReturnType<typeof createSettings>} Settings */

export const isMac = /mac|iphone|ipad/i.test(globalThis.navigator?.platform ?? '');
