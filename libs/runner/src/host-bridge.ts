import type { ContainerHost, CurrentInput } from 'gantry/container';
import {
  fromWireError,
  type ClientMessage,
  type FunctionLookup,
  type LoadMessage,
  type ObjectRequest,
  type RunnerToWorker,
  type ServerMessage,
  type WireError,
} from '@gantry/protocol';

import type { CallerTerminal } from './caller-terminal.ts';
import { activeInput } from './current-input.ts';

type Answer = { record?: unknown; value?: unknown; error?: unknown };

/** What the SDK in the bundle sees of its container: calls go to the worker and their answers come back. */
export class HostBridge implements ContainerHost {
  readonly containerId: string;
  readonly appId: string;
  readonly functionId: string;
  readonly environment: string;
  readonly urls: Readonly<Record<string, string>>;
  readonly interactive: boolean;
  readonly #terminal: CallerTerminal;
  readonly #toWorker: (message: RunnerToWorker) => void;
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #lastRequest = 0;
  #listener: ((message: ServerMessage) => void) | undefined;
  #early: ServerMessage[] = [];

  constructor(load: LoadMessage, terminal: CallerTerminal, toWorker: (message: RunnerToWorker) => void) {
    this.containerId = load.containerId;
    this.appId = load.appId;
    this.functionId = load.functionId;
    this.environment = load.environment;
    this.urls = load.urls;
    this.interactive = load.interactive === true;
    this.#terminal = terminal;
    this.#toWorker = toWorker;
  }

  stopFetching(): void {
    this.#toWorker({ type: 'stopFetching' });
  }

  requestPreemption(): void {
    this.#toWorker({ type: 'requestPreemption' });
  }

  async interact(): Promise<void> {
    const input = activeInput();
    if (input) await this.#terminal.lendTo(input.inputId);
  }

  send(message: ClientMessage): void {
    this.#toWorker({ type: 'api', message });
  }

  onMessage(listener: (message: ServerMessage) => void): void {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) listener(message);
  }

  lookup(app: string, name: string, environment?: string): Promise<FunctionLookup> {
    return this.#ask((requestId) => ({ type: 'lookup', requestId, environment, app, name }));
  }

  async volume(act: 'commit' | 'reload', name: string, environment?: string): Promise<void> {
    await this.#ask((requestId) => ({ type: 'volume', requestId, act, name, environment }));
  }

  object(request: ObjectRequest): Promise<unknown> {
    return this.#ask((requestId) => ({ type: 'object', requestId, request }));
  }

  currentInput(): CurrentInput | undefined {
    return activeInput();
  }

  /** A server message for the SDK. */
  receive(message: ServerMessage): void {
    if (this.#listener) this.#listener(message);
    else this.#early.push(message);
  }

  /** The worker's answer to what was asked for: a lookup, something of a volume or of objects. */
  receiveAnswer(requestId: number, answer: Answer): void {
    this.#asked.get(requestId)?.(answer);
    this.#asked.delete(requestId);
  }

  #ask<T>(message: (requestId: number) => RunnerToWorker): Promise<T> {
    const requestId = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      this.#asked.set(requestId, ({ record, value = record, error }) => {
        if (error === undefined) resolve(value as T);
        else reject(fromWireError(error as WireError));
      });
      this.#toWorker(message(requestId));
    });
  }
}
