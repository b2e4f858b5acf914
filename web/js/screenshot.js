// SPDX-License-Identifier: BSD-3-Clause
// Pictures to files and to the clipboard: the canvas as it is on the screen, at its own pixels.

/** @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
function png(canvas) {
    return new Promise((resolve, reject) => {
        canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('The canvas gave no picture'))), 'image/png');
    });
}

/** @param {HTMLCanvasElement} canvas @param {string} name */
export async function saveCanvas(canvas, name) {
    save(await png(canvas), name);
}

/** @param {Uint8Array<ArrayBuffer>} bytes @param {string} name */
export function savePng(bytes, name) {
    save(new Blob([bytes], { type: 'image/png' }), name);
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
    const url = URL.createObjectURL(blob);
    const link = document.createElement('a');
    link.href = url;
    link.download = `${name || 'oriel'}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Needs a secure page. @param {HTMLCanvasElement} canvas */
export async function copyCanvas(canvas) {
    if (!navigator.clipboard || typeof ClipboardItem === 'undefined')
        throw new Error('This page may not write to the clipboard; save the picture instead.');
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': png(canvas) })]);
}

/**
 * Text to the clipboard, or into a field to copy by hand.
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function copyText(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        const field = document.createElement('textarea');
        field.value = text;
        field.className = 'offscreen';
        document.body.append(field);
        field.select();
        const done = document.execCommand('copy');
        field.remove();
        return done;
    }
}
