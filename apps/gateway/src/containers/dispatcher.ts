import { ContainerError, InternalFailure, ResourceExhaustedError, type GantryError } from '@gantry/protocol';

import { inject, onePerGateway, TOKENS } from '../injection.ts';
import type { FunctionSource } from '../routing/function-source.ts';
import { chooseContainer } from './container-choice.ts';
import { ContainerDirectory, type PoolChange } from './container-directory.ts';
import type { ContainerEntry } from './container-entry.ts';
import { DemandSignal, type DemandedPool } from './demand-signal.ts';

/** What a request needs a container for. */
export interface DispatchTarget extends DemandedPool {
  functionName: string;
  /** Version of the app that is live. */
  version: number;
  /** How long to wait for a container at most. */
  waitMs: number;
}

/** Requests that may wait for one pool: each holds a connection, and who comes later would wait for long. */
const MAX_WAITING = 2_000;

interface Waiter {
  target: DispatchTarget;
  excluded: ReadonlySet<ContainerEntry> | undefined;
  timer: NodeJS.Timeout;
  resolve(container: ContainerEntry): void;
  reject(error: GantryError): void;
}

/**
 * Gives requests a container with a free slot, in the order in which they came.
 *
 * Invariants
 *   D1. A container that was handed out is held until `release`.
 *   D2. While requests of a pool wait, the scheduler hears of it.
 *   D3. Every waiting request ends: with a container, with an error, or by its client's leaving.
 */
@onePerGateway()
export class Dispatcher {
  readonly #containers: ContainerDirectory;
  readonly #demand: DemandSignal;
  readonly #functions: FunctionSource;
  readonly #waiting = new Map<string, Set<Waiter>>();

  constructor(
    @inject(ContainerDirectory) containers: ContainerDirectory,
    @inject(DemandSignal) demand: DemandSignal,
    @inject(TOKENS.functions) functions: FunctionSource,
  ) {
    this.#containers = containers;
    this.#demand = demand;
    this.#functions = functions;
    containers.onChange((change) => this.#onPoolChange(change));
    functions.onChange(({ functionId, record }) => {
      if (!record || record.stopped) this.#rejectFunction(functionId);
    });
  }

  /** A container for this request now, if one is free and nobody waits before it. */
  tryAcquire(target: DispatchTarget, excluded?: ReadonlySet<ContainerEntry>): ContainerEntry | undefined {
    if (this.#waiting.has(target.pool)) return undefined;
    return this.#acquire(target, excluded);
  }

  /**
   * Waits for a container.
   *
   * @throws ResourceExhaustedError when too many wait already, InternalFailure when none came in time, ContainerError when the function's code does not load,
   * InternalFailure also when the app was stopped meanwhile.
   */
  wait(
    target: DispatchTarget,
    options: { signal: AbortSignal; excluded?: ReadonlySet<ContainerEntry> | undefined },
  ): Promise<ContainerEntry> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiting.get(target.pool) ?? new Set();
      if (waiters.size >= MAX_WAITING) return reject(tooManyWait(target));
      this.#waiting.set(target.pool, waiters);
      const timer = setTimeout(() => this.#end(waiter, () => reject(noContainer(target))), target.waitMs);
      const onAbort = () => this.#end(waiter, () => reject(options.signal.reason));
      const settled = () => options.signal.removeEventListener('abort', onAbort);
      const waiter: Waiter = {
        target,
        excluded: options.excluded,
        timer,
        resolve: (container) => (settled(), resolve(container)),
        reject: (error) => (settled(), reject(error)),
      };
      waiters.add(waiter);
      options.signal.addEventListener('abort', onAbort, { once: true });
      this.#demand.set(target, waiters.size);
    });
  }

  /** How many requests wait, in all. */
  get waiting(): number {
    let sum = 0;
    for (const { size } of this.#waiting.values()) sum += size;
    return sum;
  }

  /** Gives back what was acquired. */
  release(container: ContainerEntry): void {
    container.release();
    this.#serve(container.status.pool);
  }

  /** Ends everything that waits. */
  close(): void {
    for (const pool of [...this.#waiting.keys()]) this.#rejectPool(pool, closing());
    this.#demand.close();
  }

  #acquire(
    target: DispatchTarget,
    excluded: ReadonlySet<ContainerEntry> | undefined,
  ): ContainerEntry | undefined {
    const candidates = this.#containers.inPool(target.pool);
    const container = chooseContainer(candidates, target.version, excluded);
    if (!container) return undefined;
    container.acquire(Date.now());
    if (container.status.version < target.version) this.#demand.mention(target);
    return container;
  }

  #onPoolChange(change: PoolChange): void {
    if (change.type === 'ready') return this.#serve(change.pool);
    const [first] = this.#waiting.get(change.pool) ?? [];
    if (!first || change.version < first.target.version) return;
    for (const { status } of this.#containers.inPool(change.pool)) {
      if (status.state === 'starting' || status.state === 'ready') return;
    }
    this.#rejectPool(change.pool, codeDoesNotLoad(first.target));
  }

  #serve(pool: string): void {
    const waiters = this.#waiting.get(pool);
    if (!waiters) return;
    for (const waiter of waiters) {
      const container = this.#acquire(waiter.target, waiter.excluded);
      if (container) this.#end(waiter, () => waiter.resolve(container));
      else if (!waiter.excluded) return;
    }
  }

  #end(waiter: Waiter, settle: () => void): void {
    const { pool } = waiter.target;
    const waiters = this.#waiting.get(pool);
    if (!waiters?.delete(waiter)) return;
    clearTimeout(waiter.timer);
    if (waiters.size === 0) this.#waiting.delete(pool);
    this.#demand.set(waiter.target, waiters.size);
    settle();
  }

  #rejectFunction(functionId: string): void {
    for (const waiters of [...this.#waiting.values()]) {
      for (const waiter of waiters) {
        if (waiter.target.functionId !== functionId) continue;
        this.#end(waiter, () => waiter.reject(stopped(waiter.target.functionName)));
      }
    }
  }

  #rejectPool(pool: string, error: GantryError): void {
    for (const waiter of [...(this.#waiting.get(pool) ?? [])]) this.#end(waiter, () => waiter.reject(error));
  }
}

/** What a request of a stopped app is told. */
export function stopped(functionName: string): InternalFailure {
  return new InternalFailure(`the app of "${functionName}" is stopped`, {
    hint: 'Deploy it again.',
  });
}

function tooManyWait({ functionName }: DispatchTarget): ResourceExhaustedError {
  return new ResourceExhaustedError(`${MAX_WAITING} requests wait for "${functionName}" already`, {
    hint: 'Send it again later, or raise the function\'s "maxContainers".',
  });
}

function noContainer({ functionName, waitMs }: DispatchTarget): InternalFailure {
  return new InternalFailure(
    `no container of "${functionName}" was free for ${Math.round(waitMs / 1000)} s`,
    {
      hint: 'Try again later, or raise the function\'s "maxContainers".',
    },
  );
}

function codeDoesNotLoad({ functionName }: DispatchTarget): ContainerError {
  return new ContainerError(`the container of "${functionName}" failed to start`, {
    hint: 'Its log says why.',
  });
}

function closing(): InternalFailure {
  return new InternalFailure('the gateway is stopping', { hint: 'Try again.' });
}
