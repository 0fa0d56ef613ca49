import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { filesOfManifest, InvalidError, NotFoundError, type FileRef, type Manifest } from '@gantry/protocol';

import { validateManifest } from './manifest-validation.ts';

/**
 * Reads the manifest that a build left in a folder, and checks it and the sizes of its files.
 *
 * @throws NotFoundError if there is none or one of its files is gone; InvalidError if it is damaged;
 * VersionError if another version of Gantry wrote it.
 */
export async function loadManifest(folder: string): Promise<Manifest> {
  const file = join(folder, 'manifest.json');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new NotFoundError(`there is no manifest in "${folder}"`, { hint: 'Build the app first.', cause });
  });
  const manifest = validateManifest(parse(text, file));
  await Promise.all(filesOfManifest(manifest).map((ref) => assertPresent(folder, ref)));
  return manifest;
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new InvalidError(`"${file}" is no JSON`, { hint: 'Build the app again.', cause });
  }
}

async function assertPresent(folder: string, { path, sizeBytes }: FileRef): Promise<void> {
  const file = join(folder, path);
  const found = await stat(file).catch((cause: unknown) => {
    throw new NotFoundError(`the manifest names "${path}", which is not in "${folder}"`, {
      hint: 'Build the app again.',
      cause,
    });
  });
  if (found.size === sizeBytes) return;
  throw new InvalidError(`"${file}" has ${found.size} bytes, but the manifest says ${sizeBytes}`, {
    hint: 'Build the app again.',
  });
}
