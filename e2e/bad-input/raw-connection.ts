import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const ANSWER_WITHIN_MS = 20_000;

/** Sends bytes as they are and returns what came back until the other side closed. */
export function sendRaw(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  return exchange(socket, text);
}

/** The same inside TLS, whatever certificate is shown. */
export function sendRawTls(
  url: string,
  text: string,
  options: { caPath: string; serverName?: string },
): Promise<string> {
  const socket = connectTls({
    port: Number(new URL(url).port),
    host: '127.0.0.1',
    ca: readFileSync(options.caPath),
    servername: options.serverName ?? '',
    checkServerIdentity: () => undefined,
  });
  return exchange(socket, text);
}

function exchange(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Error(`the connection stayed open for ${ANSWER_WITHIN_MS} ms after "${answer.slice(0, 200)}"`),
      );
    }, ANSWER_WITHIN_MS);
    socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
    // A reset after an answer is a way to close.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    socket.write(text, 'latin1');
  });
}

/** The status of an answer; 0 if there is none. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
