import { RemoteFunction, Client, Volume } from 'gantry';

import type { commitOne, replaceFiles } from '../app/volume-app.ts';

const MANY_FILES = 100_000;

// Has containers change volumes, and prints how many milliseconds each time took.
const [act = '', ...args] = process.argv.slice(2);
const [count = 0, fileBytes = 0] = args.map(Number);
console.log(JSON.stringify(await timesOf()));
await Client.default().close();

async function timesOf(): Promise<number[]> {
  if (act === 'many') return commits();
  if (act !== 'remove' && act !== 'write') throw new TypeError(`"${act}" is nothing that can be done`);
  const replace = RemoteFunction.fromName<typeof replaceFiles>('bench-volumes', 'replaceFiles');
  return [await replace.remote(act, count, fileBytes)];
}

async function commits(): Promise<number[]> {
  await Volume.fromName('many').batchUpload((batch) => {
    const content = Buffer.from('content');
    for (let index = 0; index < MANY_FILES; index++)
      batch.putFile(content, `d${index % 100}/e${Math.floor(index / 100) % 10}/file-${index}`);
  });
  // The first one is the container's.
  const one = RemoteFunction.fromName<typeof commitOne>('bench-volumes', 'commitOne');
  return (await one.remote(count)).slice(1);
}
