import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';

import { ConnectionError, GantryTimeoutError, LIMITS, RequestSizeError } from '@gantry/protocol';

import { passedOn } from './body-memory.ts';
import { StallTimer } from './stall-timer.ts';

const PASSED_ON_BYTES = 256 * 1024;

/** True if the request has a body to forward. */
export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** @throws RequestSizeError for a request that says that its body is larger than any may be. */
export function checkBodyLength({ headers }: IncomingMessage): void {
  if (Number(headers['content-length'] ?? 0) > LIMITS.webBodyBytes) throw bodyTooLarge();
}

function bodyTooLarge(): RequestSizeError {
  const limit = `${LIMITS.webBodyBytes / 1024 ** 3} GiB`;
  return new RequestSizeError(`the body of the request exceeds ${limit}`, {
    hint: 'Send it in several requests, or put it into a volume.',
  });
}

/** Nothing came of a request's body for so long that its client is taken for gone, or for an attacker. */
export class StalledRequestError extends GantryTimeoutError {
  constructor() {
    super('the body of the request stopped coming', { hint: 'Send it again, over a better connection.' });
  }

  override get httpStatus(): number {
    return 408;
  }
}

export interface RequestBodyOptions {
  /** Called when the container begins to read. */
  onWanted: () => void;
  /** Above it the body ends with an error. @defaultValue LIMITS.webBodyBytes */
  limitBytes?: number;
  /** So long may the container wait for the next bytes. */
  stallMs: number;
}

/**
 * A request's body on its way to a container. Nothing is taken from the client before the container wants it,
 * so that an attempt that never reached one can be repeated, and its end does not end the client's connection.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #onWanted: () => void;
  readonly #stall: StallTimer;
  #isAttached = false;
  #roomBytes: number;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #passing: NodeJS.Immediate | undefined;

  constructor(request: IncomingMessage, options: RequestBodyOptions) {
    super();
    this.#request = request;
    this.#onWanted = options.onWanted;
    this.#roomBytes = options.limitBytes ?? LIMITS.webBodyBytes;
    this.#stall = new StallTimer(options.stallMs, () => this.destroy(new StalledRequestError()));
  }

  /** True once bytes may have been taken from the client. */
  get isTouched(): boolean {
    return this.#isAttached;
  }

  override _read(): void {
    if (!this.#isAttached) this.#attach();
    this.#stall.start();
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stall.stop();
    clearImmediate(this.#passing);
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    // An answer can come before the whole body was read; the rest is of no interest.
    if (this.#isAttached) this.#request.resume();
    callback(error);
  }

  #attach(): void {
    this.#isAttached = true;
    this.#onWanted();
    this.#request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#roomBytes -= chunk.length;
    if (this.#roomBytes < 0) return void this.destroy(bodyTooLarge());
    passedOn(chunk.length);
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes >= PASSED_ON_BYTES) return this.#passOn();
    this.#passing ??= setImmediate(() => this.#passOn());
  };

  // TLS brings pieces of 16 KiB at most. To send each on by itself costs more than all the rest.
  #passOn(): void {
    clearImmediate(this.#passing);
    this.#passing = undefined;
    const gathered = this.#gathered;
    if (gathered.length === 0) return;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const [first] = gathered;
    if (this.push(gathered.length === 1 ? first : Buffer.concat(gathered))) return this.#stall.start();
    // Now it is the container that takes its time.
    this.#stall.stop();
    this.#request.pause();
  }

  readonly #onEnd = (): void => {
    this.#passOn();
    this.#stall.stop();
    this.push(null);
  };

  readonly #onClose = (): void => {
    if (!this.#request.complete)
      this.destroy(new ConnectionError('the client left before its request was complete'));
  };
}
