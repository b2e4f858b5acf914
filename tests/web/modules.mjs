// SPDX-License-Identifier: BSD-3-Clause
// The page's files are modules by their script tag; Node is told here, so that they need no package.json.

import { register } from 'node:module';

const hook = `export const load = (url, context, next) =>
    next(url, url.startsWith(${JSON.stringify(new URL('../../web/js/', import.meta.url).href)}) ? { ...context, format: 'module' } : context);`;
/** @type {(env?: object) => object} environment of a test run */
export const withModules = (env = {}) => ({
    ...process.env, ...env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${import.meta.url}`,
});

register(`data:text/javascript,${encodeURIComponent(hook)}`);
