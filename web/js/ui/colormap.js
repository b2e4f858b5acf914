// SPDX-License-Identifier: BSD-3-Clause
// The colormap of a layer: a button with the strip, and a list with a strip beside each name.

import { h, icon, setText } from './dom.js';
import { uniqueId } from './field.js';
import { moveFocus, openPopup } from './popup.js';

/** Napari's names, for a server that does not tell its own. */
export const NAMES = ('blue,bop blue,bop orange,bop purple,cyan,fire,gist_earth,gray,gray_r,green,HiLo,hsv,I Blue,' +
    'I Bordeaux,I Forest,I Orange,I Purple,ice,inferno,magenta,magma,nan,PiYG,plasma,red,turbo,twilight,' +
    'twilight_shifted,viridis,yellow').split(',');

/** @type {Map<string, number[][]>} */
const samples = new Map();

/** Reads the colours of every map once. @returns {Promise<void>} */
export async function loadColormaps() {
    const answer = await fetch('api/colormaps.json');
    if (!answer.ok)
        return;
    for (const { name, colors } of /** @type {import('../types.js').Colormap[]} */ (await answer.json()))
        samples.set(name, colors);
}

/** All names, sorted without regard to case. */
export function colormapNames() {
    const names = samples.size ? [...samples.keys()] : NAMES;
    return names.slice().sort((a, b) => a.toLowerCase().localeCompare(b.toLowerCase(), 'en'));
}

/** @param {any} colormap a name, or colours of its own */
export function colormapName(colormap) {
    return typeof colormap === 'string' ? colormap : colormap?.name ?? 'custom';
}

/** A CSS gradient. @param {any} colormap */
export function gradient(colormap) {
    const own = Array.isArray(colormap?.colors) ? colormap.colors.map((/** @type {number[]} */ c) => c.map((v) => v * 255)) : null;
    const colors = own ?? samples.get(colormapName(colormap));
    if (!colors?.length)
        return 'linear-gradient(to right, #000, #fff)';
    const stops = colors.map((/** @type {number[]} */ c) => `rgb(${Math.round(c[0])} ${Math.round(c[1])} ${Math.round(c[2])})`);
    return `linear-gradient(to right, ${stops.length > 1 ? stops.join(', ') : `${stops[0]}, ${stops[0]}`})`;
}

/** @param {(name: string) => void} onChange */
export function createColormapRow(onChange) {
    const id = uniqueId();
    const strip = h('span', { class: 'strip' });
    const name = h('span', { class: 'strip-name' });
    const button = h('button', { type: 'button', class: 'select-button', 'aria-haspopup': 'listbox', 'aria-labelledby': `${id} ${id}v` },
        strip, name, icon('down'));
    name.id = `${id}v`;
    const element = h('div', { class: 'row row-choice' }, h('span', { class: 'row-label', id }, 'colormap'), button);
    let current = '';

    button.addEventListener('click', () => openPopup(button, (close) => {
        const content = h('div', { class: 'menu colormaps' }, ...colormapNames().map((option) => {
            const line = h('span', { class: 'strip' });
            line.style.background = gradient(option);
            const item = h('button', { type: 'button', role: 'option', 'aria-selected': option === current,
                onclick: () => {
                    close();
                    onChange(option);
                } }, line, h('span', null, option));
            if (option === current)
                item.dataset.autofocus = '';
            return item;
        }));
        content.addEventListener('keydown', moveFocus);
        content.addEventListener('keydown', seek);
        queueMicrotask(() => content.querySelector('[data-autofocus]')?.scrollIntoView({ block: 'center' }));
        return { label: 'Colormap', content, role: 'listbox' };
    }));

    return {
        element,
        /** @param {any} colormap @param {boolean} rgb @param {string} [disabled] the reason, if it cannot be changed now */
        update(colormap, rgb, disabled = '') {
            current = colormapName(colormap);
            setText(name, rgb ? 'RGB' : current);
            button.disabled = rgb || disabled !== '';
            button.title = disabled;
            element.classList.toggle('row-off', disabled !== '');
            strip.style.background = rgb ? 'linear-gradient(to right, #f33, #3c3, #36f)' : gradient(colormap);
        },
    };
}

/** Typing a letter goes to the next name that starts with it. @param {KeyboardEvent} event */
function seek(event) {
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey)
        return;
    const list = /** @type {HTMLElement} */ (event.currentTarget);
    const items = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('button')]);
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = [...items.slice(at + 1), ...items.slice(0, at + 1)]
        .find((item) => item.textContent?.toLowerCase().startsWith(event.key.toLowerCase()));
    if (next) {
        event.preventDefault();
        event.stopPropagation();
        next.focus();
    }
}
