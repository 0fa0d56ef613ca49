/** Somebody who waits for work that others may wait for, too. */
export interface Waiter {
  signal?: AbortSignal | undefined;
  onLine?: ((line: string) => void) | undefined;
}

/** What the work itself gets. */
export interface WorkWatch {
  signal: AbortSignal;
  onLine(line: string): void;
}

interface Work<T> {
  done: Promise<T>;
  lines: string[];
  waiters: Set<Waiter>;
  abort: AbortController;
}

/** Work that is under way once, however many want it. It ends when nobody waits for it any more. */
export class SharedWork<T> {
  readonly #works = new Map<string, Work<T>>();

  /** @throws what the work throws, or the reason of the waiter's signal. */
  async join(key: string, waiter: Waiter, begin: (watch: WorkWatch) => Promise<T>): Promise<T> {
    waiter.signal?.throwIfAborted();
    const work = this.#works.get(key) ?? this.#begin(key, begin);
    for (const line of work.lines) waiter.onLine?.(line);
    work.waiters.add(waiter);
    let leave = (): void => undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(waiter.signal?.reason as Error);
      waiter.signal?.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([work.done, left]);
    } finally {
      waiter.signal?.removeEventListener('abort', leave);
      work.waiters.delete(waiter);
      if (work.waiters.size === 0) {
        if (this.#works.get(key) === work) this.#works.delete(key);
        work.abort.abort(waiter.signal?.reason);
      }
    }
  }

  #begin(key: string, begin: (watch: WorkWatch) => Promise<T>): Work<T> {
    const [lines, waiters, abort] = [[] as string[], new Set<Waiter>(), new AbortController()];
    const onLine = (line: string) => {
      lines.push(line);
      for (const waiter of waiters) waiter.onLine?.(line);
    };
    const work = { done: begin({ signal: abort.signal, onLine }), lines, waiters, abort };
    work.done.catch(() => undefined);
    this.#works.set(key, work);
    return work;
  }
}
