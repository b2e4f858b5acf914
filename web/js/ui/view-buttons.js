// SPDX-License-Identifier: BSD-3-Clause
// The row of buttons under the layer list, as napari's: 2D/3D, roll, transpose, home, each with its popup.

import { FLAT, flatData } from '../store.js';
import { attribute, h, iconButton, setIcon, setText } from './dom.js';
import { numberBox, sliderRow } from './field.js';
import { attachPopup } from './popup.js';
import * as camera from '../view/camera.js';

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   session: import('../session.js').Session,
 *   viewport: import('../view/viewport.js').Viewport,
 *   act: (id: string) => void,
 * }} parts
 */
export function createViewButtons({ store, session, viewport, act }) {
    const mode = iconButton('cube', 'Switch to 3D', { onclick: () => act('ndisplay') });
    const modeMore = iconButton('down', 'Camera', { class: 'chevron' });
    const roll = iconButton('roll', 'Roll axes (Ctrl+E)', { onclick: () => act('roll') });
    const rollMore = iconButton('down', 'Axis order', { class: 'chevron' });
    const transpose = iconButton('transpose', 'Transpose displayed axes (Alt+T)', { onclick: () => act('transpose') });
    const home = iconButton('home', 'Reset view (Home)', { onclick: () => act('reset') });
    const label = h('span', { class: 'mode-text' });
    mode.append(label);
    mode.classList.add('mode-button');
    const element = h('div', { class: 'view-buttons', role: 'toolbar', 'aria-label': 'View' },
        h('span', { class: 'pair' }, mode, modeMore), h('span', { class: 'pair' }, roll, rollMore), transpose, home);

    attachPopup(mode, () => {
        const solid = store.get().view?.ndisplay === 3;
        const zoom = numberBox({ label: 'Zoom', onCommit: (value) => {
            if (value > 0)
                viewport.move(camera.zoom(viewport.pose(), value / viewport.pose().zoom));
            zoom.update(String(+viewport.pose().zoom.toPrecision(5)));
        } });
        zoom.update(String(+viewport.pose().zoom.toPrecision(5)));
        const fov = sliderRow({ label: 'perspective', min: 0, max: 90, step: 1, digits: 0,
            onInput: (value) => viewport.move(camera.perspective(viewport.pose(), value)) });
        fov.update(viewport.pose().fov, solid ? '' : 'Only in 3D');
        const content = h('div', { class: 'rows' }, h('div', { class: 'popup-title' }, 'Camera'),
            h('div', { class: 'row row-choice' }, h('span', { class: 'row-label' }, 'zoom (px / unit)'), zoom.element), fov.element);
        return { label: 'Camera', content };
    }, modeMore);

    attachPopup(roll, () => {
        const content = h('div', { class: 'rows axis-order' });
        function show() {
            const { view } = store.get();
            if (!view)
                return;
            content.replaceChildren(h('div', { class: 'popup-title' }, 'Axis order'), ...view.order.map((axis, i) => {
                const displayed = i >= view.order.length - view.ndisplay;
                const swap = (/** @type {number} */ to) => {
                    const order = view.order.slice();
                    [order[i], order[to]] = [order[to], order[i]];
                    session.setView('order', order);
                };
                const name = view.axes[axis].name;
                return h('div', { class: 'row axis-row' }, h('span', { class: 'row-label' }, name),
                    h('span', { class: 'section-note' }, displayed ? 'shown' : 'slider'),
                    iconButton('up', `Move ${name} up`, { disabled: i === 0, onclick: () => swap(i - 1) }),
                    iconButton('down', `Move ${name} down`, { disabled: i === view.order.length - 1, onclick: () => swap(i + 1) }));
            }));
        }
        const stop = store.watch((s) => s.view?.order.join(), () => (content.isConnected || !content.firstChild ? show() : stop?.()));
        return { label: 'Axis order', content };
    }, rollMore);

    store.watch((s) => [s.view?.ndisplay, flatData(s.view), s.view === null || !s.layers.length, s.link.phase], () => {
        const { view, layers, link } = store.get();
        const solid = view?.ndisplay === 3;
        setIcon(mode, solid ? 'cube' : 'square');
        setText(label, solid ? '3D' : '2D');
        attribute(mode, 'aria-label', solid ? 'Switch to 2D' : 'Switch to 3D');
        const flat = flatData(view) && !solid;
        mode.title = flat ? FLAT : `${solid ? 'Switch to 2D' : 'Switch to 3D'} (Ctrl+Y)`;
        attribute(mode, 'aria-disabled', flat);
        attribute(mode, 'aria-description', flat ? FLAT : null);
        const reason = link.phase !== 'open' ? 'Not connected' : !layers.length ? 'No data' : '';
        for (const button of [mode, roll, transpose, home])
            button.disabled = reason !== '';
    });
    return { element };
}
