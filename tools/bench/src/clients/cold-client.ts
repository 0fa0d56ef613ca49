import { Client, RemoteFunction } from 'gantry';

import type { coldDouble } from '../app/app.ts';

// Connects once, then answers each line on standard input with the milliseconds of one call: the time that a
// caller waits when the function is scaled to zero.
const remote = RemoteFunction.fromName<typeof coldDouble>('bench', 'coldDouble');
await Client.default().hello();
await remote.hydrate();
console.log('ready');
process.stdin.on('data', () => {
  const start = performance.now();
  void remote.remote(21).then((answer) => {
    if (answer !== 42) throw new Error(`the answer was ${answer}`);
    console.log(String(performance.now() - start));
  });
});
process.stdin.on('end', () => process.exit(0));
