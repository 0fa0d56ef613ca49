/** A stream of Node's that reads and writes, such as a socket, as far as it takes to be joined with another one. */
export interface JoinableStream {
  readonly readableEnded: boolean;
  readonly writableEnded: boolean;
  pipe(to: never): unknown;
  on(event: 'error' | 'close', listener: () => void): unknown;
  destroy(): unknown;
}

/** Passes bytes both ways, no faster than each side takes them. A side that says no more leaves the other direction open. */
export function joinStreams(left: JoinableStream, right: JoinableStream): void {
  left.pipe(right as never);
  right.pipe(left as never);
  for (const [side, other] of [
    [left, right],
    [right, left],
  ] as const) {
    side.on('error', () => side.destroy());
    side.on('close', () => {
      if (!other.readableEnded || !other.writableEnded) other.destroy();
    });
  }
}
