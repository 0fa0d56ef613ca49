import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';

/** An answer as a recorder has it when it ended. */
export interface RecordedAnswer {
  status: number;
  /** Name and value in turn. */
  headers: string[];
  /** Of the file with the body. */
  bodyBytes: number;
  /** `sha256-<64 hex digits>`. */
  digest: string;
}

/**
 * Takes an answer whose client was sent away, as the client would have taken it, and keeps its body in a file. What the
 * gateway uses of a `ServerResponse` is here, too.
 */
export class AnswerRecorder extends Writable {
  readonly req: IncomingMessage;
  readonly path: string;
  headersSent = false;
  readonly #hash = createHash('sha256');
  #file: FileHandle | undefined;
  #status = 0;
  #headers: string[] = [];
  #bodyBytes = 0;

  /** `path` is a file that does not exist yet, for the caller to remove. */
  constructor(request: IncomingMessage, path: string) {
    super();
    this.req = request;
    this.path = path;
  }

  /** The answer; undefined if it broke off. */
  get answer(): RecordedAnswer | undefined {
    if (!this.writableFinished) return undefined;
    return {
      status: this.#status,
      headers: this.#headers,
      bodyBytes: this.#bodyBytes,
      digest: `sha256-${this.#hash.copy().digest('hex')}`,
    };
  }

  writeHead(status: number, ...rest: unknown[]): this {
    this.headersSent = true;
    this.#status = status;
    this.#headers = (rest.findLast((each) => Array.isArray(each)) ?? []) as string[];
    return this;
  }

  /** Nobody waits for the head alone. */
  flushHeaders(): void {
    this.headersSent = true;
  }

  /** An answer that is kept has its length: trailers would say nothing that is not known. */
  addTrailers(): void {
    this.#headers = withoutHeader(this.#headers, 'trailer');
  }

  async #append(chunk: Buffer): Promise<void> {
    this.#file ??= await open(this.path, 'wx', 0o600);
    this.#hash.update(chunk);
    this.#bodyBytes += chunk.length;
    await this.#file.appendFile(chunk);
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#append(chunk).then(() => done(), done);
  }

  override _final(done: (error?: Error) => void): void {
    // An answer without a body is kept as an empty one.
    this.#append(Buffer.alloc(0))
      .then(() => this.#file?.close())
      .then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.writableFinished) return done(error);
    Promise.resolve(this.#file?.close())
      .then(() => rm(this.path, { force: true }))
      .then(
        () => done(error),
        () => done(error),
      );
  }
}

function withoutHeader(headers: readonly string[], name: string): string[] {
  return headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== name);
}
