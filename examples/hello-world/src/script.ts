import { App, currentInputId, enableOutput } from 'gantry';

/** Node runs this file as it is: an app in a plain program, up for as long as the program needs it. */
const app = new App();

const square = app.function(async (x: number): Promise<number> => {
  if (currentInputId()) console.log(`squared ${x} in input ${currentInputId()}`);
  return x * x;
});

if (import.meta.main) {
  const x = Number(process.argv[2] ?? 3);
  console.log(`local: ${await square.local(x)}`);
  using _output = enableOutput({ showProgress: false });
  await using _run = await app.run();
  console.log(`remote: ${await square.remote(x)}`);
}
