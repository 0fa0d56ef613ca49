import {
  type ObjectRequest,
  InvalidError,
  toWireError,
  type RunnerToWorker,
  type WireError,
} from '@gantry/protocol';
import { fileAt, fileContent, type VolumeDirectory, VolumeRequests } from '@gantry/volumes';

import { restricted } from '../containers/restricted.ts';

/** Streams that the code of one container can read at once. */
const MOST_STREAMS = 256;

type Asked = Extract<ObjectRequest, { type: 'json' }>;
/** Where a request goes: a volume, or all, and what of it. */
interface Target {
  name: string | undefined;
  of: string;
  query: URLSearchParams;
}

export interface ObjectRequestsOptions {
  volumes: VolumeDirectory;
  environment: string;
  /** Its code may use no object of the platform. */
  isRestricted: boolean;
}

/** Requests about objects that the code of one container makes: what a server does for a client, its worker does for it. */
export class ObjectRequests {
  readonly #options: ObjectRequestsOptions;
  readonly #files: VolumeRequests;
  readonly #streams = new Map<number, AsyncIterator<Uint8Array>>();
  #lastStream = 0;

  constructor(options: ObjectRequestsOptions) {
    this.#options = options;
    this.#files = new VolumeRequests(options.volumes);
  }

  async answer({
    request,
  }: Extract<RunnerToWorker, { type: 'object' }>): Promise<{ value: unknown } | { error: WireError }> {
    try {
      if (this.#options.isRestricted) throw restricted();
      return { value: await this.#do(request) };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  async #do(request: ObjectRequest): Promise<unknown> {
    switch (request.type) {
      case 'json':
        return this.#json(request, targetOf(request.path));
      case 'open':
        return this.#open(targetOf(request.path));
      case 'next':
        return this.#next(request.stream);
      case 'close':
        await this.#streams.get(request.stream)?.return?.();
        return void this.#streams.delete(request.stream);
    }
  }

  async #json({ method, body }: Asked, target: Target): Promise<unknown> {
    const { volumes } = this.#options;
    const environment = this.#environment(target);
    if (target.name === undefined && method === 'POST')
      return volumes.summary(await volumes.createEphemeral(environment));
    if (target.name === undefined) return { volumes: await volumes.list(environment) };
    if (target.of !== '') return this.#change(target, body);
    switch (method) {
      case 'DELETE':
        return volumes.delete(environment, target.name);
      case 'PUT': {
        const mustBeNew = target.query.get('new') === '1';
        return volumes.summary(await volumes.create(environment, target.name, { mustBeNew }));
      }
      default:
        return volumes.summary(await volumes.find(environment, target.name));
    }
  }

  async #change(target: Target, body: unknown): Promise<unknown> {
    const { volumes } = this.#options;
    const id = await this.#idOf(target);
    switch (target.of) {
      case 'rename':
        return volumes.rename(this.#environment(target), target.name ?? '', String(fieldsOf(body)['name']));
      case 'missing':
        return this.#files.missing(fieldsOf(body)['digests']);
      case 'pieces':
        return this.#files.putPieces(bytesOf(body));
      case 'commits':
        return this.#files.commit(id, bytesOf(body));
      case 'remove':
        return this.#files.remove(id, fieldsOf(body));
      case 'copy':
        return this.#files.copy(id, fieldsOf(body));
      default:
        throw unknownRequest(target.of);
    }
  }

  async #open(target: Target): Promise<number> {
    if (this.#streams.size >= MOST_STREAMS)
      throw new InvalidError(`this container reads ${MOST_STREAMS} files of volumes at once`, {
        hint: 'Read them to their ends, or leave their loops.',
      });
    const content = await this.#content(target);
    this.#streams.set(++this.#lastStream, content[Symbol.asyncIterator]());
    return this.#lastStream;
  }

  async #content(target: Target): Promise<AsyncIterable<Uint8Array>> {
    const { store, blobs } = this.#options.volumes;
    const id = await this.#idOf(target);
    const path = target.query.get('path') ?? '';
    if (target.of === 'entries') return this.#files.entries(id, path, target.query.get('recursive') === '1');
    if (target.of !== 'file') throw unknownRequest(target.of);
    return fileContent(blobs, await fileAt((await store.open(id)).tree, path));
  }

  async #next(stream: number): Promise<Uint8Array | undefined> {
    const part = await this.#streams.get(stream)?.next();
    if (part?.done === false) return part.value;
    this.#streams.delete(stream);
    return undefined;
  }

  async #idOf(target: Target): Promise<string> {
    return (await this.#options.volumes.find(this.#environment(target), target.name ?? '')).id;
  }

  #environment({ query }: Target): string {
    return query.get('environment') ?? this.#options.environment;
  }
}

function targetOf(path: string): Target {
  const { pathname, searchParams: query } = new URL(path, 'http://worker');
  const found = /^\/v1\/volumes(?:\/([^/]+)(?:\/(\w+))?)?$/.exec(pathname);
  if (!found) throw unknownRequest(path);
  const [, name, of = ''] = found;
  return { name: name === undefined ? undefined : decodeURIComponent(name), of, query };
}

function unknownRequest(path: string): InvalidError {
  return new InvalidError(`containers cannot ask for "${path}"`, {
    hint: 'Ask from a program outside, such as the entrypoint of the app.',
  });
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  throw new InvalidError('the request has no fields');
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  throw new InvalidError('the request has no bytes');
}
