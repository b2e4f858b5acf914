// SPDX-License-Identifier: BSD-3-Clause
// The line over the picture that says what is wrong with the link or the pictures, and what can be done.

import { attribute, h, icon, iconButton, setText } from './dom.js';

/**
 * @param {{
 *   store: import('../store.js').Store,
 *   canvas: HTMLElement,
 *   reconnect: () => void,
 *   pictureAge: () => number|null,
 *   speak: (text: string) => void,
 *   tell: (text: string) => void,
 * }} parts `pictureAge`: seconds since the last picture
 */
export function createBanner({ store, canvas, reconnect, pictureAge, speak, tell }) {
    const text = h('span', { class: 'banner-text' });
    const again = h('button', { type: 'button', class: 'small', onclick: reconnect }, 'Reconnect now');
    const copy = h('button', { type: 'button', class: 'small', onclick: copyTunnel }, 'Copy tunnel command');
    const close = iconButton('close', 'Dismiss', { onclick: () => {
        dismissed = store.get().picture.why;
        update();
    } });
    const element = h('div', { class: 'banner', hidden: true }, h('span', { class: 'banner-say' }, icon('warning'), text), again, copy, close);
    const progress = h('div', { class: 'connecting', hidden: true, 'aria-hidden': 'true' });
    let dismissed = '';
    let spoken = '';
    /** @type {ReturnType<typeof setInterval>|undefined} */
    let ticking;

    const tunnel = () => `ssh -L ${location.port || 80}:localhost:${location.port || 80} ${location.hostname}`;

    function copyTunnel() {
        // The clipboard is missing exactly where this is needed; a selected field is not.
        const field = h('input', { type: 'text', readOnly: true, value: tunnel(), class: 'banner-field', 'aria-label': 'Tunnel command' });
        copy.replaceWith(field);
        field.select();
        if (document.execCommand?.('copy'))
            tell(`Copied. Then open http://localhost:${location.port || 80}${location.pathname}`);
    }

    function linkText() {
        const { link, picture } = store.get();
        if (link.phase === 'refused')
            return `The server refused this page: ${link.reason}`;
        const age = pictureAge();
        const wait = Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000));
        const last = picture.seen && age !== null ? `, last picture ${Math.round(age)} s ago` : '';
        const reason = link.reason ? `${link.reason}. ` : '';
        return `${reason}Reconnecting${wait ? ` in ${wait} s` : ''}${last}`;
    }

    function update() {
        const { link, picture } = store.get();
        const locked = link.code === 'unauthorized';
        const down = link.phase === 'lost' || (link.phase === 'refused' && !locked);
        progress.hidden = link.phase !== 'connecting' && link.phase !== 'lost';
        attribute(canvas, 'aria-busy', link.phase !== 'open');
        canvas.classList.toggle('stale', (down || locked) && picture.seen);
        clearInterval(ticking);
        if (down) {
            ticking = setInterval(() => setText(text, linkText()), 1000);
            setText(text, linkText());
        } else {
            setText(text, picture.why);
        }
        again.hidden = !down;
        copy.hidden = down || window.isSecureContext || !picture.why;
        close.hidden = down;
        element.classList.toggle('banner-bad', down);
        element.hidden = !down && (locked || !picture.why || picture.why === dismissed);
        const say = locked ? 'A token opens this page' : down ? 'Connection lost, reconnecting' : spoken.startsWith('Connection') ? 'Connected again' : picture.why;
        if (say && say !== spoken)
            speak(say);
        spoken = say;
    }

    store.watch((s) => [s.link, s.picture.why], update);
    return { element, progress };
}
