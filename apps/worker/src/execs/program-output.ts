import { setTimeout as delay } from 'node:timers/promises';
import type { Readable } from 'node:stream';

/** How long what a program left behind may keep its streams open after its end. */
const LINGER_MS = 250;

/**
 * What a program writes to one of its streams: until that ends, or, when the program has ended and something that
 * it left behind holds the stream open, until nothing comes any more.
 */
export async function* outputOf(stream: Readable, exited: Promise<unknown>): AsyncGenerator<Buffer> {
  let chunks = 0;
  let isWaiting = true;
  let isAbandoned = false;
  const abandonWhenIdle = async () => {
    await exited;
    while (!stream.readableEnded && !stream.destroyed) {
      const before = chunks;
      await delay(LINGER_MS, undefined, { ref: false });
      if (!isWaiting || before !== chunks) continue;
      isAbandoned = true;
      stream.destroy();
    }
  };
  void abandonWhenIdle();
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks++;
      isWaiting = false;
      yield chunk;
      isWaiting = true;
    }
  } catch (error) {
    if (!isAbandoned) throw error;
  }
}
