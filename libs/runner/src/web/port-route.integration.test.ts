import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';

import { freePort } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TestEndpoints } from './web-server.fixture.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);
const ADDRESSES = ['0.0.0.0', '127.0.0.1', ...(hasIpv6 ? ['::1'] : [])];

let site: TestEndpoints;
let programs: Server[];
beforeEach(() => {
  site = new TestEndpoints();
  programs = [];
});
afterEach(async () => {
  await site[Symbol.asyncDispose]();
  for (const program of programs) await stop(program);
});

async function stop(program: Server): Promise<void> {
  program.closeAllConnections();
  await new Promise((resolve) => program.close(resolve));
}

/** A program that stands in for one of the user's. */
function listenAt(port: number, listener: RequestListener, host = '0.0.0.0'): void {
  programs.push(createServer(listener).listen(port, host));
}

async function start(startProgram: () => void, options: { port: number; startupTimeoutMs?: number }) {
  site.add('app', { type: 'server', startupTimeoutMs: 20_000, ...options }, { run: startProgram });
  await site.start(60_000);
}

describe('a program that listens at a port', () => {
  it.each(ADDRESSES)('gets requests as they came, at %s', async (host) => {
    const port = await freePort();
    const seen: unknown[] = [];
    await start(
      () =>
        listenAt(
          port,
          (request, response) => {
            const { host: name, 'x-mark': mark, ...rest } = request.headers;
            seen.push([request.method, request.url, name, mark, 'gantry-method' in rest]);
            response.writeHead(207, 'Odd', ['set-cookie', 'a=1', 'set-cookie', 'b=2']);
            request.pipe(response);
          },
          host,
        ),
      { port },
    );

    const answer = await site.open('app', {
      verb: 'PUT',
      path: '/a?b',
      headers: { 'x-mark': '7' },
      body: 'x',
    });
    expect(answer).toMatchObject({ statusCode: 207, statusMessage: 'Odd' });
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(await text(answer)).toBe('x');
    expect(seen).toEqual([['PUT', '/a?b', 'shop.test', '7', false]]);
  });

  it('is waited for', async () => {
    const port = await freePort();
    const later = () => setTimeout(() => listenAt(port, (_request, response) => response.end('up')), 50);
    await start(later, { port });
    expect((await site.ask('app')).body).toBe('up');
  });

  it('that does not listen in time keeps its container from starting', async () => {
    const port = await freePort();
    await expect(start(() => undefined, { port, startupTimeoutMs: 40 })).rejects.toThrow(
      `no program listened at port ${port} within 40 ms`,
    );
  });

  it('is given another port where its own is taken, which it finds in PORT', async () => {
    const other = createServer((_request, response) => response.end('not yours'));
    programs.push(other.listen(0));
    const { port } = other.address() as AddressInfo;
    await start(() => listenAt(Number(process.env['PORT']), (_request, response) => response.end('yours')), {
      port,
    });
    expect((await site.ask('app')).body).toBe('yours');
  });

  it('that cannot have its port and does not heed PORT is told so', async () => {
    const other = createServer();
    programs.push(other.listen(0));
    const { port } = other.address() as AddressInfo;
    await expect(start(() => undefined, { port, startupTimeoutMs: 40 })).rejects.toMatchObject({
      message: expect.stringContaining(`port ${port} is in use on this machine, so that PORT was set to`),
      hint: expect.stringContaining('process.env.PORT'),
    });
  });

  it('sends trailers, and answers as long as it likes', async () => {
    const port = await freePort();
    await start(
      () =>
        listenAt(port, (_request, response) => {
          response.writeHead(200, { trailer: 'x-sum' });
          response.write('part');
          response.addTrailers({ 'x-sum': '4' });
          response.end();
        }),
      { port },
    );
    const answer = await site.open('app');
    expect(await text(answer)).toBe('part');
    expect(answer.trailers).toEqual({ 'x-sum': '4' });
  });

  it('that breaks off leaves the answer to the gateway; one that is gone ends its container', async () => {
    const port = await freePort();
    await start(() => listenAt(port, (request) => void request.socket.destroy()), { port });

    await expect(site.ask('app')).rejects.toThrow('socket hang up');
    expect(site.errors).toEqual([]);
    await stop(programs[0] as Server);
    await expect(site.ask('app')).rejects.toThrow('socket hang up');
    await expect
      .poll(() => site.errors)
      .toMatchObject([{ message: `the program at port ${port} listens no more` }]);
  });

  it('hears when a client leaves', async () => {
    const port = await freePort();
    let left = false;
    await start(
      () =>
        listenAt(port, (request, response) => {
          response.on('close', () => (left = true));
          response.write(request.url);
        }),
      { port },
    );
    const answer = await site.open('app');
    answer.destroy();
    await expect.poll(() => left).toBe(true);
    await expect.poll(() => site.slots).toBe(0);
  });
});
