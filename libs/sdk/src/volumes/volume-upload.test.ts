import { BLOCK_BYTES, VolumeUploadTimeoutError } from '@gantry/protocol';
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

  it.each([5, null, undefined, {}, ['a']])('of %j is refused at once', (source) => {
    const upload = new VolumeUpload({ api: {} as ObjectApi, path: (of) => of }, {});
    expect(() => upload.putFile(source as never, 'a')).toThrow('is no path, bytes or stream of bytes');
  });
});
