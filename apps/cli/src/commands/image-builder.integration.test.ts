import { json } from 'node:stream/consumers';

import { expect, test } from 'vitest';

import { startFakeServer } from './fake-server.fixture.ts';

const RELEASES = [
  { version: 1, debian: '12', suite: 'bookworm', python: '3.11', nodeVersion: '24.1.0' },
  { version: 2, debian: '13', suite: 'trixie', python: '3.13', nodeVersion: '24.2.0' },
];

test('image builder shows the versions, and chooses one', async () => {
  const asked: unknown[] = [];
  await using server = await startFakeServer(async (request) => {
    if (request.method === 'GET') return { version: 1, releases: RELEASES };
    const body = (await json(request)) as { version: number };
    asked.push([request.method, request.url, body]);
    return { ...body, releases: RELEASES };
  });

  expect((await server.gantry('image builder')).out).toBe(
    '   VERSION  DEBIAN         PYTHON  NODE\n' +
      '*  1        12 (bookworm)  3.11    24.1.0\n' +
      '   2        13 (trixie)    3.13    24.2.0\n',
  );
  expect(JSON.parse((await server.gantry('image builder --json')).out)).toMatchObject({ version: 1 });
  expect(asked).toEqual([]);

  expect(await server.gantry('image builder 2')).toEqual({
    out: 'Images begin with Debian 13 (trixie), Python 3.13 and Node 24.2.0 from their next build on.\n',
    notes: 'What runs stays as it is; each image is built anew at its next deploy.\n',
  });
  expect(asked).toEqual([['PUT', '/v1/image-builder', { version: 2 }]]);
  await expect(server.gantry('image builder trixie')).rejects.toThrow('must be a whole number');
});
