import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline/promises';

import { App, interact } from 'gantry';

export const app = new App('interactive');

export const guess = app.function(async (rounds: number = 1) => {
  const wasTerminal = stdin.isTTY === true;
  await interact();
  await interact();
  // A person looks at it: colours, sizes and single keys are those of a terminal.
  console.log(`terminal before ${wasTerminal}, now ${process.stdin.isTTY}, ${process.stdout.columns} wide`);
  const reader = createInterface({ input: stdin, output: stdout });
  const words = [];
  for (let round = 0; round < rounds; round++) words.push(await reader.question('Your word? '));
  reader.close();
  return `you said ${words.join(' and ')}; interactive: ${app.isInteractive}`;
});

/** Leaves keys to the terminal, which makes lines of them. */
export const line = app.function(async () => {
  await interact();
  console.log('say something');
  for await (const heard of process.stdin) return `heard ${String(heard).trim()}`;
  return 'heard nothing';
});

export const key = app.function(async () => {
  await interact();
  process.stdin.setRawMode(true);
  console.log('press a key');
  const pressed = await new Promise<Buffer>((resolve) => process.stdin.once('data', resolve));
  return `pressed ${pressed.toString('hex')}`;
});

export const pair = app.localEntrypoint(async () => {
  console.log(await guess.remote());
  console.log(await guess.remote(2));
  console.log(`here ${app.isInteractive}`);
});

if (import.meta.main) {
  await app.run({ interactive: true }, async () => console.log(await guess.remote()));
}
