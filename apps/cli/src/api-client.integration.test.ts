import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { AuthError, ConnectionError, NotFoundError } from '@gantry/protocol';
import { afterEach, describe, expect, test } from 'vitest';

import { ApiClient } from './api-client.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ApiClient> {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return new ApiClient({ serverUrl: `http://127.0.0.1:${port}`, token: 'gt-1', environment: 'dev env' });
}

describe('ApiClient', () => {
  test('names itself by its token, and its environment in the query', async () => {
    const seen: (string | undefined)[] = [];
    const client = await serve((request, response) => {
      seen.push(request.headers.authorization, request.url);
      response.end('{"apps":[]}');
    });

    expect(await client.listApps()).toEqual([]);

    expect(seen).toEqual(['Bearer gt-1', '/v1/apps?environment=dev%20env']);
  });

  test('turns problem details into the error class that the server threw', async () => {
    const problem = { name: 'NotFoundError', code: 'NOT_FOUND', message: 'no app "x"', hint: 'List them.' };
    const client = await serve((_request, response) => response.writeHead(404).end(JSON.stringify(problem)));

    const failure = await client.stopApp('x').catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(NotFoundError);
    expect(failure).toMatchObject({ message: 'no app "x"', hint: 'List them.' });
  });

  test('explains answers that are not from a Gantry server', async () => {
    const client = await serve((request, response) =>
      response.writeHead(request.method === 'GET' ? 502 : 401).end('?'),
    );

    await expect(client.hello()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('502') as string,
    });
    await expect(client.stopApp('x')).rejects.toBeInstanceOf(AuthError);
  });

  test('says how to start a platform when nobody listens', async () => {
    const client = new ApiClient({ serverUrl: 'http://127.0.0.1:1', token: '', environment: 'main' });

    const failure = await client.hello().catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(ConnectionError);
    expect((failure as ConnectionError).hint).toContain('gantry up');
  });

  test('says that the server is gone when it ends in the middle of a build', async () => {
    const client = await serve((_request, response) => {
      response.write('{"type":"step","title":"run make"}\n');
      setTimeout(() => response.destroy(), 50);
    });
    const titles: unknown[] = [];
    const read = async () => {
      for await (const event of client.buildImages({} as never)) titles.push(event);
    };

    await expect(read()).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: 'the connection to the Gantry server broke while it built images',
    });
    expect(titles).toHaveLength(1);
  });

  test('reads log entries as they come, however they are cut', async () => {
    const client = await serve((_request, response) => {
      response.write('{"text":"gr');
      setImmediate(() => response.end('ün"}\n{"text":"two"}\n'));
    });
    const texts: string[] = [];

    for await (const entry of client.readLogs('shop', { follow: true })) texts.push(entry.text);

    expect(texts).toEqual(['grün', 'two']);
  });
});
