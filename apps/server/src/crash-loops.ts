import type { FunctionDirectory } from '@gantry/messaging';
import type { ContainerStatus, WorkerStatus } from '@gantry/protocol';
import { CrashHistory, type CrashLoop } from '@gantry/scheduling';

import type { WorkerObserver } from './worker-observer.ts';

/** More pools than this do not fail at a time that anybody could look at. */
const MOST_POOLS = 1_000;

interface History {
  functionId: string;
  version: number;
  crashes: CrashHistory;
}

/**
 * Which functions crash-loop, for those who look. Every server finds out by itself, from the reports of workers; the
 * scheduler, which acts on it, has its own count.
 */
export class CrashLoops {
  readonly #functions: FunctionDirectory;
  readonly #subscription: { stop(): void };
  /** By pool. */
  readonly #histories = new Map<string, History>();
  /** Ended containers that workers still report, by worker. */
  readonly #counted = new Map<string, Set<string>>();

  constructor({ functions, workers }: { functions: FunctionDirectory; workers: WorkerObserver }) {
    this.#functions = functions;
    this.#subscription = workers.onStatus((status) => this.#observe(status, Date.now()));
  }

  of(functionId: string): CrashLoop | undefined {
    const version = this.#functions.get(functionId)?.version;
    for (const history of this.#histories.values()) {
      const { loop } = history.crashes;
      if (history.functionId === functionId && history.version === version && loop) return loop;
    }
    return undefined;
  }

  close(): void {
    this.#subscription.stop();
  }

  #observe({ workerId, containers }: WorkerStatus, nowMs: number): void {
    const before = this.#counted.get(workerId);
    const ended = new Set<string>();
    for (const container of containers) {
      if (container.state === 'stopped') ended.add(container.containerId);
      if (before?.has(container.containerId)) continue;
      this.#observeContainer(container, nowMs);
    }
    this.#counted.set(workerId, ended);
  }

  #observeContainer(container: ContainerStatus, nowMs: number): void {
    const { pool, functionId, version, state, startedAtMs, readyAtMs, proven } = container;
    if (this.#functions.get(functionId)?.version !== version) return;
    let history = this.#histories.get(pool);
    if (history?.version !== version) {
      // Most containers never fail: nothing is remembered of those.
      if (state !== 'stopped') return;
      this.#histories.set(pool, (history = { functionId, version, crashes: new CrashHistory() }));
    }
    if (readyAtMs !== undefined) history.crashes.observeReady();
    if (proven) history.crashes.observeProven();
    if (state === 'stopped') history.crashes.observeEnd(container, startedAtMs, nowMs);
    if (!history.crashes.hasFailures) this.#histories.delete(pool);
    const [oldest] = this.#histories.keys();
    if (this.#histories.size > MOST_POOLS && oldest !== undefined) this.#histories.delete(oldest);
  }
}
