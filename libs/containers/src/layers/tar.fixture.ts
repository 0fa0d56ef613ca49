import { buffer } from 'node:stream/consumers';

import { paddingAfter, tarHeader } from './tar-header.ts';
import { TarReader, type TarEntry } from './tar-reader.ts';

export type Member = Partial<TarEntry> & { path: string; content?: string };

/** A tar archive of these members; files unless they say otherwise. */
export function tarOf(...members: Member[]): Buffer {
  const blocks = members.flatMap(({ content = '', ...given }) => [
    tarHeader({
      ...{ type: '0', mode: 0o644, uid: 0, gid: 0, mtime: '0', linkPath: '' },
      sizeBytes: content.length,
      ...given,
    }),
    Buffer.from(content),
    paddingAfter(content.length),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** The bytes in pieces of an odd size. */
export async function* inPieces(bytes: Uint8Array, size = 777): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What an archive holds. */
export async function membersOf(
  archive: AsyncIterable<Uint8Array>,
): Promise<(TarEntry & { content: string })[]> {
  const reader = new TarReader(archive);
  const members = [];
  for (let entry = await reader.next(); entry; entry = await reader.next()) {
    const content = (await buffer(reader.content())).toString('latin1');
    members.push({ ...entry, content });
  }
  return members;
}
