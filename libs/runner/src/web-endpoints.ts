import { inspect } from 'node:util';

import type { LoadMessage, RunnerToWorker } from '@gantry/protocol';

import type { ContainerSocket } from './container-socket.ts';
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
  /** Where it listens. */
  socket: ContainerSocket;
  send(message: RunnerToWorker): void;
  /** Told when the container is of no use any more. */
  onLost(error: Error): void;
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

/** Starts the web apps of a function and its HTTP server. The web code is loaded only for functions that have any. */
export async function startWebEndpoints(load: LoadMessage, parts: WebParts): Promise<WebEndpoints> {
  const { code, slots, socket, send, onLost } = parts;
  const { startWebServer } = await import('./web/index.ts');
  let running = 0;
  const count = (change: 1 | -1): void => {
    running += change;
    send({ type: 'web', running });
  };
  return startWebServer({
    socket,
    spec: load.spec,
    resolveHandler(methodName) {
      const handler = code.handler(methodName);
      return { call: handler, paramTypes: code.paramTypes(methodName) };
    },
    makeApp: (methodName) => code.handler(methodName)([]),
    runAs: ({ inputId, signal }, work) => runAsInput(new ActiveInput(inputId, '', signal), work),
    onLost,
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
