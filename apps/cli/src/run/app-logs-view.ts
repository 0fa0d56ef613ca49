import type { LogEntry } from '@gantry/protocol';

import type { ApiClient } from '../api-client.ts';
import { printLogEntry } from '../print-log-entry.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { TerminalRequest } from './terminal-lender.ts';

export interface AppLogsViewOptions {
  appId: string;
  client: ApiClient;
  terminal: Terminal;
  /** Prints only what the user's code printed, not what the platform did. */
  quiet?: boolean | undefined;
  /** Leaves out what is older. @defaultValue everything there is */
  sinceMs?: number | undefined;
  /** Prints nothing. @defaultValue false */
  isSilent?: boolean | undefined;
  /** Lends a terminal to code that waits for one. @defaultValue nobody does */
  lendTerminal?: ((request: TerminalRequest) => void) | undefined;
}

/** Prints the logs of an app as they come. */
export class AppLogsView {
  readonly #options: AppLogsViewOptions;
  readonly #end = new AbortController();
  /** Resolves when all is printed: to true if that is because the app has ended. */
  readonly printed: Promise<boolean>;
  #isEnding = false;

  constructor(options: AppLogsViewOptions) {
    this.#options = options;
    this.printed = this.#print();
  }

  /** From now on, that containers end is no news. */
  expectEnd(): void {
    this.#isEnding = true;
  }

  /** Resolves when all is printed, which is soon once the app has stopped, or when the time is up. */
  async end(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#end.abort(), timeoutMs);
    await this.printed;
    clearTimeout(timer);
  }

  /** That containers come and go is none to somebody who waits for a result. */
  #isNews({ stream, routine, lostLines }: LogEntry): boolean {
    if (stream !== 'system' || lostLines !== undefined) return true;
    return !routine && !this.#options.quiet && !this.#isEnding;
  }

  async #print(): Promise<boolean> {
    const { appId, client, terminal, isSilent, sinceMs, lendTerminal } = this.#options;
    const { signal } = this.#end;
    try {
      for await (const entry of client.readLogs(appId, { follow: true, sinceMs, signal })) {
        if (entry.terminalTaker) {
          lendTerminal?.({ containerId: entry.containerId, command: entry.terminalTaker });
        }
        if (!isSilent && this.#isNews(entry)) printLogEntry(entry, terminal);
      }
      return !signal.aborted;
    } catch (error) {
      if (!signal.aborted) terminal.note(`(logs are no longer shown: ${(error as Error).message})`);
      return false;
    }
  }
}
