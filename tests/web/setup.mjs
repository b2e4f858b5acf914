// SPDX-License-Identifier: BSD-3-Clause
// Development tools of the web tests, installed into the build folder. Exit code 77 is a skipped test.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** @param {string} reason @returns {never} */
export function skip(reason) {
    console.log(`skipped: ${reason}`);
    process.exit(77);
}

/** Installs what a folder's package-lock.json names, once. @param {string} build
    @param {string} [from] the folder @param {string} [name] of it in the build folder @returns {string} where it is */
export function installTools(build, from = HERE, name = 'web-tests') {
    const folder = resolve(build, name);
    const lock = readFileSync(join(from, 'package-lock.json'), 'utf8');
    const stamp = join(folder, 'installed.json');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock)
        return folder;
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
        copyFileSync(join(from, file), join(folder, file));
    try {
        execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder, stdio: 'pipe', timeout: 120000 });
    } catch (error) {
        skip(`npm could not install ${name} (${String(error.stderr || error.message).trim().split('\n').pop()})`);
    }
    writeFileSync(stamp, lock);
    return folder;
}

/** @returns {string} a Chromium, or the test is skipped */
export function findBrowser() {
    const paths = [process.env.ORIEL_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
    const found = paths.find((path) => path && existsSync(path));
    return found ?? skip('no Chromium found (package chromium, or set ORIEL_CHROMIUM)');
}
