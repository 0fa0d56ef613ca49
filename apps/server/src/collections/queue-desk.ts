import type { QueueItem, QueueRecord, QueueState } from '@gantry/collections';
import { newId, type Payload, type QueueItems, type QueueOperation, type QueuePage } from '@gantry/protocol';

import type { OpenJournal } from './open-journal.ts';
import { WaitingLine } from './waiting-line.ts';

/** Does what is asked of one queue. */
export class QueueDesk {
  readonly #state: QueueState;
  readonly #journal: OpenJournal<QueueRecord>;
  /** Who waits for items of a partition, and who for room in it. */
  readonly #forItems = new WaitingLine();
  readonly #forRoom = new WaitingLine();

  constructor(state: QueueState, journal: OpenJournal<QueueRecord>) {
    this.#state = state;
    this.#journal = journal;
  }

  async perform(op: string, operation: QueueOperation): Promise<unknown> {
    switch (operation.do) {
      case 'queue.put':
        return await this.#put(op, operation);
      case 'queue.take':
        return await this.#take(op, operation);
      case 'queue.confirm':
        return await this.#confirm(operation.loan);
      case 'queue.release':
        this.#returned(this.#state.release(operation.loan));
        return undefined;
      case 'queue.len': {
        const size = this.#state.size(operation.partition, Date.now());
        await this.#journal.settled();
        return size;
      }
      case 'queue.clear':
        await this.#journal.append(this.#state.clear(operation.partition).records);
        this.#forRoom.wakeAll();
        return undefined;
      case 'queue.peek':
        return await this.#peek(operation);
    }
  }

  /** Gives back what was not confirmed in time. */
  releaseLate(): void {
    for (const partition of this.#state.releaseLate(Date.now())) this.#returned(partition);
  }

  async tidy(): Promise<void> {
    const cleared = this.#state.expire(Date.now());
    await this.#journal.appendEach(cleared);
    if (cleared.length > 0) this.#forRoom.wakeAll();
    await this.#journal.tidy();
  }

  get size(): number {
    return this.#state.size(undefined, Date.now());
  }

  get partitions(): number {
    return this.#state.partitions(Date.now());
  }

  async #put(op: string, put: Extract<QueueOperation, { do: 'queue.put' }>): Promise<boolean> {
    const { partition, values, waitMs } = put;
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const { answer, records } = this.#state.put(put, { op, nowMs: Date.now() });
      if (answer) {
        const stored = this.#journal.append(records);
        this.#forItems.wake(partition, values.length);
        await stored;
        return true;
      }
      if (!(await this.#forRoom.wait(partition, untilMs))) return false;
    }
  }

  async #take(op: string, take: Extract<QueueOperation, { do: 'queue.take' }>): Promise<QueueItems> {
    const { partition, count, waitMs } = take;
    const untilMs = performance.now() + waitMs;
    for (;;) {
      const from = { partition, count, op, loan: `${op}.${newId('in')}` };
      const { items, more, loan } = this.#state.take(from, Date.now());
      if (loan !== undefined) return { loan, values: await this.#valuesOf(items), more };
      if (!(await this.#forItems.wait(partition, untilMs))) return { loan: '', values: [], more: false };
    }
  }

  async #confirm(loan: string): Promise<boolean> {
    const { answer, records } = this.#state.confirm(loan);
    const stored = this.#journal.append(records);
    for (const record of records)
      if ('took' in record) this.#forRoom.wake(record.took, record.numbers.length);
    await stored;
    return answer;
  }

  async #peek(peek: Extract<QueueOperation, { do: 'queue.peek' }>): Promise<QueuePage> {
    const untilMs = performance.now() + peek.waitMs;
    for (;;) {
      const { items, more } = this.#state.peek(peek, Date.now());
      const last = items.at(-1);
      if (last) {
        await this.#journal.settled();
        return { values: await this.#valuesOf(items), after: last.number, more };
      }
      if (!(await this.#forItems.wait(peek.partition, untilMs)))
        return { values: [], after: peek.after, more: false };
      // It takes nothing, so the next one in the line is told, too.
      this.#forItems.wake(peek.partition, 1);
    }
  }

  #returned(partition: string | undefined): void {
    if (partition !== undefined) this.#forItems.wake(partition, Infinity);
  }

  async #valuesOf(items: readonly QueueItem[]): Promise<Payload[]> {
    return await Promise.all(items.map(({ kept }) => this.#journal.payloadOf(kept)));
  }
}
