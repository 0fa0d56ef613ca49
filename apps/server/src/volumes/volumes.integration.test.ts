import { createHash } from 'node:crypto';

import { BLOCK_BYTES, encodeFrame, type VolumeChange, type VolumeEntry } from '@gantry/protocol';
import { VolumeDirectory } from '@gantry/volumes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { removeAbandonedVolumes } from '../loops/volume-sweep.ts';
import { TestPlatform } from '../testing/test-platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await TestPlatform.start();
});
afterAll(() => platform.stop());

let volumes = 0;
async function newVolume(): Promise<string> {
  const name = `data${++volumes}`;
  await platform.client.request('PUT', `/v1/volumes/${name}?new=1`);
  return name;
}

const digestOf = (bytes: Uint8Array) => `sha256-${createHash('sha256').update(bytes).digest('hex')}`;

const putPieces = (volume: string, pieces: unknown) =>
  platform.client.request('POST', `/v1/volumes/${volume}/pieces`, encodeFrame({ pieces }));

/** Uploads contents and makes the entry for them. */
async function uploaded(volume: string, content: Uint8Array): Promise<VolumeEntry> {
  const blocks: string[] = [];
  for (let at = 0; at < content.length; at += BLOCK_BYTES) {
    const piece = content.subarray(at, at + BLOCK_BYTES);
    blocks.push(digestOf(piece));
    const reply = await putPieces(volume, [piece]);
    expect(reply.status, reply.text).toBe(201);
  }
  return { type: 'file', mode: 0o644, mtimeMs: 1_000, sizeBytes: content.length, blocks };
}

const commit = (volume: string, changes: unknown, overwrite = false) =>
  platform.client.request('POST', `/v1/volumes/${volume}/commits`, encodeFrame({ changes, overwrite }));

async function putFile(volume: string, path: string, text: string): Promise<void> {
  const reply = await commit(volume, [{ path, entry: await uploaded(volume, Buffer.from(text)) }], true);
  expect(reply.status, reply.text).toBe(200);
}

async function listed(volume: string, query = ''): Promise<string[]> {
  const { text } = await platform.client.request('GET', `/v1/volumes/${volume}/entries?${query}`);
  return text.trim() === ''
    ? []
    : text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { path: string }).path);
}

const read = (volume: string, path: string, headers = {}) =>
  platform.client.request(
    'GET',
    `/v1/volumes/${volume}/file?path=${encodeURIComponent(path)}`,
    undefined,
    headers,
  );

describe('a volume', () => {
  it('is made once per name and environment, listed, renamed and deleted', async () => {
    const { client } = platform;
    const made = await client.request('PUT', '/v1/volumes/models');
    expect(made.json).toMatchObject({ name: 'models', environment: 'main', version: 0, entries: 0 });
    expect((await client.request('PUT', '/v1/volumes/models')).json['id']).toBe(made.json['id']);
    expect((await client.request('PUT', '/v1/volumes/models?new=1')).json).toMatchObject({
      code: 'CONFLICT',
    });
    await client.createEnvironment('dev');
    const other = await client.request('PUT', '/v1/volumes/models?environment=dev');
    expect(other.json).toMatchObject({ name: 'models', environment: 'dev' });
    expect(other.json['id']).not.toBe(made.json['id']);
    const renamed = await client.request('POST', '/v1/volumes/models/rename', { name: 'weights' });
    expect(renamed.json).toMatchObject({ id: made.json['id'], name: 'weights' });
    expect((await client.request('GET', '/v1/volumes/models')).status).toBe(404);
    const { json } = await client.request('GET', '/v1/volumes');
    expect((json['volumes'] as { name: string }[]).map(({ name }) => name)).toContain('weights');
    expect((await client.request('DELETE', '/v1/volumes/weights')).status).toBe(200);
    expect((await client.request('GET', `/v1/volumes/${String(made.json['id'])}`)).status).toBe(404);
  });

  it('without a name is found by its id, in no list, and goes when nobody holds it any more', async () => {
    const { client, messaging } = platform;
    const directory = new VolumeDirectory({ registry: messaging.registry } as never);
    const sweep = (nowMs: number) => removeAbandonedVolumes({ volumes: directory, messaging }, nowMs);
    const id = String((await client.request('POST', '/v1/volumes')).json['id']);
    await putFile(id, 'a', 'a');
    expect((await read(id, 'a')).text).toBe('a');
    const { json } = await client.request('GET', '/v1/volumes');
    expect((json['volumes'] as { id: string }[]).map((volume) => volume.id)).not.toContain(id);
    expect((await client.request('POST', `/v1/volumes/${id}/rename`, { name: 'named' })).status).toBe(400);
    expect(await sweep(Date.now())).toBe(0);
    const session = await client.session();
    session.send({ type: 'hold', appId: id });
    await expect.poll(async () => (await messaging.leases.alive()).has(id), { timeout: 20_000 }).toBe(true);
    expect(await sweep(Date.now() + 60_000)).toBe(0);
    session.close();
    await expect.poll(async () => (await messaging.leases.alive()).has(id), { timeout: 60_000 }).toBe(false);
    expect(await sweep(Date.now() + 60_000)).toBe(1);
    expect((await client.request('GET', `/v1/volumes/${id}`)).status).toBe(404);
  }, 120_000);

  it('renamed to a name that is taken keeps its own', async () => {
    const [one, other] = [await newVolume(), await newVolume()];
    const reply = await platform.client.request('POST', `/v1/volumes/${one}/rename`, { name: other });
    expect(reply.json).toMatchObject({ code: 'CONFLICT' });
    expect((await platform.client.request('GET', `/v1/volumes/${one}`)).json['name']).toBe(one);
  });

  it.each(['bad name', 'x'.repeat(65), 'a%2Fb'])('cannot be called "%s"', async (name) => {
    const reply = await platform.client.request(
      'PUT',
      `/v1/volumes/${name.includes('%') ? name : encodeURIComponent(name)}`,
    );
    expect(reply.json).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('files of a volume', () => {
  it('are read as they were committed, whole and in parts, also over piece borders', async () => {
    const volume = await newVolume();
    const content = Buffer.alloc(2 * BLOCK_BYTES + 10, 'abcdefghij');
    const reply = await commit(volume, [{ path: 'big.txt', entry: await uploaded(volume, content) }]);
    expect(reply.json).toMatchObject({ version: 1, entries: 1, sizeBytes: content.length });
    const whole = await read(volume, '/big.txt');
    expect([whole.status, whole.text === content.toString()]).toEqual([200, true]);
    const part = await read(volume, 'big.txt', { range: `bytes=${BLOCK_BYTES - 3}-${2 * BLOCK_BYTES + 2}` });
    expect(part.status).toBe(206);
    expect(part.text).toBe(content.subarray(BLOCK_BYTES - 3, 2 * BLOCK_BYTES + 3).toString());
    expect((await read(volume, 'big.txt', { range: 'bytes=-4' })).text).toBe(content.subarray(-4).toString());
    expect((await read(volume, 'big.txt', { range: `bytes=${content.length}-` })).status).toBe(400);
  });

  it('are listed by directory, or with all below', async () => {
    const volume = await newVolume();
    for (const path of ['a/b/c.txt', 'a/d.txt', 'e.txt']) await putFile(volume, path, path);
    expect(await listed(volume)).toEqual(['a', 'e.txt']);
    expect(await listed(volume, 'path=/a')).toEqual(['a/b', 'a/d.txt']);
    expect(await listed(volume, 'recursive=1')).toEqual(['a', 'a/b', 'a/b/c.txt', 'a/d.txt', 'e.txt']);
    expect(await listed(volume, 'path=e.txt')).toEqual(['e.txt']);
    expect((await platform.client.request('GET', `/v1/volumes/${volume}/entries?path=zz`)).status).toBe(404);
  });

  it('are copied and removed inside of it', async () => {
    const volume = await newVolume();
    await putFile(volume, 'a.txt', 'hello');
    const post = (verb: string, body: unknown) =>
      platform.client.request('POST', `/v1/volumes/${volume}/${verb}`, body);
    expect((await post('copy', { sources: ['a.txt'], target: 'dir/b.txt' })).status).toBe(200);
    expect((await read(volume, 'dir/b.txt')).text).toBe('hello');
    expect((await post('remove', { path: 'dir' })).json).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await post('remove', { path: 'dir', recursive: true })).status).toBe(200);
    expect(await listed(volume)).toEqual(['a.txt']);
  });

  it('committed by many at once, through two servers, are all there', async () => {
    const volume = await newVolume();
    const other = await platform.startAnotherServer();
    const entry = await uploaded(volume, Buffer.from('same'));
    const body = (path: string) => encodeFrame({ changes: [{ path, entry }] }) as Uint8Array<ArrayBuffer>;
    const headers = { authorization: 'Bearer test-token-1234' };
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        fetch(`${index % 2 ? other.url : platform.client.url}/v1/volumes/${volume}/commits`, {
          method: 'POST',
          headers,
          body: body(`f${index}`),
        }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(30).fill(200));
    expect(await listed(volume)).toHaveLength(30);
    await other.stop();
  });
});

describe('a commit is refused', () => {
  const entry: VolumeEntry = { type: 'file', mode: 0o644, mtimeMs: 1, sizeBytes: 0, blocks: [] };
  const lost = `sha256-${'0'.repeat(64)}`;

  it.each<[string, unknown]>([
    ['that leads upwards', [{ path: '../x', entry }]],
    ['with a line break in a name', [{ path: 'a\nb', entry }]],
    ['with a zero in a name', [{ path: 'a\0b', entry }]],
    ['with a path of 4 KiB', [{ path: `${'d/'.repeat(2_048)}x`, entry }]],
    [
      'with a link out of the volume',
      [{ path: 'a', entry: { type: 'link', mtimeMs: 1, target: '../../etc' } }],
    ],
    ['with an absolute link', [{ path: 'a', entry: { type: 'link', mtimeMs: 1, target: '/etc/passwd' } }]],
    ['whose pieces are not there', [{ path: 'a', entry: { ...entry, sizeBytes: 5, blocks: [lost] } }]],
    ['whose file is longer than its pieces', [{ path: 'a', entry: { ...entry, sizeBytes: 5 } }]],
    ['with a digest that is none', [{ path: 'a', entry: { ...entry, sizeBytes: 5, blocks: ['../../x'] } }]],
    ['with a mode that is none', [{ path: 'a', entry: { ...entry, mode: -1 } }]],
    ['of an unknown kind', [{ path: 'a', entry: { type: 'device' } }]],
    ['of the root', [{ path: '/', entry }]],
    ['without changes', undefined],
    ['with a change that is none', [null]],
  ] satisfies [string, VolumeChange[] | unknown][])('%s', async (_, changes) => {
    const volume = await newVolume();
    expect((await commit(volume, changes)).json).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await platform.client.request('GET', `/v1/volumes/${volume}`)).json).toMatchObject({
      version: 0,
    });
  });

  it('whose pieces are shorter or longer than its file says, as after an upload that was cut off', async () => {
    const volume = await newVolume();
    const [whole, short] = [Buffer.alloc(BLOCK_BYTES, 1), Buffer.from('short')];
    await putPieces(volume, [whole, short]);
    const [ofWhole, ofShort] = [digestOf(whole), digestOf(short)];
    const file = (sizeBytes: number, blocks: unknown[]) => [
      { path: 'a', entry: { ...entry, sizeBytes, blocks } },
    ];
    for (const changes of [
      file(6, [ofShort]),
      file(4, [ofShort]),
      file(5, [ofWhole]),
      file(BLOCK_BYTES + 5, [ofShort, ofShort]),
      file(BLOCK_BYTES + 5, [ofShort, ofWhole]),
    ]) {
      expect((await commit(volume, changes)).json).toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('the pieces of "a" do not make') as string,
      });
    }
    expect((await commit(volume, file(BLOCK_BYTES + 5, [ofWhole, ofShort]))).status).toBe(200);
  });

  it('that is no frame at all; so are pieces that are too large, or none', async () => {
    const volume = await newVolume();
    const bad = await platform.client.request(
      'POST',
      `/v1/volumes/${volume}/commits`,
      Buffer.from([0xff, 1]),
    );
    expect(bad.status).toBeGreaterThanOrEqual(400);
    expect(bad.status).toBeLessThan(500);
    for (const pieces of [undefined, ['text'], [Buffer.alloc(BLOCK_BYTES + 1)]]) {
      expect((await putPieces(volume, pieces)).json).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    expect((await putPieces(volume, Array(7).fill(Buffer.alloc(BLOCK_BYTES)))).status).toBe(413);
  });
});
