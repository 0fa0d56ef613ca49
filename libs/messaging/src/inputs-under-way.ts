/** Counts, by call, the inputs that JetStream has not acknowledged yet. */
export class InputsUnderWay {
  readonly #counts = new Map<string, number>();
  /** Who waits until there are none, by call. */
  readonly #onNone = new Map<string, () => void>();

  has(callId: string): boolean {
    return this.#counts.has(callId);
  }

  change(callId: string, by: number): void {
    const count = (this.#counts.get(callId) ?? 0) + by;
    if (count > 0) {
      this.#counts.set(callId, count);
      return;
    }
    this.#counts.delete(callId);
    this.#onNone.get(callId)?.();
    this.#onNone.delete(callId);
  }

  /** Resolves when none of a call's inputs is on its way into the queue. */
  none(callId: string): Promise<void> {
    if (!this.has(callId)) return Promise.resolve();
    const before = this.#onNone.get(callId);
    return new Promise((resolve) =>
      this.#onNone.set(callId, () => {
        before?.();
        resolve();
      }),
    );
  }
}
