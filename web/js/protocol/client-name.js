// SPDX-License-Identifier: BSD-3-Clause
// A random name that this browser keeps: experiments give it the same encoder again.

const KEY = 'oriel.client';

/** @returns {string} */
function invent() {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

let name = '';

/** @returns {string} */
export function clientName() {
    if (name)
        return name;
    try {
        const kept = localStorage.getItem(KEY);
        name = kept && /^[0-9a-f]{24}$/.test(kept) ? kept : invent();
        localStorage.setItem(KEY, name);
    } catch {
        name = invent(); // Private windows may refuse to remember; the name still counts for this page.
    }
    return name;
}
