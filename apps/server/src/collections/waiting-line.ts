/** Who waits for something to happen in a partition, first come, first told. */
export class WaitingLine {
  readonly #lines = new Map<string, Set<() => void>>();

  /** True when woken, false when the time (of `performance.now()`) has come. */
  wait(partition: string, untilMs: number): Promise<boolean> {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const line = this.#lines.get(partition) ?? new Set();
      this.#lines.set(partition, line);
      const leave = (isWoken: boolean): void => {
        clearTimeout(timer);
        line.delete(wake);
        if (line.size === 0 && this.#lines.get(partition) === line) this.#lines.delete(partition);
        resolve(isWoken);
      };
      const wake = (): void => leave(true);
      const timer = setTimeout(() => leave(false), leftMs);
      line.add(wake);
    });
  }

  wake(partition: string, count: number): void {
    for (const wake of this.#lines.get(partition) ?? []) {
      if (count-- <= 0) return;
      wake();
    }
  }

  wakeAll(): void {
    for (const partition of [...this.#lines.keys()]) this.wake(partition, Infinity);
  }
}
