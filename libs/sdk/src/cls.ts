import {
  HANDLE,
  registerHandle,
  type AutoscalerSettings,
  type FunctionStats,
  type HandleState,
  type PoolOptions,
} from '@gantry/protocol';

import {
  assertHandleNames,
  FunctionTarget,
  type FunctionTargetOptions,
  type TargetReference,
} from './function-target.ts';
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

/** Where a class or function is looked up. @internal */
export type HandleSource = Pick<
  FunctionTargetOptions,
  'name' | 'kind' | 'apps' | 'environment' | 'platform' | 'running'
>;

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
  readonly #source: HandleSource;
  readonly #replaced: PoolOptions;
  #whole: FunctionTarget | undefined;

  private constructor(source: HandleSource, replaced: PoolOptions = {}) {
    this.#source = source;
    this.#replaced = replaced;
  }

  /** @internal */
  static on<T extends object>(source: HandleSource, replaced: PoolOptions = {}): Cls<T> {
    return new Cls<T>(source, replaced);
  }

  /** @internal As an argument or result it arrives as a handle on the same class, with the same options. */
  [HANDLE](): HandleState {
    return { kind: 'gantry.Cls', state: this.#wholeTarget.reference };
  }

  /** Nothing is looked up before a method of an instance is called. */
  static fromName<TClass extends abstract new (...args: never[]) => object>(
    app: string,
    name: string,
    options: FromNameOptions = {},
  ): Cls<InstanceType<TClass>> {
    checkKeys('Cls.fromName', options, ['environment', 'client']);
    const { environment, client } = options;
    assertHandleNames('class', { app, name, environment });
    return new Cls<InstanceType<TClass>>({
      name,
      kind: 'class',
      apps: () => [app],
      environment,
      get platform() {
        return client?.platform;
      },
    });
  }

  /** The containers with these parameters; wrong ones show at the first call. */
  instance(parameters: InstanceParameters<T> = {}): Instance<T> {
    return makeInstance<T>({ className: this.#source.name, target: this.#target({ parameters }) });
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
    await updateAutoscaler(this.#wholeTarget, settings);
  }

  /** How much waits and runs at this moment, over all instances. */
  async getCurrentStats(): Promise<FunctionStats> {
    return readStats(this.#wholeTarget);
  }

  /**
   * Looks the class up now instead of at the first call.
   *
   * @throws {@link NotFoundError} if it is not deployed.
   */
  async hydrate(): Promise<this> {
    await this.#wholeTarget.resolve();
    return this;
  }

  /**
   * Id of the class, `fu-…`.
   *
   * @throws {@link ExecutionError} before it was looked up.
   */
  get objectId(): string {
    return this.#wholeTarget.objectId;
  }

  get #wholeTarget(): FunctionTarget {
    return (this.#whole ??= this.#target({ wholeClass: true }));
  }

  #with(replaced: PoolOptions): Cls<T> {
    return new Cls<T>(this.#source, replaced);
  }

  #target(which: Pick<FunctionTargetOptions, 'parameters' | 'wholeClass'>): FunctionTarget {
    return new FunctionTarget({ ...this.#source, ...which }, this.#replaced);
  }
}

registerHandle('gantry.Cls', ({ apps, options, ...names }: TargetReference) =>
  Cls.on({ ...names, apps: () => apps }, options),
);
