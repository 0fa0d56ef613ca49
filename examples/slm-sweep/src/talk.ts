// A program of its own, which knows the deployed class by its name: node src/talk.ts best.slm
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { Client, Cls } from 'gantry';

import type { Writer } from './app.ts';

const [, , path = 'best.slm'] = process.argv;
const model = new Uint8Array(await readFile(path));
const writer = Cls.fromName<typeof Writer>('slm-sweep', 'Writer').instance({ model });
console.log('Begin a sentence, and press Enter.');
for await (const prompt of createInterface(process.stdin)) {
  process.stdout.write(prompt);
  for await (const letter of writer.write.remoteGen(prompt, 120)) process.stdout.write(letter);
  console.log();
}
await Client.default().close();
