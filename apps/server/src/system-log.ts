import type { Messaging } from '@gantry/messaging';
import { type FunctionRecord, subjects } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

/** Writes what the platform has to say about a function into the log of its app. */
export class SystemLog {
  readonly #messaging: Messaging;
  readonly #log: Logger;

  constructor(messaging: Messaging, log: Logger) {
    this.#messaging = messaging;
    this.#log = log;
  }

  write(record: FunctionRecord, text: string): void {
    const { appId, spec } = record;
    this.#log.warn({ appId, function: spec.name }, text);
    const entry = {
      atMs: Date.now(),
      stream: 'system' as const,
      text,
      containerId: '',
      functionName: spec.name,
    };
    this.#messaging.logs.append(appId, 'system', { entries: [entry] }).catch((err: unknown) => {
      this.#log.warn({ err, subject: subjects.log(appId, 'system') }, 'a log entry was lost');
    });
  }
}
