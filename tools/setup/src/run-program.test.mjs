import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const RUN_PROGRAM = new URL('./run-program.mjs', import.meta.url).href;

function startRunning(script) {
  const program = `
    import { runAttached } from ${JSON.stringify(RUN_PROGRAM)};
    const result = await runAttached(process.execPath, ['-e', ${JSON.stringify(script)}]);
    console.log(JSON.stringify(result));
  `;
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function textOf(stream) {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

test('a program that ends by itself was stopped by nothing', async () => {
  const runner = startRunning('process.exitCode = 3');
  expect(JSON.parse(await textOf(runner.stdout))).toEqual({ code: 3 });
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'])(
  '%s reaches the program, and whoever ran it is told',
  async (signal) => {
    const runner = startRunning(
      "for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => process.exit(0)); console.log('up'); setInterval(() => {}, 1000);",
    );
    const said = textOf(runner.stdout);
    await once(runner.stdout, 'data');
    runner.kill(signal);
    expect(JSON.parse((await said).replace('up\n', ''))).toEqual({ code: 0, stoppedBy: signal });
  },
);
