import type { Payload } from '@gantry/protocol';

import { JournalMessage, type JournalSpace, type KeptValue } from './journal-space.ts';

interface State<TRecord> {
  readonly space: JournalSpace;
  apply(record: TRecord, at: { message: JournalMessage; record: number }, nowMs: number): void;
  loaded(): void;
  restate(values: readonly { kept: KeptValue; payload: Payload }[]): TRecord[];
}

/** A journal in memory, with the state that it makes. */
export class Replay<TRecord, TState extends State<TRecord>> {
  readonly state: TState;
  messages: { sequence: number; records: readonly TRecord[] }[] = [];
  readonly #applied = new Map<number, JournalMessage>();
  #last = 0;

  constructor(state: TState) {
    this.state = state;
  }

  append(records: readonly TRecord[], nowMs: number): void {
    const sequence = ++this.#last;
    this.messages.push({ sequence, records });
    this.#applied.set(sequence, apply(this.state, { sequence, records }, nowMs));
  }

  /** Writes again what is needed of the oldest message. */
  restateOldest(nowMs: number): void {
    const { sequence } = this.messages.find((message) => this.#needed(message.sequence).length > 0) ?? {};
    const values = this.#needed(sequence).map((kept) => ({
      kept,
      payload: kept.payload ?? new Uint8Array(),
    }));
    for (const record of this.state.restate(values)) this.append([record], nowMs);
  }

  trim(nowMs: number): void {
    const before = this.state.space.trim(nowMs);
    if (before !== undefined) this.messages = this.messages.filter(({ sequence }) => sequence >= before);
  }

  readAgain(empty: TState, nowMs: number): TState {
    for (const message of this.messages) apply(empty, message, nowMs);
    empty.loaded();
    return empty;
  }

  #needed(sequence: number | undefined): KeptValue[] {
    return [...(this.#applied.get(sequence ?? 0)?.live ?? [])];
  }
}

function apply<TRecord>(
  state: State<TRecord>,
  { sequence, records }: { sequence: number; records: readonly TRecord[] },
  nowMs: number,
): JournalMessage {
  const message = new JournalMessage(sequence);
  state.space.add(message);
  for (const [record, value] of records.entries()) state.apply(value, { message, record }, nowMs);
  return message;
}
