import { join } from 'node:path';

import { VersionMounts } from './version-mounts.ts';

// A worker that mounts a version, says where, and waits to be killed.
const [, , folder = '', store = '', root] = process.argv;
const mounts = new VersionMounts({
  folder: join(folder, 'mounts'),
  program: join(import.meta.dirname, 'mount-daemon.fixture.ts'),
  setup: { store },
  warn: console.error,
});
const { path } = await mounts.mount({ root, ownerId: 0 });
console.log(path);
setInterval(() => undefined, 1_000_000);
