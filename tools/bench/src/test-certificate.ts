import { join } from 'node:path';

import { run, temporaryDirectory } from './processes.ts';

/** A key and a certificate of its own for bare servers, with the variables that name their files. */
export async function makeCertificate(): Promise<{ env: Record<string, string> } & AsyncDisposable> {
  const directory = await temporaryDirectory();
  const key = join(directory.path, 'key.pem');
  const cert = join(directory.path, 'cert.pem');
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-batch'],
  ]);
  return {
    env: { TLS_KEY: key, TLS_CERT: cert },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}
