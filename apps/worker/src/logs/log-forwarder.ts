import type { LogStore } from '@gantry/messaging';
import type { LogEntry } from '@gantry/protocol';
import type { SecretMask } from '@gantry/secrets';
import type { Logger } from '@gantry/telemetry';

import { LineBuffer, type LineKey } from './line-buffer.ts';
import { MaskedText } from './masked-text.ts';

const FLUSH_MS = 100;
const MOST_BATCH_BYTES = 256 * 1024;
/** What one container may have waiting; a flood beyond it is cut, not buffered. */
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
const ENTRY_OVERHEAD_BYTES = 100;

/** Collects what containers print and appends it to the log stream in batches. */
export class LogForwarder {
  readonly #logs: Pick<LogStore, 'append'>;
  readonly #log: Logger;
  readonly #active = new Set<ContainerLog>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logs: Pick<LogStore, 'append'>, log: Logger) {
    this.#logs = logs;
    this.#log = log;
  }

  open(names: { appId: string; containerId: string; functionName: string }): ContainerLog {
    const log: ContainerLog = new ContainerLog(names, () => {
      this.#active.add(log);
      this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
    });
    return log;
  }

  /** Appends all that is complete. Resolves when it is stored, or failed to be. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const stored: Promise<void>[] = [];
    for (const container of this.#active) {
      for (const entries of container.takeBatches()) {
        stored.push(this.#logs.append(container.names.appId, container.names.containerId, { entries }));
      }
      if (container.isEmpty) this.#active.delete(container);
    }
    if (this.#active.size > 0) this.#timer = setTimeout(() => void this.flush(), FLUSH_MS);
    for (const result of await Promise.allSettled(stored)) {
      if (result.status === 'rejected')
        this.#log.warn({ err: result.reason as unknown }, 'log lines were lost');
    }
  }
}

/** The log of one container, on its way out. */
export class ContainerLog {
  readonly names: { appId: string; containerId: string; functionName: string };
  readonly #wake: () => void;
  readonly #lines = new LineBuffer();
  readonly #masked = new MaskedText();
  #entries: LogEntry[] = [];
  #waitingBytes = 0;
  #cut = 0;

  constructor(names: { appId: string; containerId: string; functionName: string }, wake: () => void) {
    this.names = names;
    this.#wake = wake;
  }

  /** Values that no line of this log shows from now on. */
  mask(mask: SecretMask): void {
    this.#masked.use(mask);
  }

  /** A text about the container without those values. */
  masked(text: string): string {
    return this.#masked.apply(text);
  }

  /** A piece of output: whole lines, or parts of them. */
  write(stream: 'stdout' | 'stderr', text: string, inputId?: string): void {
    const key = { stream, inputId };
    this.#addLines(key, this.#masked.add(key, text));
    this.#wake();
  }

  /** A line of the platform about the container that somebody should know of. */
  system(text: string): void {
    this.#push('system', this.masked(text));
    this.#wake();
  }

  /** A line of the platform about the ordinary life of the container. */
  routine(text: string): void {
    this.#entries.push({ ...this.#entry('system', text), routine: true });
    this.#wake();
  }

  /** An input waits for the terminal of whoever runs the app, who follows this log. */
  wantTerminal({ inputId, taker }: { inputId: string; taker: string[] }): void {
    const text = `container ${this.names.containerId} waits for a terminal`;
    this.#entries.push({ ...this.#entry('system', text, inputId), routine: true, terminalTaker: taker });
    this.#wake();
  }

  /** The container ended: unfinished lines are as finished as they get. */
  end(): void {
    for (const { key, text } of this.#masked.end()) this.#addLines(key, text);
    for (const { key, text } of this.#lines.takeAll()) this.#push(key.stream, text, key.inputId);
    this.#wake();
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#lines.isEmpty;
  }

  takeBatches(): LogEntry[][] {
    for (const { key, text } of this.#lines.takeOld(Date.now())) this.#push(key.stream, text, key.inputId);
    if (this.#cut > 0) {
      this.#entries.push(
        this.#entry('system', `${this.#cut} lines were dropped: they came faster than they can be stored`),
      );
      this.#cut = 0;
    }
    const batches: LogEntry[][] = [];
    let batch: LogEntry[] = [];
    let bytes = 0;
    for (const entry of this.#entries) {
      batch.push(entry);
      bytes += entry.text.length + ENTRY_OVERHEAD_BYTES;
      if (bytes < MOST_BATCH_BYTES) continue;
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) batches.push(batch);
    this.#entries = [];
    this.#waitingBytes = 0;
    return batches;
  }

  #addLines(key: LineKey, text: string): void {
    for (const line of this.#lines.add(key, text)) this.#push(key.stream, line, key.inputId);
  }

  #push(stream: LogEntry['stream'], text: string, inputId?: string): void {
    if (this.#waitingBytes > MOST_WAITING_BYTES && stream !== 'system') {
      this.#cut++;
      return;
    }
    this.#waitingBytes += text.length + ENTRY_OVERHEAD_BYTES;
    this.#entries.push(this.#entry(stream, text, inputId));
  }

  #entry(stream: LogEntry['stream'], text: string, inputId?: string): LogEntry {
    const { containerId, functionName } = this.names;
    return { atMs: Date.now(), stream, text, containerId, functionName, inputId };
  }
}
