import {
  assertPoolOptions,
  type ClassParameters,
  callSessionKey,
  completeParameters,
  dayOf,
  encodeCanonical,
  type FunctionRecord,
  type FunctionSpec,
  InvalidError,
  isId,
  LIMITS,
  type MethodSpec,
  NotFoundError,
  parseBlobName,
  type Payload,
  poolKey,
  type PoolOptions,
  type PoolRecord,
  registryKeys,
  type SubmitMessage,
  type SubmittedInput,
} from '@gantry/protocol';

import { functionBacklog } from './function-backlog.ts';
import type { FunctionDirectory } from './function-directory.ts';
import type { Messaging } from './messaging.ts';
import { type Admission, PENDING_LIMITS, PendingLimit } from './pending-limit.ts';

/** Where the inputs of a submit go. */
export interface SubmitTarget {
  pool: string;
  parameters: ClassParameters;
  options?: PoolOptions | undefined;
  /** To be told what becomes of each input. */
  admission: Admission;
}

/** Throws InvalidError for a function that no machine is large enough for. */
export type AssertPlaceable = (spec: FunctionSpec) => void;

const NO_PARAMETERS: ClassParameters = {};
const KINDS = new Set(['remote', 'map', 'spawn', 'generator']);
const MAX_INDEX = 2 ** 40;

/** What every session of one process shares about submitting: pools that are ready, inputs that wait. */
export class SubmitDesk {
  readonly #messaging: Messaging;
  readonly #limit: PendingLimit;
  readonly #recorded = new Map<string, Promise<unknown>>();
  readonly #poolKeys = new Map<string, string>();

  private constructor(messaging: Messaging) {
    this.#messaging = messaging;
    this.#limit = new PendingLimit((functionId) => functionBacklog(messaging, functionId));
  }

  static readonly #desks = new WeakMap<Messaging, SubmitDesk>();

  static of(messaging: Messaging): SubmitDesk {
    let desk = SubmitDesk.#desks.get(messaging);
    if (!desk) {
      desk = new SubmitDesk(messaging);
      SubmitDesk.#desks.set(messaging, desk);
    }
    return desk;
  }

  /**
   * Checks a submit against its function and makes the pool ready.
   *
   * @throws NotFoundError for an unknown or stopped function, InvalidError for what does not fit it,
   * ResourceExhaustedError when too much waits already, or comes too fast.
   */
  async prepare(
    message: SubmitMessage,
    functions: FunctionDirectory,
    assertPlaceable?: AssertPlaceable,
  ): Promise<SubmitTarget> {
    const record = functions.get(message.functionId) ?? (await functions.fetch(message.functionId));
    const parameters = checkAgainstFunction(message, record);
    const options = optionsOf(message, record);
    if (record && options)
      assertPlaceable?.({ ...record.spec, options: { ...record.spec.options, ...options } });
    const { functionId } = message;
    const pool = await this.#poolOf(functionId, parameters, options);
    const admission = await this.#limit.admit(
      functionId,
      message.inputs.length,
      PENDING_LIMITS[message.kind],
    );
    try {
      this.#messaging.rate.admit(message.inputs.length);
      await this.#messaging.inputs.ensurePool(pool);
      if (pool !== functionId)
        await this.#recordPool({ pool, functionId, parameters, ...(options && { options }) });
    } catch (error) {
      admission.dropped(message.inputs.length);
      throw error;
    }
    return { pool, parameters, options, admission };
  }

  async #poolOf(
    functionId: string,
    parameters: ClassParameters,
    options: PoolOptions | undefined,
  ): Promise<string> {
    if (options) return await poolKey(functionId, parameters, options);
    if (parameters === NO_PARAMETERS) return functionId;
    const key = functionId + Buffer.from(encodeCanonical(parameters)).toString('latin1');
    let pool = this.#poolKeys.get(key);
    if (!pool) {
      pool = await poolKey(functionId, parameters);
      this.#poolKeys.set(key, pool);
    }
    return pool;
  }

  // A scheduler that takes over must be able to start containers for inputs that wait from before.
  #recordPool(record: PoolRecord): Promise<unknown> {
    let recorded = this.#recorded.get(record.pool);
    if (!recorded) {
      recorded = this.#messaging.registry.create(registryKeys.pool(record.functionId, record.pool), record);
      this.#recorded.set(record.pool, recorded);
      recorded.catch(() => this.#recorded.delete(record.pool));
    }
    return recorded;
  }
}

/** @throws InvalidError if a submit is malformed, whatever function it is for. */
export function checkShape(message: SubmitMessage, sessionKey: string): void {
  if (typeof message.callId !== 'string' || !isId(message.callId, 'fc')) {
    throw new InvalidError(`"${String(message.callId)}" is not a call id`);
  }
  if (callSessionKey(message.callId) !== sessionKey) {
    throw new InvalidError(`call "${message.callId}" was not made by this session`, {
      hint: 'Make call ids with the key that the session was opened with.',
    });
  }
  if (typeof message.functionId !== 'string') throw new InvalidError('a submit needs the id of a function');
  checkParent(message.parentInputId);
  if (!KINDS.has(message.kind)) throw new InvalidError(`"${String(message.kind)}" is no kind of call`);
  if (typeof message.method !== 'string') throw new InvalidError('the method of a call must be a text');
  checkInputs(message.inputs);
}

function checkInputs(inputs: readonly unknown[]): void {
  const seen = new Set<string>();
  for (const input of inputs) {
    const { inputId, index, args } = (input ?? {}) as Partial<SubmittedInput>;
    if (typeof inputId !== 'string' || !isId(inputId, 'in')) {
      throw new InvalidError(`"${String(inputId)}" is not an input id`);
    }
    if (seen.has(inputId)) throw new InvalidError(`the input id "${inputId}" is given to two inputs`);
    seen.add(inputId);
    if (index === undefined || !Number.isSafeInteger(index) || index < 0 || index > MAX_INDEX) {
      throw new InvalidError(`input "${inputId}" has the index ${String(index)}`, {
        hint: 'Count the inputs of a call from 0.',
      });
    }
    checkArguments(inputId, args);
  }
}

// It becomes part of a subject.
function checkParent(inputId: string | undefined): void {
  if (inputId === undefined || isId(String(inputId), 'in')) return;
  throw new InvalidError(`the parent "${String(inputId)}" is not an input id`);
}

function checkArguments(inputId: string, args: Payload | undefined): void {
  if (args instanceof Uint8Array) {
    if (args.length <= LIMITS.inlinePayloadBytes) return;
    throw new InvalidError(`the arguments of input "${inputId}" are too large for a message`, {
      hint: 'Upload arguments above 512 KiB as a blob first.',
    });
  }
  const { blob, sizeBytes } = (args ?? {}) as { blob?: unknown; sizeBytes?: unknown };
  const day = typeof blob === 'string' ? parseBlobName(blob)?.day : undefined;
  if (day === undefined || !Number.isSafeInteger(sizeBytes) || Number(sizeBytes) < 0) {
    throw new InvalidError(`the arguments of input "${inputId}" are neither bytes nor the name of a value`);
  }
  // Older ones may be gone before the input is in the queue, where it would keep them.
  if (day < dayOf(Date.now() - LIMITS.outputRetentionMs)) {
    throw new InvalidError(`the arguments of input "${inputId}" were uploaded more than 7 days ago`, {
      hint: 'Call the function again.',
    });
  }
  if (Number(sizeBytes) > LIMITS.payloadBytes) {
    throw new InvalidError(`the arguments of input "${inputId}" exceed 100 MB`, {
      hint: 'Pass large data by reference.',
    });
  }
}

function checkAgainstFunction(message: SubmitMessage, record: FunctionRecord | undefined): ClassParameters {
  if (!record) {
    throw new NotFoundError(`function "${message.functionId}" does not exist`, {
      hint: 'It may have been removed by a later deploy: look it up again.',
    });
  }
  const { name, methods, parameters } = record.spec;
  if (record.stopped) {
    throw new NotFoundError(`the app of function "${name}" is stopped`, { hint: 'Deploy or run it again.' });
  }
  if (!methods.some((method) => method.name === message.method && method.callable)) {
    throw new NotFoundError(`"${name}" has no callable method "${message.method}"`, {
      hint: `Its methods: ${
        methods
          .filter((method) => method.callable)
          .map((method) => method.name)
          .join(', ') || 'none'
      }.`,
    });
  }
  const kind = methods.find((method) => method.name === message.method)?.handlerKind;
  if (kind) assertKindFits(message, kind, name);
  const given = message.parameters;
  if (parameters.length === 0 && (!given || Object.keys(given).length === 0)) return NO_PARAMETERS;
  const complete = completeParameters(name, parameters, given ?? {});
  return Object.keys(complete).length === 0 ? NO_PARAMETERS : complete;
}

function assertKindFits(message: SubmitMessage, kind: MethodSpec['handlerKind'], name: string): void {
  const isGenerator = kind === 'generator' || kind === 'asyncGenerator';
  if (isGenerator === (message.kind === 'generator')) return;
  const label = message.method === '' ? name : `${name}.${message.method}`;
  throw isGenerator
    ? new InvalidError(`"${label}" is a generator, which cannot be called as "${message.kind}"`, {
        hint: 'Iterate over .remoteGen(…).',
      })
    : new InvalidError(`"${label}" is no generator`, { hint: 'Call .remote(…).' });
}

function canTakeBatches([only, ...others]: readonly MethodSpec[]): boolean {
  if (!only || others.length > 0 || only.web) return false;
  return only.handlerKind !== 'generator' && only.handlerKind !== 'asyncGenerator';
}

function optionsOf({ options }: SubmitMessage, record: FunctionRecord | undefined): PoolOptions | undefined {
  if (!options || Object.keys(options).length === 0) return undefined;
  assertPoolOptions(options);
  const { name = '', kind, methods = [] } = record?.spec ?? {};
  if (options.batching && !canTakeBatches(methods)) {
    const why =
      methods.length === 1 ? 'it is an endpoint or a generator' : `it has ${methods.length} methods`;
    throw new InvalidError(`the ${kind ?? 'function'} "${name}" cannot take batches: ${why}`, {
      hint: 'A function, or the only method of a class, can be batched if it takes lists and returns one.',
    });
  }
  if (record?.spec.options.cluster) assertOneAtATime(name, options);
  return options;
}

/** @throws InvalidError for a gang that is to have several inputs at once. */
function assertOneAtATime(name: string, { maxInputs = 1, batching }: PoolOptions): void {
  if (maxInputs === 1 && !batching) return;
  throw new InvalidError(`"${name}" is clustered: it takes one input at a time`, {
    hint: 'Leave out withConcurrency and withBatching; maxContainers says how many gangs there may be.',
  });
}
