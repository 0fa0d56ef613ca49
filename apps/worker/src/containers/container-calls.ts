import { CallSession, type FunctionDirectory, type Messaging } from '@gantry/messaging';
import {
  callSessionKey,
  isGantryError,
  newSessionKey,
  NotFoundError,
  subjects,
  toWireError,
  LIMITS,
  type ClientMessage,
  type DemandMessage,
  type Environments,
  type FunctionLookup,
  type FunctionRecord,
  type ServerMessage,
  type WireError,
} from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import { tooLarge, type Payloads } from '../inputs/payloads.ts';
import { hasLargeValues, holdsLargeValues, withReadValues, withStoredValues } from './collection-values.ts';
import { holdsBlob, withInlineValues } from './inline-values.ts';
import { restricted } from './restricted.ts';

export interface ContainerCallsOptions {
  messaging: Messaging;
  /** Opened when the first container makes a call. */
  directory(): Promise<FunctionDirectory>;
  payloads: Payloads;
  workerId: string;
  /** The id of that of its app. */
  environment: string;
  environments: Environments;
  /** Its code may use no object of the platform. */
  isRestricted: boolean;
  send(message: ServerMessage): void;
  log: Logger;
}

type LookupRequest = { environment?: string | undefined; app: string; name: string };

/** The calls that the code in one container makes: what a server does for a client, its worker does for it. */
export class ContainerCalls {
  readonly #options: ContainerCallsOptions;
  readonly #sessions = new Map<string, CallSession>();
  #directory: FunctionDirectory | undefined;
  #foreign: CallSession | undefined;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  /** Values of generators that are being read from the blob store. */
  #inlining: Promise<void> | undefined;
  #closed = false;

  constructor(options: ContainerCallsOptions) {
    this.#options = options;
  }

  /** Messages take effect in the order of their arrival, also when arguments have to be stored first. */
  receive(message: ClientMessage): void {
    if (this.#options.isRestricted && message.type !== 'ping') return this.#refuse(message, restricted());
    if (this.#queued === 0 && this.#directory && !hasLargeArgs(message)) {
      try {
        this.#dispatch(message);
      } catch (error) {
        this.#refuse(message, error);
      }
      return;
    }
    this.#queued++;
    this.#queue = this.#queue.then(() => this.#prepare(message)).finally(() => this.#queued--);
  }

  async lookup(request: LookupRequest): Promise<{ record: FunctionLookup } | { error: WireError }> {
    const { app, name } = request;
    const { environments } = this.#options;
    try {
      if (this.#options.isRestricted) throw restricted();
      const directory = await this.#options.directory();
      const environment = await environments.idOf(request.environment ?? this.#options.environment);
      const record = directory.find(environment, app, name);
      if (record && !record.stopped) return { record: toLookup(record) };
      const place = environments.nameOf(environment);
      throw new NotFoundError(`app "${app}" in environment "${place}" has no function "${name}"`, {
        hint: 'Check the name, and that the app is deployed.',
      });
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  close(): void {
    this.#closed = true;
    for (const session of this.#sessions.values()) session.close();
    this.#foreign?.close();
  }

  async #prepare(message: ClientMessage): Promise<void> {
    try {
      this.#directory ??= await this.#options.directory();
      if (message.type === 'submit') await this.#storeLargeArgs(message.inputs);
      const isLarge = message.type === 'collection' && hasLargeValues(message);
      this.#dispatch(isLarge ? await withStoredValues(message, this.#options.payloads) : message);
    } catch (error) {
      this.#refuse(message, error);
    }
  }

  async #storeLargeArgs(inputs: Extract<ClientMessage, { type: 'submit' }>['inputs']): Promise<void> {
    for (const input of inputs) {
      const { args } = input;
      if (!(args instanceof Uint8Array)) continue;
      if (args.length > LIMITS.payloadBytes) throw tooLarge(args);
      input.args = await this.#options.payloads.store(args);
    }
  }

  #refuse(message: ClientMessage, thrown: unknown): void {
    const isOwnFault = isGantryError(thrown) && thrown.blame === 'caller';
    this.#options.log[isOwnFault ? 'info' : 'warn']({ err: thrown }, 'a call from a container was refused');
    const error = toWireError(thrown);
    if (message.type === 'submit') {
      this.#options.send({ type: 'rejected', inputIds: message.inputs.map((input) => input.inputId), error });
    } else if ('requestId' in message) {
      this.#options.send({ type: 'answer', requestId: message.requestId, error });
    }
  }

  #dispatch(message: ClientMessage): void {
    if (!this.#closed) this.#sessionFor(message).receive(message);
  }

  // The SDK in the container chose the session key; its call ids end with it. Calls that others made are awaited
  // through a session with a key of its own, which owns no calls.
  #sessionFor(message: ClientMessage): CallSession {
    const key = 'callId' in message ? callSessionKey(message.callId) : undefined;
    const own = key === undefined ? undefined : this.#sessions.get(key);
    if (own) return own;
    if (key === undefined || message.type !== 'submit')
      return (this.#foreign ??= this.#open(newSessionKey()));
    const opened = this.#open(key);
    this.#sessions.set(key, opened);
    return opened;
  }

  #open(sessionKey: string): CallSession {
    const { messaging, workerId } = this.#options;
    return new CallSession({
      messaging,
      functions: this.#directory as FunctionDirectory,
      sessionKey,
      send: (message) => this.#answer(message),
      onSubmit: (submission) => {
        const demand: DemandMessage = { ...submission, waitingRequests: 0, from: workerId };
        messaging.publish(subjects.demand, demand);
      },
    });
  }

  #answer(message: ServerMessage): void {
    const { payloads, send } = this.#options;
    if (message.type === 'values') return this.#answerValues(message);
    if (message.type === 'answer' && holdsLargeValues(message)) {
      withReadValues(message, payloads).then(send, (error: unknown) =>
        send({ type: 'answer', requestId: message.requestId, error: toWireError(error) }),
      );
      return;
    }
    if (message.type !== 'output' || !holdsBlob(message, payloads)) return send(message);
    withInlineValues(message, payloads).then(send, (error: unknown) => {
      const outcome = { type: 'failure', failure: toWireError(error) } as const;
      send({ ...message, outcome, stream: undefined });
    });
  }

  // In the order of their arrival: a gap would look like a loss to the consumer.
  #answerValues(message: Extract<ServerMessage, { type: 'values' }>): void {
    const { payloads, send, log } = this.#options;
    if (!this.#inlining && !holdsBlob(message, payloads)) return send(message);
    const inlined = withInlineValues(message, payloads);
    const before = this.#inlining ?? Promise.resolve();
    const done = Promise.all([inlined, before])
      .then(([inline]) => send(inline))
      // The consumer asks for them again.
      .catch((err: unknown) => log.warn({ err }, 'values of a generator could not be read'))
      .finally(() => {
        if (this.#inlining === done) this.#inlining = undefined;
      });
    this.#inlining = done;
  }
}

function hasLargeArgs(message: ClientMessage): boolean {
  if (message.type === 'collection') return hasLargeValues(message);
  if (message.type !== 'submit') return false;
  return message.inputs.some(
    ({ args }) => args instanceof Uint8Array && args.length > LIMITS.inlinePayloadBytes,
  );
}

function toLookup(record: FunctionRecord): FunctionLookup {
  const { id, appId, appName, version, spec, urls, image } = record;
  const methods = spec.methods.map(({ name, handlerKind, callable }) => ({ name, handlerKind, callable }));
  const { name, kind, parameters } = spec;
  return {
    functionId: id,
    appId,
    appName,
    name,
    kind,
    version,
    methods,
    parameters,
    urls,
    imageId: image?.id,
  };
}
