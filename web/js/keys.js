// SPDX-License-Identifier: BSD-3-Clause
// Key chords to actions. Chords read "Mod+Alt+Shift+Key"; Mod is Cmd on a Mac, Ctrl elsewhere.

import { isMac } from './settings.js';

/**
 * @typedef {{id: string, title: string, group: string, keys: string[], note?: string, repeat?: boolean,
 *   where?: 'canvas'|'list'|'page', enabled?: () => boolean, run: (event?: KeyboardEvent) => void}} Action
 *   `where`: canvas: only there; list: only in the layer list; page: only with the focus inside the page
 */

/** @type {Record<string, string>} */
const NAMES = { ' ': 'Space', ArrowLeft: 'Left', ArrowRight: 'Right', ArrowUp: 'Up', ArrowDown: 'Down' };

/**
 * @param {{key: string, code: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, shiftKey: boolean}} event
 * @param {boolean} [mac]
 */
export function chordOf(event, mac = isMac) {
    const mod = mac ? event.metaKey : event.ctrlKey;
    const foreign = mac ? event.ctrlKey : event.metaKey;
    const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
    let key = NAMES[event.key] ?? event.key;
    const typed = /^[a-z]$/i.test(key);
    if (typed || (event.altKey && letter))
        key = event.altKey && letter ? letter : key.toUpperCase();
    const symbol = key.length === 1 && !/[A-Z]/.test(key);
    return [foreign && 'Other', mod && 'Mod', event.altKey && 'Alt', event.shiftKey && !symbol && 'Shift', key]
        .filter(Boolean).join('+');
}

/** A chord as this platform writes it. @param {string} chord @param {boolean} [mac] */
export function chordText(chord, mac = isMac) {
    return chord.split('+').map((part) => {
        if (part === 'Mod')
            return mac ? '⌘' : 'Ctrl';
        if (part === 'Alt')
            return mac ? '⌥' : 'Alt';
        return { Left: '←', Right: '→', Up: '↑', Down: '↓' }[part] ?? part;
    }).join(mac ? ' ' : '+');
}

/** Does the focused element want to be typed into? @param {Element|null} element */
export function typing(element) {
    if (element instanceof HTMLInputElement)
        return !['range', 'checkbox', 'radio', 'button'].includes(element.type);
    return element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement ||
        (element instanceof HTMLElement && element.isContentEditable);
}

/** Keys that a focused widget uses itself. @param {Element|null} element @param {string} chord */
function belongsToWidget(element, chord) {
    if (!element || element === document.body || element.tagName === 'CANVAS')
        return false;
    const button = element.matches('button, [role=option], summary, a[href], input[type=checkbox]');
    if (button && (chord === 'Space' || chord === 'Enter'))
        return true;
    return element.matches('input[type=range], [role=slider], [role=menuitem], [role=menuitemcheckbox], [role=separator]') &&
        /^(Shift\+)?(Left|Right|Up|Down|Home|End|PageUp|PageDown)$/.test(chord);
}

/**
 * @param {Action[]} actions layer keys first: the first that matches runs
 * @param {{canvas: HTMLElement, list: HTMLElement}} places
 */
export function attachKeys(actions, { canvas, list }) {
    /** @param {Action} action @param {Element|null} focus */
    function applies(action, focus) {
        switch (action.where) {
        case 'canvas': return focus === canvas;
        case 'list': return list.contains(focus);
        case 'page': return focus !== null && focus !== document.body;
        default: return true;
        }
    }

    window.addEventListener('keydown', (event) => {
        if (event.defaultPrevented || event.isComposing)
            return;
        const focus = document.activeElement;
        const chord = chordOf(event);
        if (typing(focus) || belongsToWidget(focus, chord))
            return;
        const action = actions.find((a) => a.keys.includes(chord) && applies(a, focus));
        if (!action)
            return;
        event.preventDefault();
        if ((!event.repeat || action.repeat) && (action.enabled?.() ?? true))
            action.run(event);
    });
}
