/** What happens if nothing else does in time. Setting it anew replaces it. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;

  set(afterMs: number, act: () => void): void {
    this.clear();
    this.#timer = setTimeout(act, afterMs);
    this.#timer.unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
