import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Bundle } from './bundle.ts';
import type { Evaluated, EvaluationAnswer, IgnoredAnswer } from './evaluated-app.ts';
import { EVALUATOR_SCRIPT } from './evaluator-script.ts';
import { StackMap } from './error-location.ts';
import { toBuildError } from './mistake.ts';
import { displayPath, type Project } from './project.ts';

const EVALUATION_LIMIT_MS = 20_000;
const KEPT_OUTPUT_CHARACTERS = 4_000;
const IGNORING = {
  what: 'what says which files to leave out failed',
  hint: 'Correct the `ignore` of this image.',
};

/** A process that waits for a bundle to evaluate. Started before the bundle is ready, because Node takes time. */
export class Evaluator implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #project: Project;
  readonly #limitMs: number;
  readonly #closed: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #questions = new Map<number, (answer: IgnoredAnswer) => void>();
  #stacks: StackMap | undefined;
  #output = '';

  constructor(project: Project, limitMs = EVALUATION_LIMIT_MS) {
    this.#project = project;
    this.#limitMs = limitMs;
    this.#child = spawn(process.execPath, ['--input-type=module', '-e', EVALUATOR_SCRIPT], {
      cwd: project.root,
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
   * Imports a bundle and returns the apps that it registers, and their images.
   *
   * @throws BuildError if the bundle throws, ends the process, or is not loaded within the time limit.
   */
  async evaluate(bundle: Bundle): Promise<Evaluated> {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-build-'));
    try {
      const answer = await this.#ask(await layOut(bundle, folder));
      const stacks = new StackMap({ bundle, folder, project: this.#project });
      this.#stacks = stacks;
      if ('error' in answer) throw stacks.locate(answer.error);
      const located = <T extends { stack: string }>({ stack, ...rest }: T) => ({
        ...rest,
        site: stacks.siteOf(stack),
      });
      const images = answer.images.map(({ steps, files }) => ({
        steps: steps.map(located),
        files: files.map(located),
      }));
      return { apps: answer.apps, images };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /**
   * Which of these paths a rule of the evaluated bundle ignores, and whether all in an ignored folder is ignored, too.
   *
   * @throws BuildError if the rule throws.
   */
  async ignored(rule: number, paths: readonly string[]): Promise<{ ignored: boolean[]; prunes: boolean }> {
    const stacks = this.#stacks;
    if (!stacks) throw new Error('the bundle has not been evaluated');
    const request = this.#questions.size;
    const answered = new Promise<IgnoredAnswer>((resolve, reject) => {
      this.#questions.set(request, resolve);
      void this.#closed.then(({ code, signal }) => reject(this.#ended(code, signal)));
    });
    this.#child.send({ request, rule, paths }, () => undefined);
    const answer = await answered;
    if ('error' in answer) throw stacks.locate(answer.error, IGNORING);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (this.#child.pid === undefined) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #ask(file: string): Promise<EvaluationAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#tooSlow()), this.#limitMs);
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
      this.#child.send({ url: pathToFileURL(file).href }, () => undefined);
    });
  }

  #settle(answer: IgnoredAnswer): void {
    this.#questions.get(answer.request)?.(answer);
  }

  #tooSlow(): Error {
    const what = `the app did not finish loading within ${this.#limitMs / 1000} s`;
    const hint = 'Move slow work and servers out of module level, into a function or an @enter() method.';
    return toBuildError([{ file: displayPath(this.#project, this.#project.entry), what, hint }]);
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): Error {
    const how = signal === null ? `ended the process with code ${code}` : `was ended by ${signal}`;
    const output = printable(this.#output).trim();
    const what = `the app ${how} while it was loading${output === '' ? '' : `; it printed:\n${output}`}`;
    const hint = 'At module level, do not call process.exit, nor await what never comes.';
    return toBuildError([{ file: displayPath(this.#project, this.#project.entry), what, hint }]);
  }
}

// What an app prints may be anything; in a terminal, control characters do things.
function printable(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]|\uFFFD/gu, '?');
}

/** Puts the bundle and links to its packages side by side, as they will lie in a container. */
async function layOut(bundle: Bundle, folder: string): Promise<string> {
  const file = join(folder, 'bundle.mjs');
  await writeFile(file, bundle.code);
  for (const { name, root } of bundle.external) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(root, link, 'junction');
  }
  return file;
}
