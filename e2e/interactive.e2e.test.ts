import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { Person } from './person.ts';
import { REPOSITORY, runCli, startPlatform, type Platform } from './platform.ts';

const ENTRY = 'e2e/interactive-app.ts';

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

describe('a function of an interactive run', () => {
  test('has the terminal of its caller until it returns', async () => {
    await using person = await Person.runs(['run', '-i', `${ENTRY}::guess`], platform.env);
    await person.sees('terminal before false, now true, 111 wide');
    await person.sees('Your word? ');
    person.type('plum\n');
    await person.sees('you said plum; interactive: true');
    expect(await person.leaves()).toBe(0);
    // The terminal is as it was: lines, not keys.
    expect(person.shown).toMatch(/^icanon/m);
    // What it printed was for the terminal alone.
    expect(person.shown.match(/terminal before/g)).toHaveLength(1);
  });

  test('reads single keys', async () => {
    await using person = await Person.runs(['run', '-i', `${ENTRY}::key`], platform.env);
    await person.sees('press a key');
    // Ctrl-C is a key, too.
    person.type('\u0003');
    await person.sees('pressed 03');
    expect(await person.leaves()).toBe(0);
  });

  test('has it after others, which gave it back', async () => {
    await using person = await Person.runs(['run', '-i', `${ENTRY}::pair`], platform.env);
    await person.sees('Your word? ');
    person.type('one\n');
    await person.sees('you said one; interactive: true');
    await person.sees(/said one[^]*Your word\? /);
    person.type('two\n');
    await person.sees(/two[^]*Your word\? /);
    person.type('three\n');
    await person.sees('you said two and three; interactive: true');
    await person.sees('here true');
    expect(await person.leaves()).toBe(0);
  });

  test('reads lines, and is interrupted by Ctrl-C, with its run', async () => {
    await using person = await Person.runs(['run', '-i', `${ENTRY}::line`], platform.env);
    await person.sees('say something');
    person.type('well\n');
    await person.sees('heard well');
    expect(await person.leaves()).toBe(0);

    await using other = await Person.runs(['run', '-i', `${ENTRY}::line`], platform.env);
    await other.sees('say something');
    other.type('\u0003');
    expect(await other.leaves()).toBe(130);
    expect(other.shown).toMatch(/(?<!-)icanon/);
  });

  test('has the terminal of a program that runs the app', async () => {
    const command = [process.execPath, '--no-warnings', join(REPOSITORY, ENTRY)];
    await using person = await Person.runsProgram(command, platform.env);
    await person.sees('Your word? ');
    person.type('pear\n');
    await person.sees('you said pear; interactive: true');
    expect(await person.leaves()).toBe(0);
  });
});

describe('interact', () => {
  test('is refused in a run that is not interactive, with what to do', async () => {
    const { code, stderr } = await runCli(['run', `${ENTRY}::guess`], platform.env);
    expect(code).not.toBe(0);
    expect(stderr).toContain('interact() needs an app that is run in interactive mode');
    expect(stderr).toContain('gantry run -i');
  });
});

describe('how far a map is', () => {
  const entry = join(REPOSITORY, 'e2e/progress-app.ts');
  const program = [process.execPath, '--no-warnings', entry];

  test.each([
    ['a run', () => Person.runs(['run', entry], platform.env)],
    ['a program that enables output', () => Person.runsProgram(program, platform.env)],
  ])('is seen at the terminal of %s, below what is printed', async (_who, start) => {
    await using person = await start();
    await person.sees('check: 2 of 2+ done');
    await person.sees('container saw 2');
    person.type('go\n');
    await person.sees('checked 3');
    expect(await person.leaves()).toBe(0);
    // eslint-disable-next-line no-control-regex -- what moves the cursor
    const lines = person.shown.replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, '').split(/\r?\n/);
    for (const n of [1, 2, 3]) {
      expect(lines).toContain(`container saw ${n}`);
      expect(lines).toContain(`checked ${n}`);
    }
  });
});
