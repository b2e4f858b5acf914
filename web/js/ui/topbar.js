// SPDX-License-Identifier: BSD-3-Clause
// The bar at the top: what is open, what can be done with it, how the link is.

import { chordText } from '../keys.js';
import { LOOK_ONLY, mayEdit, ownView } from '../store.js';
import { sourceName } from '../url.js';
import { attribute, h, icon, iconButton, setText } from './dom.js';
import { openPeople } from './people.js';
import { attachPopup, menu, openPopup } from './popup.js';

const REFRESH_MS = 1000;
const AMBER_MS = 150;

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   settings: import('../settings.js').Settings,
 *   stats: import('../stats.js').Stats,
 *   session: import('../session.js').Session,
 *   scenes: import('./scenes.js').Scenes,
 *   shots: import('./server-shot.js').ServerShot,
 *   act: (id: string) => void,
 *   look: (own: boolean) => void,
 *   canOpen: () => boolean,
 *   canAdd: () => boolean,
 * }} parts
 */
export function createTopBar({ store, settings, stats, session, scenes, shots, act, look, canOpen, canAdd }) {
    const name = h('span', { class: 'data-name' });
    const scene = h('button', { type: 'button', class: 'bar-button data-menu', 'aria-haspopup': 'menu', onclick: openScene }, name, icon('down'));
    const badge = h('span', { class: 'badge', title: LOOK_ONLY, hidden: true }, icon('eye'), h('span', null, 'Viewing'));
    const shared = h('button', { type: 'button', class: 'bar-button view-choice', 'aria-label': 'Shared view', onclick: () => look(false) }, icon('people'), h('span', null, 'Shared view'));
    const own = h('button', { type: 'button', class: 'bar-button view-choice', 'aria-label': 'My own view', onclick: () => look(true) }, icon('person'), h('span', null, 'My own view'));
    const who = iconButton('down', 'Who is here', { class: 'chevron', 'aria-haspopup': 'dialog', onclick: () => openPeople(who, { store, session }) });
    const views = h('span', { class: 'view-group', role: 'group', 'aria-label': 'View' }, shared, own, who);
    const open = h('button', { type: 'button', class: 'bar-button', 'aria-label': 'Open', onclick: () => act('open') }, icon('folder'), h('span', null, 'Open'));
    const share = h('button', { type: 'button', class: 'bar-button share roomy', title: 'Copy a link to this view', 'aria-label': 'Share', onclick: () => act('share') },
        icon('link'), h('span', null, 'Share'));
    const shot = h('button', { type: 'button', class: 'bar-button', 'aria-label': 'Screenshot', title: `Save the canvas as PNG (${chordText('Alt+S')})`,
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
        h('span', { class: 'brand' }, 'Oriel'), scene, badge, h('span', { class: 'spring' }),
        views, open, share, h('span', { class: 'pair roomy' }, shot, shotMore), search, link, help, more);

    attachPopup(shot, (close) => menu('Screenshot', [
        { text: 'Save canvas as PNG', hint: chordText('Alt+S'), run: () => act('save') },
        { text: 'Copy canvas as PNG', hint: chordText('Alt+C'), run: () => act('copy') },
        ...(shots.can() ? [null, ...serverShots()] : []),
    ])(close), shotMore);

    function serverShots() {
        const by = (/** @type {number} */ factor) => {
            const size = shots.times(factor);
            return { text: `From the server, full quality, ${factor}×`, hint: `${size[0]} × ${size[1]}`, run: () => void shots.take(size) };
        };
        return [by(1), by(2), { text: 'From the server, other size…', run: () => shots.ask(shotMore.offsetParent ? shotMore : more) }];
    }

    function openScene() {
        const off = !mayEdit(store.get());
        const empty = !store.get().layers.length;
        const no = { disabled: off, title: off ? LOOK_ONLY : '' };
        const nothing = { ...no, disabled: off || empty };
        const parts = [
            [canOpen() && { text: 'Open data…', hint: chordText('Mod+O'), run: () => act('open'), ...no },
                canAdd() && { text: 'Add as a layer…', run: () => act('add'), ...no }],
            [scenes.canSave() && { text: 'Save the scene…', run: () => act('scene-save'), ...nothing },
                scenes.canOpen() && { text: 'Open a saved scene…', run: () => act('scene-open'), ...no }],
            [scenes.canClose() && { text: 'Close everything', run: () => act('close'), ...nothing }],
        ].map((part) => part.filter((item) => item !== false)).filter((part) => part.length);
        openPopup(scene, menu('Scene', parts.flatMap((part, i) => (i ? [null, ...part] : part))));
    }

    more.addEventListener('click', () => openPopup(more, (close) => {
        const s = settings.get();
        const flip = (/** @type {'scaleBar'|'axes'|'reverseSlices'|'scrollPans'|'shiftSteps'|'statistics'} */ key) =>
            () => settings.set({ [key]: !settings.get()[key] });
        const theme = (/** @type {string} */ value) => () => settings.set({ theme: value });
        const tight = matchMedia('(max-width: 480px)').matches;
        return menu('Settings', [
            ...(matchMedia('(max-width: 599px)').matches && session.can('napari.view.fork') ? [
                { text: 'Shared view', checked: !ownView(store.get()), run: () => look(false) },
                { text: 'My own view', checked: ownView(store.get()), run: () => look(true) },
                ...(session.can('oriel.describe') ? [{ text: 'Who is here', run: () => openPeople(more, { store, session }) }] : []), null,
            ] : []),
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
        setText(name, source || (s.commands.length && !s.layers.length ? 'No data' : ''));
        attribute(scene, 'aria-label', `Scene ${name.textContent}`);
        scene.disabled = s.link.phase !== 'open' || !(canOpen() || canAdd() || scenes.canSave() || scenes.canOpen() || scenes.canClose());
        scene.hidden = !name.textContent;
        badge.hidden = mayEdit(s);
        views.hidden = !session.can('napari.view.fork');
        who.hidden = !session.can('oriel.describe');
        for (const [button, is] of /** @type {const} */ ([[shared, !ownView(s)], [own, ownView(s)]])) {
            attribute(button, 'aria-pressed', is);
            button.disabled = s.link.phase !== 'open';
        }
        shared.title = ownView(s) ? 'Look through the view that all share again' : 'You see what all see, and move it for all';
        if (!mayEdit(s) && !ownView(s))
            shared.title = 'You see what all see';
        own.title = ownView(s) ? 'Slices and camera are yours alone; layers are shared' : 'Slices and camera of your own, from here on';
        document.title = source ? `${source} – Oriel` : 'Oriel';
        open.hidden = !canOpen();
        open.disabled = !mayEdit(s);
        open.title = mayEdit(s) ? '' : LOOK_ONLY;
        share.disabled = shot.disabled = shotMore.disabled = !s.layers.length;
        attribute(dock, 'aria-pressed', settings.get().dockOpen);
    }

    function updateLink() {
        const { link: now } = store.get();
        const input = stats.summary().input.p50;
        const slow = input !== null && input > AMBER_MS;
        const kind = now.phase !== 'open' ? 'down' : slow ? 'slow' : 'good';
        attribute(dot, 'data-kind', kind);
        const words = { connecting: 'connecting', lost: 'offline', refused: now.code === 'unauthorized' ? 'locked' : 'refused', open: input === null ? 'connected' : `${input.toFixed(0)} ms` };
        setText(delay, words[now.phase]);
        const meaning = now.phase === 'open' && input !== null ? `Input to picture ${input.toFixed(0)} ms` : words[now.phase];
        attribute(link, 'aria-label', `${meaning}. Statistics`);
        link.title = `${meaning}. Statistics (\\)`;
    }

    store.watch((s) => [s.layers, s.commands, s.role, s.viewId, s.link.phase], update);
    settings.watch(update);
    store.watch((s) => s.link, updateLink);
    setInterval(() => !document.hidden && updateLink(), REFRESH_MS);
    return { element, help, search, open, more, scene };
}
