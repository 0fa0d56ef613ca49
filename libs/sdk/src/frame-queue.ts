import { encodeFrame, type ClientMessage } from '@gantry/protocol';

// Frames stay below this, unless one message alone is larger.
const FRAME_BYTES = 1024 * 1024;

/** Sends what is pushed within one turn of the event loop as one frame, before the turn ends. */
export class FrameQueue {
  readonly #send: (frame: Uint8Array) => void;
  #messages: ClientMessage[] = [];
  #scheduled = false;

  constructor(send: (frame: Uint8Array) => void) {
    this.#send = send;
  }

  push(message: ClientMessage): void {
    this.#messages.push(message);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A tick queued by a microtask runs when no microtask is left: everything that this turn's promises
    // lead to is then in the queue, and nothing has waited for a timer.
    queueMicrotask(() => process.nextTick(() => this.#flush()));
  }

  /** Forgets what was not sent. */
  clear(): void {
    this.#messages = [];
  }

  #flush(): void {
    this.#scheduled = false;
    const messages = this.#messages;
    this.#messages = [];
    let start = 0;
    let size = 0;
    for (let i = 0; i < messages.length; i++) {
      const messageSize = sizeOf(messages[i] as ClientMessage);
      if (i > start && size + messageSize > FRAME_BYTES) {
        this.#send(encodeFrame(messages.slice(start, i)));
        start = i;
        size = 0;
      }
      size += messageSize;
    }
    if (start < messages.length) this.#send(encodeFrame(start === 0 ? messages : messages.slice(start)));
  }
}

function sizeOf(message: ClientMessage): number {
  if (message.type !== 'submit') return 64;
  let size = 128;
  for (const input of message.inputs)
    size += 64 + (input.args instanceof Uint8Array ? input.args.length : 128);
  return size;
}
