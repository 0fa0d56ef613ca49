import { existsSync, readFileSync } from 'node:fs';

import { App, Image } from 'gantry';

export const app = new App('image-again');

const image = Image.fromId(process.env['EARLIER_IMAGE'] ?? '').runCommands('cp made again');

/** What was in the image before, and what the one step has made of it. */
export const look = app.function({ image }, async () => ({
  folder: process.cwd(),
  prepared: existsSync('/prepared'),
  again: readFileSync('again', 'utf8').trim(),
}));
