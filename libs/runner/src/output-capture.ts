export type OutputStream = 'stdout' | 'stderr';

/**
 * Routes what JavaScript writes to stdout and stderr (console included) to `onText`, which can tell which input
 * wrote it. What native code writes past Node goes through the pipes as before. The streams are made when they are first
 * used: each takes time, and not all containers write.
 */
export function captureOutput(onText: (stream: OutputStream, text: string) => void): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const node = Object.getOwnPropertyDescriptor(process, stream) as { get(): NodeJS.WriteStream };
    let captured: NodeJS.WriteStream | undefined;
    const get = (): NodeJS.WriteStream => {
      captured ??= capture(node.get.call(process), (text) => onText(stream, text));
      return captured;
    };
    Object.defineProperty(process, stream, { ...node, get });
    // The console takes hold of a stream when it is first used, and may find another one in this place by then.
    const ofConsole = `_${stream}`;
    const set = (value: unknown): void => {
      Object.defineProperty(console, ofConsole, { configurable: true, writable: true, value });
    };
    Object.defineProperty(console, ofConsole, { configurable: true, get, set });
  }
}

function capture(stream: NodeJS.WriteStream, onText: (text: string) => void): NodeJS.WriteStream {
  stream.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : 'utf8';
    onText(typeof chunk === 'string' ? decoded(chunk, encoding) : Buffer.from(chunk).toString('utf8'));
    const callback = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    if (callback) process.nextTick(callback);
    return true;
  };
  return stream;
}

function decoded(text: string, encoding: BufferEncoding): string {
  return encoding === 'utf8' || encoding === 'utf-8' ? text : Buffer.from(text, encoding).toString('utf8');
}
