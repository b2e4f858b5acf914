// SPDX-License-Identifier: BSD-3-Clause
// Mouse, pen and keyboard-held modifiers on the canvas, to local poses. What each gesture does is napari's.

import { isMac } from '../settings.js';
import * as camera from './camera.js';
import { attachTouch } from './touch.js';
import { attachWheel } from './wheel-input.js';

/** @typedef {import('./camera.js').Point} Point */
/** @typedef {import('../types.js').Pose} Pose */

const BOX_PIXELS = 5;

/**
 * @typedef {{
 *   viewport: import('./viewport.js').Viewport,
 *   frames: import('../frame.js').FrameLoop,
 *   settings: import('../settings.js').Settings,
 *   stepSlice: (delta: number) => void,
 *   stepLayer: (delta: number) => void,
 *   onHover: (u: Point|null) => void,
 *   onBox: (box: {a: Point, b: Point}|null) => void,
 *   onContext: (at: {x: number, y: number}) => void,
 *   onBusy: (busy: boolean) => void,
 * }} Hooks
 */

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Hooks} hooks `onHover` in canvas pixels, `onBox` in CSS pixels, `onContext` in client pixels
 */
export function attachGestures(canvas, hooks) {
    const { viewport } = hooks;
    /** @type {{id: number, kind: string, start: Point, last: Point, pose: Pose, startCss: Point}|null} */
    let drag = null;
    let controlDown = false;
    let lastPointer = 'mouse';

    /** @param {{clientX: number, clientY: number}} event @returns {Point} CSS pixels in the canvas */
    const css = (event) => {
        const box = canvas.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    /** Canvas pixels for a CSS pixel. */
    const density = () => canvas.width / (canvas.getBoundingClientRect().width || 1);
    /** @param {{clientX: number, clientY: number}} event @returns {Point} canvas pixels */
    const pixel = (event) => {
        const k = density();
        const { x, y } = css(event);
        return { x: x * k, y: y * k };
    };

    /** @param {PointerEvent} event */
    function kindOf(event) {
        const { ctrlKey, metaKey, altKey, shiftKey, button } = event;
        const volume = viewport.pose().ndisplay === 3;
        if (button === 0 && !ctrlKey && !metaKey) {
            if (altKey)
                return shiftKey ? '' : 'box';
            if (shiftKey)
                return volume ? 'pan' : '';
            return volume ? 'orbit' : 'pan';
        }
        if (button === 2 && !ctrlKey && !metaKey && !altKey)
            return shiftKey ? (volume ? 'fov' : '') : 'zoom';
        return '';
    }

    /** @param {PointerEvent} event */
    function down(event) {
        lastPointer = event.pointerType;
        if (event.pointerType === 'touch')
            return;
        if (event.button === 1)
            event.preventDefault();
        canvas.focus({ preventScroll: true });
        const kind = kindOf(event);
        if (drag || !kind || !viewport.known())
            return;
        canvas.setPointerCapture(event.pointerId);
        const at = pixel(event);
        drag = { id: event.pointerId, kind, start: at, last: at, pose: viewport.pose(), startCss: css(event) };
        canvas.dataset.drag = kind;
        hooks.onBusy(true);
    }

    /** @param {PointerEvent} event */
    function move(event) {
        if (event.pointerType === 'touch')
            return;
        const at = pixel(event);
        if (!drag) {
            hooks.onHover(at);
            return;
        }
        if (event.pointerId !== drag.id)
            return;
        const rise = css(event).y - drag.startCss.y;
        const when = event.timeStamp;
        switch (drag.kind) {
        case 'pan':
            viewport.move(camera.pan(viewport.pose(), at.x - drag.last.x, at.y - drag.last.y), when);
            break;
        case 'orbit':
            viewport.move(camera.orbit(viewport.pose(), drag.last, at, viewport.size()), when);
            break;
        case 'zoom': {
            const from = { ...viewport.pose(), zoom: drag.pose.zoom, center: drag.pose.center };
            const about = from.ndisplay === 2 ? drag.start : undefined;
            viewport.move(camera.zoom(from, camera.DRAG_BASE ** -rise, about, viewport.size()), when);
            break;
        }
        case 'fov':
            viewport.move(camera.perspective(viewport.pose(), drag.pose.fov - rise / 5), when);
            break;
        case 'box':
            hooks.onBox({ a: drag.startCss, b: css(event) });
            break;
        }
        drag.last = at;
        hooks.onHover(at);
    }

    /** @param {PointerEvent} event */
    function up(event) {
        if (!drag || event.pointerId !== drag.id)
            return;
        if (drag.kind === 'box') {
            const from = drag.startCss;
            const to = css(event);
            if (Math.abs(to.x - from.x) > BOX_PIXELS && Math.abs(to.y - from.y) > BOX_PIXELS)
                viewport.move(camera.zoomToBox(viewport.pose(), drag.start, pixel(event), viewport.size()));
        }
        end();
    }

    function end() {
        if (!drag)
            return;
        const { id, kind } = drag;
        drag = null;
        delete canvas.dataset.drag;
        if (kind === 'box')
            hooks.onBox(null);
        if (canvas.hasPointerCapture(id))
            canvas.releasePointerCapture(id);
        hooks.onBusy(false);
    }

    /** @param {MouseEvent} event */
    function doubleClick(event) {
        if (lastPointer === 'touch' || event.ctrlKey || event.metaKey || event.shiftKey)
            return;
        const factor = event.altKey ? 0.5 : 2;
        viewport.move(camera.zoom(viewport.pose(), factor, pixel(event), viewport.size()), event.timeStamp);
    }

    canvas.addEventListener('pointerdown', down);
    canvas.addEventListener('pointermove', move);
    canvas.addEventListener('pointerup', up);
    canvas.addEventListener('pointercancel', end);
    canvas.addEventListener('lostpointercapture', end);
    canvas.addEventListener('pointerleave', (event) => !drag && event.pointerType !== 'touch' && hooks.onHover(null));
    canvas.addEventListener('dblclick', doubleClick);
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener('mousedown', (event) => event.button === 1 && event.preventDefault());

    window.addEventListener('keydown', (event) => {
        controlDown ||= event.key === 'Control';
        if (event.key === 'Escape' && drag?.kind === 'box')
            end();
    }, true);
    window.addEventListener('keyup', (event) => {
        if (event.key === 'Control')
            controlDown = false;
        if (event.key === 'Alt' && drag?.kind === 'box')
            end();
    }, true);
    window.addEventListener('blur', () => {
        controlDown = false;
        end();
    });

    attachWheel(canvas, { ...hooks, pixel, density, context: () => ({
        controlDown, mac: isMac, shiftSteps: hooks.settings.get().shiftSteps,
    }) });
    attachTouch(canvas, { ...hooks, pixel });
}
