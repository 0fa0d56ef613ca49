import type { Messaging } from '@gantry/messaging';
import { idTimeMs, subjects, type UnplaceableMessage } from '@gantry/protocol';

import type { WorkerObserver } from './worker-observer.ts';

/** The scheduler says again each minute what still has no place. */
const LASTS_MS = 75_000;

/** Functions that no machine has room for, for those who look: on every server, as the scheduler's says it. */
export class UnplaceableFunctions {
  readonly #workers: Pick<WorkerObserver, 'containers'>;
  readonly #subscription: { stop(): void };
  readonly #said = new Map<string, UnplaceableMessage>();

  constructor(messaging: Pick<Messaging, 'subscribe'>, workers: Pick<WorkerObserver, 'containers'>) {
    this.#workers = workers;
    this.#subscription = messaging.subscribe<UnplaceableMessage>(subjects.unplaceable, (message) => {
      this.#forgetOld(Date.now());
      this.#said.set(message.functionId, message);
    });
  }

  /** Why a function waits for a machine; undefined if it does not, or has got one since. */
  reasonFor(functionId: string): string | undefined {
    this.#forgetOld(Date.now());
    const said = this.#said.get(functionId);
    if (!said) return undefined;
    // The ids of containers are as old as the decision to start them.
    const isPlaced = this.#workers
      .containers()
      .some(
        ({ container }) => container.functionId === functionId && idTimeMs(container.containerId) > said.atMs,
      );
    return isPlaced ? undefined : said.reason;
  }

  close(): void {
    this.#subscription.stop();
  }

  #forgetOld(nowMs: number): void {
    for (const [functionId, { atMs }] of this.#said)
      if (nowMs - atMs > LASTS_MS) this.#said.delete(functionId);
  }
}
