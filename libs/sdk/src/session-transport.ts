import {
  ConnectionError,
  decodeFrame,
  newSessionKey,
  type ClientMessage,
  type GantryError,
  type ServerMessage,
} from '@gantry/protocol';

import { FrameQueue } from './frame-queue.ts';
import { watchSocket, type SocketHold } from './socket-hold.ts';
import type { Transport, TransportListener } from './transport.ts';

const FIRST_DELAY_MS = 25;
const LONGEST_DELAY_MS = 2_000;
const OPEN_WITHIN_MS = 10_000;
const PING_EVERY_MS = 5_000;

export interface SessionTransportOptions {
  /** WebSocket address of the session, without the key. */
  url: string;
  token: string;
  /** Why the server refuses, asked over HTTP: a WebSocket does not say. Undefined if it would accept. */
  diagnose: () => Promise<GantryError | undefined>;
  /** How long a lost connection is retried before everything open fails. @defaultValue 120_000 */
  reconnectForMs?: number;
  /** How long a connection may take to open before another one is made. @defaultValue 10_000 */
  openWithinMs?: number;
}

/**
 * One WebSocket session with a server.
 *
 * Invariants
 *   W1. At most one WebSocket is current; events of any other are ignored.
 *   W2. While busy and not closed, there is a current WebSocket or a timer that will make one.
 *   W3. The first connection fails at once, and a refused token at any time; a lost connection is retried.
 */
export class SessionTransport implements Transport {
  readonly sessionKey = newSessionKey();
  readonly #options: SessionTransportOptions;
  readonly #frames: FrameQueue;
  #listener: TransportListener | undefined;
  #socket: WebSocket | undefined;
  #isOpen = false;
  #hold: SocketHold | undefined;
  #busy = false;
  #closed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #opening: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #wasEverOpen = false;
  /** Since when there is no connection though there should be. */
  #missingSinceMs = 0;
  #pings: ReturnType<typeof setInterval> | undefined;
  #heardSincePing = true;

  constructor(options: SessionTransportOptions) {
    this.#options = options;
    this.#frames = new FrameQueue((frame) => this.#socket?.send(frame as Uint8Array<ArrayBuffer>));
  }

  listen(listener: TransportListener): void {
    this.#listener = listener;
  }

  send(message: ClientMessage): void {
    if (this.#isOpen) this.#frames.push(message);
  }

  setBusy(busy: boolean): void {
    this.#busy = busy;
    this.#hold?.setBusy(busy);
    if (!busy) {
      clearTimeout(this.#retry);
      this.#retry = undefined;
    } else if (!this.#socket && !this.#retry && !this.#closed) {
      this.#attempts = 0;
      this.#missingSinceMs = Date.now();
      this.#connect();
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#drop();
    socket?.close(1000);
  }

  #connect(): void {
    this.#retry = undefined;
    const { url, token } = this.#options;
    const watch = watchSocket(`key=${this.sessionKey}`);
    const socket = new WebSocket(`${url}?key=${this.sessionKey}`, ['gantry', `bearer.${token}`]);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return;
      this.#hold = watch.stop();
      this.#opened();
    });
    socket.addEventListener('message', (event) => {
      if (socket === this.#socket) this.#received(new Uint8Array(event.data as ArrayBuffer));
    });
    socket.addEventListener('close', () => {
      watch.stop();
      if (socket === this.#socket) void this.#lost();
    });
    // What went wrong is found out by `diagnose`; `close` follows.
    socket.addEventListener('error', () => undefined);
    this.#opening = setTimeout(() => this.#abandon(), this.#options.openWithinMs ?? OPEN_WITHIN_MS);
  }

  // Its other end may be gone without a word, and will never close it.
  #abandon(): void {
    const socket = this.#socket;
    void this.#lost();
    socket?.close();
  }

  #opened(): void {
    clearTimeout(this.#opening);
    this.#isOpen = true;
    this.#wasEverOpen = true;
    this.#attempts = 0;
    this.#hold?.setBusy(this.#busy);
    this.#heardSincePing = true;
    this.#pings = setInterval(() => this.#ping(), PING_EVERY_MS);
    this.#pings.unref();
    this.#listener?.onConnect();
  }

  #received(bytes: Uint8Array): void {
    this.#heardSincePing = true;
    for (const message of decodeFrame<ServerMessage[]>(bytes)) this.#listener?.onMessage(message);
  }

  // A peer that vanished without a word is noticed here.
  #ping(): void {
    if (!this.#heardSincePing) return this.#abandon();
    this.#heardSincePing = false;
    this.send({ type: 'ping' });
  }

  async #lost(): Promise<void> {
    const wasOpen = this.#isOpen;
    this.#drop();
    if (wasOpen) this.#missingSinceMs = Date.now();
    if (this.#closed || !this.#busy) return;
    const failure = wasOpen ? undefined : await this.#whyGiveUp();
    // Meanwhile somebody may have closed the client, finished, or started anew.
    if (this.#closed || !this.#busy || this.#socket || this.#retry) return;
    if (failure) return this.#listener?.onFailure(failure);
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#attempts++, LONGEST_DELAY_MS);
    this.#retry = setTimeout(() => this.#connect(), delayMs * (0.75 + Math.random() / 2));
  }

  async #whyGiveUp(): Promise<GantryError | undefined> {
    const { diagnose, reconnectForMs = 120_000 } = this.#options;
    const failure = await diagnose();
    const missingForMs = this.#wasEverOpen ? Date.now() - this.#missingSinceMs : Infinity;
    if (failure?.retryable && missingForMs < reconnectForMs) return undefined;
    if (failure) return failure;
    // It answers HTTP but takes no session: a few tries, then say so.
    return this.#attempts < 5
      ? undefined
      : new ConnectionError(`the server accepts no session at "${this.#options.url}"`, {
          hint: 'Check that no proxy in between blocks WebSockets.',
        });
  }

  #drop(): void {
    clearInterval(this.#pings);
    clearTimeout(this.#opening);
    this.#frames.clear();
    this.#isOpen = false;
    this.#socket = undefined;
    this.#hold = undefined;
  }
}
