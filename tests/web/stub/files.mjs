// SPDX-License-Identifier: BSD-3-Clause
// The page's files, with the headers that the real server sends.

import { createReadStream, existsSync, statSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const WEB = fileURLToPath(new URL('../../../web/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:; " +
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
const NAMES = ('blue,bop blue,bop orange,bop purple,cyan,fire,gist_earth,gray,gray_r,green,HiLo,hsv,I Blue,I Bordeaux,I Forest,' +
    'I Orange,I Purple,ice,inferno,magenta,magma,nan,PiYG,plasma,red,turbo,twilight,twilight_shifted,viridis,yellow').split(',');

const ENDS = { gray: [[0, 0, 0], [255, 255, 255]], magenta: [[0, 0, 0], [255, 0, 255]], green: [[0, 0, 0], [0, 255, 0]],
    cyan: [[0, 0, 0], [0, 255, 255]], red: [[0, 0, 0], [255, 0, 0]], viridis: [[68, 1, 84], [253, 231, 37]], hsv: [[255, 0, 0], [0, 0, 255]] };

function colormaps() {
    return NAMES.map((name) => {
        const [a, b] = ENDS[name] ?? [[20, 20, 60], [250, 220, 140]];
        return { name, colors: Array.from({ length: 32 }, (_, i) => [...a.map((v, k) => Math.round(v + ((b[k] - v) * i) / 31)), 255]) };
    });
}

/** Answers a request for a file of web/ or the colormaps. */
export function serve(request, response) {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
    const headers = { 'Content-Security-Policy': CSP, 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' };
    if (path === '/api/colormaps.json') {
        response.writeHead(200, { ...headers, 'Content-Type': 'application/json' });
        response.end(JSON.stringify(colormaps()));
        return;
    }
    const file = join(WEB, path === '/' ? 'index.html' : path);
    if (!file.startsWith(WEB) || !existsSync(file) || !statSync(file).isFile()) {
        response.writeHead(404, headers);
        response.end();
        return;
    }
    response.writeHead(200, { ...headers, 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
}
