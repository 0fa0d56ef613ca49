import { Client, RemoteFunction, Volume } from 'gantry';

import type { commitOne, copyAndSync, writeAndCommit } from '../app/volume-app.ts';

const MANY_FILES = 100_000;
const COMMITS = 10;

// Has containers write and commit, and prints how long each of that took.
const [rounds = 1, files = 1, fileBytes = 1] = process.argv.slice(2).map(Number);
const find = <T extends object>(name: string) => RemoteFunction.fromName<T>('bench-volumes', name);

await Volume.fromName('many').batchUpload((batch) => {
  const content = Buffer.from('content');
  for (let index = 0; index < MANY_FILES; index++)
    batch.putFile(content, `d${index % 100}/e${Math.floor(index / 100) % 10}/file-${index}`);
});
const samples = { writeMs: [] as number[], copyMs: [] as number[], oneMs: [] as number[] };
for (let round = 0; round < rounds; round++) {
  samples.writeMs.push(await find<typeof writeAndCommit>('writeAndCommit').remote(files, fileBytes));
  samples.copyMs.push(await find<typeof copyAndSync>('copyAndSync').remote(files, fileBytes));
  // The first one is the container's.
  samples.oneMs.push(...(await find<typeof commitOne>('commitOne').remote(COMMITS)).slice(1));
}
console.log(JSON.stringify(samples));
await Client.default().close();
