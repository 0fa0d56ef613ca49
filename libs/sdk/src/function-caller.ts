import { encodeValue, LIMITS, newId, type Payload, type SubmitMessage } from '@gantry/protocol';

import type { OpenInput } from './call-tracker.ts';
import type { FunctionTarget, Route } from './function-target.ts';
import { mapInputs, type MapOptions } from './map-run.ts';
import { assertCallable, assertKind } from './method-checks.ts';
import type { Waiter } from './outcome.ts';
import { assertPayloadSize } from './payloads.ts';
import { RemoteValues } from './remote-values.ts';
import { spawnInputs } from './spawn-map-run.ts';
import type { ArgLists } from './zip.ts';

/** What a {@link FunctionCaller} calls. */
export interface Callee {
  /** How messages name it, such as `square` or `Ocr.read`. */
  readonly label: string;
  readonly target: FunctionTarget;
  /** Empty for a free function. */
  readonly method: string;
}

/** Makes the calls of a handle, without its types: encodes arguments, and submits them along the route of its target. */
export class FunctionCaller {
  readonly #callee: Callee;

  constructor(callee: Callee) {
    this.#callee = callee;
  }

  remote(args: readonly unknown[]): Promise<unknown> {
    try {
      const { route } = this.#callee.target;
      const encoded = this.#encode(args);
      const isInline = encoded.length <= LIMITS.inlinePayloadBytes;
      return route && isInline ? this.#submitAndWait(route, encoded) : this.#remoteLater(encoded);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  values(args: readonly unknown[]): RemoteValues<unknown, unknown> {
    return new RemoteValues<unknown, unknown>({
      args: this.#encode(args),
      route: () => this.#callee.target.resolve(),
      submitMessage: (route, callId) => this.#submitMessage(route, callId, 'generator'),
    });
  }

  /** Resolves when the input is durable. */
  async spawn(args: readonly unknown[]): Promise<{ platform: Route['platform']; callId: string }> {
    const encoded = this.#encode(args);
    const route = await this.#callee.target.resolve();
    const payload = await route.platform.tracker.payloads.store(encoded);
    const callId = await new Promise<string>((resolve, reject) => {
      const waiter: Waiter = { resolve: () => resolve(submitted), reject };
      const submitted = this.#submit(route, payload, { kind: 'spawn', waiter });
    });
    return { platform: route.platform, callId };
  }

  map(argLists: ArgLists, options: MapOptions): AsyncGenerator<unknown, void> {
    return mapInputs({
      label: this.#callee.label,
      argLists,
      orderOutputs: options.orderOutputs ?? true,
      returnExceptions: options.returnExceptions ?? false,
      signal: options.signal,
      route: () => this.#callee.target.resolve(),
      encode: (args) => this.#encode(args),
      submitMessage: (route, callId) => this.#submitMessage(route, callId, 'map'),
    });
  }

  /** Resolves when all inputs are durable. */
  async spawnMap(argLists: ArgLists): Promise<void> {
    await spawnInputs({
      label: this.#callee.label,
      argLists,
      route: await this.#callee.target.resolve(),
      encode: (args) => this.#encode(args),
      submitMessage: (route, callId) => this.#submitMessage(route, callId, 'spawn'),
    });
  }

  #encode(args: readonly unknown[]): Uint8Array {
    const encoded = encodeValue(args, 'args');
    assertPayloadSize(`the arguments of "${this.#callee.label}"`, encoded);
    return encoded;
  }

  async #remoteLater(encoded: Uint8Array): Promise<unknown> {
    const route = await this.#callee.target.resolve();
    const payload = await route.platform.tracker.payloads.store(encoded);
    return this.#submitAndWait(route, payload);
  }

  #submitAndWait(route: Route, payload: Payload): Promise<unknown> {
    return new Promise<unknown>((resolve, reject) => {
      this.#submit(route, payload, { kind: 'remote', waiter: { resolve, reject } });
    });
  }

  #submit(route: Route, payload: Payload, how: { kind: 'remote' | 'spawn'; waiter: Waiter }): string {
    const { tracker } = route.platform;
    const callId = tracker.newCallId();
    const inputId = newId('in');
    const submit = this.#submitMessage(route, callId, how.kind);
    submit.inputs.push({ inputId, index: 0, args: payload });
    const input: OpenInput = {
      inputId,
      callId,
      index: 0,
      submit,
      route,
      waiter: how.waiter,
      spawned: how.kind === 'spawn',
      exhaustedTimes: undefined,
      rerouted: false,
    };
    tracker.submitOne(submit, input);
    return callId;
  }

  #submitMessage(route: Route, callId: string, kind: SubmitMessage['kind']): SubmitMessage {
    const { platform, lookup, parameters, options } = route;
    const { method, label } = this.#callee;
    if (lookup.kind === 'class') assertCallable(lookup.methods, method, label);
    const handlerKind = lookup.methods.find((known) => known.name === method)?.handlerKind;
    if (handlerKind) assertKind(handlerKind, kind, label);
    const { functionId } = lookup;
    const parentInputId = platform.currentInputId();
    const submit: SubmitMessage = {
      type: 'submit',
      callId,
      functionId,
      method,
      parameters,
      kind,
      parentInputId,
      inputs: [],
    };
    if (options) submit.options = options;
    return submit;
  }
}
