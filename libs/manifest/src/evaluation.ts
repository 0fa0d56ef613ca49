import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { ExecutionError } from '@gantry/protocol';

import type { Bundle } from './bundle.ts';
import type { Evaluated } from './evaluated-app.ts';
import { EvaluatorProcess } from './evaluator-process.ts';
import { StackMap } from './error-location.ts';
import { displayPath, type Project } from './project.ts';

const IGNORING = {
  what: 'what says which files to leave out failed',
  hint: 'Correct the `ignore` of this image.',
};

/** Evaluates the bundle of a project that is being built. */
export class Evaluator implements AsyncDisposable {
  readonly #process: EvaluatorProcess;
  readonly #project: Project;
  #stacks: StackMap | undefined;

  constructor(project: Project, limitMs?: number) {
    this.#project = project;
    const label = displayPath(project, project.entry);
    this.#process = new EvaluatorProcess({ cwd: project.root, label, limitMs });
  }

  /**
   * Imports a bundle and returns the apps that it registers.
   *
   * @throws BuildError if the bundle throws, ends the process, or is not loaded within the time limit.
   */
  async evaluate(bundle: Bundle): Promise<Evaluated> {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-build-'));
    try {
      const file = await layOut(bundle, folder);
      const answer = await this.#process.ask({ url: pathToFileURL(file).href });
      const stacks = new StackMap({ bundle, folder, project: this.#project });
      this.#stacks = stacks;
      if ('error' in answer) throw stacks.locate(answer.error);
      if (!('apps' in answer)) throw new ExecutionError('the app was evaluated for something else');
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
    const answer = await this.#process.askIgnored(rule, paths);
    if ('error' in answer) throw stacks.locate(answer.error, IGNORING);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

/** Puts the bundle and links to packages side by side, as they will lie in a container. */
async function layOut(bundle: Bundle, folder: string): Promise<string> {
  const file = join(folder, 'bundle.mjs');
  await writeFile(file, bundle.code);
  const packages = new Map([...bundle.remote, ...bundle.external].map(({ name, root }) => [name, root]));
  for (const [name, root] of packages) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(root, link, 'junction');
  }
  return file;
}
