import type { EnvironmentDirectory, Messaging } from '@gantry/messaging';
import { type FunctionRecord, subjects } from '@gantry/protocol';
import type { Logger } from '@gantry/telemetry';

import type { NoticeEvent, Notifier } from './notifier.ts';

export interface SystemLogOptions {
  messaging: Pick<Messaging, 'logs'>;
  log: Logger;
  environments: Pick<EnvironmentDirectory, 'nameOf'>;
  workspace: string;
  /** Who wants to know at once. @defaultValue nobody */
  notifier?: Pick<Notifier, 'send'> | undefined;
}

/** Writes what the platform has to say about a function into the log of its app, and sends it to whoever wants to know. */
export class SystemLog {
  readonly #options: SystemLogOptions;

  constructor(options: SystemLogOptions) {
    this.#options = options;
  }

  write(record: FunctionRecord, event: NoticeEvent, text: string): void {
    const { messaging, log } = this.#options;
    const { appId, spec } = record;
    log.warn({ appId, function: spec.name }, text);
    const atMs = Date.now();
    const entry = { atMs, stream: 'system' as const, text, containerId: '', functionName: spec.name };
    messaging.logs.append(appId, 'system', { entries: [entry] }).catch((err: unknown) => {
      log.warn({ err, subject: subjects.log(appId, 'system') }, 'a log entry was lost');
    });
    this.#notify(record, event, { text, atMs });
  }

  #notify(
    { appId, appName, environment: environmentId, spec }: FunctionRecord,
    event: NoticeEvent,
    { text, atMs }: { text: string; atMs: number },
  ): void {
    const { environments, workspace, notifier } = this.#options;
    if (!notifier) return;
    const app = appName ?? appId;
    const environment = environments.nameOf(environmentId);
    void notifier.send({
      text: `Gantry, app "${app}" in ${workspace}/${environment}: ${text}`,
      ...{ event, workspace, environment, app, function: spec.name, atMs },
    });
  }
}
