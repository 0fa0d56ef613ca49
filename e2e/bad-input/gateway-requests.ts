const JSON_TYPE = 'Content-Type: application/json\r\n';

/** The head of a request after which the connection ends. */
export function request(line: string, host: string, rest = ''): string {
  return `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${rest}\r\n`;
}

/** Requests as bytes, and the status of their answers. */
export function gatewayRequests(
  hostOf: (method: string) => string,
): [what: string, text: () => string, status: number][] {
  return [
    ['an unknown host', () => request('GET /', 'nobody.gantry.localhost'), 404],
    ['no host', () => 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['two hosts', () => request('GET /', hostOf('read'), 'Host: other\r\n'), 400],
    ['a path for a host', () => request('GET /', '../../etc'), 400],
    ['garbage', () => '\u0000\u00ff\r\n\r\n', 400],
    ['huge headers', () => request('GET /', hostOf('read'), `X: ${'a'.repeat(70_000)}\r\n`), 431],
    [
      'a broken chunk',
      () => `${request('POST /', hostOf('write'), `${JSON_TYPE}Transfer-Encoding: chunked\r\n`)}zz\r\n`,
      400,
    ],
    [
      'two lengths of one body',
      () =>
        `${request('POST /', hostOf('write'), 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
      400,
    ],
    [
      'two content lengths',
      () => `${request('POST /', hostOf('write'), 'Content-Length: 2\r\nContent-Length: 3\r\n')}{}`,
      400,
    ],
    ['a wrong verb', () => request('DELETE /', hostOf('read')), 405],
    ['an escape that is none', () => request('GET /%zz', hostOf('read')), 404],
    ['text for a number', () => request('GET /?count=many', hostOf('read')), 422],
    ['broken JSON', () => `${request('POST /', hostOf('write'), `${JSON_TYPE}Content-Length: 1\r\n`)}{`, 422],
    [
      'another content type',
      () => `${request('POST /', hostOf('write'), 'Content-Type: text/plain\r\nContent-Length: 1\r\n')}x`,
      415,
    ],
    ['a method of its own choice', () => request('GET /', hostOf('read'), 'Gantry-Method: write\r\n'), 200],
    [
      'a line feed in a header',
      () => request('GET /', hostOf('read'), 'X: a\rgantry-method: write\r\n'),
      400,
    ],
    ['a reason that cannot be sent', () => request('GET /?kind=odd%20reason', hostOf('answer')), 200],
    ['an answer that breaks off', () => request('GET /?kind=broken', hostOf('answer')), 502],
  ];
}
