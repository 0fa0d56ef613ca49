import { spawn, type ChildProcess } from 'node:child_process';

import type { EvaluationAnswer, EvaluationOrder, IgnoredAnswer } from './evaluated-app.ts';
import { EVALUATOR_SCRIPT } from './evaluator-script.ts';
import { toBuildError } from './mistake.ts';

const EVALUATION_LIMIT_MS = 20_000;
const KEPT_OUTPUT_CHARACTERS = 4_000;

const LOADING = {
  work: 'loading',
  hint: 'Move slow work and servers out of module level, into a function or an @enter() method.',
};
const IGNORING = {
  work: 'saying which files to leave out',
  hint: 'Make the `ignore` function of the image answer at once.',
};

export interface EvaluatorProcessOptions {
  /** Working directory of the user's code. */
  cwd: string;
  /** What messages name when the app does not load. */
  label: string;
  /** @defaultValue 20_000 */
  limitMs?: number | undefined;
}

/** A process that waits for one bundle to evaluate. Started before the bundle is ready, because Node takes time. */
export class EvaluatorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #label: string;
  readonly #limitMs: number;
  readonly #closed: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #questions = new Map<number, (answer: IgnoredAnswer) => void>();
  #output = '';

  constructor({ cwd, label, limitMs = EVALUATION_LIMIT_MS }: EvaluatorProcessOptions) {
    this.#label = label;
    this.#limitMs = limitMs;
    this.#child = spawn(process.execPath, ['--input-type=module', '-e', EVALUATOR_SCRIPT], {
      cwd,
      env: { ...process.env, GANTRY_BUILD: '1' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT_CHARACTERS);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    // Not 'exit': by 'close' all that the process printed has arrived, and its answer, if it gave one. A process
    // that could not be started closes, too.
    this.#closed = new Promise((resolve) =>
      this.#child.once('close', (code, signal) => resolve({ code, signal })),
    );
    this.#child.on('error', () => undefined);
  }

  /**
   * Has a bundle imported.
   *
   * @throws BuildError if the bundle ends the process, or is not loaded within the time limit.
   */
  ask(order: EvaluationOrder): Promise<EvaluationAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#tooSlow(LOADING)), this.#limitMs);
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        settle();
      };
      this.#child.once('message', (message) => end(() => resolve(message as EvaluationAnswer)));
      this.#child.on('message', (message) => {
        if (typeof message === 'object' && 'request' in message) this.#settle(message as IgnoredAnswer);
      });
      void this.#closed.then(({ code, signal }) => end(() => reject(this.#ended(code, signal))));
      // A failed send means that the process is gone, which 'close' reports.
      this.#child.send(order, () => undefined);
    });
  }

  /** Has a rule of the imported bundle say which paths it ignores. */
  async askIgnored(rule: number, paths: readonly string[]): Promise<IgnoredAnswer> {
    const request = this.#questions.size;
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<IgnoredAnswer>((resolve, reject) => {
      this.#questions.set(request, resolve);
      timer = setTimeout(() => reject(this.#tooSlow(IGNORING)), this.#limitMs);
      void this.#closed.then(({ code, signal }) => reject(this.#ended(code, signal)));
    });
    this.#child.send({ request, rule, paths }, () => undefined);
    return await answered.finally(() => clearTimeout(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (this.#child.pid === undefined) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #settle(answer: IgnoredAnswer): void {
    this.#questions.get(answer.request)?.(answer);
  }

  #tooSlow({ work, hint }: { work: string; hint: string }): Error {
    const what = `the app did not finish ${work} within ${this.#limitMs / 1000} s`;
    return toBuildError([{ file: this.#label, what, hint }]);
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): Error {
    const how = signal === null ? `ended the process with code ${code}` : `was ended by ${signal}`;
    const output = printable(this.#output).trim();
    const what = `the app ${how} while it was loading${output === '' ? '' : `; it printed:\n${output}`}`;
    const hint = 'At module level, do not call process.exit, nor await what never comes.';
    return toBuildError([{ file: this.#label, what, hint }]);
  }
}

// What an app prints may be anything; in a terminal, control characters do things.
function printable(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]|\uFFFD/gu, '?');
}
