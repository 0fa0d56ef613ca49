import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { basename } from 'node:path';

/**
 * Uploads a file as a form over HTTPS, with the certificate verified. Names below `.localhost` are this machine whatever
 * the system's resolver thinks of them.
 *
 * @param {{ url: string, caPath: string, file: string }} options
 * @returns {Promise<{ status: number, body: string, ms: number }>}
 */
export async function postFile({ url, caPath, file }) {
  const form = new FormData();
  form.set('file', new File([await readFile(file)], basename(file), { type: 'image/png' }));
  const encoded = new Response(form);
  const body = Buffer.from(await encoded.arrayBuffer());
  const headers = { 'content-type': encoded.headers.get('content-type'), 'content-length': body.length };
  const ca = await readFile(caPath);
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: 'POST', headers, ca, lookup: toLoopback, agent: false },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, body: text, ms: performance.now() - started });
        });
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

function toLoopback(_host, options, callback) {
  const found = { address: '127.0.0.1', family: 4 };
  if (options.all) callback(null, [found]);
  else callback(null, found.address, found.family);
}
