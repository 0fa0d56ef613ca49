import type { LogStore } from '@gantry/messaging';
import type { LogEntry } from '@gantry/protocol';
import type { SecretMask } from '@gantry/secrets';
import type { Logger } from '@gantry/telemetry';

import { LineBuffer, type LineKey } from './line-buffer.ts';
import { MaskedText } from './masked-text.ts';

const FLUSH_MS = 100;
const MOST_BATCH_BYTES = 256 * 1024;
/** What one container may have that is not stored yet; a flood beyond it is cut, not buffered. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;
/** So much is not kept for the next turn. */
const SOON_BYTES = 1024 * 1024;
const ENTRY_OVERHEAD_BYTES = 100;

/** Whose log it is. */
export interface LogNames {
  appId: string;
  containerId: string;
  functionName: string;
  /** Within its gang, if it is in one. */
  rank?: number | undefined;
}

/** Collects what containers print and appends it to the log stream in batches. */
export class LogForwarder {
  readonly #logs: Pick<LogStore, 'append'>;
  readonly #log: Logger;
  readonly #active = new Set<ContainerLog>();
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(logs: Pick<LogStore, 'append'>, log: Logger) {
    this.#logs = logs;
    this.#log = log;
  }

  open(names: LogNames): ContainerLog {
    const log: ContainerLog = new ContainerLog(names, (isMuch) => {
      this.#active.add(log);
      if (isMuch) this.#send(log);
      this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
    });
    return log;
  }

  /** Appends all that is complete. Resolves when it is stored, or failed to be. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const container of this.#active) {
      this.#send(container);
      if (container.isEmpty) this.#active.delete(container);
    }
    if (this.#active.size > 0) this.#timer = setTimeout(() => void this.flush(), FLUSH_MS);
    await Promise.all(this.#underWay);
  }

  #send(container: ContainerLog): void {
    const { appId, containerId } = container.names;
    for (const { entries, bytes } of container.takeBatches()) {
      const stored = this.#logs
        .append(appId, containerId, { entries })
        .catch((err: unknown) => this.#log.warn({ err }, 'log lines were lost'))
        .finally(() => {
          container.settle(bytes);
          this.#underWay.delete(stored);
        });
      this.#underWay.add(stored);
    }
  }
}

interface SizedBatch {
  entries: LogEntry[];
  bytes: number;
}

/** The log of one container, on its way out. */
export class ContainerLog {
  readonly names: LogNames;
  readonly #wake: (isMuch: boolean) => void;
  readonly #lines = new LineBuffer();
  readonly #masked = new MaskedText();
  #entries: LogEntry[] = [];
  #newBytes = 0;
  /** With those that are on their way. */
  #unsettledBytes = 0;
  #cut = 0;

  /** @param wake Told that there is something, and whether it is much. */
  constructor(names: LogNames, wake: (isMuch: boolean) => void) {
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
    this.#wakeUp();
  }

  /** A line of the platform about the container that somebody should know of. */
  system(text: string): void {
    this.#push('system', this.masked(text));
    this.#wakeUp();
  }

  /** A line of the platform about the ordinary life of the container. */
  routine(text: string): void {
    this.#add({ ...this.#entry('system', text), routine: true });
    this.#wakeUp();
  }

  /** An input waits for the terminal of whoever runs the app, who follows this log. */
  wantTerminal({ inputId, taker }: { inputId: string; taker: string[] }): void {
    const text = `container ${this.names.containerId} waits for a terminal`;
    this.#add({ ...this.#entry('system', text, inputId), routine: true, terminalTaker: taker });
    this.#wakeUp();
  }

  /** The container ended: unfinished lines are as finished as they get. */
  end(): void {
    for (const { key, text } of this.#masked.end()) this.#addLines(key, text);
    for (const { key, text } of this.#lines.takeAll()) this.#push(key.stream, text, key.inputId);
    this.#wakeUp();
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#lines.isEmpty && this.#cut === 0;
  }

  takeBatches(): SizedBatch[] {
    for (const { key, text } of this.#lines.takeOld(Date.now())) this.#push(key.stream, text, key.inputId);
    if (this.#cut > 0 && !this.#isFull) {
      const text = `${this.#cut} lines were dropped: they came faster than they can be stored`;
      this.#add({ ...this.#entry('system', text), lostLines: this.#cut });
      this.#cut = 0;
    }
    const batches: SizedBatch[] = [];
    let batch: SizedBatch = { entries: [], bytes: 0 };
    for (const entry of this.#entries) {
      batch.entries.push(entry);
      batch.bytes += bytesOf(entry);
      if (batch.bytes < MOST_BATCH_BYTES) continue;
      batches.push(batch);
      batch = { entries: [], bytes: 0 };
    }
    if (batch.entries.length > 0) batches.push(batch);
    this.#entries = [];
    this.#newBytes = 0;
    return batches;
  }

  /** So much of it is stored, or lost. */
  settle(bytes: number): void {
    this.#unsettledBytes -= bytes;
  }

  get #isFull(): boolean {
    return this.#unsettledBytes > MOST_WAITING_BYTES;
  }

  #wakeUp(): void {
    this.#wake(this.#newBytes > SOON_BYTES);
  }

  #addLines(key: LineKey, text: string): void {
    for (const line of this.#lines.add(key, text)) this.#push(key.stream, line, key.inputId);
  }

  #push(stream: LogEntry['stream'], text: string, inputId?: string): void {
    if (this.#isFull && stream !== 'system') this.#cut++;
    else this.#add(this.#entry(stream, text, inputId));
  }

  #add(entry: LogEntry): void {
    const bytes = bytesOf(entry);
    this.#newBytes += bytes;
    this.#unsettledBytes += bytes;
    this.#entries.push(entry);
  }

  #entry(stream: LogEntry['stream'], text: string, inputId?: string): LogEntry {
    const { containerId, functionName, rank } = this.names;
    const entry = { atMs: Date.now(), stream, text, containerId, functionName, inputId };
    return rank === undefined ? entry : { ...entry, rank };
  }
}

function bytesOf({ text }: LogEntry): number {
  return text.length + ENTRY_OVERHEAD_BYTES;
}
