import type { LeaseStore } from '@gantry/messaging';
import { LEASE_TTL_MS } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

export interface LeadershipOptions {
  leases: LeaseStore;
  /** Names this process in the lease. */
  holder: string;
  log: Logger;
}

const LEASE = 'scheduler';
const STAND_EVERY_MS = 500;
const RENEW_EVERY_MS = 1_300;
const RETRY_MS = 200;
/** A leader stops deciding this long before its lease can end. */
const MARGIN_MS = 1_000;

/**
 * Who may decide about containers: the holder of one lease.
 *
 * The deadline runs from before a request was sent, by this process's own clock, so a process that was paused
 * or cut off knows that it is no leader any more before another one can be.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  #revision: number | undefined;
  #deadline = 0;
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #underWay: Promise<void> = Promise.resolve();
  #onChange: (isLeader: boolean) => void = () => undefined;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Stands for the lease from now on. */
  start(onChange: (isLeader: boolean) => void): void {
    this.#onChange = onChange;
    this.#running = true;
    this.#next(0);
  }

  /** The fencing number, or undefined while this process must not decide. */
  get fence(): number | undefined {
    return performance.now() < this.#deadline ? this.#revision : undefined;
  }

  /** Gives the lease up at once, so that another server need not wait for its end. */
  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    await this.#underWay;
    const revision = this.#revision;
    this.#lose();
    if (revision !== undefined) await this.#options.leases.release(LEASE, revision).catch(() => undefined);
  }

  #next(delayMs: number): void {
    if (!this.#running) return;
    this.#timer = setTimeout(() => {
      this.#underWay = this.#revision === undefined ? this.#stand() : this.#renew(this.#revision);
    }, delayMs);
  }

  async #stand(): Promise<void> {
    const sentAt = performance.now();
    try {
      const revision = await this.#options.leases.acquire(LEASE, this.#options.holder);
      if (revision === undefined) return this.#next(STAND_EVERY_MS);
      this.#hold(revision, sentAt);
      this.#options.log.info({ fence: revision }, 'this server leads now');
      this.#onChange(true);
      this.#next(RENEW_EVERY_MS);
    } catch (err) {
      this.#options.log.debug({ err }, 'the lease could not be asked for');
      this.#next(STAND_EVERY_MS);
    }
  }

  async #renew(revision: number): Promise<void> {
    const sentAt = performance.now();
    try {
      const renewed = await this.#options.leases.renew(LEASE, this.#options.holder, revision);
      if (renewed !== undefined) {
        this.#hold(renewed, sentAt);
        return this.#next(RENEW_EVERY_MS);
      }
      this.#lose();
    } catch (err) {
      this.#options.log.debug({ err }, 'the lease could not be renewed');
      if (performance.now() >= this.#deadline) this.#lose();
    }
    this.#next(RETRY_MS);
  }

  #hold(revision: number, sentAt: number): void {
    this.#revision = revision;
    this.#deadline = sentAt + LEASE_TTL_MS - MARGIN_MS;
  }

  #lose(): void {
    if (this.#revision === undefined) return;
    this.#revision = undefined;
    this.#deadline = 0;
    this.#options.log.info('this server does not lead any more');
    this.#onChange(false);
  }
}
