export type OutputStream = 'stdout' | 'stderr';

/**
 * Routes what JavaScript writes to stdout and stderr (console included) to `onText`, which can tell which input
 * wrote it. What native code writes past Node goes through the pipes as before.
 */
export function captureOutput(onText: (stream: OutputStream, text: string) => void): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
      const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : 'utf8';
      onText(
        stream,
        typeof chunk === 'string' ? decoded(chunk, encoding) : Buffer.from(chunk).toString('utf8'),
      );
      const callback = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
      if (callback) process.nextTick(callback);
      return true;
    };
    process[stream].write = write;
    // The console takes hold of a stream when it is first used, and may find another one in this place by then.
    Reflect.get(console, `_${stream}`);
  }
}

function decoded(text: string, encoding: BufferEncoding): string {
  return encoding === 'utf8' || encoding === 'utf-8' ? text : Buffer.from(text, encoding).toString('utf8');
}
