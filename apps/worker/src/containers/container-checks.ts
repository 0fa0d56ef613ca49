import type { UsageStore } from '@gantry/messaging';
import type { MachineCapacity } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import type { Clock } from '../clock.ts';
import { UsageMeter } from '../usage/usage-meter.ts';
import { HeartbeatCheck } from './heartbeat-check.ts';
import type { HostedContainer } from './hosted-container.ts';
import { MemoryCheck } from './memory-check.ts';

export interface ContainerChecksOptions {
  containers(): Iterable<HostedContainer>;
  /** How long the event loop of a container may stand still. */
  silenceMs: number;
  machine: { readonly capacity: MachineCapacity };
  usage: UsageStore;
  clock: Clock;
  log: Logger;
}

/** Looks at the containers of a worker again and again: whether they live, and what they take up. */
export class ContainerChecks {
  readonly #heartbeats: HeartbeatCheck;
  readonly #memory: MemoryCheck;
  readonly #usage: UsageMeter;

  constructor(options: ContainerChecksOptions) {
    this.#heartbeats = new HeartbeatCheck(options);
    this.#memory = new MemoryCheck(options.containers);
    this.#usage = new UsageMeter({ ...options, store: options.usage });
  }

  start(): void {
    this.#heartbeats.start();
    this.#memory.start();
    this.#usage.start();
  }

  began(container: HostedContainer): void {
    this.#usage.began(container);
  }

  ended(container: HostedContainer): void {
    this.#usage.ended(container);
  }

  /** Resolves when what they took up is on disk, or cannot be written. */
  async stop(): Promise<void> {
    this.#heartbeats.stop();
    this.#memory.stop();
    await this.#usage.stop();
  }
}
