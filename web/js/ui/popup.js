// SPDX-License-Identifier: BSD-3-Clause
// Popups: opened by a chevron, the right button or Shift+F10 alike; they give the focus back when they go.

import { h } from './dom.js';

const MARGIN = 8;
/** @type {{close: (restore: boolean) => void, element: HTMLElement, anchor: HTMLElement}|null} */
let current = null;

/**
 * @typedef {{x: number, y: number}|null} At client pixels, or null for "at the anchor"
 * @typedef {(close: () => void) => {label: string, content: HTMLElement, wide?: boolean, role?: string, quiet?: boolean,
 *   onClose?: () => void}} Build
 *   `quiet`: the popup itself takes the focus, nothing in it
 */

/**
 * Opens a popup beside `anchor`; another open one closes.
 * @param {HTMLElement} anchor
 * @param {Build} build
 * @param {At} [at]
 */
export function openPopup(anchor, build, at = null) {
    const again = current?.anchor === anchor;
    current?.close(false);
    if (again && !at) {
        anchor.focus();
        return;
    }
    const opener = document.activeElement instanceof HTMLElement && document.activeElement !== document.body
        ? document.activeElement : anchor;
    const { label, content, wide, role, quiet, onClose } = build(() => close(true));
    const element = h('div', {
        class: `popup${wide ? ' popup-wide' : ''}`, role: role ?? 'dialog', 'aria-label': label, tabIndex: -1,
    }, content);

    /** @param {boolean} restore */
    function close(restore) {
        if (current?.element !== element)
            return;
        current = null;
        window.removeEventListener('pointerdown', outside, true);
        window.removeEventListener('resize', leave);
        anchor.removeAttribute('aria-expanded');
        element.remove();
        onClose?.();
        if (restore)
            (opener.isConnected ? opener : anchor).focus({ preventScroll: true });
    }
    const leave = () => close(false);
    /** @param {PointerEvent} event */
    const outside = (event) => {
        const target = /** @type {Node} */ (event.target);
        if (!element.contains(target) && !anchor.contains(target))
            close(false);
    };

    element.addEventListener('keydown', (event) => {
        if (event.key === 'Escape') {
            event.preventDefault();
            event.stopPropagation();
            close(true);
        }
    });
    element.addEventListener('focusout', (event) => {
        if (event.relatedTarget instanceof Node && !element.contains(event.relatedTarget))
            close(false);
    });
    document.body.append(element);
    if ('popover' in element) {
        element.popover = 'manual';
        element.showPopover();
    }
    anchor.setAttribute('aria-expanded', 'true');
    current = { close, element, anchor };
    place(element, anchor, at);
    window.addEventListener('pointerdown', outside, true);
    window.addEventListener('resize', leave);
    const first = quiet ? element : element.querySelector('[data-autofocus]') ??
        element.querySelector('input:not([disabled]), button:not([disabled]), [tabindex="0"]');
    (first instanceof HTMLElement ? first : element).focus({ preventScroll: true });
}

/** @param {HTMLElement} element @param {HTMLElement} anchor @param {At} at */
function place(element, anchor, at) {
    const box = at ? { left: at.x, right: at.x, top: at.y, bottom: at.y } : anchor.getBoundingClientRect();
    const { offsetWidth: w, offsetHeight: tall } = element;
    const left = Math.max(MARGIN, Math.min(box.left, innerWidth - w - MARGIN));
    const below = box.bottom + 4;
    const fits = below + tall <= innerHeight - MARGIN;
    const top = fits ? below : Math.max(MARGIN, box.top - tall - 4);
    element.style.left = `${left}px`;
    element.style.top = `${Math.min(top, Math.max(MARGIN, innerHeight - tall - MARGIN))}px`;
}

export function closePopup() {
    current?.close(false);
}

export const popupOpen = () => current !== null;

/**
 * The three ways to a popup. `target` takes the right button and Shift+F10, `chevron` a press.
 * @param {HTMLElement} target
 * @param {Build} build
 * @param {HTMLElement} [chevron]
 * @param {() => boolean} [enabled]
 */
export function attachPopup(target, build, chevron, enabled = () => true) {
    const anchor = chevron ?? target;
    anchor.setAttribute('aria-haspopup', 'dialog');
    target.addEventListener('contextmenu', (event) => {
        event.preventDefault();
        if (enabled())
            openPopup(anchor, build, null);
    });
    target.addEventListener('keydown', (event) => {
        if (enabled() && (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey))) {
            event.preventDefault();
            event.stopPropagation();
            openPopup(anchor, build, null);
        }
    });
    chevron?.addEventListener('click', () => openPopup(anchor, build, null));
}

/**
 * A menu of actions.
 * @param {string} label
 * @param {({text: string, hint?: string, run: () => void, checked?: boolean, disabled?: boolean, title?: string, danger?: boolean}|null)[]} items
 *   null: a separator; `title`: e.g. why it is disabled
 * @returns {Build}
 */
export function menu(label, items) {
    return (close) => {
        const content = h('div', { class: 'menu' }, ...items.map((item) => item === null
            ? h('hr')
            : h('button', {
                type: 'button', role: item.checked === undefined ? 'menuitem' : 'menuitemcheckbox',
                'aria-checked': item.checked === undefined ? null : item.checked,
                class: item.danger ? 'danger' : null, disabled: item.disabled ?? false, title: item.title ?? '',
                onclick: () => {
                    close();
                    item.run();
                },
            }, h('span', null, item.text), item.hint ? h('kbd', null, item.hint) : null)));
        content.addEventListener('keydown', moveFocus);
        return { label, content, role: 'menu' };
    };
}

/** Up, Down, Home and End among the buttons of a list. @param {KeyboardEvent} event */
export function moveFocus(event) {
    const list = /** @type {HTMLElement} */ (event.currentTarget);
    const buttons = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('button:not([disabled])')]);
    const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || !buttons.length)
        return;
    event.preventDefault();
    buttons[(to + buttons.length) % buttons.length].focus();
}
