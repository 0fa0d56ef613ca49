import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { StartOptions } from '../container-driver.ts';
import { CompiledCode, removeStaleCode } from './compiled-code.ts';

/** Compiling is not to compete with the start that showed the need for it. */
const DELAY_MS = 1_000;

/** A module to be compiled by a container of its own. */
export interface CompileJob {
  /** Where the container has it. */
  path: string;
  mounts: NonNullable<StartOptions['mounts']>;
  /** Takes what the container has written. */
  take(upper: string): void;
}

/**
 * What containers load, compiled, by module. The first container that loads one compiles it for itself; a container
 * that runs nothing of it does so again for all later ones, each module once.
 */
export class CompiledBundles {
  readonly #folder: string;
  readonly #compile: (job: CompileJob) => Promise<void>;
  readonly #asked = new Set<string>();
  #last: Promise<void> = Promise.resolve();

  constructor(folder: string, compile: (job: CompileJob) => Promise<void>) {
    this.#folder = folder;
    this.#compile = compile;
    removeStaleCode(folder, Date.now());
  }

  /** To be laid over the root of a container: none for what is not compiled yet. */
  layersFor(options: StartOptions): string[] {
    const compiled = this.#find(options)?.compiled;
    compiled?.touch();
    return compiled?.layers ?? [];
  }

  /** Has the code of a container compiled, if nobody has asked for it before. */
  compileLater(options: StartOptions): void {
    const found = this.#find(options);
    if (!found || this.#asked.has(found.compiled.key)) return;
    const { path, compiled } = found;
    this.#asked.add(compiled.key);
    if (compiled.layers.length > 0) return;
    const job = { path, mounts: options.mounts ?? [], take: (upper: string) => compiled.take(upper) };
    const compile = async (): Promise<void> => {
      await delay(DELAY_MS, undefined, { ref: false });
      // Containers compile it themselves if this fails.
      await this.#compile(job).catch(() => undefined);
    };
    this.#last = this.#last.then(compile);
  }

  #find({ code, mounts = [] }: StartOptions): { path: string; compiled: CompiledCode } | undefined {
    const mount = mounts.find(({ source }) => code?.startsWith(`${source}/`));
    if (!code || !mount) return undefined;
    const path = join(mount.target, code.slice(mount.source.length));
    return { path, compiled: new CompiledCode(this.#folder, code, path) };
  }
}
