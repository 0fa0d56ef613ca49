import { once } from 'node:events';
import { request } from 'node:https';
import { connect } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import type { LookupFunction } from 'node:net';

import { BULK_BYTES, BULK_CHUNK } from '../app/bulk.ts';

/** Every name is this machine: the C library does not know *.localhost. */
export const here: LookupFunction = (_name, options, callback) =>
  options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4);

export type Protocol = 'HTTP/1.1' | 'HTTP/2';

const TRUST_ALL = { rejectUnauthorized: false } as const;

/** MiB per second of one body of a GiB that is sent. */
export async function upload(url: URL, protocol: Protocol): Promise<number> {
  return timed(async () => {
    await using exchange = await open(url, { protocol, method: 'POST' });
    for (let sent = 0; sent < BULK_BYTES; sent += BULK_CHUNK.length) {
      if (!exchange.body.write(BULK_CHUNK)) await once(exchange.body, 'drain');
    }
    exchange.body.end();
    let text = '';
    for await (const chunk of await exchange.answer) text += String(chunk);
    if (text !== String(BULK_BYTES)) throw new Error(`${url.href} got ${text.slice(0, 200)} bytes`);
  });
}

/** MiB per second of one body of a GiB that is received. */
export async function download(url: URL, protocol: Protocol): Promise<number> {
  return timed(async () => {
    await using exchange = await open(url, { protocol, method: 'GET' });
    exchange.body.end();
    let bytes = 0;
    for await (const chunk of await exchange.answer) bytes += (chunk as Buffer).length;
    if (bytes !== BULK_BYTES) throw new Error(`${url.href} sent ${bytes} bytes`);
  });
}

interface Exchange extends AsyncDisposable {
  body: Writable;
  answer: Promise<Readable>;
}

async function open(url: URL, options: { protocol: Protocol; method: string }): Promise<Exchange> {
  const length = options.method === 'POST' ? { 'content-length': BULK_BYTES } : {};
  if (options.protocol === 'HTTP/1.1') {
    const sent = request(url, {
      ...TRUST_ALL,
      lookup: here,
      method: options.method,
      headers: length,
      agent: false,
    });
    const answer = once(sent, 'response').then(([response]) => response as Readable);
    return { body: sent, answer, [Symbol.asyncDispose]: async () => void sent.destroy() };
  }
  const session = connect(url, { ...TRUST_ALL, lookup: here, settings: { initialWindowSize: 1024 ** 2 } });
  await once(session, 'connect');
  session.setLocalWindowSize(16 * 1024 ** 2);
  const stream = session.request({ ':method': options.method, ':path': url.pathname, ...length });
  const answer = once(stream, 'response').then(([headers]) => {
    const status = (headers as { ':status'?: number })[':status'];
    if (status !== 200) throw new Error(`${url.href} answered ${status}`);
    return stream as Readable;
  });
  return { body: stream, answer, [Symbol.asyncDispose]: async () => session.destroy() };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return BULK_BYTES / 1024 ** 2 / ((performance.now() - started) / 1_000);
}
