// SPDX-License-Identifier: BSD-3-Clause
// The bar at the top: what is open, what can be done with it, how the link is.

import { chordText } from '../keys.js';
import { sourceName } from '../url.js';
import { attribute, h, icon, iconButton, setText } from './dom.js';
import { attachPopup, menu, openPopup } from './popup.js';

const REFRESH_MS = 1000;
const AMBER_MS = 150;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   settings: import('../settings.js').Settings,
 *   stats: import('../stats.js').Stats,
 *   act: (id: string) => void,
 *   canOpen: () => boolean,
 * }} parts
 */
export function createTopBar({ store, settings, stats, act, canOpen }) {
    const name = h('span', { class: 'data-name' });
    const open = h('button', { type: 'button', class: 'bar-button', onclick: () => act('open') }, icon('folder'), h('span', null, 'Open'));
    const share = h('button', { type: 'button', class: 'bar-button roomy', title: 'Copy a link to this view', onclick: () => act('share') },
        icon('link'), h('span', null, 'Share'));
    const shot = h('button', { type: 'button', class: 'bar-button', title: `Save the canvas as PNG (${chordText('Alt+S')})`,
        onclick: () => act('save') }, icon('camera'), h('span', null, 'Screenshot'));
    const shotMore = iconButton('down', 'Screenshot choices', { class: 'chevron' });
    const search = h('button', { type: 'button', class: 'bar-button bar-search roomy', 'aria-label': 'Search commands', onclick: () => act('palette') },
        icon('search'), h('span', null, 'Search'), h('kbd', null, chordText('Mod+K')));
    const dot = h('span', { class: 'link-dot', 'aria-hidden': 'true' });
    const delay = h('span', { class: 'link-delay' });
    const link = h('button', { type: 'button', class: 'bar-button link-chip', onclick: () => act('statistics') }, dot, delay);
    const help = iconButton('help', `Keys and gestures (${chordText('?')})`, { onclick: () => act('help') });
    const more = iconButton('more', 'Settings', { 'aria-haspopup': 'menu' });
    const dock = iconButton('panel', `Side panel (${chordText('Mod+B')})`, { class: 'dock-toggle', onclick: () => act('dock') });
    const element = h('header', { class: 'topbar', 'aria-label': 'Oriel' }, dock,
        h('span', { class: 'brand' }, 'Oriel'), name, h('span', { class: 'spring' }),
        open, share, h('span', { class: 'pair roomy' }, shot, shotMore), search, link, help, more);

    attachPopup(shot, menu('Screenshot', [
        { text: 'Save canvas as PNG', hint: chordText('Alt+S'), run: () => act('save') },
        { text: 'Copy canvas as PNG', hint: chordText('Alt+C'), run: () => act('copy') },
    ]), shotMore);

    more.addEventListener('click', () => openPopup(more, (close) => {
        const s = settings.get();
        const flip = (/** @type {'scaleBar'|'axes'|'reverseSlices'|'scrollPans'|'shiftSteps'|'statistics'} */ key) =>
            () => settings.set({ [key]: !settings.get()[key] });
        const theme = (/** @type {string} */ value) => () => settings.set({ theme: value });
        const tight = matchMedia('(max-width: 480px)').matches;
        return menu('Settings', [
            ...(tight ? [
                { text: 'Copy a link to this view', run: () => act('share'), disabled: share.disabled },
                { text: 'Save canvas as PNG', run: () => act('save'), disabled: shot.disabled },
                { text: 'Search commands', run: () => act('palette') }, null,
            ] : []),
            { text: 'Dark', checked: s.theme === 'dark', run: theme('dark') },
            { text: 'Light', checked: s.theme === 'light', run: theme('light') },
            { text: 'As the system', checked: s.theme === 'system', run: theme('system') },
            null,
            { text: 'Scale bar', checked: s.scaleBar, run: flip('scaleBar') },
            { text: 'Axes in 3D', checked: s.axes, run: flip('axes') },
            { text: 'Statistics', hint: '\\', checked: s.statistics, run: flip('statistics') },
            null,
            { text: 'Reverse slice wheel', checked: s.reverseSlices, run: flip('reverseSlices') },
            { text: 'Two-finger scroll pans', checked: s.scrollPans, run: flip('scrollPans') },
            { text: 'Shift+wheel steps ten slices', checked: s.shiftSteps, run: flip('shiftSteps') },
            null,
            { text: 'Full screen', hint: 'F11', run: () => act('fullscreen') },
        ])(close);
    }));

    function update() {
        const s = store.get();
        const source = sourceName(s);
        setText(name, source);
        document.title = source ? `${source} – Oriel` : 'Oriel';
        open.hidden = !canOpen();
        share.disabled = shot.disabled = shotMore.disabled = !s.layers.length;
        attribute(dock, 'aria-pressed', settings.get().dockOpen);
    }

    function updateLink() {
        const { link: now } = store.get();
        const input = stats.summary().input.p50;
        const slow = input !== null && input > AMBER_MS;
        const kind = now.phase !== 'open' ? 'down' : slow ? 'slow' : 'good';
        attribute(dot, 'data-kind', kind);
        const words = { connecting: 'connecting', lost: 'offline', refused: 'refused', open: input === null ? 'connected' : `${input.toFixed(0)} ms` };
        setText(delay, words[now.phase]);
        const meaning = now.phase === 'open' && input !== null ? `Input to picture ${input.toFixed(0)} ms` : words[now.phase];
        attribute(link, 'aria-label', `${meaning}. Statistics`);
        link.title = `${meaning}. Statistics (\\)`;
    }

    store.watch((s) => [s.layers, s.commands], update);
    settings.watch(update);
    store.watch((s) => s.link, updateLink);
    setInterval(() => !document.hidden && updateLink(), REFRESH_MS);
    return { element, help, search, open, more };
}
