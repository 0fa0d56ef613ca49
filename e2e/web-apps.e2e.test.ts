import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';

import { findRuncProblem } from '@gantry/containers';
import { RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';

import { startPlatformWith } from './deployed-platform.ts';
import type { door } from './web-apps-app.ts';
import { fetchHttps, runCli, type HttpsAnswer, type HttpsRequest, type Platform } from './platform.ts';

const ENTRY = join(import.meta.dirname, 'web-apps-app.ts');
const runcProblem = findRuncProblem();

describe.each(['process', 'runc'])('web apps in containers of %s', (driver) => {
  const problem = driver === 'runc' ? runcProblem : undefined;
  describe.skipIf(problem)(problem?.message ?? 'on this machine', () => {
    let platform: Platform;

    beforeAll(async () => {
      platform = await startPlatformWith(ENTRY, ['--driver', driver]);
    });
    afterAll(() => platform?.[Symbol.asyncDispose]());

    function ask(name: string, path: string, more: Partial<HttpsRequest> = {}): Promise<HttpsAnswer> {
      const { port } = new URL(platform.ready.gatewayUrl);
      const url = `https://local--${name}.gantry.localhost:${port}${path}`;
      return fetchHttps({ url, caPath: platform.ready.caPath, ...more });
    }

    test('a Hono app has the paths below its address, and knows who asks', async () => {
      const { status, body } = await ask('sites-hono', '/items/7?sort=up');
      expect(status).toBe(200);
      const { url, ...rest } = JSON.parse(body) as { url: string };
      expect(url).toMatch(/^https:\/\/local--sites-hono\.gantry\.localhost:\d+\/items\/7\?sort=up$/);
      expect(rest).toEqual({ id: '7', ip: expect.stringContaining('127.0.0.1') });
    });

    test('a body reaches a Hono app as a stream', async () => {
      const body = new Uint8Array(3_000_000);
      expect(await ask('sites-hono', '/length', { method: 'POST', body })).toMatchObject({ body: '3000000' });
    });

    test('a Hono app has WebSockets', async () => {
      const { gatewayUrl, caPath } = platform.ready;
      const { port } = new URL(gatewayUrl);
      const servername = 'local--sites-hono.gantry.localhost';
      const host = { servername, headers: { host: `${servername}:${port}` } };
      const options: ClientOptions = { ca: await readFile(caPath), ...host };
      const socket = new WebSocket(`wss://127.0.0.1:${port}/chat`, options);
      await once(socket, 'open');
      socket.send('hello');
      const [answer] = (await once(socket, 'message')) as [Buffer];
      socket.close();
      expect(String(answer)).toBe('you said hello');
    });

    test('Express and Fastify apps run unchanged, and know their addresses', async () => {
      expect(await ask('shop', '/')).toMatchObject({
        status: 200,
        body: 'hello from local--shop.gantry.localhost',
      });
      const { port } = new URL(platform.ready.gatewayUrl);
      const address = (name: string) => `https://local--${name}.gantry.localhost:${port}`;
      const { body: addresses } = await ask('shop', '/addresses');
      expect(JSON.parse(addresses)).toEqual([...['shop', 'sites-hono', 'sites-api'].map(address), null]);
      const { body } = await ask('sites-api', '/who');
      expect(JSON.parse(body)).toMatchObject({ ip: expect.stringContaining('127.0.0.1') });
    });

    test('an app of a class takes class parameters from the query: each value has a container of its own', async () => {
      expect((await ask('sites-greeter-site', '/greet/ada')).body).toBe('hello ada');
      expect((await ask('sites-greeter-site', '/greet/ada?language=de')).body).toBe('hallo ada');
    });

    test('a program that listens at a port is served; when it ends, another container takes over', async () => {
      const first = await ask('sites-program', '/a/b?c=d');
      expect(first.body).toMatch(/^GET \/a\/b\?c=d from \d+$/);
      expect((await ask('sites-program', '/end', { method: 'POST' })).status).toBe(502);
      await expect
        .poll(async () => (await ask('sites-program', '/again')).body, { timeout: 60_000 })
        .toMatch(/^GET \/again from \d+$/);
    });

    test('a port of a container is reached over TLS and plain TCP while its tunnel is open', async () => {
      const opened = RemoteFunction.fromName<typeof door>('sites', 'door').remoteGen();
      const { value } = await opened.next();
      if (!value) throw new Error('there is no tunnel');
      const [servername, port] = value.tls;
      const ca = await readFile(platform.ready.caPath);
      expect(value.url).toBe(`https://${servername}:${port}`);
      const socket = connectTls({ host: '127.0.0.1', port, servername, ca });
      const [tcpHost, tcpPort] = value.tcp;
      const plain = connectTcp({ host: tcpHost, port: tcpPort });
      for (const each of [socket, plain]) {
        each.write('hello');
        expect(String((await once(each, 'data'))[0])).toBe('hello');
      }
      const closed = [socket, plain].map((each) => once(each, 'close'));
      await opened.return(undefined);
      await Promise.all(closed);
    });

    test('the deploy names their kinds', async () => {
      const { stdout } = await runCli(['build', ENTRY], platform.env);
      expect(stdout).toMatch(/hono +function +asgi/);
      expect(stdout).toMatch(/Greeter\.site +class +asgi/);
      expect(stdout).toMatch(/program +function +server/);
    });
  });
});
