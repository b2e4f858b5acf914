// SPDX-License-Identifier: BSD-3-Clause
// The page in headless Chromium against the test server. Usage: node ui.mjs BUILD_FOLDER [NAME…]

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withModules } from './modules.mjs';
import { findBrowser, installTools } from './setup.mjs';

const [build = 'build', ...names] = process.argv.slice(2);
const browser = findBrowser();
const tools = installTools(build);
const folder = fileURLToPath(new URL('ui/', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.test.mjs'))
    .filter((file) => !names.length || names.some((name) => file.startsWith(name))).map((file) => join(folder, file));
const env = withModules({ ORIEL_WEB_TOOLS: tools, ORIEL_CHROMIUM: browser });

/** @param {string} file @returns {Promise<{file: string, text: string, ok: boolean}>} */
const run = (file) => new Promise((resolve) => {
    const child = spawn(process.execPath, ['--test', file], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const pipe of [child.stdout, child.stderr])
        pipe.on('data', (data) => { text += data; });
    child.on('close', (status) => resolve({ file, text, ok: status === 0 }));
});

/** @type {Awaited<ReturnType<typeof run>>[]} */
const failed = [];
const waiting = [...files];
async function worker() {
    for (let file; (file = waiting.shift());) {
        const result = await run(file);
        process.stdout.write(result.text);
        if (!result.ok)
            failed.push(result);
    }
}
await Promise.all([worker(), worker()]);

// What people wait for is timed here, two browsers at a time: what failed gets a machine for itself, once.
let left = failed.length;
for (const { file } of failed) {
    console.log(`again, alone: ${basename(file)}`);
    const result = await run(file);
    process.stdout.write(result.text);
    left -= result.ok ? 1 : 0;
}
console.log(`${files.length} files, ${failed.length} run again, ${left} failed`);
process.exit(left ? 1 : 0);
