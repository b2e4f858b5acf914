// SPDX-License-Identifier: BSD-3-Clause
// The official TypeScript clients of MCP against a real server: the first line (sessions) and the second one, with
// and without the handshake. Usage: node clients.mjs BUILD_FOLDER [FOLDER for the pictures]
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';

import { example, pause, serve } from '../e2e/harness.mjs';
import { installTools } from '../web/setup.mjs';

const [build = 'build', pictures] = process.argv.slice(2);
const tools = installTools(build, fileURLToPath(new URL('.', import.meta.url)), 'mcp-tests');
const resolve = createRequire(join(tools, 'package.json')).resolve;
const load = (name) => import(pathToFileURL(resolve(name)).href);

const one = { ...(await load('@modelcontextprotocol/sdk/client/index.js')),
  ...(await load('@modelcontextprotocol/sdk/client/streamableHttp.js')) };
const two = await load('@modelcontextprotocol/client');

const EDITOR = 'editor-of-the-test';
const VIEWER = 'viewer-of-the-test';
const CLIENTS = {
  'sdk 1': [one, {}],
  'sdk 2, sessions': [two, { versionNegotiation: { mode: 'legacy' } }],
  'sdk 2, 2026-07-28': [two, { versionNegotiation: { mode: { pin: '2026-07-28' } } }],
};

const root = mkdtempSync(join(tmpdir(), 'oriel-mcp-'));
const image = join(root, 'colin27.ome.zarr');
cpSync(example, image, { recursive: true });
const server = await serve(image, '--set', 'mcp.enabled=true', '--set', `data.root=${root}`,
  '--set', `access.tokens=editor:${EDITOR},viewer:${VIEWER}`, '--set', `scene.folder=${join(root, 'scenes')}`);
const address = new URL('mcp', server.url.split('?')[0]);

async function connect(kind, token) {
  const [sdk, chosen] = CLIENTS[kind];
  const transport = new sdk.StreamableHTTPClientTransport(address,
    token ? { requestInit: { headers: { Authorization: `Bearer ${token}` } } } : {});
  const client = new sdk.Client({ name: 'oriel-test', version: '1.0' }, chosen);
  const strange = [];
  client.onerror = (error) => strange.push(String(error));
  await client.connect(transport);
  return { client, transport, strange };
}

/** What a tool answers, which its output schema was checked against by the client. */
async function call(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name}: ${result.content[0].text}`);
  assert.deepEqual(JSON.parse(result.content.at(-1).text), result.structuredContent);
  return result.structuredContent;
}

async function refusal(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  assert.equal(result.isError, true, `${name} was not refused`);
  return result.content[0].text;
}

/** Width, height and RGBA or RGB rows of a PNG with 8 bits and no interlacing. */
function decode(png) {
  assert.equal(png.subarray(1, 4).toString(), 'PNG');
  const data = [];
  let head;
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IHDR') head = png.subarray(at + 8, at + 8 + length);
    if (type === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  const bytes = { 2: 3, 6: 4 }[head[9]];
  assert.ok(bytes && head[8] === 8 && head[12] === 0, 'colour, 8 bits, not interlaced');
  const raw = inflateSync(Buffer.concat(data));
  const stride = width * bytes;
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const a = x >= bytes ? out[y * stride + x - bytes] : 0;
      const b = y ? out[(y - 1) * stride + x] : 0;
      const c = x >= bytes && y ? out[(y - 1) * stride + x - bytes] : 0;
      const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      out[y * stride + x] = raw[y * (stride + 1) + 1 + x] + [0, a, b, (a + b) >> 1, paeth][filter];
    }
  }
  return { width, height, bytes, data: out };
}

/** A screenshot's pixels, and the share of them that is not black. */
async function look(client, args, name) {
  const result = await client.callTool({ name: 'screenshot', arguments: args });
  assert.ok(!result.isError, result.content[0].text);
  assert.equal(result.content[0].mimeType, 'image/png');
  const png = Buffer.from(result.content[0].data, 'base64');
  if (pictures) writeFileSync(join(pictures, `${name}.png`), png);
  const picture = decode(png);
  assert.equal(picture.width, result.structuredContent.width);
  assert.equal(picture.height, result.structuredContent.height);
  let lit = 0;
  for (let i = 0; i < picture.data.length; i += picture.bytes)
    lit += picture.data[i] + picture.data[i + 1] + picture.data[i + 2] > 24 ? 1 : 0;
  return { ...picture, lit: lit / (picture.width * picture.height) };
}

/** Every tool once, each effect seen by another tool. */
async function everyTool(client, kind) {
  const called = new Set();
  const use = (name, args) => (called.add(name), call(client, name, args));

  const served = await use('init_viewer');
  assert.deepEqual([served.role, served.idle, served.ndisplay], ['editor', false, 2]);
  const viewers = await use('detect_viewers');
  assert.ok(Array.isArray(viewers.sessions) && Array.isArray(viewers.streams));
  const session = await use('session_information');
  assert.equal(session.role, 'editor');
  if (kind.includes('2026')) assert.equal(session.protocol, '2026-07-28');
  let { layers } = await use('list_layers');
  assert.equal(layers.length, 1);
  const { layer_id: id, name, shape } = layers[0];

  assert.equal((await use('set_dims_current_step', { axis: 'z', value: 1e6 })).value, shape[0] - 1);
  await use('set_dims_current_step', { axis: 0, value: Math.floor(shape[0] / 2) });
  const range = await use('layer_range', { layer: name });
  assert.equal(range.bins.length, 256);
  assert.ok(range.min < range.max);
  const { contrast_limits: limits } = await use('auto_contrast', { layer: id });
  assert.deepEqual(limits, [range.low, range.high]);
  const set = await use('set_layer_properties', { layer: name, name: `${kind} layer`, opacity: 0.5, gamma: 1.5,
    contrast_limits: [range.min, range.max], colormap: 'viridis', rendering: 'attenuated_mip' });
  assert.equal(set.applied.opacity, 0.5);
  ({ layers } = await call(client, 'list_layers'));
  assert.equal(layers[0].name, `${kind} layer`);
  assert.deepEqual([layers[0].controls.opacity, layers[0].controls.gamma, layers[0].controls.colormap],
    [0.5, 1.5, 'viridis']);
  await call(client, 'set_layer_properties', { layer: id, opacity: 1, gamma: 1, colormap: 'gray', name });

  const center = shape.slice(1).reverse().map((n, i) => n * layers[0].scale[2 - i] / 2);
  const camera = await use('set_camera', { center, zoom: 2 });
  assert.deepEqual(camera.center, center);
  const { layers: values } = await use('probe', { position: center });
  assert.ok(values[0].value !== null, 'the middle has a value');
  const { layers: same } = await call(client, 'probe', { space: 'world',
    position: [Math.floor(shape[0] / 2) * layers[0].scale[0], center[1], center[0]] });
  assert.deepEqual(same[0].value, values[0].value);
  await use('reset_view');
  called.add('screenshot');
  const plane = await look(client, { size: [320, 240] }, `${kind} plane`);
  assert.deepEqual([plane.width, plane.height], [320, 240]);
  assert.ok(plane.lit > 0.1 && plane.lit < 0.9, `${plane.lit} of the plane is lit`);
  await use('set_ndisplay', { ndisplay: 3 });
  await call(client, 'set_camera', { angles: [30, 20] });
  const volume = await look(client, { size: [320, 240] }, `${kind} volume`);
  assert.ok(volume.lit > 0.1 && !volume.data.equals(plane.data), `${volume.lit} of the volume is lit`);
  await call(client, 'set_ndisplay', { ndisplay: 2 });

  const { entries } = await use('list_directory', { limit: 1 });
  assert.equal(entries.length, 1);
  const { layer_ids: added } = await use('add_image', { path: image, name: 'second', opacity: 0.25 });
  assert.equal(added.length, 1);
  await use('reorder_layer', { layer: 'second', index: 0 });
  ({ layers } = await call(client, 'list_layers'));
  assert.deepEqual(layers.map((layer) => layer.layer_id), [added[0], id]);
  assert.equal(layers[0].controls.opacity, 0.25);
  await use('remove_layer', { layer: 'second' });
  assert.equal((await call(client, 'list_layers')).layers.length, 1);
  await use('restore_layer', { layer_id: added[0] });
  assert.equal((await call(client, 'list_layers')).layers.length, 2);

  assert.equal((await use('get_scene')).layers.length, 2);
  await use('save_scene', { name: 'kept' });
  assert.ok((await use('list_scenes')).scenes.some((scene) => scene.name === 'kept'));
  await use('close');
  assert.equal((await call(client, 'init_viewer')).idle, true);
  await use('load_scene', { scene: 'kept' });
  assert.equal((await call(client, 'list_layers')).layers.length, 2);
  await use('open_dataset', { path: image });
  assert.equal((await call(client, 'list_layers')).layers.length, 1);
  return called;
}

/** The table of docs/mcp.md is what the server tells. */
function documented(listed) {
  const text = readFileSync(new URL('../../docs/mcp.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z_]+)` \| (.*?) \| (viewer|editor) \| /gm)].map((m) => m.slice(1, 4));
  assert.deepEqual(rows, listed.map((tool) => [tool.name,
    Object.keys(tool.inputSchema.properties).map((key) =>
      tool.inputSchema.required?.includes(key) ? `**${key}**` : key).join(', ') || '–',
    tool.annotations.readOnlyHint ? 'viewer' : 'editor']));
}

/** Waits until the log says it; log and answers go different ways. */
async function said(what) {
  for (let i = 0; !what.test(server.log()); i++) {
    assert.ok(i < 200, `the log does not say ${what}`);
    await pause(50);
  }
}

let cancelled = 0;
try {
  for (const kind of Object.keys(CLIENTS)) {
    const { client, transport, strange } = await connect(kind, EDITOR);
    const { tools: listed } = await client.listTools();
    documented(listed);
    const called = await everyTool(client, kind);
    assert.deepEqual([...called].sort(), listed.map((tool) => tool.name).sort(), 'every tool was called');

    const { resources } = await client.listResources();
    assert.deepEqual(resources.map((resource) => resource.uri), ['oriel://scene']);
    const { contents } = await client.readResource({ uri: 'oriel://scene' });
    assert.equal(JSON.parse(contents[0].text).layers.length, 1);
    await assert.rejects(client.readResource({ uri: 'oriel://nothing' }), /no such resource/);

    assert.match(await refusal(client, 'set_layer_properties', { layer: 'none', opacity: 1 }),
      /^mcp\.no_layer: layer: there is no layer "none"; there are: /);
    assert.match(await refusal(client, 'set_ndisplay', { ndisplay: 4 }),
      /^mcp\.invalid_arguments: ndisplay must be an integer from 2 to 3$/);
    assert.match(await refusal(client, 'open_dataset', { path: '/etc' }), /^fs\./);
    assert.match(await refusal(client, 'load_scene', { scene: '../kept' }), /^[a-z]+\.[a-z_]+: /);
    await assert.rejects(client.callTool({ name: 'execute_code', arguments: {} }), /no tool "execute_code"/);

    // A call that its client gives up ends, and the connection goes on.
    const giveUp = new AbortController();
    const large = { name: 'screenshot', arguments: { size: [4096, 4096] } };
    const options = { signal: giveUp.signal };
    const given = CLIENTS[kind][0] === one ? client.callTool(large, undefined, options) : client.callTool(large, options);
    setTimeout(() => giveUp.abort('enough'), 50);
    await assert.rejects(given);
    if (kind !== 'sdk 2, 2026-07-28') {
      await client.ping();
      cancelled++;
      await said(new RegExp(`("oriel-test 1\\.0" screenshot: command\\.cancelled, [^]*){${cancelled}}`));
    }
    await transport.terminateSession?.();
    await client.close();
    assert.deepEqual(strange, [], kind);

    const watching = await connect(kind, VIEWER);
    const { tools: allowed } = await watching.client.listTools();
    assert.ok(allowed.length && allowed.every((tool) => tool.annotations.readOnlyHint));
    assert.equal((await call(watching.client, 'init_viewer')).role, 'viewer');
    assert.match(await refusal(watching.client, 'close'), /^command\.forbidden: /);
    assert.ok((await look(watching.client, { size: [64, 64] }, `${kind} viewer`)).lit > 0);
    await watching.client.close();
    await assert.rejects(connect(kind, undefined), 'without a token');
    await assert.rejects(connect(kind, 'some-other-token'), 'with a wrong token');
    console.log(`${kind}: ${called.size} tools`);
  }

  // Bare requests: an unknown session is 404, which says to begin again.
  const post = (headers, body) => fetch(address, { method: 'POST', body,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${EDITOR}`, ...headers } });
  const begun = await post({}, JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: {
    protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bare', version: '1' } } }));
  const own = { 'mcp-session-id': begun.headers.get('mcp-session-id') };
  assert.equal((await post(own, '{"jsonrpc":"2.0","id":1,"method":"ping"}')).status, 200);
  const end = () => fetch(address, { method: 'DELETE', headers: { authorization: `Bearer ${EDITOR}`, ...own } });
  assert.deepEqual([(await end()).status, (await end()).status], [204, 404]);
  assert.equal((await post(own, '{"jsonrpc":"2.0","id":1,"method":"ping"}')).status, 404);
  assert.equal((await post({ 'mcp-session-id': '00' }, '{"jsonrpc":"2.0","id":1,"method":"ping"}')).status, 404);
  assert.equal((await post({ origin: 'http://evil.example' }, '{}')).status, 403);
  assert.equal((await post({}, '{')).status, 400);
  assert.equal((await post({}, ' '.repeat(300000))).status, 413);
  assert.equal((await fetch(address)).status, 405);
  assert.equal((await fetch(address, { method: 'POST', body: '{}' })).status, 401);

  const numbers = await (await fetch(new URL(`metrics.json?token=${VIEWER}`, address))).json();
  assert.ok(numbers.counters['mcp.calls_total'] > 100);
  await said(/mcp: 127\.0\.0\.1:\d+ editor "oriel-test 1\.0" add_image ".*colin27\.ome\.zarr": ok, [\d.]+ ms/);
  await said(/mcp: 127\.0\.0\.1:\d+ viewer "oriel-test 1\.0" close: command\.forbidden, /);
  assert.ok(!server.log().includes(EDITOR) && !server.log().includes(VIEWER), 'no token in the log');

  // The end of the server with a call at work is an orderly one.
  const { client } = await connect('sdk 1', EDITOR);
  client.callTool({ name: 'screenshot', arguments: { size: [4096, 4096] } }).catch(() => {});
  await pause(50);
} catch (error) {
  console.log(server.log());
  throw error;
} finally {
  await server.stop();
  rmSync(root, { recursive: true });
}
