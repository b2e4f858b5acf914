// SPDX-License-Identifier: BSD-3-Clause
// The sheet of keys and gestures, and the palette that runs any action by name.

import { chordText } from '../keys.js';
import { isMac } from '../settings.js';
import { h, iconButton } from './dom.js';
import { closePopup, openPopup } from './popup.js';

/** @typedef {import('../keys.js').Action} Action */

const MOD = isMac ? 'Cmd' : 'Ctrl';
/** @type {[string, string][]} */
const GESTURES = [
    ['Drag', '2D: pan · 3D: turn'],
    ['Wheel', 'Zoom (2D: about the cursor)'],
    ['Right-drag', 'Zoom'],
    ['Shift+drag', '3D: pan'],
    ['Shift+right-drag', '3D: perspective'],
    ['Alt+drag', 'Zoom into a box'],
    ['Double-click', 'Zoom in, with Alt out'],
    [`${MOD}+wheel`, 'Step through slices'],
    ['Alt+wheel', 'Select another layer'],
    ['Pinch', 'Zoom'],
    ['Alt+click on an eye', 'Show only that layer'],
    ['Two fingers', 'Pan, pinch, 3D: roll'],
    ['Two-finger tap', 'Zoom out'],
    ['Long press', 'Read the value'],
];

/** @param {string} chord */
function keyboard(chord) {
    return h('kbd', null, chordText(chord));
}

/** @param {HTMLElement} anchor @param {Action[]} actions */
export function openSheet(anchor, actions) {
    openPopup(anchor, (close) => {
        const groups = ['View', 'Slices', 'Layers', 'Page'].map((group) => h('section', null, h('h3', null, group),
            ...actions.filter((a) => a.group === group && a.keys.length).map((a) => h('div', { class: 'key-row', title: a.note ?? '' },
                h('span', null, a.title), h('span', { class: 'key-row-keys' }, ...a.keys.slice(0, 2).map(keyboard))))));
        const gestures = h('section', null, h('h3', null, 'Mouse, trackpad, touch'),
            ...GESTURES.map(([what, does]) => h('div', { class: 'key-row' }, h('span', null, does),
                h('span', { class: 'key-row-keys' }, h('kbd', null, what)))));
        const content = h('div', { class: 'sheet' },
            h('header', { class: 'sheet-head' }, h('h2', null, 'Keys and gestures'),
                iconButton('close', 'Close', { onclick: close })),
            h('div', { class: 'sheet-body', tabIndex: 0, role: 'group', 'aria-label': 'Keys and gestures'},
                h('div', { class: 'sheet-columns' }, gestures, ...groups)),
            h('p', { class: 'hint' }, 'Keys that a browser keeps to itself (Ctrl+T, Ctrl+N, Ctrl+W) have another one here. ' +
                'Colours on a display depend on the display; values in the status bar come from the data.'));
        return { label: 'Keys and gestures', content, wide: true, quiet: true };
    }, { x: innerWidth / 2 - 530, y: 56 });
}

/** @param {HTMLElement} anchor @param {Action[]} actions */
export function openPalette(anchor, actions) {
    const all = actions.filter((a) => a.title && !/\(/.test(a.title));
    openPopup(anchor, (close) => {
        const input = h('input', { type: 'text', class: 'palette-input', placeholder: 'Type a command', 'aria-label': 'Command',
            role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'palette-list', autocomplete: 'off', spellcheck: false });
        const list = h('div', { class: 'palette-list', role: 'listbox', id: 'palette-list' });
        /** @type {Action[]} */
        let found = [];
        let at = 0;

        function show() {
            const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
            found = all.filter((a) => words.every((w) => `${a.title} ${a.group}`.toLowerCase().includes(w)));
            at = Math.min(at, Math.max(found.length - 1, 0));
            list.replaceChildren(...found.map((action, i) => h('div', {
                role: 'option', class: 'palette-row', id: `palette-${i}`, 'aria-selected': i === at,
                onclick: () => run(action),
            }, h('span', null, action.title), action.keys[0] ? keyboard(action.keys[0]) : null)));
            if (!found.length)
                list.append(h('p', { class: 'hint' }, 'Nothing by that name.'));
            input.setAttribute('aria-activedescendant', found.length ? `palette-${at}` : '');
            list.children[at]?.scrollIntoView({ block: 'nearest' });
        }

        /** @param {Action} action */
        function run(action) {
            close();
            closePopup();
            if (action.enabled?.() ?? true)
                action.run();
        }

        input.addEventListener('input', () => {
            at = 0;
            show();
        });
        input.addEventListener('keydown', (event) => {
            if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
                at = (at + (event.key === 'ArrowDown' ? 1 : -1) + found.length) % Math.max(found.length, 1);
                event.preventDefault();
                show();
            } else if (event.key === 'Enter' && found[at]) {
                event.preventDefault();
                run(found[at]);
            }
        });
        show();
        return { label: 'Commands', content: h('div', { class: 'palette' }, input, list) };
    }, { x: innerWidth / 2 - 220, y: 56 });
}
