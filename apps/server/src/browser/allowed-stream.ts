const LOOK_EVERY_MS = 30_000;

/** A body that ends with an error when whoever reads it may not do so any more; that is looked at every 30 s. */
export function allowedStream(
  body: ReadableStream<Uint8Array>,
  assertAllowed: () => Promise<unknown>,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let timer: NodeJS.Timeout | undefined;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      timer = setInterval(() => {
        assertAllowed().catch((error: unknown) => {
          clearInterval(timer);
          controller.error(error);
          void reader.cancel(error).catch(() => undefined);
        });
      }, LOOK_EVERY_MS);
      timer.unref();
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      clearInterval(timer);
      controller.close();
    },
    cancel(reason) {
      clearInterval(timer);
      return reader.cancel(reason);
    },
  });
}
