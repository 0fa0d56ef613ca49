import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { ociArchitecture } from './oci-layout.ts';

/** A registry with one image `owner/tiny:1` of one small file, that speaks OCI's distribution protocol. */
export interface TestRegistry extends AsyncDisposable {
  /** Host and port. */
  host: string;
  /** Requests that came without the right credentials, and with them. */
  refused: number;
  answered: string[];
}

export interface TestRegistryOptions {
  /** Asked for, if given. */
  credentials?: { username: string; password: string };
  architecture?: string;
  /** @defaultValue 'gzip' */
  compression?: 'gzip' | 'estargz';
  /** What the image consists of, lowest first. @defaultValue one small file */
  layers?: readonly { bytes: Buffer; diffId: string }[];
  /** What it says about processes. */
  config?: object;
}

export async function startRegistry(options: TestRegistryOptions = {}): Promise<TestRegistry> {
  const content = tinyImage(options);
  const registry = { host: '', refused: 0, answered: [] as string[] };
  const expected = options.credentials && basic(options.credentials);
  const server = createServer((request, response) => {
    if (expected !== undefined && request.headers.authorization !== expected) {
      registry.refused++;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    } else answer(request, response, { content, registry });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  registry.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dispose = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(registry, { [Symbol.asyncDispose]: dispose });
}

interface Served {
  type: string;
  bytes: Buffer;
}

function answer(
  { url = '', method }: IncomingMessage,
  response: ServerResponse,
  { content, registry }: { content: Map<string, Served>; registry: { answered: string[] } },
): void {
  registry.answered.push(url);
  const name = url.split('/').at(-1) ?? '';
  const found = content.get(name);
  if (url === '/v2/') response.end('{}');
  else if (!found) response.writeHead(404).end();
  else {
    response.writeHead(200, {
      'content-type': found.type,
      'content-length': found.bytes.length,
      'docker-content-digest': digestOf(found.bytes),
    });
    response.end(method === 'HEAD' ? undefined : found.bytes);
  }
}

function tinyImage({
  architecture = ociArchitecture(),
  compression = 'gzip',
  layers = [tinyLayer(compression)],
  config: processConfig = TINY_CONFIG,
}: TestRegistryOptions): Map<string, Served> {
  const served = layers.map(({ bytes }) => ({ type: 'application/vnd.oci.image.layer.v1.tar+gzip', bytes }));
  const config = json('application/vnd.oci.image.config.v1+json', {
    architecture,
    os: 'linux',
    config: processConfig,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = json('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    config: describe(config),
    layers: served.map(describe),
  });
  return new Map([
    ['1', manifest],
    ...[...served, config, manifest].map((each) => [digestOf(each.bytes), each] as const),
  ]);
}

const TINY_CONFIG = {
  Env: ['FROM_REGISTRY=a=b'],
  Entrypoint: ['/entry'],
  Cmd: ['x'],
  WorkingDir: '/work',
  User: 'nobody',
};

function tinyLayer(compression: 'gzip' | 'estargz'): { bytes: Buffer; diffId: string } {
  const { tar, bytes } = compression === 'gzip' ? plainLayer() : eStargzLayer();
  return { bytes, diffId: digestOf(tar) };
}

function plainLayer(): { tar: Buffer; bytes: Buffer } {
  const tar = tarOf({ 'from-registry': 'hello\n' });
  return { tar, bytes: gzipSync(tar) };
}

/** A gzip stream for each file, another one for the table of contents, and a last one that tells where this begins. */
function eStargzLayer(): { tar: Buffer; bytes: Buffer } {
  // Its header and its content; what follows ends a tar.
  const file = tarOf({ 'from-registry': 'hello\n' }).subarray(0, 1_024);
  const entry = { name: 'from-registry', type: 'reg', size: 6, mode: 0o644, offset: 0 };
  const contents = tarOf({ 'stargz.index.json': JSON.stringify({ version: 1, entries: [entry] }) });
  const [files, index] = [gzipSync(file), gzipSync(contents)];
  const at = `${files.length.toString(16).padStart(16, '0')}STARGZ`;
  const header = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 26, 0, 0x53, 0x47, 22, 0]);
  const nothing = Buffer.from([1, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
  const bytes = Buffer.concat([files, index, header, Buffer.from(at), nothing]);
  return { tar: Buffer.concat([file, contents]), bytes };
}

function tarOf(files: Record<string, string>): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-tiny-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const tar = execFileSync('tar', ['-C', folder, '--owner=0', '--group=0', '-c', ...Object.keys(files)]);
  rmSync(folder, { recursive: true });
  return tar;
}

function json(type: string, content: unknown): Served {
  return { type, bytes: Buffer.from(JSON.stringify({ mediaType: type, ...(content as object) })) };
}

function describe({ type, bytes }: Served): { mediaType: string; digest: string; size: number } {
  return { mediaType: type, digest: digestOf(bytes), size: bytes.length };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
