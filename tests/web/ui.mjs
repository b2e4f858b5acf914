// SPDX-License-Identifier: BSD-3-Clause
// The page in headless Chromium against the test server. Usage: node ui.mjs BUILD_FOLDER [NAME…]

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withModules } from './modules.mjs';
import { findBrowser, installTools } from './setup.mjs';

const [build = 'build', ...names] = process.argv.slice(2);
const browser = findBrowser();
const tools = installTools(build);
const folder = fileURLToPath(new URL('ui/', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.test.mjs'))
    .filter((file) => !names.length || names.some((name) => file.startsWith(name))).map((file) => join(folder, file));
const run = spawnSync(process.execPath, ['--test', '--test-concurrency=2', ...files], {
    stdio: 'inherit', env: withModules({ ORIEL_WEB_TOOLS: tools, ORIEL_CHROMIUM: browser }),
});
process.exit(run.status ?? 1);
