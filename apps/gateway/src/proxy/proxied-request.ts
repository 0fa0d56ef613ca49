import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { ConnectionError, InvalidError, RequestSizeError } from '@gantry/protocol';
import type { Dispatcher as UndiciDispatcher } from 'undici';
import errors from 'undici/lib/core/errors.js';

import type { ContainerEntry } from '../containers/container-entry.ts';
import type { Dispatcher, DispatchTarget } from '../containers/dispatcher.ts';
import { sendBadGateway, sendError } from '../pages/error-answer.ts';
import type { Exchange } from './exchange.ts';
import { answerHeaders, forwardedHeaders, trailerOf } from './forwarded-headers.ts';
import { passedOn } from './body-memory.ts';
import { hasBody, RequestBody, StalledRequestError } from './request-body.ts';
import { StallTimer } from './stall-timer.ts';
import { join, switchingProtocols } from './upgrade.ts';

type Controller = UndiciDispatcher.DispatchController;

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
const MAX_ATTEMPTS = 3;
/** How long to wait for another container after one broke off. */
const REPLACEMENT_WAIT_MS = 5_000;
/** Fits into one TLS record with its head. */
const SMALL_BODY_BYTES = 8 * 1024;

/** Bodies of this size are kept while their request waits for a container, when its client is sent away. */
const MAX_KEPT_BYTES = 64 * 1024;

interface KeptRequest {
  headers?: string[] | undefined;
  body?: Buffer | undefined;
}

export interface ProxiedRequestOptions extends Exchange {
  /** Method of the function that answers. */
  method: string;
  dispatch: DispatchTarget;
  dispatcher: Dispatcher;
  /** So long may its client send, or take, nothing while the other side waits for it. */
  stallMs: number;
}

/**
 * One request from a client to a container and its answer back. It is the handler that undici tells about the
 * container's side: one object per request, no further closures on the way of a byte.
 *
 * Invariants
 *   P1. A container is held from its acquisition until the answer ended, failed, or was cut off.
 *   P2. A request is repeated on another container only if no byte of an answer came, nothing of the body is
 *       lost, and either the container never got it or repeating is harmless.
 *   P3. When the client leaves, the container's side is aborted.
 *   P4. When the client was sent away, what it sent is all here or with the container, and P3 ends.
 *   P5. A client that asks before it sends its body (100-continue) hears that it may when a container takes it.
 */
export class ProxiedRequest implements UndiciDispatcher.DispatchHandler {
  readonly #options: ProxiedRequestOptions;
  #container: ContainerEntry | undefined;
  #controller: Controller | undefined;
  #body: RequestBody | undefined;
  #waiting: AbortController | undefined;
  #failed: Set<ContainerEntry> | undefined;
  #hasBrokenOff = false;
  #attempts = 0;
  #isLeft = false;
  #isUpgraded = false;
  #hasTrailers = false;
  /** Size of a small answer of known length. */
  #wholeBytes = -1;
  /** A client that does not read its answer would hold a place in the container. */
  readonly #reading: StallTimer;
  /** What would be gone with the client, once it is. */
  #kept: KeptRequest | undefined;
  #keeping: Promise<void> | undefined;

  constructor(options: ProxiedRequestOptions) {
    this.#options = options;
    this.#reading = new StallTimer(options.stallMs, () => this.#options.response.destroy());
  }

  get request(): IncomingMessage {
    return this.#options.request;
  }

  /**
   * Resolves when the client is not needed any more: its whole request is with the container, or is small and kept here.
   * False if that never comes.
   */
  async whenSent(): Promise<boolean> {
    const { request } = this.#options;
    if (!hasBody(request) || request.readableEnded) return !this.#isLeft;
    if (!this.#body && Number(request.headers['content-length']) <= MAX_KEPT_BYTES) {
      const body = buffer(request);
      // Whatever ends it ends the request, too.
      this.#keeping = body.then(
        (bytes) => void (this.#kept = { body: bytes }),
        () => undefined,
      );
      await this.#keeping;
      this.#keeping = undefined;
    } else {
      await new Promise<void>((resolve) => request.once('end', resolve).once('close', resolve));
    }
    return !this.#isLeft;
  }

  /**
   * Lets the client go, with what `farewell` says, and gives the answer to another. False if it is too late: the answer
   * has begun, or the client left.
   */
  handOver(heir: Writable & Pick<ServerResponse, 'headersSent'>, farewell: () => void): boolean {
    const { request, response, method } = this.#options;
    if (this.#isLeft || response.headersSent || response.destroyed) return false;
    this.#kept = { ...this.#kept, headers: forwardedHeaders(request, method) };
    response.off('close', this.#onClientClose);
    // It does what this uses of a response.
    this.#options.response = heir as unknown as ServerResponse;
    farewell();
    return true;
  }

  start(): void {
    this.#options.response.on('close', this.#onClientClose);
    this.#next();
  }

  /** Finds a container and sends the request to it, now if one is free. */
  #next(): void {
    const { dispatcher, dispatch } = this.#options;
    const container = dispatcher.tryAcquire(dispatch, this.#failed);
    if (container) return this.#send(container);
    this.#waiting = new AbortController();
    // The one that broke off may live on as the only one there will be.
    const waitMs = this.#hasBrokenOff ? Math.min(dispatch.waitMs, REPLACEMENT_WAIT_MS) : dispatch.waitMs;
    dispatcher.wait({ ...dispatch, waitMs }, { signal: this.#waiting.signal, excluded: this.#failed }).then(
      (found) => {
        this.#waiting = undefined;
        this.#send(found);
      },
      (error: unknown) => {
        this.#waiting = undefined;
        if (this.#isLeft) return;
        const { request, response } = this.#options;
        if (this.#hasBrokenOff) sendBadGateway(request, response, dispatch.functionName);
        else sendError(request, response, error);
      },
    );
  }

  #send(container: ContainerEntry): void {
    this.#container = container;
    if (this.#isLeft) return this.#release();
    if (this.#keeping) return void this.#keeping.then(() => this.#send(container));
    const { request, target, method, trace } = this.#options;
    const kept = this.#kept;
    this.#attempts += 1;
    trace.containerId = container.status.containerId;
    this.#body =
      !kept?.body && hasBody(request)
        ? new RequestBody(request, { onWanted: this.#onBodyWanted, stallMs: this.#options.stallMs })
        : undefined;
    try {
      container.upstream.send(
        {
          method: (request.method ?? 'GET') as UndiciDispatcher.HttpMethod,
          path: target,
          headers: kept?.headers ?? forwardedHeaders(request, method),
          body: kept?.body ?? this.#body ?? null,
          upgrade: this.#options.connection ? 'websocket' : null,
        },
        this,
      );
    } catch (error) {
      this.onResponseError(undefined, error);
    }
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isLeft) controller.abort(new ConnectionError('the client left'));
  }

  /** The container agreed: from now on, bytes pass both ways as they come. */
  onRequestUpgrade(
    controller: Controller,
    _status: number,
    ...rest: [headers: unknown, socket: Duplex]
  ): void {
    const { response, connection, trace } = this.#options;
    const container = rest[1] as Socket;
    if (!connection || this.#isLeft) {
      this.#release();
      container.destroy();
      return;
    }
    const { socket, head } = connection;
    this.#isUpgraded = true;
    trace.isUpgraded = true;
    response.detachSocket(socket);
    socket.write(switchingProtocols(answerHeaders(controller.rawHeaders as Buffer[])));
    socket.unshift(head);
    join(socket, container);
    socket.once('close', () => this.#release());
  }

  onResponseStart(
    controller: Controller,
    statusCode: number,
    ...[headers, statusMessage]: [headers: Readonly<Record<string, unknown>>, statusMessage?: string]
  ): void {
    // An interim answer: the real one follows.
    if (statusCode < 200) return;
    const { response } = this.#options;
    if (response.destroyed) return;
    response.writeHead(
      statusCode,
      sendableReason(statusMessage),
      this.#answerHeaders(controller.rawHeaders as Buffer[]),
    );
    const length = headers['content-length'];
    if (length === undefined) {
      // A stream may think before its first chunk; the client learns at once that it begins.
      this.#flushSoon();
    } else if (Number(length) <= SMALL_BODY_BYTES) {
      this.#wholeBytes = Number(length);
    }
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    const { response } = this.#options;
    if (chunk.length === this.#wholeBytes && response.req.method !== 'HEAD') {
      // Node sends head and body as one write only if the body is text; latin1 carries every byte.
      response.end(chunk.toString('latin1'), 'latin1');
      return;
    }
    passedOn(chunk.length);
    if (response.write(chunk)) return;
    controller.pause();
    this.#reading.start();
    response.once('drain', () => {
      this.#reading.stop();
      controller.resume();
    });
  }

  onResponseEnd(
    _controller: Controller,
    trailers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.#release();
    const { response } = this.#options;
    if (!response.writableEnded) {
      if (this.#hasTrailers) response.addTrailers(trailers as OutgoingHttpHeaders);
      response.end();
    }
    // Until the client has taken the rest, or closes.
    if (!this.#kept?.headers) this.#reading.start();
  }

  onResponseError(_controller: Controller | undefined, error: unknown): void {
    const container = this.#container;
    this.#controller = undefined;
    const { request, response, dispatch } = this.#options;
    if (this.#isLeft || response.headersSent) {
      this.#release();
      // The status is out: only a cut connection can still say that the answer is incomplete.
      response.destroy();
      return;
    }
    if (error instanceof errors.InvalidArgumentError) {
      this.#release();
      sendError(request, response, new InvalidError('the request is malformed', { cause: error }));
      return;
    }
    if (error instanceof RequestSizeError || error instanceof StalledRequestError) {
      this.#release();
      return sendError(request, response, error);
    }
    if (container) this.#exclude(container, error);
    this.#release();
    if (this.#mayRepeat(error)) this.#next();
    else sendBadGateway(request, response, dispatch.functionName);
  }

  /** Trailers need chunks, or HTTP/2; then they are announced. */
  #answerHeaders(raw: readonly Buffer[]): string[] {
    const headers = answerHeaders(raw);
    const { request } = this.#options;
    const trailer = trailerOf(raw);
    if (trailer === undefined || request.httpVersion === '1.0' || request.method === 'HEAD') return headers;
    this.#hasTrailers = true;
    headers.push('trailer', trailer);
    return headers;
  }

  #mayRepeat(error: unknown): boolean {
    if (this.#attempts >= MAX_ATTEMPTS || this.#body?.isTouched) return false;
    return isRefusedConnection(error) || IDEMPOTENT.has(this.#options.request.method ?? '');
  }

  #exclude(container: ContainerEntry, error: unknown): void {
    this.#failed ??= new Set();
    this.#failed.add(container);
    // A connection that breaks may be the handler's doing; one that is refused means that nobody is there.
    if (isRefusedConnection(error)) container.distrust();
    else this.#hasBrokenOff = true;
  }

  #release(): void {
    const container = this.#container;
    this.#container = undefined;
    if (container) this.#options.dispatcher.release(container);
  }

  #flushSoon(): void {
    setImmediate(() => {
      const { response } = this.#options;
      if (!response.writableEnded && !response.destroyed) response.flushHeaders();
    });
  }

  /** A client that asked first may send its body now. */
  readonly #onBodyWanted = (): void => {
    const { request, response } = this.#options;
    if (request.headers.expect !== undefined && !response.headersSent) response.writeContinue();
  };

  readonly #onClientClose = (): void => {
    const { response } = this.#options;
    // A stream of HTTP/2 is also finished when its client closes it.
    this.#reading.stop();
    if (this.#isUpgraded || (response.writableEnded && response.writableFinished)) return;
    this.#isLeft = true;
    this.#waiting?.abort(new ConnectionError('the client left'));
    this.#controller?.abort(new ConnectionError('the client left'));
  };
}

/** What user code gives as reason may hold what Node refuses to send; clients go by the number. */
function sendableReason(statusMessage = ''): string {
  return /^[\t\x20-\x7e]*$/.test(statusMessage) ? statusMessage : '';
}

/** The request cannot have reached the container. */
function isRefusedConnection(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return (
    code === 'ECONNREFUSED' ||
    code === 'ENOENT' ||
    error instanceof errors.ClientDestroyedError ||
    error instanceof errors.ClientClosedError
  );
}
