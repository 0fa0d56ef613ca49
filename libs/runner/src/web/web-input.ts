import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';

import { FunctionTimeoutError, InputCancellation, newId } from '@gantry/protocol';

import { isResponse, sendResponse } from './answer.ts';
import { sendJson, toFailure } from './failure.ts';
import type { WebContainer } from './web-route.ts';

/** How long a handler may go on after its timeout before its input slot is given away nevertheless. */
const OVERRUN_GRACE_MS = 5_000;

/**
 * One request to a function, from its first byte to the last of its answer.
 *
 * Invariants
 *   W1. What {@link begin} lets through runs with an input slot, which is given back once: when the work and its
 *       answer are done, or, if it ignores its timeout, a grace time after that.
 *   W2. At most one answer begins: the work's, a failure, or the timeout's.
 *   W3. The signal fires when the client leaves or time is up, and not after the work has finished.
 */
export class WebInput {
  readonly inputId = newId('in');
  readonly response: ServerResponse;
  readonly #container: WebContainer;
  readonly #abort = new AbortController();
  #release: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #upgraded: Duplex | undefined;

  constructor(response: ServerResponse, container: WebContainer) {
    this.response = response;
    this.#container = container;
    response.on('close', () => {
      if (!response.writableFinished && !this.#upgraded) this.#leave();
    });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Does the work and answers with its failure, if it fails. Never rejects. */
  async run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.#fail(error);
    } finally {
      clearTimeout(this.#timer);
      this.#giveBack();
    }
  }

  /** Waits for an input slot, from which on the time counts. False if nobody waits for the answer any more. */
  async begin(): Promise<boolean> {
    this.#release = await this.#container.admit();
    if (this.signal.aborted) return false;
    this.#timer = setTimeout(() => this.#onTimeout(), this.#container.timeoutMs);
    return true;
  }

  /** From now on the connection speaks another protocol than HTTP. Resolves when it is closed. */
  async handOver(socket: Duplex): Promise<void> {
    this.#upgraded = socket;
    if (this.signal.aborted) socket.destroy();
    await finished(socket).catch(() => undefined);
    this.#leave();
  }

  /** Answers with a small JSON body, unless an answer has begun. */
  send(status: number, body: Record<string, unknown>): void {
    sendJson(this.response, status, { body, headers: ['gantry-input-id', this.inputId] });
  }

  async #fail(error: unknown): Promise<void> {
    const { response, inputId, signal } = this;
    const answer = asResponse(error);
    if (answer) {
      await sendResponse(answer, { response, inputId, signal }).catch(() => response.destroy());
      return;
    }
    const failure = toFailure(error);
    if (failure.unexpected && !signal.aborted) this.#container.onUnexpectedError(error, inputId);
    // Behind half an answer, only a cut connection says that something is missing.
    if (response.headersSent && !response.writableEnded) return void response.destroy();
    // What the code has set belonged to another answer.
    for (const name of response.headersSent ? [] : response.getHeaderNames()) response.removeHeader(name);
    this.send(failure.status, failure.body);
  }

  #onTimeout(): void {
    const { response } = this;
    const { timeoutMs } = this.#container;
    const error = new FunctionTimeoutError(`the function ran longer than its timeout of ${timeoutMs} ms`);
    if (this.#upgraded) this.#upgraded.destroy();
    else if (response.headersSent) response.destroy();
    else this.send(504, { detail: error.message, code: error.code });
    this.#abort.abort(error);
    setTimeout(() => this.#giveBack(), OVERRUN_GRACE_MS).unref();
  }

  #leave(): void {
    this.#abort.abort(new InputCancellation('the client closed the connection'));
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
