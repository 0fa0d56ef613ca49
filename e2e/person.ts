import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { HostProcess } from '@gantry/containers/testing';
import { waitUntil } from '@gantry/testing';

import { REPOSITORY } from './platform.ts';

const CLI = join(REPOSITORY, 'dist/cli.mjs');

/** A person at a terminal in which `gantry` runs. */
export class Person implements AsyncDisposable {
  shown = '';
  readonly #program: HostProcess;

  private constructor(program: HostProcess) {
    this.#program = program;
    program.stdout.on('data', (data: Buffer) => (this.shown += data.toString()));
    program.stderr.resume();
  }

  static runs(args: string[], variables: Record<string, string>): Promise<Person> {
    return Person.runsProgram([process.execPath, CLI, ...args], variables);
  }

  static async runsProgram(program: string[], variables: Record<string, string>): Promise<Person> {
    const env = { ...(process.env as Record<string, string>), ...variables };
    // What the terminal is like afterwards is seen by what runs in it then.
    const line = ['-c', '"$@"; code=$?; stty -a | grep -o -- "-\\?icanon"; exit $code', 'sh'];
    const command = ['sh', ...line, ...program];
    return new Person(await HostProcess.spawn({ command, env, terminal: { columns: 111, rows: 22 } }));
  }

  type(keys: string): void {
    this.#program.stdin.write(keys);
  }

  async sees(expected: string | RegExp): Promise<void> {
    const isShown = () =>
      typeof expected === 'string' ? this.shown.includes(expected) : expected.test(this.shown);
    await waitUntil(isShown, { timeoutMs: 30_000, what: String(expected) }).catch((cause: unknown) => {
      throw new Error(`"${String(expected)}" is not in what is shown: ${this.shown}`, { cause });
    });
  }

  resize(columns: number, rows: number): void {
    this.#program.resize({ columns, rows });
  }

  signalsGantry(signal: NodeJS.Signals): void {
    const { pid } = this.#program;
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ');
    process.kill(Number(child), signal);
  }

  async leaves(): Promise<number | null> {
    return (await this.#program.exited).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.kill();
    await this.#program.exited;
  }
}
