import { join } from 'node:path';

import { RemoteFunction } from 'gantry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startPlatformWith } from './deployed-platform.ts';
import type { greet, look } from './images-app.ts';
import { runCli, type Platform } from './platform.ts';

const file = (name: string): string => join(import.meta.dirname, name);

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatformWith(file('images-app.ts'), ['--driver', 'process']);
});

afterAll(async () => {
  await platform[Symbol.asyncDispose]();
});

describe('an image, where containers are plain processes', () => {
  test('gives them packages, variables, and files in their working directory', async () => {
    const look_ = RemoteFunction.fromName<typeof look>('images', 'look');

    expect(await look_.remote()).toEqual({
      greeting: 'hello, warm',
      files: ['german.txt', 'numbers.txt'],
      words: 'eins zwei drei',
      ran: 'ran here',
      next: '2027-01-01T00:00:00.000Z',
    });
  });

  test('is that of the app for functions without one of their own', async () => {
    expect(await RemoteFunction.fromName<typeof greet>('images', 'greet').remote()).toBe('hello');
  });

  test('needs nothing uploaded that is there already', async () => {
    const { stderr } = await runCli(['deploy', file('images-app.ts')], platform.env);

    expect(stderr).toContain('Nothing to upload');
  });

  test('has its local paths told of at each deploy', async () => {
    const { stderr } = await runCli(['deploy', file('images-app.ts')], platform.env);

    expect(stderr).toContain('  Mounted e2e/images-app.ts with what it imports, as the bundle\n');
    expect(stderr).toContain('  Mounted e2e/image-files at ./files\n');
    expect(stderr).toContain('  Mounted e2e/image-files/lists/numbers.txt at ./files/lists/german.txt\n');
  });

  test('with steps that they cannot have is refused at the deploy, with each of them', async () => {
    const { code, stderr } = await runCli(['deploy', file('images-refused-app.ts')], platform.env);

    expect(code).not.toBe(0);
    expect(stderr).toContain('plain processes, which cannot have:');
    expect(stderr).toContain('e2e/images-refused-app.ts:4: Image.aptInstall');
    expect(stderr).toContain('e2e/images-refused-app.ts:5: Image.runCommands');
    expect(stderr).toContain('e2e/images-refused-app.ts:6: a file in "/data"');
    expect(stderr).toContain('gantry up --driver runc');
  });

  test('is what doctor says of the workers', async () => {
    const { stdout } = await runCli(['doctor'], platform.env);

    expect(stdout).toMatch(/containers +process with Node \d+\.\d+\.\d+, without images/);
  });
});
