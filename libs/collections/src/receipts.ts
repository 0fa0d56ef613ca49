import { REMEMBERED_MS } from './journal-space.ts';

/** What was answered lately, by operation: who lost the answer asks again, and must not cause the same twice. */
export class Receipts<T> {
  readonly #answers = new Map<string, { answer: T; atMs: number }>();

  add(op: string | undefined, answer: T, nowMs: number): void {
    if (op === undefined) return;
    this.#answers.set(op, { answer, atMs: nowMs });
    for (const [oldest, { atMs }] of this.#answers) {
      if (nowMs - atMs < REMEMBERED_MS) break;
      this.#answers.delete(oldest);
    }
  }

  find(op: string): { answer: T } | undefined {
    return this.#answers.get(op);
  }
}
