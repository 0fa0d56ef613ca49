import type { IncomingMessage, ServerResponse } from 'node:http';

const ALL_VERBS = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT';
const PREFLIGHT_SECONDS = '600';

/** Lets every web page read the answer. No credentials: a page of another origin never acts as its visitor. */
export const CORS_HEADER = ['access-control-allow-origin', '*'] as const;

/** Answers OPTIONS: a browser's question before a request to another origin, or anybody's for the verbs. */
export function answerOptions(request: IncomingMessage, response: ServerResponse, allow: string): void {
  const headers: string[] = [...CORS_HEADER, 'allow', allow, 'content-length', '0'];
  if (request.headers['access-control-request-method'] !== undefined) {
    const asked = request.headers['access-control-request-headers'];
    headers.push('access-control-allow-methods', ALL_VERBS, 'access-control-max-age', PREFLIGHT_SECONDS);
    headers.push('vary', 'access-control-request-headers');
    if (asked !== undefined) headers.push('access-control-allow-headers', asked);
  }
  response.writeHead(200, headers).end();
}
