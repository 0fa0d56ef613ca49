import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

import { App, Image, NetworkFileSystem, Volume } from 'gantry';

export const app = new App('image-builds');

const weights = Volume.fromName('image-weights', { createIfMissing: true });
const shared = NetworkFileSystem.fromName('image-notes', { createIfMissing: true });

async function prepare(word: string): Promise<void> {
  console.log(`preparing ${word}`);
  writeFileSync('/prepared', word.toUpperCase());
  writeFileSync('/weights/first.bin', word);
  await weights.commit();
  writeFileSync('/weights/second.bin', word);
  writeFileSync('notes/made.txt', readdirSync('/weights').join());
}

export const image = Image.debianSlim()
  .env({ GREETING: 'hello' })
  .runCommands('mkdir -p /srv && echo "$GREETING from a step" | tee /srv/made')
  .runFunction(prepare, {
    args: ['model'],
    volumes: { '/weights': weights },
    networkFileSystems: { notes: shared },
  })
  .workdir('/srv');

/** What the image has brought, seen from inside. */
export const look = app.function({ image }, async () => ({
  greeting: process.env['GREETING'],
  made: readFileSync('made', 'utf8').trim(),
  prepared: readFileSync('/prepared', 'utf8'),
  weights: existsSync('/weights/first.bin'),
  folder: process.cwd(),
}));

/** With the volume that a step of the image has filled. */
export const weigh = app.function({ image, volumes: { '/weights': weights } }, async () =>
  readdirSync('/weights').map((name) => readFileSync(`/weights/${name}`, 'utf8')),
);

/** Without an image: on the programs of the machine. */
export const plain = app.function(async () => readFileSync('/etc/os-release', 'utf8'));
