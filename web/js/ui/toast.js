// SPDX-License-Identifier: BSD-3-Clause
// Short notes at the corner, and the one line that screen readers hear.

import { h, icon, iconButton, setText } from './dom.js';

const SECONDS = 8;
const MOST = 4;
const SPEAK_MS = 1000;

/** @param {HTMLElement} live the polite live region */
export function createToasts(live) {
    const element = h('div', { class: 'toasts' });
    let spokenAt = -Infinity;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    let speaking;

    /** At most one line a second, the newest. @param {string} text */
    function speak(text) {
        clearTimeout(speaking);
        speaking = setTimeout(() => {
            spokenAt = performance.now();
            setText(live, '');
            setText(live, text);
        }, Math.max(0, spokenAt + SPEAK_MS - performance.now()));
    }

    /**
     * The same words again are the same note, for longer.
     * @param {string} text
     * @param {{kind?: 'info'|'error', action?: string, run?: () => void, stay?: boolean}} [options] `stay`: until it is removed
     * @returns {HTMLElement}
     */
    function show(text, { kind = 'info', action, run, stay: keep = false } = {}) {
        const same = [...element.children].find((other) => other.querySelector('.toast-text')?.textContent === text);
        same?.remove();
        const toast = h('div', { class: `toast toast-${kind}` }, icon(kind === 'error' ? 'warning' : 'info'),
            h('span', { class: 'toast-text' }, text));
        const leaveLater = () => (keep ? undefined : setTimeout(() => toast.remove(), SECONDS * 1000));
        let timer = leaveLater();
        const stay = () => clearTimeout(timer);
        const leave = () => {
            clearTimeout(timer);
            timer = leaveLater();
        };
        if (action && run) {
            toast.append(h('button', { type: 'button', class: 'small', onclick: () => {
                toast.remove();
                run();
            } }, action));
        }
        toast.append(iconButton('close', 'Dismiss', { onclick: () => toast.remove() }));
        toast.addEventListener('pointerenter', stay);
        toast.addEventListener('focusin', stay);
        toast.addEventListener('pointerleave', leave);
        toast.addEventListener('focusout', leave);
        element.append(toast);
        while (element.children.length > MOST)
            element.firstElementChild?.remove();
        speak(text);
        return toast;
    }

    return { element, show, speak };
}

/** @typedef {ReturnType<typeof createToasts>} Toasts */
