import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';

import { toWireError, type ProblemDetails, type WireError } from '@gantry/protocol';

import { renderPage } from './page.ts';

/** After this time a client may try again when the platform was short of something. */
const RETRY_AFTER_MS = 1_000;

/** Answers with an error: a page for browsers, problem details for programs. Ends the connection if a body is left. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  sendProblem(request, response, { ...toWireError(error), status: statusOf(error) });
}

/** Answers 404 for a host that no function has. Says nothing about those that exist. */
export function sendUnknownHost(request: IncomingMessage, response: ServerResponse, host: string): void {
  sendProblem(request, response, {
    name: 'NotFoundError',
    code: 'NOT_FOUND',
    message: `no app answers for "${host}"`,
    hint: 'Check the address: "gantry deploy" prints it.',
    status: 404,
  });
}

/** Answers 421: this connection was made for another host. Browsers ask again on one of its own. */
export function sendMisdirected(request: IncomingMessage, response: ServerResponse, host: string): void {
  sendProblem(request, response, {
    name: 'InvalidError',
    code: 'INVALID_ARGUMENT',
    message: `"${host}" is a tunnel, which this connection was not made for`,
    hint: 'Connect with its host name in TLS (SNI).',
    status: 421,
  });
}

/** Answers 414. */
export function sendUrlTooLong(request: IncomingMessage, response: ServerResponse, limit: number): void {
  sendProblem(request, response, {
    name: 'InvalidError',
    code: 'INVALID_ARGUMENT',
    message: `the path and query of the request are longer than ${limit} characters`,
    hint: 'Send what does not fit in the body.',
    status: 414,
  });
}

/** Answers 502: the container broke off before it answered. Without a name, it is one of a request of before. */
export function sendBadGateway(
  request: IncomingMessage,
  response: ServerResponse,
  functionName?: string,
): void {
  const message =
    functionName === undefined
      ? 'the request ended without an answer'
      : `the container of "${functionName}" ended before it answered`;
  sendProblem(request, response, {
    name: 'ContainerError',
    code: 'CONTAINER_FAILED',
    message,
    hint: 'It is not known whether the request took effect. The log of the app may say more.',
    status: 502,
  });
}

/** Answers 422 as endpoints do for parameters of their own. */
export function sendProblems(response: ServerResponse, problems: readonly unknown[]): void {
  send(response, 422, { contentType: 'application/json', body: JSON.stringify({ detail: problems }) });
}

function sendProblem(
  request: IncomingMessage,
  response: ServerResponse,
  problem: WireError & { status: number },
): void {
  const title = STATUS_CODES[problem.status] ?? 'Error';
  // What is left of the body is read and dropped, so that the client gets to read the answer.
  const headers = request.complete ? [] : ['connection', 'close'];
  if (!request.complete) request.resume();
  if (problem.status === 401) headers.push('www-authenticate', 'Gantry realm="proxy tokens"');
  if (problem.status === 503 || problem.status === 429) headers.push('retry-after', retryAfter(problem));
  if (wantsPage(request)) {
    const lines = [problem.message, ...(problem.hint === undefined ? [] : [problem.hint])];
    const body = renderPage({
      status: `${problem.status} ${title}`,
      title: TITLES[problem.status] ?? title,
      lines,
    });
    return send(response, problem.status, { contentType: 'text/html; charset=utf-8', body, headers });
  }
  const details: ProblemDetails & { detail: string } = {
    type: 'about:blank',
    title,
    ...problem,
    detail: problem.message,
  };
  send(response, problem.status, {
    contentType: 'application/problem+json',
    body: JSON.stringify(details),
    headers,
  });
}

// In whole seconds.
function retryAfter({ details }: WireError): string {
  const { retryAfterMs = RETRY_AFTER_MS } = (details ?? {}) as { retryAfterMs?: number };
  return String(Math.ceil(retryAfterMs / 1_000));
}

const TITLES: Record<number, string> = {
  401: 'This address is protected',
  404: 'There is nothing here',
  429: 'Too many requests at once',
  500: 'Something went wrong',
  502: 'The app broke off',
  503: 'Not available right now',
};

function statusOf(error: unknown): number {
  const { httpStatus } = error as { httpStatus?: unknown };
  return typeof httpStatus === 'number' ? httpStatus : 500;
}

function wantsPage(request: IncomingMessage): boolean {
  return request.headers.accept?.includes('text/html') ?? false;
}

function send(
  response: ServerResponse,
  status: number,
  answer: { contentType: string; body: string; headers?: readonly string[] },
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, [
    'content-type',
    answer.contentType,
    'content-length',
    String(Buffer.byteLength(answer.body)),
    'cache-control',
    'no-store',
    'access-control-allow-origin',
    '*',
    ...(answer.headers ?? []),
  ]);
  response.end(answer.body);
}
