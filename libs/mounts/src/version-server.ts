import { TextDecoder } from 'node:util';

import { isGantryError, VOLUME_LIMITS } from '@gantry/protocol';

import type { FileBytes, FileReads } from './file-reads.ts';
import { ROOT_NODE, type FileNode, type VersionFiles } from './version-files.ts';
import {
  type Attributes,
  attributesBody,
  entryBody,
  type Errno,
  errorReply,
  initBody,
  type InitLimits,
  Listing,
  noEntryBody,
  PROTOCOL,
  reply,
  statisticsBody,
} from './wire/reply.ts';
import type { FuseCall, FuseRequest } from './wire/request.ts';

/** What a read may ask for, and how far the kernel reads ahead; requests themselves are short. */
export const LIMITS: InitLimits = {
  maxReadBytes: 1024 * 1024,
  maxReadahead: 4 * 1024 * 1024,
  maxBackground: 64,
  maxWriteBytes: 4096,
};

export interface VersionServerParts {
  files: VersionFiles;
  reads: FileReads;
  /** User and group of all files. */
  ownerId: number;
  warn: (message: string) => void;
}

const SAID_AGAIN_MS = 60_000;
const MOST_SAID = 100;
/** Behind "." and ".." a listing goes on at these; behind a node, at the number after it. */
const BEHIND_SELF = 1;
const BEHIND_ABOVE = 2;

const nothing = (): void => undefined;

/** Answers the kernel's questions about one version of a volume. */
export class VersionServer {
  readonly #parts: VersionServerParts;
  readonly #names = new TextDecoder('utf-8', { fatal: true });
  /** Requests that wait for blocks; those that were interrupted are answered already. */
  readonly #waiting = new Set<number>();
  /** Paths whose failures were logged lately. */
  readonly #said = new Map<string, number>();

  constructor(parts: VersionServerParts) {
    this.#parts = parts;
  }

  /**
   * Passes the answer on when it is known; more than one for an interrupted request that is taken back.
   *
   * @param send Calls `sent` when nobody looks at the reply any more.
   */
  async answer(request: FuseRequest, send: (reply: Uint8Array[], sent: () => void) => void): Promise<void> {
    const { unique, call } = request;
    if (call.op === 'forget') return;
    if (call.op === 'interrupt') {
      if (this.#waiting.delete(call.unique)) send(errorReply(call.unique, 'EINTR'), nothing);
      return;
    }
    this.#waiting.add(unique);
    const result = await this.#result(request).catch((error: unknown) => this.#failure(request, error));
    const isWanted = this.#waiting.delete(unique);
    if (typeof result === 'string') {
      if (isWanted) send(errorReply(unique, result), nothing);
      return;
    }
    const { parts, release } = Array.isArray(result) ? { parts: result, release: nothing } : result;
    if (isWanted) send(reply(unique, parts), release);
    else release();
  }

  async #result({ node, call }: FuseRequest): Promise<Uint8Array[] | FileBytes | Errno> {
    switch (call.op) {
      case 'init':
        return this.#init(call);
      case 'lookup':
        return this.#lookup(node, call.name);
      case 'getattr':
        return this.#ofNode(node, (found) => [attributesBody(this.#attributes(found))]);
      case 'readlink': {
        const target = await this.#parts.files.linkTarget(node);
        return target === undefined ? 'EINVAL' : [Buffer.from(target)];
      }
      case 'read':
        return this.#read(node, call);
      case 'readdir':
        return [await this.#list(node, call)];
      case 'statfs': {
        const { count, sizeBytes } = this.#parts.files;
        return [statisticsBody({ files: count, sizeBytes })];
      }
      // The kernel opens by itself then, and asks no more.
      case 'open':
      case 'opendir':
        return 'ENOSYS';
      case 'change':
        return 'EROFS';
      case 'release':
      case 'destroy':
        return [];
      default:
        return 'ENOSYS';
    }
  }

  #init(call: Extract<FuseCall, { op: 'init' }>): Uint8Array[] | Errno {
    const isKnown = call.major === PROTOCOL.major && call.minor >= PROTOCOL.minor;
    return isKnown ? [initBody(call, LIMITS)] : 'EPROTO';
  }

  async #lookup(directory: number, bytes: Uint8Array): Promise<Uint8Array[] | Errno> {
    if (bytes.length > VOLUME_LIMITS.nameBytes) return 'ENAMETOOLONG';
    const name = this.#nameOf(bytes);
    const found = name === undefined ? undefined : await this.#parts.files.lookup(directory, name);
    return [found ? entryBody(this.#attributes(found)) : noEntryBody()];
  }

  /** Undefined for bytes that are no text: nothing in a volume is called so. */
  #nameOf(bytes: Uint8Array): string | undefined {
    try {
      return this.#names.decode(bytes);
    } catch {
      return undefined;
    }
  }

  async #ofNode(node: number, answer: (found: FileNode) => Uint8Array[]): Promise<Uint8Array[] | Errno> {
    const found = await this.#parts.files.node(node);
    return found ? answer(found) : 'ENOENT';
  }

  async #read(node: number, { offset, sizeBytes }: { offset: number; sizeBytes: number }) {
    const found = await this.#parts.files.file(node);
    if (!found) return 'EINVAL';
    return this.#parts.reads.read(found.file, offset, sizeBytes);
  }

  async #list(node: number, call: Extract<FuseCall, { op: 'readdir' }>): Promise<Uint8Array> {
    const { files } = this.#parts;
    const { offset } = call;
    const listing = new Listing(call);
    const dots = [
      { name: '.', next: BEHIND_SELF, of: () => files.node(node) },
      { name: '..', next: BEHIND_ABOVE, of: () => files.above(node) },
    ];
    for (const { name, next, of } of dots) {
      const found = offset < next ? await of() : undefined;
      if (found) listing.add({ name: Buffer.from(name), next, attributes: this.#attributes(found) });
    }
    const after = offset > BEHIND_ABOVE ? offset - 1 : undefined;
    for await (const found of files.list(node, after)) {
      const name = Buffer.from(found.name);
      if (!listing.add({ name, next: found.node + 1, attributes: this.#attributes(found) })) break;
    }
    return listing.body;
  }

  #attributes(node: FileNode): Attributes {
    return { ...node, ownerId: this.#parts.ownerId };
  }

  async #failure({ node, call }: FuseRequest, error: unknown): Promise<Errno> {
    const path = node === ROOT_NODE ? '/' : await this.#pathOf(node);
    const reason = isGantryError(error) ? error.message : String(error);
    if (this.#isNew(path)) this.#parts.warn(`"${call.op}" of "${path}" failed with EIO: ${reason}`);
    return 'EIO';
  }

  /** False if it was said a moment ago: programs try again and again. */
  #isNew(path: string): boolean {
    const nowMs = Date.now();
    for (const [said, atMs] of this.#said) if (nowMs - atMs > SAID_AGAIN_MS) this.#said.delete(said);
    if (this.#said.has(path) || this.#said.size >= MOST_SAID) return false;
    this.#said.set(path, nowMs);
    return true;
  }

  async #pathOf(node: number): Promise<string> {
    const found = await this.#parts.files.file(node).catch(() => undefined);
    return found?.path ?? `node ${node}`;
  }
}
