import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, test } from 'vitest';

const SOURCE = join(import.meta.dirname, 'compiled-program.ts');
const PROGRAM = `exports.say = () => 'one';
exports.fail = function fail() { throw new Error('failed'); };
exports.part = () => require('./part.cjs').program === exports;`;

class Folder {
  readonly path: string;
  readonly kept: string;

  constructor(path: string) {
    this.path = path;
    this.kept = join(path, 'kept');
    this.write('program-1.cjs', PROGRAM);
    this.write('part.cjs', "exports.program = require('./program-1.cjs');");
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  /** What a new process says that has the program and runs this. */
  run(code: string, folder: string | undefined = this.kept): unknown {
    this.write(
      'main.mts',
      `import { CompiledProgram } from ${JSON.stringify(SOURCE)};
      const program = new CompiledProgram(${JSON.stringify(join(this.path, 'program-1.cjs'))}, ${JSON.stringify(folder)});
      const { say, fail, part } = program.load();
      ${code}`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [join(this.path, 'main.mts')], {
      cwd: this.path,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as unknown;
  }
}

const SAY = 'console.log(JSON.stringify(say()))';

describe('a compiled program', () => {
  test('has all its functions as they were kept, those among them that nobody had called', async () => {
    await using temporary = await temporaryDirectory();
    const folder = new Folder(temporary.path);
    expect(folder.run(`program.keep(); ${SAY}`)).toBe('one');
    // V8 compares the length of a text alone: only what it compiles now is as it stands there now.
    folder.write('program-1.cjs', PROGRAM.replace('one', 'two'));
    expect(folder.run(SAY)).toBe('one');
    expect(folder.run(SAY, join(temporary.path, 'elsewhere'))).toBe('two');
  });

  test('is compiled anew where what was kept is of no use, and kept again', async () => {
    await using temporary = await temporaryDirectory();
    const folder = new Folder(temporary.path);
    folder.run(`program.keep(); ${SAY}`);
    const [name = ''] = readdirSync(folder.kept);
    writeFileSync(join(folder.kept, name), 'no code');
    folder.write('program-1.cjs', PROGRAM.replace('one', 'two'));
    expect(folder.run(`program.keep(); ${SAY}`)).toBe('two');
    folder.write('program-1.cjs', PROGRAM);
    expect(folder.run(SAY)).toBe('two');
    expect(readdirSync(folder.kept)).toEqual([name]);
  });

  test('is not kept where no folder is given, or none can be made', async () => {
    await using temporary = await temporaryDirectory();
    const folder = new Folder(temporary.path);
    writeFileSync(folder.kept, 'a file');
    expect(folder.run(`program.keep(); ${SAY}`)).toBe('one');
    expect(folder.run(`program.keep(); ${SAY}`, '')).toBe('one');
    expect(readdirSync(temporary.path).sort()).toEqual([
      ...['kept', 'main.mts', 'part.cjs', 'program-1.cjs'],
    ]);
  });

  test.each(['first', 'second'])('is a module like others, the %s time', async (time) => {
    await using temporary = await temporaryDirectory();
    const folder = new Folder(temporary.path);
    if (time === 'second') folder.run(`program.keep(); ${SAY}`);
    const seen = folder.run(
      `try { fail(); } catch (error) { console.log(JSON.stringify([part(), error.stack.split('\\n')[1].trim()])); }`,
    );
    const place = `at fail (${join(temporary.path, 'program-1.cjs')}:2:40)`;
    expect(seen).toEqual([true, place]);
  });
});
