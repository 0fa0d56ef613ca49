import { readFileSync, writeFileSync } from 'node:fs';

import { App, Image } from 'gantry';

export const app = new App('image-builds');

function prepare(word: string): void {
  console.log(`preparing ${word}`);
  writeFileSync('/prepared', word.toUpperCase());
}

const image = Image.debianSlim()
  .env({ GREETING: 'hello' })
  .runCommands('mkdir -p /srv && echo "$GREETING from a step" | tee /srv/made')
  .runFunction(prepare, { args: ['model'] })
  .workdir('/srv');

/** What the image has brought, seen from inside. */
export const look = app.function({ image }, async () => ({
  greeting: process.env['GREETING'],
  made: readFileSync('made', 'utf8').trim(),
  prepared: readFileSync('/prepared', 'utf8'),
  folder: process.cwd(),
}));

/** Without an image: on the programs of the machine. */
export const plain = app.function(async () => readFileSync('/etc/os-release', 'utf8'));
