import { once } from 'node:events';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { BLOCK_BYTES, decodeFrame, VolumeUploadTimeoutError } from '@gantry/protocol';
import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import type { ObjectApi } from '../platform.ts';
import { VolumeUpload } from './volume-upload.ts';

describe('an upload', () => {
  it('that takes longer than it may ends with an error, and is never committed', async () => {
    const asked: string[] = [];
    const json = (path: string) => Promise.resolve(asked.push(path) && { missing: [] });
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    let close: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => (close = resolve));
    async function* slow(): AsyncGenerator<Uint8Array> {
      try {
        yield new Uint8Array(BLOCK_BYTES);
        await gate;
        yield new Uint8Array(BLOCK_BYTES);
      } finally {
        close();
      }
    }
    const api = { json } as unknown as ObjectApi;
    const upload = new VolumeUpload({ api, path: (of) => of }, { timeoutMs: 10 });
    upload.putFile(slow(), 'a');

    await expect(upload.commit()).rejects.toThrow(VolumeUploadTimeoutError);
    goOn();
    await closed;
    await new Promise((resolve) => setImmediate(resolve));

    expect(asked).not.toContain('/commits');
  });

  it('of a name that is longer than the system takes says so', async () => {
    const upload = new VolumeUpload({ api: {} as ObjectApi, path: (of) => of }, {});
    upload.putFile(`/${'x'.repeat(300)}`, 'a');
    await expect(upload.commit()).rejects.toThrow('cannot be read: ENAMETOOLONG');
  });

  it('of a directory has all that is below it, also what is empty', async () => {
    await using directory = await temporaryDirectory();
    await mkdir(join(directory.path, 'empty'));
    const sent: unknown[] = [];
    const json = (_path: string, { body }: { body?: Uint8Array } = {}) =>
      Promise.resolve(sent.push(decodeFrame(body ?? new Uint8Array())));
    const upload = new VolumeUpload({ api: { json } as unknown as ObjectApi, path: (of) => of }, {});
    upload.putDirectory(directory.path, 'a/b');
    await upload.commit();
    const entry = { type: 'directory', mode: expect.any(Number), mtimeMs: expect.any(Number) };
    expect(sent).toEqual([
      {
        changes: [
          { path: 'a/b', entry },
          { path: 'a/b/empty', entry },
        ],
        overwrite: false,
      },
    ]);
  });

  it('of a directory with something that no volume can hold says what it is', async () => {
    await using directory = await temporaryDirectory();
    const socket = join(directory.path, 'socket');
    const server = createServer().listen(socket);
    try {
      await once(server, 'listening');
      const upload = new VolumeUpload({ api: {} as ObjectApi, path: (of) => of }, {});
      upload.putDirectory(directory.path, '/');
      await expect(upload.commit()).rejects.toMatchObject({
        message: `"${socket}" is no file, directory or link`,
        hint: 'Leave it out: a volume holds nothing else.',
      });
    } finally {
      server.close();
    }
  });

  it('to no path says so', () => {
    const upload = new VolumeUpload({ api: {} as ObjectApi, path: (of) => of }, {});
    expect(() => upload.putFile('a', '')).toThrow(
      expect.objectContaining({
        hint: 'Name the file that it becomes, or a directory with a slash at its end.',
      }),
    );
  });

  it('takes the name of a local file as the system has it', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, 'back\\slash'), '');
    const sent: unknown[] = [];
    const json = (_path: string, { body }: { body?: Uint8Array } = {}) =>
      Promise.resolve(sent.push(decodeFrame(body ?? new Uint8Array())));
    const upload = new VolumeUpload({ api: { json } as unknown as ObjectApi, path: (of) => of }, {});
    upload.putFile(join(directory.path, 'back\\slash'), '/a/');
    await upload.commit();
    expect(sent).toEqual([
      { changes: [expect.objectContaining({ path: 'a/back\\slash' })], overwrite: false },
    ]);
  });

  it.each([
    ['text', 'some text'],
    ['number', 5],
  ])('of a stream of what is no bytes is refused, and never committed: %s', async (_name, chunk) => {
    const upload = new VolumeUpload({ api: {} as ObjectApi, path: (of) => of }, {});
    upload.putFile(Readable.from([chunk]) as never, 'a');
    await expect(upload.commit()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('"a"') as string,
    });
  });

  it('of a stream has what each chunk was when it came, also if the stream uses their memory again', async () => {
    const chunk = new Uint8Array(1_000_000);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (const value of [1, 2, 3, 4, 5]) {
        chunk.fill(value);
        yield chunk;
      }
    }
    const pieces: Uint8Array[] = [];
    const json = (path: string, { body }: { body: { digests: string[] } | Uint8Array }) => {
      if (path === '/missing') return Promise.resolve({ missing: (body as { digests: string[] }).digests });
      if (path === '/pieces')
        pieces.push(...decodeFrame<{ pieces: Uint8Array[] }>(body as Uint8Array).pieces);
      return Promise.resolve({});
    };
    const upload = new VolumeUpload({ api: { json } as unknown as ObjectApi, path: (of) => of }, {});
    upload.putFile(chunks(), 'a');
    await upload.commit();
    const [whole, last] = pieces.sort((a, b) => b.length - a.length);
    expect([whole?.length, last?.length]).toEqual([BLOCK_BYTES, 5_000_000 - BLOCK_BYTES]);
    const at = (megabyte: number) => Buffer.concat([whole, last] as Uint8Array[])[megabyte * 1_000_000];
    expect([0, 1, 2, 3, 4].map(at)).toEqual([1, 2, 3, 4, 5]);
  });

  it('of a file that grows after its size was taken has what is in it when it is read', async () => {
    await using directory = await temporaryDirectory();
    const local = join(directory.path, 'log');
    await writeFile(local, 'one');
    const sent: unknown[] = [];
    const json = (path: string, { body }: { body: Uint8Array }) => {
      if (path === '/commits') sent.push(decodeFrame(body));
      return Promise.resolve({ missing: [] });
    };
    const upload = new VolumeUpload({ api: { json } as unknown as ObjectApi, path: (of) => of }, {});
    // Read first, and in the middle of it the other one grows.
    upload.putFile(
      (async function* () {
        await appendFile(local, new Uint8Array(5_000_000));
        yield new Uint8Array(1);
      })(),
      'first',
    );
    upload.putFile(local, 'log');
    await upload.commit();
    expect(sent).toMatchObject([
      {
        changes: [{ path: 'first' }, { path: 'log', entry: { sizeBytes: 5_000_003, blocks: { length: 2 } } }],
      },
    ]);
  });

  it('takes nothing more once it was committed', async () => {
    const upload = new VolumeUpload({ api: {} as ObjectApi, path: (of) => of }, {});
    await upload.commit();
    expect(() => upload.putFile(new Uint8Array(1), 'late')).toThrow('was committed already');
    expect(() => upload.putDirectory('.', 'late')).toThrow('was committed already');
  });

  it('of an empty local path is refused, which would be the working directory', () => {
    const upload = new VolumeUpload({ api: {} as ObjectApi, path: (of) => of }, {});
    expect(() => upload.putDirectory('', '/')).toThrow('the local path is empty');
    expect(() => upload.putFile('', 'a')).toThrow('the local path is empty');
  });

  it.each([5, null, undefined, {}, ['a']])('of %j is refused at once', (source) => {
    const upload = new VolumeUpload({ api: {} as ObjectApi, path: (of) => of }, {});
    expect(() => upload.putFile(source as never, 'a')).toThrow('is no path, bytes or stream of bytes');
  });
});
