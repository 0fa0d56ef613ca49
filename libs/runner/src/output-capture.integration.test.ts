import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, test } from 'vitest';

const SOURCE = join(import.meta.dirname, 'output-capture.ts');

/** What is captured of code, and what it writes past that. */
async function captured(code: string): Promise<{ heard: unknown; past: string }> {
  await using folder = await temporaryDirectory();
  const path = join(folder.path, 'main.mts');
  writeFileSync(
    path,
    `import { writeSync } from 'node:fs';
    import { Writable } from 'node:stream';
    import { captureOutput } from ${JSON.stringify(SOURCE)};
    const heard: unknown[] = [];
    captureOutput((stream, text) => heard.push([stream, text]));
    const replace = (value: unknown) => Object.defineProperty(process, 'stdout', { value, configurable: true });
    const sink = new Writable({ write: (chunk, encoding, done) => { writeSync(1, chunk); done(); } });
    ${code}
    writeSync(2, JSON.stringify(heard));`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' });
  return { heard: JSON.parse(stderr) as unknown, past: stdout };
}

describe('what JavaScript writes', () => {
  test('is captured, by whatever name its stream has', async () => {
    const code = `console.log('a'); console.error('b'); process.stdout.write('c');
      const { stdout, stderr } = await import('node:process'); stdout.write('ZA==', 'base64'); stderr.write(Buffer.from('e'));`;
    const [stdout, stderr] = [(text: string) => ['stdout', text], (text: string) => ['stderr', text]];
    const heard = [stdout('a\n'), stderr('b\n'), stdout('c'), stdout('d'), stderr('e')];
    expect(await captured(code)).toEqual({ heard, past: '' });
  });

  test('to the console is captured also where another stream was put in the place of stdout before its first use', async () => {
    const code = `replace(sink); console.log('a'); process.stdout.write('b');`;
    expect(await captured(code)).toEqual({ heard: [['stdout', 'a\n']], past: 'b' });
  });

  test('to a console that was given another stream goes there', async () => {
    const code = `console._stdout = sink; console.log('a'); process.stdout.write('b');`;
    expect(await captured(code)).toEqual({ heard: [['stdout', 'b']], past: 'a\n' });
  });
});
