// SPDX-License-Identifier: BSD-3-Clause
// The page's JSDoc types, checked strictly. Usage: node types.mjs BUILD_FOLDER

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installTools } from './setup.mjs';

const folder = installTools(process.argv[2] ?? 'build');
const web = fileURLToPath(new URL('../../web/js/**/*.js', import.meta.url));
const config = join(folder, 'tsconfig.json');
writeFileSync(config, JSON.stringify({
    compilerOptions: {
        allowJs: true, checkJs: true, strict: true, noEmit: true, noUnusedLocals: true, noUnusedParameters: true,
        target: 'es2022', module: 'es2022', moduleResolution: 'bundler', lib: ['es2023', 'dom', 'dom.iterable'], types: [],
    },
    include: [web],
}));
const run = spawnSync(process.execPath, [join(folder, 'node_modules/typescript/bin/tsc'), '-p', config], { stdio: 'inherit' });
process.exit(run.status ?? 1);
