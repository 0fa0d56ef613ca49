import { randomBytes } from 'node:crypto';

import type { Messaging } from '@gantry/messaging';
import {
  type ExecInputRelay,
  type ExecOutput,
  type ExecOutputRelay,
  type ExecRequest,
  InternalFailure,
  NumberedFrames,
  subjects,
  toWireError,
  type WorkerCommand,
  type WorkerReply,
} from '@gantry/protocol';
import type { RawData, WebSocket } from 'ws';

import { CLOSE_NORMAL, closeReason } from '../routes/upgrades.ts';
import { readExecRequest } from './exec-request.ts';

/** A client that does not read must not fill this process. */
const MOST_BUFFERED_BYTES = 8 * 1024 * 1024;

/** Where a program is to run. */
export interface ExecPlace {
  workerId: string;
  containerId: string;
}

export interface ExecRelayOptions {
  webSocket: WebSocket;
  messaging: Messaging;
  /** Finds the container, or starts one. */
  place(request: ExecRequest): Promise<ExecPlace>;
}

/** Passes frames between a client and the worker that runs its program. Reads only the first: what to run. */
export class ExecRelay {
  readonly #options: ExecRelayOptions;
  readonly #execId = randomBytes(16).toString('hex');
  #output: { stop(): void } | undefined;
  /** What came before there was somebody to pass it to. */
  #early: Uint8Array[] | undefined = [];

  constructor(options: ExecRelayOptions) {
    this.#options = options;
    const { webSocket } = options;
    webSocket.once('message', (first: RawData) => {
      // What was read with it still comes.
      webSocket.on('message', (frame: RawData) => this.#receive(frame as Buffer));
      webSocket.pause();
      void this.#start(first as Buffer);
    });
    webSocket.on('close', () => this.#hangUp());
    webSocket.on('error', () => undefined);
  }

  /** Ends the line. The program ends at once, whenever the client answers. */
  close(code: number, reason: string): void {
    this.#hangUp();
    this.#options.webSocket.close(code, closeReason(reason));
  }

  async #start(first: Uint8Array): Promise<void> {
    const { webSocket, messaging, place } = this.#options;
    try {
      const request = readExecRequest(first);
      const { workerId, containerId } = await place(request);
      this.#output = messaging.subscribe<ExecOutputRelay>(subjects.execOutput(this.#execId), (relay) =>
        this.#passOn(relay),
      );
      const command: WorkerCommand = { type: 'exec', containerId, execId: this.#execId, request };
      const reply = await messaging.request<WorkerReply>(subjects.worker(workerId), command);
      if (!reply.ok) throw new InternalFailure(reply.message ?? 'the worker refused to run the program');
      for (const frame of this.#early ?? []) this.#tell({ frame });
      this.#early = undefined;
      webSocket.resume();
      // It went while the worker was asked.
      if (webSocket.readyState !== webSocket.OPEN) this.#hangUp();
    } catch (error) {
      const frames = new NumberedFrames<ExecOutput, never>();
      const frame = frames.wrap({ type: 'failed', error: toWireError(error) });
      this.#passOn({ frame, last: true });
      this.#hangUp();
      // Not even its farewell is read while it pauses.
      webSocket.resume();
    }
  }

  #receive(frame: Uint8Array): void {
    if (this.#early) this.#early.push(frame);
    else this.#tell({ frame });
  }

  #passOn({ frame, last }: ExecOutputRelay): void {
    const { webSocket } = this.#options;
    if (webSocket.readyState !== webSocket.OPEN) return;
    webSocket.send(frame, { binary: true });
    if (webSocket.bufferedAmount > MOST_BUFFERED_BYTES) webSocket.terminate();
    else if (last) this.close(CLOSE_NORMAL, '');
  }

  #tell(relay: ExecInputRelay): void {
    this.#options.messaging.publish(subjects.execInput(this.#execId), relay);
  }

  #hangUp(): void {
    this.#output?.stop();
    this.#output = undefined;
    this.#tell({ hangup: true });
  }
}
