import { type DictRecord, DictState, type QueueRecord, QueueState } from '@gantry/collections';
import { connectMessaging, type JournalStore, type Messaging } from '@gantry/messaging';
import { newId, RequestSizeError } from '@gantry/protocol';
import { startNats, type TestNats } from '@gantry/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { type JournaledState, OpenJournal } from './open-journal.ts';
import { ValueCache } from './value-cache.ts';

const UNTIL = { timeout: 30_000, interval: 5 };
/** So much of it in vain that a journal is worth writing anew. */
const WASTE = new Uint8Array(200_000);
const WASTED = [1, 2, 3, 4, 5, 6, 7, 8];
let nats: TestNats;
let messaging: Messaging;

beforeAll(async () => {
  nats = await startNats({});
  messaging = await connectMessaging({ url: nats.url, name: 'test' });
  await messaging.ensureStreams();
});

afterAll(async () => {
  await messaging.close();
  await nats.stop();
});

/** Whose messages wait to be written while it is held. */
class HeldJournals implements JournalStore {
  readonly read = (id: string): ReturnType<JournalStore['read']> => messaging.journals.read(id);
  readonly readAt = (sequence: number): Promise<Uint8Array | undefined> =>
    messaging.journals.readAt(sequence);
  readonly trim = (id: string, before: number): Promise<void> => messaging.journals.trim(id, before);
  readonly remove = (id: string): Promise<void> => messaging.journals.remove(id);
  waiting = 0;
  #held: Promise<void> | undefined;
  #release: () => void = () => undefined;

  hold(): void {
    this.#held = new Promise((resolve) => (this.#release = resolve));
  }

  release(): void {
    this.#release();
    this.#held = undefined;
  }

  async append(...args: Parameters<JournalStore['append']>): Promise<number> {
    this.waiting++;
    await this.#held;
    this.waiting--;
    return await messaging.journals.append(...args);
  }
}

function open<TRecord extends object>(
  state: JournaledState<TRecord>,
  { id, journals }: { id: string; journals: JournalStore },
): Promise<OpenJournal<TRecord>> {
  return OpenJournal.open<TRecord>({ id, journals, cache: new ValueCache(1024 ** 2), state });
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

describe('records of a journal', () => {
  it('that need not be in one message may be more than one can carry', async () => {
    const at = { id: newId('di'), journals: new HeldJournals() };
    const journal = await open<DictRecord>(new DictState(), at);
    const names = Array.from({ length: 80 }, (_, number) => `${number}`);
    const records = names.map((name, index) => ({
      ...{ set: name, key: bytes(name), number: index + 1, atMs: Date.now() },
      value: WASTE,
    }));
    await expect(journal.append(records)).rejects.toThrow(RequestSizeError);
    await journal.appendEach(records);
    const replayed = new DictState();
    await open<DictRecord>(replayed, at);
    expect(replayed.size).toBe(names.length);
  });
});

describe('what is needed of the oldest part of a journal, while it is written again', () => {
  it('may be taken by others, and does not come back', async () => {
    const at = { id: newId('qu'), journals: new HeldJournals() };
    const state = new QueueState();
    const journal = await open<QueueRecord>(state, at);
    const put = (partition: string, first: number, values: Uint8Array[]): Promise<void> =>
      journal.append([{ put: partition, first, values, atMs: Date.now(), ttlMs: 86_400_000 }]);
    const takeAll = (loan: string): number[] => {
      const { items } = state.take({ partition: '', count: 10, op: loan, loan }, Date.now());
      return items.map(({ number }) => number);
    };
    await put('', 1, ['a', 'b', 'c'].map(bytes));
    for (const number of WASTED) await put('waste', 3 + number, [WASTE]);
    await journal.append(state.clear('waste').records);

    at.journals.hold();
    const tidied = journal.tidy();
    await vi.waitUntil(() => at.journals.waiting === 1, UNTIL);
    expect(takeAll('first')).toEqual([1, 2, 3]);
    const confirmed = journal.append(state.confirm('first').records);
    at.journals.release();
    await Promise.all([tidied, confirmed]);

    expect(takeAll('second')).toEqual([]);
    const replayed = new QueueState();
    await open<QueueRecord>(replayed, at);
    expect(replayed.size(undefined, Date.now())).toBe(0);
  });

  it('may be replaced, and does not replace what is newer', async () => {
    const at = { id: newId('di'), journals: new HeldJournals() };
    const state = new DictState();
    const journal = await open<DictRecord>(state, at);
    const put = (name: string, value: Uint8Array): Promise<void> => {
      const entry = { key: { id: name, bytes: bytes(name) }, value };
      return journal.append(state.put(entry, { op: newId('in'), nowMs: Date.now() }).records);
    };
    const valueOf = async (name: string): Promise<string> => {
      const kept = state.get(name, Date.now()).answer?.kept;
      return kept ? Buffer.from((await journal.payloadOf(kept)) as Uint8Array).toString() : '';
    };
    const entries = ['a', 'b', 'c'].map((name) => ({
      key: { id: name, bytes: bytes(name) },
      value: bytes('old'),
    }));
    await journal.append(state.update(entries, { op: newId('in'), nowMs: Date.now() }).records);
    for (const number of WASTED) await put('waste', Buffer.alloc(WASTE.length, number));

    at.journals.hold();
    const tidied = journal.tidy();
    await vi.waitUntil(() => at.journals.waiting === 1, UNTIL);
    const written = put('c', bytes('new'));
    at.journals.release();
    await Promise.all([tidied, written]);

    expect(await Promise.all(['a', 'b', 'c'].map(valueOf))).toEqual(['old', 'old', 'new']);
  });
});
