import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

import { answerBulk } from '../app/bulk.ts';

// What large bodies cost without a platform: the same listener, HTTP/1.1 and HTTP/2 over TLS.
const key = readFileSync(process.env.TLS_KEY ?? '');
const cert = readFileSync(process.env.TLS_CERT ?? '');
const server = createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
  void answerBulk(request, response);
});
server.listen(0, '127.0.0.1', () => console.log(String((server.address() as AddressInfo).port)));
