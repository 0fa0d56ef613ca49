import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { BuildError, filesOfManifest, type FileRef, type Manifest } from '@gantry/protocol';

import type { ApiClient } from '../api-client.ts';

export interface UploadResult {
  /** Files that the server did not have. */
  sent: number;
  files: number;
  sentBytes: number;
}

export interface UploadOptions {
  client: Pick<ApiClient, 'hasBlob' | 'putBlob'>;
  manifest: Manifest;
  /** The folder that the manifest's paths are relative to. */
  folder: string;
  onProgress?: (sent: number, toSend: number) => void;
}

/** Brings the files of a build to the server: only those that it lacks. */
export async function uploadFiles({
  client,
  manifest,
  folder,
  onProgress,
}: UploadOptions): Promise<UploadResult> {
  const files = filesOfManifest(manifest);
  const present = await Promise.all(files.map((file) => client.hasBlob(file.digest)));
  const missing = files.filter((_, at) => !present[at]);
  let sentBytes = 0;
  for (const [at, file] of missing.entries()) {
    onProgress?.(at, missing.length);
    await client.putBlob(file.digest, await readBuilt(folder, file));
    sentBytes += file.sizeBytes;
  }
  return { sent: missing.length, files: files.length, sentBytes };
}

async function readBuilt(folder: string, file: FileRef): Promise<Uint8Array> {
  try {
    return await readFile(path.join(folder, file.path));
  } catch (cause) {
    throw new BuildError(`the build lacks the file "${file.path}"`, { cause, hint: 'Build the app again.' });
  }
}
