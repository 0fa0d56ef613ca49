import type { Messaging } from '@gantry/messaging';
import {
  encodeFrame,
  encodeValue,
  type FunctionRecord,
  type InputMessage,
  InvalidError,
  newCallId,
  newId,
  SCHEDULE_SESSION_KEY,
  subjects,
} from '@gantry/protocol';

import type { DemandSignal } from '../demand-signal.ts';
import type { CallIds } from './tick-ids.ts';

export interface ScheduledCallsOptions {
  messaging: Messaging;
  demand: DemandSignal;
}

/** Calls functions without arguments, in the platform's own name. */
export class ScheduledCalls {
  readonly #options: ScheduledCallsOptions;

  constructor(options: ScheduledCallsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the call is in the queue. Harmless to repeat with the same ids, for as long as its input is
   * stored and for the two minutes in which JetStream remembers message ids.
   */
  async submit({ id }: FunctionRecord, { callId, inputId }: CallIds): Promise<void> {
    const { messaging, demand } = this.#options;
    await messaging.inputs.ensurePool(id);
    const input: InputMessage = {
      inputId,
      callId,
      index: 0,
      functionId: id,
      method: '',
      args: encodeValue([]),
      attempt: 0,
    };
    await messaging.publishDurable(subjects.input(id, callId), encodeFrame(input), {
      messageId: inputId,
      expectEmptySubject: true,
    });
    demand.add({ pool: id, functionId: id, parameters: {}, inputs: 1 });
  }

  /** Submits a call unless its input or its output shows that it was submitted before. */
  async ensureSubmitted(record: FunctionRecord, ids: CallIds): Promise<void> {
    const { inputs, outputs } = this.#options.messaging;
    // In this order: an input leaves the queue only after its output is stored.
    if ((await inputs.openInputs(ids.callId)) > 0) return;
    if (await outputs.find(ids.callId, 0)) return;
    await this.submit(record, ids);
  }

  /**
   * Calls a function once, now, and enters it into the history of its schedule.
   *
   * @throws InvalidError for a class, a generator, and a function that needs arguments.
   */
  async runNow(record: FunctionRecord): Promise<{ callId: string }> {
    assertCallable(record);
    const callId = newCallId(SCHEDULE_SESSION_KEY);
    await this.submit(record, { callId, inputId: newId('in') });
    await this.#recordManual(record, callId);
    return { callId };
  }

  async #recordManual({ id, version }: FunctionRecord, callId: string): Promise<void> {
    const { runs } = this.#options.messaging;
    const atMs = Date.now();
    // Two of the same millisecond are a millisecond apart in the history.
    for (let tickMs = atMs; ; tickMs++) {
      const stored = await runs.record({ functionId: id, tickMs, kind: 'manual', callId, version, atMs });
      if (stored === 'stored') return;
    }
  }
}

function assertCallable({ spec }: FunctionRecord): void {
  const { name, kind, methods } = spec;
  if (kind === 'class') {
    throw new InvalidError(`"${name}" is a class, and only functions can be run by hand`, {
      hint: `Call one of its methods: gantry run <entry>::${name}.<method>.`,
    });
  }
  if (methods[0]?.handlerKind.toLowerCase().endsWith('generator')) {
    throw new InvalidError(`"${name}" is a generator, and nobody would take the values that it yields`, {
      hint: `Call it from a program: for await (const value of ${name}.remoteGen()) …`,
    });
  }
  const needed = (methods[0]?.params ?? []).filter(({ optional, rest }) => !optional && !rest);
  if (needed.length === 0) return;
  const names = needed.map((param) => `"${param.name}"`).join(', ');
  throw new InvalidError(`the function "${name}" needs arguments: ${names}`, {
    hint: `Call it with flags: gantry run <entry>::${name}.`,
  });
}
