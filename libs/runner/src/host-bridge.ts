// Not the global: tests of user code replace that.
import { setImmediate } from 'node:timers';

import type { ContainerHost, CurrentInput, ForwardedPort, ForwardOptions } from 'gantry/container';
import {
  fromWireError,
  type ClientMessage,
  type ClusterInfo,
  type FunctionLookup,
  type LoadMessage,
  type ObjectRequest,
  type RunnerToWorker,
  type ServerMessage,
  type TunnelAddress,
  type WireError,
} from '@gantry/protocol';

import type { CallerTerminal } from './caller-terminal.ts';
import { activeInput } from './current-input.ts';
import { DictTables } from './dict-tables.ts';
import type { Tunnels } from './tunnels.ts';

export interface HostParts {
  terminal: CallerTerminal;
  tunnels: Tunnels;
  toWorker(message: RunnerToWorker): void;
}

type Answer = { record?: unknown; value?: unknown; error?: unknown };

/** What the SDK in the bundle sees of its container: calls go to the worker and their answers come back. */
export class HostBridge implements ContainerHost {
  readonly containerId: string;
  readonly appId: string;
  readonly functionId: string;
  readonly environment: string;
  readonly urls: Readonly<Record<string, string>>;
  readonly interactive: boolean;
  readonly cluster: ClusterInfo | undefined;
  readonly #terminal: CallerTerminal;
  readonly #tunnels: Tunnels;
  readonly #toWorker: (message: RunnerToWorker) => void;
  readonly #tables = new DictTables((dictId) =>
    this.#ask((requestId) => ({ type: 'table', requestId, dictId })),
  );
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #lastRequest = 0;
  #listener: ((message: ServerMessage) => void) | undefined;
  #early: ServerMessage[] = [];

  constructor(load: LoadMessage, { terminal, tunnels, toWorker }: HostParts) {
    this.containerId = load.containerId;
    this.appId = load.appId;
    this.functionId = load.functionId;
    this.environment = load.environment;
    this.urls = load.urls;
    this.interactive = load.interactive === true;
    this.cluster = load.cluster;
    this.#terminal = terminal;
    this.#tunnels = tunnels;
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
    if (message.type === 'collection') {
      const value = this.#tables.answer(message);
      // Not at once: who asks again and again must leave time for all else.
      if (value)
        return void setImmediate(() => this.receive({ type: 'answer', requestId: message.requestId, value }));
      this.#tables.sent(message);
    }
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

  async forward(port: number, options: ForwardOptions): Promise<ForwardedPort> {
    const tunnelId = await this.#tunnels.open(port);
    const close = async (): Promise<void> => {
      this.#tunnels.close(tunnelId);
      await this.#ask((requestId) => ({ type: 'closeTunnel', requestId, tunnelId }));
    };
    try {
      const open = (requestId: number): RunnerToWorker => ({
        ...{ type: 'openTunnel', requestId, tunnelId, ...options },
      });
      return { ...(await this.#ask<TunnelAddress>(open)), close };
    } catch (error) {
      this.#tunnels.close(tunnelId);
      throw error;
    }
  }

  currentInput(): CurrentInput | undefined {
    return activeInput();
  }

  /** A server message for the SDK. */
  receive(message: ServerMessage): void {
    if (message.type === 'answer') this.#tables.answered(message.requestId);
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
