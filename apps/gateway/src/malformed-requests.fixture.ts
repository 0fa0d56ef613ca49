import fc from 'fast-check';

import { frame, HTTP2_PREFACE, literalHeaders } from './raw-connections.fixture.ts';

const LINE_ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', ''];
const STRANGE = [
  '\0',
  '\x01',
  '\x7f',
  '\xff',
  ' ',
  '\t',
  '\x0b',
  ':',
  ',',
  '/',
  '..',
  '%00',
  '%',
  '#',
  '{',
  '"',
  '\\',
];

const word = fc.oneof(
  fc.constantFrom('a', 'x-y', '1', 'chunked', 'keep-alive', 'close', 'websocket', '100-continue', '*', ''),
  fc.constantFrom(...STRANGE),
  fc.string({ maxLength: 20 }),
  fc.integer({ min: -5, max: 2 ** 31 }).map(String),
  fc.constantFrom(5_000, 20_000, 70_000).map((length) => 'z'.repeat(length)),
);

const name = fc.oneof(
  fc.constantFrom(
    ...[
      'content-length',
      'transfer-encoding',
      'Transfer-Encoding',
      'connection',
      'upgrade',
      'expect',
      'host',
    ],
    ...[
      'te',
      'trailer',
      'range',
      'cookie',
      'gantry-method',
      'gantry-input-id',
      'x-forwarded-for',
      'http2-settings',
    ],
  ),
  word,
);

const verb = fc.oneof(
  fc.constantFrom(
    'GET',
    'POST',
    'PUT',
    'HEAD',
    'OPTIONS',
    'DELETE',
    'CONNECT',
    'TRACE',
    'PRI',
    'get',
    'PATCH',
  ),
  word,
);

const chunks = fc
  .array(
    fc.tuple(
      fc.constantFrom('0', '1', '5', 'a', 'ffffffff', '-1', '+1', '0x1', '', ' 1', '1;a=b', 'g'),
      word,
    ),
    {
      maxLength: 4,
    },
  )
  .map((parts) => parts.map(([size, data]) => `${size}\r\n${data}\r\n`).join(''));

/** Requests as bytes, more or less like those of HTTP/1.1, to one of these hosts. */
export function http1Requests(hosts: readonly string[]): fc.Arbitrary<string> {
  const host = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...hosts) }, { weight: 1, arbitrary: word });
  const target = fc.oneof(
    fc.constantFrom('/', '/a?b', '*', '//', '/../..', 'a', 'http://', '/%zz', '/ /', '/?__gantry_result=x'),
    host.map((each) => `http://${each}/x`),
    word.map((each) => `/${each}`),
  );
  const version = fc.constantFrom(
    'HTTP/1.1',
    'HTTP/1.1',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/2.0',
    'HTTP/9',
    'http/1.1',
    '',
  );
  const header = fc.tuple(name, fc.constantFrom(': ', ':', ' : ', ''), word).map((parts) => parts.join(''));
  const body = fc.oneof(fc.constant(''), chunks, word);
  return fc
    .record({
      ...{ verb, target, version, host, body },
      headers: fc.array(header, { maxLength: 6 }),
      end: fc.constantFrom(...LINE_ENDS),
    })
    .map((parts) => {
      const lines = [
        `${parts.verb} ${parts.target} ${parts.version}`,
        `host: ${parts.host}`,
        ...parts.headers,
      ];
      return `${lines.join(parts.end)}${parts.end}${parts.end}${parts.body}`;
    });
}

/** All bytes of a connection of HTTP/2: frames that may be anything, and requests to these hosts among them. */
export function http2Connections(hosts: readonly string[]): fc.Arbitrary<Uint8Array> {
  const field = fc.tuple(
    fc.oneof(
      name,
      fc.constantFrom(':method', ':path', ':authority', ':scheme', ':status', ':protocol', ':x'),
    ),
    word,
  );
  const request = fc.record({
    fields: fc.array(field, { maxLength: 5 }),
    host: fc.constantFrom(...hosts),
    stream: fc.integer({ min: 0, max: 9 }),
    flags: fc.constantFrom(4, 5, 5, 0, 1, 0x24),
  });
  const requests = request.map(({ fields, host, stream, flags }) => {
    const pseudo = [':method GET', ':scheme https', ':path /', `:authority ${host}`];
    const headers = [...pseudo.map((each) => each.split(' ') as [string, string]), ...fields];
    return frame(1, flags, stream, literalHeaders(headers).subarray(0, 16_384));
  });
  const anything = fc
    .record({
      type: fc.integer({ min: 0, max: 12 }),
      flags: fc.integer({ min: 0, max: 255 }),
      stream: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((each) => (each % 3 ? each % 8 : each)),
      payload: fc.uint8Array({ maxLength: 80 }),
    })
    .map((each) => frame(each.type, each.flags, each.stream, each.payload));
  const settings = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })), {
      maxLength: 4,
    })
    .map((pairs) => {
      const payload = Buffer.alloc(pairs.length * 6);
      for (const [index, [id, value]] of pairs.entries()) {
        payload.writeUInt16BE(id, index * 6);
        payload.writeUInt32BE(value, index * 6 + 2);
      }
      return frame(4, 0, 0, payload);
    });
  const preface = fc.oneof(
    { weight: 9, arbitrary: fc.constant<Uint8Array>(HTTP2_PREFACE) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );
  const frames = fc.array(fc.oneof(requests, requests, anything, settings), { maxLength: 8 });
  return fc.tuple(preface, frames).map(([start, rest]) => Buffer.concat([start, ...rest]));
}
