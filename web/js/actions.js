// SPDX-License-Identifier: BSD-3-Clause
// Everything the page can do by key or by name: one table for the keys, the sheet and the palette.

import { FLAT, flatData, sliderAxes } from './store.js';
import * as camera from './view/camera.js';

/** @typedef {import('./keys.js').Action} Action */

/**
 * @typedef {{
 *   store: import('./store.js').Store,
 *   session: import('./session.js').Session,
 *   layers: import('./layers.js').Layers,
 *   viewport: import('./view/viewport.js').Viewport,
 *   settings: import('./settings.js').Settings,
 *   tell: (text: string) => void,
 *   togglePlay: () => void, rename: () => void, openData: (how: 'open'|'add') => void,
 *   saveScene: () => void, openScene: () => void, closeAll: () => void, look: (own: boolean) => void, share: () => void,
 *   saveScreenshot: () => void, copyScreenshot: () => void, help: () => void, palette: () => void,
 *   fullscreen: () => void, cycleRegion: (delta: number) => void, readCentre: () => void,
 * }} Parts
 */

/** @param {Parts} parts @returns {Action[]} */
export function createActions(parts) {
    const { store, session, layers, viewport, settings, tell } = parts;
    const state = () => store.get();
    const hasView = () => state().view !== null;

    /** @param {number} delta */
    function stepSlice(delta) {
        const { axis } = state();
        if (axis)
            session.stepAxis(axis, delta);
    }

    /** @param {number} delta */
    function chooseAxis(delta) {
        const { view, axis } = state();
        const names = sliderAxes(view).map((i) => view?.axes[i].name ?? '');
        const at = names.indexOf(axis);
        if (names.length)
            store.set({ axis: names[(at + delta + names.length) % names.length] });
    }

    /** Rotates the order by one over the axes that have more than one step. */
    function roll() {
        const { view } = state();
        if (!view)
            return;
        const places = view.order.map((_, i) => i).filter((i) => view.axes[view.order[i]].size > 1);
        const order = view.order.slice();
        places.forEach((place, i) => {
            order[places[(i + 1) % places.length]] = view.order[place];
        });
        session.setView('order', order);
    }

    function transpose() {
        const { view } = state();
        if (!view)
            return;
        const order = view.order.slice();
        const n = order.length;
        [order[n - 2], order[n - 1]] = [order[n - 1], order[n - 2]];
        session.setView('order', order);
    }

    /** A tenth of the view, or ten degrees. @param {number} x @param {number} y */
    function nudge(x, y) {
        const pose = viewport.pose();
        const { w, h } = viewport.size();
        if (pose.ndisplay === 3)
            viewport.move(camera.spin(pose, x ? [0, 1, 0] : [1, 0, 0], x ? x * -10 : y * 10));
        else
            viewport.move(camera.pan(pose, (-x * w) / 10, (-y * h) / 10));
    }

    /** @param {number} notches */
    function zoom(notches) {
        const pose = viewport.pose();
        viewport.move(camera.zoom(pose, (pose.ndisplay === 3 ? camera.NOTCH_3D : camera.NOTCH_2D) ** notches));
    }

    /** @param {number} delta */
    function showOnly(delta) {
        layers.step(delta);
        const { active } = state();
        for (const layer of state().layers)
            layers.setVisible(layer.id, layer.id === active);
    }

    const theme = () => settings.set({ theme: document.documentElement.dataset.theme === 'light' ? 'dark' : 'light' });

    return [
        { id: 'auto', title: 'Auto contrast', group: 'Layers', keys: ['C'], run: () => layers.autoContrast(layers.selected()) },
        { id: 'previous', title: 'Previous slice', group: 'Slices', keys: ['Left'], repeat: true, run: () => stepSlice(-1) },
        { id: 'next', title: 'Next slice', group: 'Slices', keys: ['Right'], repeat: true, run: () => stepSlice(1) },
        { id: 'axis-up', title: 'Axis above', group: 'Slices', keys: ['Alt+Up'], run: () => chooseAxis(-1) },
        { id: 'axis-down', title: 'Axis below', group: 'Slices', keys: ['Alt+Down'], run: () => chooseAxis(1) },
        { id: 'play', title: 'Play or stop', group: 'Slices', keys: ['Mod+Alt+P', '.'], run: parts.togglePlay },
        { id: 'ndisplay', title: 'Switch 2D / 3D', group: 'View', keys: ['Mod+Y'], enabled: hasView,
            run: () => (flatData(state().view) ? tell(FLAT) : session.setView('ndisplay', state().view?.ndisplay === 3 ? 2 : 3)) },
        { id: 'reset', title: 'Reset view', group: 'View', keys: ['Home'], enabled: hasView, run: () => session.setView('reset', {}) },
        { id: 'reset-mod', title: 'Reset view (focus in the page)', group: 'View', keys: ['Mod+R'], where: 'page', enabled: hasView,
            run: () => session.setView('reset', {}) },
        { id: 'roll', title: 'Roll axes', group: 'View', keys: ['Mod+E'], run: roll },
        { id: 'transpose', title: 'Transpose displayed axes', group: 'View', keys: ['Alt+T', 'Mod+T'], run: transpose,
            note: 'Ctrl+T also works in full screen or installed' },
        { id: 'pan-left', title: 'Pan or turn left', group: 'View', keys: ['Mod+Shift+Left'], repeat: true, run: () => nudge(-1, 0) },
        { id: 'pan-right', title: 'Pan or turn right', group: 'View', keys: ['Mod+Shift+Right'], repeat: true, run: () => nudge(1, 0) },
        { id: 'pan-up', title: 'Pan or turn up', group: 'View', keys: ['Mod+Shift+Up'], repeat: true, run: () => nudge(0, -1) },
        { id: 'pan-down', title: 'Pan or turn down', group: 'View', keys: ['Mod+Shift+Down'], repeat: true, run: () => nudge(0, 1) },
        { id: 'zoom-in', title: 'Zoom in', group: 'View', keys: ['PageUp'], repeat: true, run: () => zoom(1) },
        { id: 'zoom-out', title: 'Zoom out', group: 'View', keys: ['PageDown'], repeat: true, run: () => zoom(-1) },
        { id: 'read', title: 'Read the value at the centre', group: 'View', keys: ['Enter'], where: 'canvas', run: parts.readCentre },
        { id: 'hold', title: 'Pan and zoom while held', group: 'View', keys: ['Space'], where: 'canvas', run: () => {} },
        { id: 'swallow', title: '', group: '', keys: ['Backspace'], where: 'canvas', run: () => {} },
        { id: 'visible', title: 'Show or hide selected layers', group: 'Layers', keys: ['V'], run: () => layers.toggle(layers.selected()) },
        { id: 'visible-others', title: 'Show or hide the others', group: 'Layers', keys: ['Shift+V'],
            run: () => layers.toggle(layers.others()) },
        { id: 'layer-up', title: 'Select the layer above', group: 'Layers', keys: ['Mod+Up'], repeat: true, run: () => layers.step(1) },
        { id: 'layer-down', title: 'Select the layer below', group: 'Layers', keys: ['Mod+Down'], repeat: true,
            run: () => layers.step(-1) },
        { id: 'extend-up', title: 'Extend the selection up', group: 'Layers', keys: ['Shift+Up'], run: () => layers.step(1, true) },
        { id: 'extend-down', title: 'Extend the selection down', group: 'Layers', keys: ['Shift+Down'],
            run: () => layers.step(-1, true) },
        { id: 'only-up', title: 'Show only the layer above', group: 'Layers', keys: ['Alt+Shift+Up'], run: () => showOnly(1) },
        { id: 'only-down', title: 'Show only the layer below', group: 'Layers', keys: ['Alt+Shift+Down'], run: () => showOnly(-1) },
        { id: 'rename', title: 'Rename the layer', group: 'Layers', keys: ['F2'], run: parts.rename },
        { id: 'remove', title: 'Remove selected layers', group: 'Layers', keys: ['Mod+Delete', 'Mod+Backspace'],
            run: () => layers.remove(layers.selected()) },
        { id: 'remove-list', title: 'Remove (in the layer list)', group: 'Layers', keys: ['Delete', 'Backspace'], where: 'list',
            run: () => layers.remove(layers.selected()) },
        { id: 'palette', title: 'Search commands', group: 'Page', keys: ['Mod+K', 'Mod+Shift+P'], run: parts.palette },
        { id: 'help', title: 'Keys and gestures', group: 'Page', keys: ['?', 'Mod+Alt+/'], run: parts.help },
        { id: 'open', title: 'Open data', group: 'Page', keys: ['Mod+O'], run: () => parts.openData('open') },
        { id: 'add', title: 'Add data as a layer', group: 'Page', keys: [], enabled: () => session.can('napari.layer.add'), run: () => parts.openData('add') },
        { id: 'scene-save', title: 'Save the scene', group: 'Page', keys: [], enabled: () => session.can('napari.scene.save'), run: parts.saveScene },
        { id: 'scene-open', title: 'Open a saved scene', group: 'Page', keys: [], enabled: () => session.can('napari.scene.load'), run: parts.openScene },
        { id: 'close', title: 'Close everything', group: 'Page', keys: [], enabled: () => session.can('napari.close'), run: parts.closeAll },
        { id: 'shared', title: 'Shared view', group: 'View', keys: [], enabled: () => session.can('napari.view.follow'), run: () => parts.look(false) },
        { id: 'own', title: 'My own view', group: 'View', keys: [], enabled: () => session.can('napari.view.fork'), run: () => parts.look(true) },
        { id: 'share', title: 'Copy a link to this view', group: 'Page', keys: [], run: parts.share },
        { id: 'save', title: 'Save the canvas as PNG', group: 'Page', keys: ['Alt+S', 'Mod+S'], run: parts.saveScreenshot },
        { id: 'copy', title: 'Copy the canvas as PNG', group: 'Page', keys: ['Alt+C'], run: parts.copyScreenshot },
        { id: 'statistics', title: 'Statistics', group: 'Page', keys: ['\\'],
            run: () => settings.set({ statistics: !settings.get().statistics }) },
        { id: 'dock', title: 'Side panel', group: 'Page', keys: ['Mod+B'], run: () => settings.set({ dockOpen: !settings.get().dockOpen }) },
        { id: 'theme', title: 'Light or dark', group: 'Page', keys: ['Alt+Shift+T', 'Mod+Shift+T'], run: theme },
        { id: 'fullscreen', title: 'Full screen', group: 'Page', keys: ['F11'], run: parts.fullscreen },
        { id: 'region', title: 'Next part of the page', group: 'Page', keys: ['F6'], run: () => parts.cycleRegion(1) },
        { id: 'region-back', title: 'Previous part of the page', group: 'Page', keys: ['Shift+F6'], run: () => parts.cycleRegion(-1) },
    ];
}
