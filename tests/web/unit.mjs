// SPDX-License-Identifier: BSD-3-Clause
// Runs the unit tests of the page's pure modules.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withModules } from './modules.mjs';

const folder = fileURLToPath(new URL('unit/', import.meta.url));
const files = readdirSync(folder).filter((file) => file.endsWith('.test.mjs')).map((file) => folder + file);
process.exit(spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit', env: withModules() }).status ?? 1);
