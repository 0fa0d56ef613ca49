import { subjects, type CreditMessage, type WorkerToRunner } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { AssignedInput } from './assigned-input.ts';
import { NotedDelivery, StillClock } from './input-doubles.ts';
import { Payloads } from './payloads.ts';
import { ValueStreams } from './value-streams.ts';

const GONE_MS = 180_000;

function openStreams() {
  const clock = new StillClock();
  const abandoned: string[] = [];
  const listeners = new Map<string, (credit: CreditMessage) => void>();
  const streams = new ValueStreams({
    ...{ workerId: 'wk-1', clock },
    messaging: {
      publish: () => undefined,
      subscribe: <T>(subject: string, listener: (message: T, subject: string) => void) => {
        listeners.set(subject, (credit) => listener(credit as T, subject));
        return { stop: () => undefined };
      },
    },
    payloads: new Payloads({} as ConstructorParameters<typeof Payloads>[0]),
    onAbandoned: (callId) => abandoned.push(callId),
  });
  streams.start();
  opened.push(streams);
  const toRunner: WorkerToRunner[] = [];
  const input = new AssignedInput(new NotedDelivery({ stream: true }), 0);
  const stream = streams.open(input, (message) => toRunner.push(message));
  const credit = (subject: string, taken: number) => listeners.get(subject)?.({ callId: 'fc-1', taken });
  return { clock, abandoned, streams, stream, toRunner, credit };
}

const opened: ValueStreams[] = [];
afterEach(() => opened.splice(0).forEach((streams) => streams.close()));

describe('the generators of a worker', () => {
  it('hear their consumers, whether these know the worker or tell all', () => {
    const { toRunner, credit } = openStreams();
    credit(subjects.credit('wk-1'), 16);
    credit(subjects.credits, 32);
    expect(toRunner).toMatchObject([{ taken: 16 }, { taken: 32 }]);
  });

  it('are abandoned, once, when their consumer has been silent for three minutes', () => {
    const { clock, abandoned, streams } = openStreams();
    clock.nowMs += GONE_MS - 1;
    streams.sweep();
    expect(abandoned).toEqual([]);
    clock.nowMs += 1;
    streams.sweep();
    streams.sweep();
    expect(abandoned).toEqual(['fc-1']);
  });

  it('are not abandoned while their consumer says something, or after they ended', () => {
    const { clock, abandoned, streams, stream, credit } = openStreams();
    clock.nowMs += GONE_MS - 1;
    credit(subjects.credits, 0);
    clock.nowMs += GONE_MS - 1;
    streams.sweep();
    stream.close();
    clock.nowMs += GONE_MS;
    streams.sweep();
    expect(abandoned).toEqual([]);
  });
});
