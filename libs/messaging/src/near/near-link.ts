import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import {
  fromWireError,
  GantryTimeoutError,
  InternalFailure,
  isGantryError,
  unpackAnswer,
} from '@gantry/protocol';

import { NearChannel } from './near-channel.ts';
import { type NearAddress, type NearAnswer, type NearQuestion, packQuestion } from './near-messages.ts';

/** Who answers is looked for again after so long, if it was not found on this machine. */
const LOOK_EVERY_MS = 30_000;
/** After a link was lost: another process may answer soon. */
const LOOK_AGAIN_MS = 500;
const PING_EVERY_MS = 500;
/** A process that says nothing for so long is paused, or dead. */
const SILENCE_MS = 2_500;
const READ_BYTES = 64 * 1024;

interface Way {
  socket: Socket;
  channel: NearChannel<NearAnswer, NearQuestion>;
  takesPacked: boolean;
}

interface Asked {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  timeoutMs: number;
  untilMs: number;
}

/**
 * The way to a process of the same machine that answers requests of one kind, as long as there is one.
 *
 * Invariants
 *   L1. A request that was not answered fails as one that may be sent again, another way: nothing waits for a process that is
 *       gone, paused, or says that it must not answer.
 */
export class NearLink {
  readonly #find: () => Promise<NearAddress | undefined>;
  readonly #asked = new Map<number, Asked>();
  #open: Way | undefined;
  #lookAtMs = 0;
  #lastId = 0;
  #heardAtMs = 0;
  #pinging: NodeJS.Timeout | undefined;

  /** @param find - Asks who answers now for its address; throws if nobody does. */
  constructor(find: () => Promise<NearAddress | undefined>) {
    this.#find = find;
  }

  /** Undefined while there is no such way: one is looked for then. What takes too long fails up to half a second later. */
  ask(message: unknown, timeoutMs: number): Promise<unknown> | undefined {
    if (!this.#open) {
      if (performance.now() >= this.#lookAtMs) void this.#look();
      return undefined;
    }
    const { channel, takesPacked } = this.#open;
    const id = ++this.#lastId;
    const question = (takesPacked ? packQuestion(id, message) : undefined) ?? { id, message };
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject, timeoutMs, untilMs: performance.now() + timeoutMs });
      if (!this.#pinging) this.#watch();
      channel.send(question);
    });
  }

  close(): void {
    this.#lookAtMs = Infinity;
    this.#open?.socket.destroy();
  }

  async #look(): Promise<void> {
    this.#lookAtMs = performance.now() + LOOK_EVERY_MS;
    try {
      const address = await this.#find();
      if (!address) return;
      const socket = connectTo(address.name);
      socket.unref();
      const channel = new NearChannel<NearAnswer, NearQuestion>(socket, (answer) => this.#heard(answer));
      await once(socket, 'connect');
      if (this.#lookAtMs === Infinity) return void socket.destroy();
      channel.send({ secret: address.secret });
      this.#open = { socket, channel, takesPacked: address.takesPacked === true };
      socket.once('close', () => this.#lose());
    } catch (error) {
      // It is on another machine, or nobody answers now.
      if (isGantryError(error)) this.#lookAtMs = performance.now() + LOOK_AGAIN_MS;
    }
  }

  #heard(answer: NearAnswer): void {
    this.#heardAtMs = performance.now();
    if (Array.isArray(answer)) return this.#take(answer[0])?.resolve(unpackAnswer(answer[1]));
    if ('pong' in answer) return;
    const asked = this.#take(answer.id);
    if (!asked) return;
    if (!('error' in answer)) return asked.resolve(answer.value);
    const error = fromWireError(answer.error);
    asked.reject(error);
    if (isGantryError(error, 'UNAVAILABLE')) this.#open?.socket.destroy();
  }

  #take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }

  /** As long as something was asked, the other process has to say that it lives. */
  #watch(): void {
    this.#heardAtMs = performance.now();
    this.#pinging = setInterval(() => {
      const nowMs = performance.now();
      this.#giveUpLate(nowMs);
      if (this.#asked.size === 0) return this.#rest();
      if (nowMs - this.#heardAtMs > SILENCE_MS) return void this.#open?.socket.destroy();
      this.#open?.channel.send({ ping: 0 });
    }, PING_EVERY_MS).unref();
  }

  // A timer for each would cost as much as all else that is done for it.
  #giveUpLate(nowMs: number): void {
    for (const [id, { reject, timeoutMs, untilMs }] of this.#asked) {
      if (nowMs < untilMs) continue;
      this.#asked.delete(id);
      reject(new GantryTimeoutError(`a process of this machine did not answer within ${timeoutMs} ms`));
    }
  }

  #rest(): void {
    clearInterval(this.#pinging);
    this.#pinging = undefined;
  }

  #lose(): void {
    this.#open = undefined;
    this.#rest();
    this.#lookAtMs = Math.max(this.#lookAtMs === Infinity ? Infinity : 0, performance.now() + LOOK_AGAIN_MS);
    const lost = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of lost) {
      reject(new InternalFailure('the process of this machine that was asked is gone'));
    }
  }
}

/** It reads into one buffer, and copies what came: many small answers would each take one of 64 KiB. */
function connectTo(name: string): Socket {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const callback = (bytes: number): boolean => socket.emit('data', Buffer.from(buffer.subarray(0, bytes)));
  const socket: Socket = connect({ path: `\0${name}`, onread: { buffer, callback } });
  return socket;
}
