import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { App, Image } from 'gantry';

const FILES = 'e2e/image-files';

const base = Image.debianSlim().env({ GREETING: 'hello', TONE: 'plain' });
const image = base
  .npmInstall('croner@^10')
  .addLocalDir(FILES, 'files', { ignore: ['**/*.md'] })
  .addLocalFile(`${FILES}/lists/numbers.txt`, 'files/lists/german.txt');

export const app = new App('images', { image: base });

const croner = image.imports(() => import('croner'));

/** What a container has of its image. */
export const look = app.function({ image, env: { TONE: 'warm' } }, async () => {
  const { Cron } = await croner;
  const { stdout } = await promisify(execFile)('files/greet.sh', ['here']);
  return {
    greeting: `${process.env['GREETING']}, ${process.env['TONE']}`,
    files: (await readdir('files/lists')).sort(),
    words: (await readFile('files/lists/german.txt', 'utf8')).trim(),
    ran: stdout.trim(),
    next: new Cron('0 0 1 1 *', { timezone: 'UTC' }).nextRun(new Date('2026-05-01'))?.toISOString(),
  };
});

/** Has the image of the app. */
export const greet = app.function(async () => process.env['GREETING']);
