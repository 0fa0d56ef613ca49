import { WORKER_HEARTBEAT_MS } from '@gantry/protocol';

const LOAD_REPORT_MS = 200;

/**
 * Publishes the worker's status: every {@link WORKER_HEARTBEAT_MS}, at once when a container changes state (once
 * per turn of the event loop), and soon when only its load changed: that happens with every input.
 */
export class StatusReporter {
  readonly #publish: () => void;
  #heartbeat: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #thisTurn: NodeJS.Immediate | undefined;

  constructor(publish: () => void) {
    this.#publish = publish;
  }

  start(): void {
    this.#heartbeat = setInterval(() => this.publishNow(), WORKER_HEARTBEAT_MS);
    this.publishNow();
  }

  stateChanged(): void {
    if (this.#heartbeat) this.#thisTurn ??= setImmediate(() => this.publishNow());
  }

  loadChanged(): void {
    if (this.#heartbeat) this.#soon ??= setTimeout(() => this.publishNow(), LOAD_REPORT_MS);
  }

  publishNow(): void {
    clearImmediate(this.#thisTurn);
    clearTimeout(this.#soon);
    this.#thisTurn = undefined;
    this.#soon = undefined;
    this.#publish();
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
    clearImmediate(this.#thisTurn);
    clearTimeout(this.#soon);
  }
}
