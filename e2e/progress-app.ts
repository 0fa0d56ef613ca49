import { App, enableOutput } from 'gantry';

export const app = new App('progress');

export const check = app.function(async (n: number) => {
  console.log(`container saw ${n}`);
  return n;
});

/** The third input comes when a line is typed. */
async function* inputs() {
  yield* [1, 2];
  for await (const _ of process.stdin) break;
  yield 3;
}

export const main = app.localEntrypoint(async () => {
  for await (const n of check.map(inputs())) console.log(`checked ${n}`);
});

if (import.meta.main) await enableOutput(() => app.run(() => main()));
