import type { GangLetter, RunnerToWorker, WorkerToRunner } from '@gantry/protocol';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { AssignedInput } from '../inputs/assigned-input.ts';
import { openGang } from './open-gang.ts';
import type { GangPart } from './gang-part.ts';

const IDS = ['ta-0', 'ta-1', 'ta-2'];
const TIMES = { startedAtMs: 1, finishedAtMs: 2 };
const VALUE = { type: 'value', value: new Uint8Array([7]) } as const;
const ERROR = { type: 'error', error: new Uint8Array([9]) } as const;

/** Requests between workers, of which the first few are lost. */
class FakeMessaging {
  readonly #handlers = new Map<string, (letter: GangLetter) => Promise<unknown>>();
  losses = 0;

  respond<TRequest, TReply>(
    subject: string,
    handler: (request: TRequest) => Promise<TReply>,
  ): { stop(): void } {
    this.#handlers.set(subject, handler as never);
    return { stop: () => void this.#handlers.delete(subject) };
  }

  async request<T>(subject: string, message: unknown): Promise<T> {
    const answer = await this.#handlers.get(subject)?.(message as GangLetter);
    // The answer to what was heard is lost, too.
    if (answer === undefined || this.losses-- > 0) throw new Error('nobody there');
    return answer as T;
  }
}

/** One container: what it was told to do, and what its process was told. */
class FakeContainer {
  readonly part: GangPart;
  readonly acts: string[] = [];
  readonly heard: RunnerToWorker[] = [];
  readonly told: WorkerToRunner[] = [];
  readonly inputs: AssignedInput[] = [];
  readonly say: (message: RunnerToWorker) => void;
  status = { state: 'ready' as const };

  constructor(rank: number, messaging: FakeMessaging) {
    this.part = openGang({
      ...{ place: { rank, containerIds: IDS }, messaging, host: () => this },
      payloads: { isLarge: () => false, storeOutcome: (outcome) => Promise.resolve(outcome) },
    });
    const listener = this.part.listen(
      { onMessage: (message) => this.heard.push(message), onEnded: () => undefined },
      (message) => this.told.push(message),
    );
    this.say = (message) => listener.onMessage(message);
  }

  run(input: AssignedInput): void {
    this.inputs.push(input);
  }
  stop(reason: string): void {
    this.acts.push(`stop: ${reason}`);
  }
  preempt(reason: string): void {
    this.acts.push(`preempt: ${reason}`);
  }
  kill(reason: string, message: string): void {
    this.acts.push(`kill: ${reason}, ${message}`);
  }
  /** Its code has ended, as its container says it of inputs that a leader handed on. */
  answer(outcome: typeof VALUE | typeof ERROR): void {
    const [input] = this.inputs;
    if (input) this.part.inputs.settlement?.finished(input, {} as never, { outcome, times: TIMES });
  }
}

let messaging: FakeMessaging;
let gang: FakeContainer[];
const all = <T>(of: (container: FakeContainer) => T): T[] => gang.map(of);
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000 });

beforeEach(() => {
  messaging = new FakeMessaging();
  gang = IDS.map((_, rank) => new FakeContainer(rank, messaging));
});

/** The leader has an input, and the others have heard of it. */
async function run(): Promise<void> {
  const message = { inputId: 'in-1', callId: 'fc-1', method: '' };
  gang[0]?.part.inputs.handOn?.({ message } as never);
  await eventually(() => expect(gang.slice(1).map(({ inputs }) => inputs.length)).toEqual([1, 1]));
}
const output = (outcome: typeof VALUE | typeof ERROR): RunnerToWorker => ({
  type: 'output',
  inputId: 'in-1',
  outcome,
  ...TIMES,
});

describe('containers of a gang', () => {
  it('hear the addresses of all, each once, also where messages or their answers are lost', async () => {
    messaging.losses = 5;
    const infos = await Promise.all(all(({ part }) => part.info(`fdaa::${part.follows ? 1 : 0}`)));
    expect(infos.map(({ rank }) => rank)).toEqual([0, 1, 2]);
    for (const info of infos)
      expect(info).toMatchObject({ id: 'ta-0', size: 3, addresses: ['fdaa::0', 'fdaa::1', 'fdaa::1'] });
    await run();
    expect(gang.slice(1).map(({ inputs }) => inputs.length)).toEqual([1, 1]);
  });

  it('are ready for the queue when all are', async () => {
    for (const container of [gang[0], gang[1]]) container?.say({ type: 'ready' });
    await eventually(() => expect(gang[1]?.heard).toEqual([{ type: 'ready' }]));
    expect(gang[0]?.heard).toEqual([]);
    gang[2]?.say({ type: 'ready' });
    await eventually(() => expect(gang[0]?.heard).toEqual([{ type: 'ready' }]));
  });

  it('have returned when all have, with what rank 0 returned', async () => {
    await run();
    gang[0]?.say(output(VALUE));
    gang[1]?.answer(VALUE);
    expect(gang[0]?.heard).toEqual([]);
    gang[2]?.answer(VALUE);
    await eventually(() => expect(gang[0]?.heard).toMatchObject([{ type: 'output', outcome: VALUE }]));
  });

  it('are aborted when one has failed, and fail with its error', async () => {
    await run();
    gang[1]?.answer(ERROR);
    const abort = { type: 'abort', inputId: 'in-1', reason: 'cancelled' };
    await eventually(() => expect([gang[0]?.told, gang[2]?.told]).toEqual([[abort], [abort]]));
    gang[0]?.say(output(VALUE));
    gang[2]?.answer(VALUE);
    await eventually(() => expect(gang[0]?.heard).toMatchObject([{ type: 'output', outcome: ERROR }]));
  });

  it('end with the leader: as it was stopped, or at once where it died', async () => {
    gang[0]?.part.ended({ reason: 'stopped', code: 0, signal: null });
    await eventually(() =>
      expect(all(({ acts }) => acts)).toEqual([[], ['stop: its gang ends'], ['stop: its gang ends']]),
    );
    gang = IDS.map((_, rank) => new FakeContainer(rank, messaging));
    gang[0]?.part.ended({ reason: 'crashed', code: null, signal: 'SIGKILL', message: 'it was killed' });
    const killed = ['kill: killed, rank 0 of its gang ended: it was killed'];
    await eventually(() => expect(all(({ acts }) => acts)).toEqual([[], killed, killed]));
  });

  it('of which one dies have a leader that dies of the same, and says which one it was', async () => {
    gang[2]?.part.ended({
      reason: 'outOfMemory',
      code: null,
      signal: 'SIGKILL',
      message: 'memory was short',
    });
    await eventually(() =>
      expect(gang[0]?.acts).toEqual([
        'kill: outOfMemory, rank 2 of 3 (container ta-2) ended: memory was short',
      ]),
    );
  });

  it('of which one does not load have a leader that does not load, with the same error', async () => {
    const error = new Uint8Array([1]);
    gang[1]?.part.ended({ reason: 'loadFailed', code: 1, signal: null, message: 'no model', error });
    const message = 'rank 1 of 3 (container ta-1) ended: no model';
    await eventually(() => expect(gang[0]?.heard).toEqual([{ type: 'loadFailed', error, message }]));
  });

  it.each([0, 1])('are all preempted when rank %s is', async (rank) => {
    gang[rank]?.part.sending({ type: 'preempt', graceMs: 1 });
    const others = rank === 0 ? [1, 2] : [0];
    await eventually(() => {
      for (const other of others) expect(gang[other]?.acts[0]).toMatch(/^preempt: rank/);
    });
  });
});
