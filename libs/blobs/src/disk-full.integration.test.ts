import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { temporaryDirectory } from '@gantry/testing';
import { expect, test } from 'vitest';

// A mount namespace of its own, so that the small file system vanishes with the process.
const canMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
if (!canMount) {
  console.warn(
    'SKIPPED: no right to mount a small file system, so the blob store is not tested on a full disk.',
  );
}

const SCRIPT = `
  import { openBlobStore } from '@gantry/blobs';
  import { readdir } from 'node:fs/promises';
  const path = process.env.STORE;
  const store = await openBlobStore({ type: 'disk', path });
  const { digest } = await store.putBytes(Buffer.alloc(100_000));
  const error = await store.putBytes(Buffer.alloc(4_000_000)).catch((error) => error);
  const leftovers = await readdir(path + '/tmp');
  const kept = (await store.getBytes(digest)).byteLength;
  console.log(JSON.stringify({ name: error.name, message: error.message, leftovers, kept }));
`;

test.skipIf(!canMount)(
  'a full disk is an error that says so, leaves no half-written file and loses nothing (skipped only without the right to mount)',
  async () => {
    await using directory = await temporaryDirectory();

    const { stdout } = await promisify(execFile)(
      'unshare',
      [
        '-m',
        'sh',
        '-c',
        'mount -t tmpfs -o size=1m tmpfs "$STORE" && exec "$NODE" --input-type=module --eval "$SCRIPT"',
      ],
      {
        cwd: import.meta.dirname,
        env: { ...process.env, STORE: directory.path, NODE: process.execPath, SCRIPT },
      },
    );

    expect(JSON.parse(stdout)).toEqual({
      name: 'ResourceExhaustedError',
      message: `the blob store "${directory.path}" is full`,
      leftovers: [],
      kept: 100_000,
    });
  },
);
