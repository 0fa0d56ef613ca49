import type { IncomingMessage, ServerResponse } from 'node:http';

import { FunctionTimeoutError, InputCancellation } from '@gantry/protocol';

import { isResponse, sendAnswer } from './answer.ts';
import type { ArgumentBinder } from './bind-arguments.ts';
import { sendJson, toFailure } from './failure.ts';

/** How long a handler may go on after its timeout before its input slot is given away nevertheless. */
const OVERRUN_GRACE_MS = 5_000;

/** The user's method behind an endpoint. */
export interface WebHandler {
  /** Hands what the method returns to `deliver`, in the same asynchronous context: generators run in there. */
  invoke(
    args: unknown[],
    context: { inputId: string; signal: AbortSignal },
    deliver: (value: unknown) => Promise<void>,
  ): Promise<void>;
  /** `design:paramtypes` of the method. */
  readonly paramTypes: readonly unknown[];
}

export interface WebInputOptions {
  inputId: string;
  request: IncomingMessage;
  response: ServerResponse;
  /** Without the question mark. */
  query: string;
  binder: ArgumentBinder;
  handler: WebHandler;
  timeoutMs: number;
  /** Waits for an input slot of the container; returns how to give it back. */
  admit(): Promise<() => void>;
  /** Told of failures that the client must not see. */
  onUnexpectedError(error: unknown, inputId: string): void;
}

/**
 * One request to an endpoint, from its first byte to the last of its answer.
 *
 * Invariants
 *   W1. The handler runs only with an input slot, which is given back once: when the handler and its answer are
 *       done, or, if it ignores its timeout, a grace time after that.
 *   W2. At most one answer begins: the handler's, a failure, or the timeout's.
 *   W3. The signal fires when the client leaves or time is up, and not after the handler has finished.
 */
export class WebInput {
  readonly #options: WebInputOptions;
  readonly #abort = new AbortController();
  #release: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WebInputOptions) {
    this.#options = options;
    const { response } = options;
    response.on('close', () => {
      if (!response.writableFinished) {
        this.#abort.abort(new InputCancellation('the client closed the connection'));
      }
    });
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { request, query, binder, handler, response, inputId } = this.#options;
    const { signal } = this.#abort;
    try {
      const binding = await binder.bind({ request, query, signal, paramTypes: handler.paramTypes });
      if (binding.type === 'refused') {
        this.#send(binding.status, { detail: binding.detail });
        return;
      }
      this.#release = await this.#options.admit();
      if (signal.aborted) return;
      this.#timer = setTimeout(() => this.#onTimeout(), this.#options.timeoutMs);
      const wantsEvents = request.headers.accept?.includes('text/event-stream') ?? false;
      await handler.invoke(binding.args, { inputId, signal }, (value) =>
        sendAnswer(value, { response, inputId, wantsEvents, signal }),
      );
    } catch (error) {
      await this.#fail(error);
    } finally {
      clearTimeout(this.#timer);
      this.#giveBack();
    }
  }

  async #fail(error: unknown): Promise<void> {
    const { response, inputId } = this.#options;
    const answer = asResponse(error);
    if (answer) {
      const target = { response, inputId, wantsEvents: false, signal: this.#abort.signal };
      await sendAnswer(answer, target).catch(() => response.destroy());
      return;
    }
    const failure = toFailure(error);
    if (failure.unexpected && !this.#abort.signal.aborted) this.#options.onUnexpectedError(error, inputId);
    this.#send(failure.status, failure.body);
  }

  #onTimeout(): void {
    const { response, timeoutMs } = this.#options;
    const error = new FunctionTimeoutError(`the function ran longer than its timeout of ${timeoutMs} ms`);
    if (response.headersSent) response.destroy();
    else this.#send(504, { detail: error.message, code: error.code });
    this.#abort.abort(error);
    setTimeout(() => this.#giveBack(), OVERRUN_GRACE_MS).unref();
  }

  #send(status: number, body: Record<string, unknown>): void {
    sendJson(this.#options.response, status, { body, headers: ['gantry-input-id', this.#options.inputId] });
  }

  #giveBack(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

/** Frameworks throw answers: a `Response`, or an error that has one. */
function asResponse(error: unknown): Response | undefined {
  if (isResponse(error)) return error;
  if (!(error instanceof Error) || !('getResponse' in error) || typeof error.getResponse !== 'function')
    return undefined;
  const answer: unknown = error.getResponse();
  return isResponse(answer) ? answer : undefined;
}
