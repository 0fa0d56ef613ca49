import type { ContainerStatus } from '@gantry/protocol';

import type { ContainerLink } from './container-link.ts';
import { Upstream } from '../proxy/upstream.ts';

/** Requests of ours that ended this recently may still be counted in what a worker reports. */
const RECENT_MS = 1_000;

/**
 * One container that serves HTTP, as this gateway sees it.
 *
 * A worker reports how many inputs run in it in all, ours included and a little late. What exceeds the most of
 * ours that ran at once in the last second runs for others: calls, and requests through other gateways.
 */
export class ContainerEntry {
  readonly upstream: Upstream;
  status: ContainerStatus;
  /** Requests of this gateway that run in it. */
  inFlight = 0;
  #others = 0;
  #peak = { current: 0, previous: 0, sinceMs: 0 };
  /** It failed to answer at this instant; trusted again with its next sign of life. */
  #suspect = false;

  constructor(status: ContainerStatus, { workerId, link }: { workerId: string; link: ContainerLink }) {
    this.status = status;
    const connect = () => {
      // A container that starts has no socket yet.
      const { containerId, httpSocketPath } = this.status;
      return link.connect({ workerId, containerId, httpSocketPath });
    };
    this.upstream = new Upstream(connect, status.maxInputs);
  }

  /** Takes over what its worker says. */
  update(status: ContainerStatus, nowMs: number): void {
    this.status = status;
    this.#suspect = false;
    this.#others = Math.max(0, status.running - this.#recentPeak(nowMs));
  }

  get isUsable(): boolean {
    return this.status.state === 'ready' && !this.#suspect;
  }

  /** Inputs that run in it, as far as known. */
  get load(): number {
    return this.inFlight + this.#others;
  }

  get hasFreeSlot(): boolean {
    return this.load < this.status.maxInputs;
  }

  acquire(nowMs: number): void {
    this.inFlight += 1;
    this.#recentPeak(nowMs);
    this.#peak.current = Math.max(this.#peak.current, this.inFlight);
  }

  release(): void {
    this.inFlight -= 1;
  }

  /** It did not answer: no requests for it until its worker reports it again. */
  distrust(): void {
    this.#suspect = true;
  }

  /** Two windows of a second each, so that the answer covers at least one whole second. */
  #recentPeak(nowMs: number): number {
    const age = nowMs - this.#peak.sinceMs;
    if (age > RECENT_MS) {
      const previous = age > 2 * RECENT_MS ? this.inFlight : this.#peak.current;
      this.#peak = { current: this.inFlight, previous, sinceMs: nowMs };
    }
    return Math.max(this.#peak.current, this.#peak.previous);
  }
}
