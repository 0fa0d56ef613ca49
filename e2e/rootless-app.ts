import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { App, Image, Volume } from 'gantry';

export const app = new App('rootless');

const notes = Volume.fromName('rootless-notes', { createIfMissing: true });
const image = Image.debianSlim().runCommands(
  'echo "by $(id -un), of $(cat /etc/debian_version | cut -c1-2)" > /built',
);
const run = promisify(execFile);

/** What a container without an image sees of its machine. */
export const look = app.function(async () => ({
  root: process.getuid?.(),
  ids: (await readFile('/proc/self/uid_map', 'utf8')).trim().split(/\s+/),
  seesShadow: existsSync('/etc/shadow'),
  processes: (await run('ps', ['-e', '-o', 'comm='])).stdout.includes('nats-server'),
}));

export const built = app.function({ image }, async () => (await readFile('/built', 'utf8')).trim());

export const write = app.function({ volumes: { '/notes': notes } }, async (text: string) => {
  await writeFile('/notes/today', text);
  await notes.commit();
});

export const read = app.function({ volumes: { '/notes': notes } }, async () => {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map((line) => line.split(' '));
  return {
    text: await readFile('/notes/today', 'utf8'),
    type: mounts.findLast(([, at]) => at === '/notes')?.[2],
  };
});

export const main = app.localEntrypoint(async () => {
  await write.remote('tea');
  const [seen, made, kept] = await Promise.all([look.remote(), built.remote(), read.remote()]);
  console.log(JSON.stringify({ seen, made, kept }));
});
