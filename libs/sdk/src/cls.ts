import type { AutoscalerSettings, FunctionStats, PoolOptions } from '@gantry/protocol';

import { FunctionTarget, type FunctionTargetOptions } from './function-target.ts';
import { makeInstance, type Instance, type InstanceParameters } from './instance.ts';
import { readStats, updateAutoscaler } from './live-settings.ts';
import { checkKeys } from './option-checks.ts';
import type { BatchedOptions, ConcurrentOptions } from './options.ts';
import {
  replaceBatching,
  replaceConcurrency,
  replaceOptions,
  type ReplaceableOptions,
} from './pool-options.ts';
import type { FromNameOptions } from './remote-function.ts';

/**
 * A handle on a class of a deployed app, from any program.
 *
 * @example
 * ```ts
 * import type { Ocr } from './ocr.ts';
 * const ocr = Cls.fromName<typeof Ocr>('ocr', 'Ocr').instance({ lang: 'deu' });
 * const text = await ocr.read.remote(page);
 * ```
 */
export class Cls<T extends object> {
  readonly #app: string;
  readonly #name: string;
  readonly #options: FromNameOptions;
  #replaced: PoolOptions = {};

  private constructor(app: string, name: string, options: FromNameOptions) {
    this.#app = app;
    this.#name = name;
    this.#options = options;
  }

  /** Nothing is looked up before a method of an instance is called. */
  static fromName<TClass extends abstract new (...args: never[]) => object>(
    app: string,
    name: string,
    options: FromNameOptions = {},
  ): Cls<InstanceType<TClass>> {
    checkKeys('Cls.fromName', options, ['environment', 'client']);
    return new Cls<InstanceType<TClass>>(app, name, options);
  }

  /** The containers with these parameters; wrong ones show at the first call. */
  instance(parameters: InstanceParameters<T> = {}): Instance<T> {
    return makeInstance<T>({ className: this.#name, target: this.#target({ parameters }) });
  }

  /**
   * The class with other options, for the calls made through the new handle: they get containers of their own.
   * This handle stays as it is; repeated calls add up, the later one wins.
   *
   * @throws {@link InvalidError} on options out of range, and on those that only the class itself may set, such
   * as `minContainers`.
   *
   * @example
   * ```ts
   * const big = Cls.fromName<typeof Ocr>('ocr', 'Ocr').withOptions({ memoryMiB: 4_096 }).withConcurrency({ maxInputs: 8 });
   * ```
   */
  withOptions(options: ReplaceableOptions): Cls<T> {
    return this.#with(replaceOptions(this.#replaced, options));
  }

  /** Like {@link withOptions}, for what `@concurrent` says. */
  withConcurrency(options: ConcurrentOptions): Cls<T> {
    return this.#with(replaceConcurrency(this.#replaced, options));
  }

  /** Like {@link withOptions}, for what `@batched` says; only for a class with a single method, which takes lists. */
  withBatching(options: BatchedOptions): Cls<T> {
    return this.#with(replaceBatching(this.#replaced, options));
  }

  /**
   * Changes how many containers the class has, for each set of parameters, until the next deploy of its app. What
   * is left out keeps its present value. For one set: `instance(…).method.updateAutoscaler(…)`.
   *
   * @throws {@link InvalidError} on settings out of range, or more `minContainers` than `maxContainers`.
   */
  async updateAutoscaler(settings: AutoscalerSettings): Promise<void> {
    await updateAutoscaler(this.#target({ wholeClass: true }), settings);
  }

  /** How much waits and runs at this moment, over all instances. */
  async getCurrentStats(): Promise<FunctionStats> {
    return readStats(this.#target({ wholeClass: true }));
  }

  #with(replaced: PoolOptions): Cls<T> {
    const other = new Cls<T>(this.#app, this.#name, this.#options);
    other.#replaced = replaced;
    return other;
  }

  #target(which: Pick<FunctionTargetOptions, 'parameters' | 'wholeClass'>): FunctionTarget {
    const { environment, client } = this.#options;
    return new FunctionTarget({
      name: this.#name,
      apps: () => [this.#app],
      environment,
      platform: client?.platform,
      options: this.#replaced,
      ...which,
    });
  }
}
