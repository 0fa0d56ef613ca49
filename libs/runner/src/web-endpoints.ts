import { inspect } from 'node:util';

import type { LoadMessage, RunnerToWorker } from '@gantry/protocol';

import { ActiveInput, runAsInput } from './current-input.ts';
import type { InputSlots } from './input-slots.ts';
import type { UserCode } from './user-code.ts';

/** The HTTP side of a container, while it listens. */
export interface WebEndpoints {
  /** Waits for the requests that run, then stops listening. */
  close(): Promise<void>;
}

export interface WebParts {
  code: UserCode;
  slots: InputSlots;
  send(message: RunnerToWorker): void;
}

/** Loads the web code ahead of need. */
export async function preloadWeb(): Promise<void> {
  await import('./web/index.ts');
}

/** Loads the validator as well, which only endpoints with a class to check need. */
export async function preloadWebValidation(): Promise<void> {
  const { preloadValidation } = await import('./web/index.ts');
  await preloadValidation();
}

/** Starts the HTTP server of a function with endpoints. The web code is loaded only for those. */
export async function startWebEndpoints(load: LoadMessage, parts: WebParts): Promise<WebEndpoints> {
  const { code, slots, send } = parts;
  const { startWebServer } = await import('./web/index.ts');
  let running = 0;
  const count = (change: 1 | -1): void => {
    running += change;
    send({ type: 'web', running });
  };
  return startWebServer({
    socketPath: load.httpSocketPath,
    spec: load.spec,
    resolveHandler(methodName) {
      const handler = code.handler(methodName);
      return {
        invoke: (args, { inputId, signal }, deliver) =>
          runAsInput(new ActiveInput(inputId, '', signal), async () => deliver(await handler(args))),
        paramTypes: code.paramTypes(methodName),
      };
    },
    onUnexpectedError: (error, inputId) =>
      send({ type: 'log', stream: 'stderr', text: `${inspect(error)}\n`, inputId }),
    admit: () =>
      new Promise((resolve) => {
        slots.enter(() => {
          count(1);
          let released = false;
          resolve(() => {
            if (released) return;
            released = true;
            count(-1);
            slots.leave();
          });
        });
      }),
  });
}
