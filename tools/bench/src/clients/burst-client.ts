import { Client, RemoteFunction } from 'gantry';

import type { burst } from '../app/app.ts';
import { BURST } from '../app/burst-shape.ts';

// Connects once, then answers each line on standard input, which is a number of inputs: with the milliseconds
// from the first call to the last result.
const remote = RemoteFunction.fromName<typeof burst>('bench', 'burst');
await Client.default().hello();
await remote.hydrate();
console.log('ready');
process.stdin.setEncoding('utf8').on('data', (line: string) => {
  const inputs = Math.min(Number(line), BURST.inputs);
  const start = performance.now();
  const calls = Array.from({ length: inputs }, (_, x) => remote.remote(x));
  void Promise.all(calls).then((answers) => {
    if (answers.some((answer, x) => answer !== x)) throw new Error('an answer belongs to another input');
    console.log(String(performance.now() - start));
  });
});
process.stdin.on('end', () => process.exit(0));
