// SPDX-License-Identifier: BSD-3-Clause
// Server side of RFC 6455, as much as tests need: text and binary messages, ping, close.

import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

function pack(opcode, payload) {
    const n = payload.length;
    const head = n < 126 ? Buffer.from([0x80 | opcode, n])
        : n < 65536 ? Buffer.from([0x80 | opcode, 126, n >> 8, n & 255])
            : Buffer.concat([Buffer.from([0x80 | opcode, 127]), (() => {
                const b = Buffer.alloc(8);
                b.writeBigUInt64BE(BigInt(n));
                return b;
            })()]);
    return Buffer.concat([head, payload]);
}

/** Takes over an upgraded socket; emits 'message' (string or Buffer) and 'close'. */
export class Peer extends EventEmitter {
    #socket;
    #input = Buffer.alloc(0);
    #parts = [];
    #opcode = 0;

    constructor(request, socket) {
        super();
        this.#socket = socket;
        this.open = true;
        this.url = new URL(request.url, 'http://stub');
        const key = createHash('sha1').update(request.headers['sec-websocket-key'] + GUID).digest('base64');
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            `Sec-WebSocket-Accept: ${key}\r\n\r\n`);
        socket.setNoDelay(true);
        socket.on('data', (chunk) => this.#take(chunk));
        socket.on('error', () => {});
        socket.on('close', () => {
            this.open = false;
            this.emit('close');
        });
    }

    send(data) {
        if (this.open)
            this.#socket.write(typeof data === 'string' ? pack(TEXT, Buffer.from(data)) : pack(BINARY, data));
    }

    close(code = 1000, reason = '') {
        if (!this.open)
            return;
        const body = Buffer.alloc(2 + Buffer.byteLength(reason));
        body.writeUInt16BE(code);
        body.write(reason, 2);
        this.#socket.end(pack(CLOSE, body));
        this.open = false;
    }

    /** As a cable that is pulled. */
    destroy() {
        this.open = false;
        this.#socket.destroy();
    }

    #take(chunk) {
        this.#input = Buffer.concat([this.#input, chunk]);
        for (;;) {
            const b = this.#input;
            if (b.length < 2)
                return;
            let n = b[1] & 127, at = 2;
            if (n === 126) {
                if (b.length < 4)
                    return;
                n = b.readUInt16BE(2);
                at = 4;
            } else if (n === 127) {
                if (b.length < 10)
                    return;
                n = Number(b.readBigUInt64BE(2));
                at = 10;
            }
            if (b.length < at + 4 + n)
                return;
            const mask = b.subarray(at, at + 4);
            const body = Buffer.from(b.subarray(at + 4, at + 4 + n)).map((v, i) => v ^ mask[i & 3]);
            this.#input = b.subarray(at + 4 + n);
            this.#frame(b[0] & 15, (b[0] & 128) !== 0, Buffer.from(body));
        }
    }

    #frame(opcode, final, body) {
        if (opcode === PING) {
            this.#socket.write(pack(PONG, body));
        } else if (opcode === CLOSE) {
            this.close();
        } else if (opcode < CLOSE) {
            this.#opcode = opcode || this.#opcode;
            this.#parts.push(body);
            if (final) {
                const whole = Buffer.concat(this.#parts);
                this.#parts = [];
                this.emit('message', this.#opcode === TEXT ? whole.toString() : whole);
            }
        }
    }
}
