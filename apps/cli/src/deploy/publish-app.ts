import type { DeployReply, DeployRequest, Manifest } from '@gantry/protocol';

import { findSetting } from 'gantry/internal';

import type { ApiClient } from '../api-client.ts';
import { plural, toSize } from '../terminal/units.ts';
import type { AppBuild, BuiltApp } from './build-input.ts';
import { showImageBuilds } from './build-images.ts';
import { mountedTexts } from './mounted-paths.ts';
import type { Steps } from './steps.ts';
import { uploadFiles } from './upload.ts';

/** Builds, and says so. */
export function buildWithSteps(app: AppBuild, steps: Steps): Promise<BuiltApp> {
  return steps.run('Building…', async () => {
    const built = await app.build();
    return { value: built, done: buildText(built), warnings: built.warnings };
  });
}

export interface PublishOptions {
  client: Pick<ApiClient, 'findEnvironment' | 'hasBlob' | 'putBlob' | 'buildImages' | 'deploy'>;
  built: BuiltApp;
  request: Omit<DeployRequest, 'environment' | 'manifest'>;
  steps: Steps;
  /** Says whether images are to be built anew. */
  env: Readonly<Record<string, string | undefined>>;
  /** Told of each dotenv file whose values are secrets of the app. */
  onFile?: (path: string) => void;
  /** Ends it, and what only it waits for, as long as nothing is live. @defaultValue none */
  signal?: AbortSignal | undefined;
}

/**
 * Uploads what the server lacks and makes the build live.
 *
 * @throws the reason of the signal
 */
export async function publishApp(options: PublishOptions): Promise<DeployReply> {
  const { client, built, request, steps, env, onFile, signal } = options;
  const { manifest, folder } = built;
  // Before anything large is on its way.
  await client.findEnvironment();
  await steps.run('Uploading…', async (progress) => {
    const onProgress = (sent: number, toSend: number) => progress(`Uploading file ${sent + 1} of ${toSend}…`);
    const { sent, files, sentBytes } = await uploadFiles({ client, manifest, folder, onProgress });
    const text =
      sent === 0 ? 'Nothing to upload' : `Uploaded ${sent} of ${plural(files, 'file')}, ${toSize(sentBytes)}`;
    return { value: undefined, done: text };
  });
  signal?.throwIfAborted();
  // Loaded on demand: most apps make no secrets in code.
  const { readInlineSecrets } = await import('@gantry/manifest');
  const secrets = await readInlineSecrets({ manifest, folder, onFile });
  const whole = {
    ...{ ...request, manifest, secrets },
    forceBuild: findSetting('forceBuild', env).value || undefined,
    ignoreCache: findSetting('ignoreCache', env).value || undefined,
  };
  const images = await showImageBuilds(client.buildImages(whole, { signal }), steps);
  signal?.throwIfAborted();
  return steps.run('Deploying…', async () => {
    const reply = await client.deploy({ ...whole, images });
    // Of what is loaded anew, whoever watches hears what is different.
    const details = request.appId ? [] : mountedTexts(built);
    return { value: reply, done: publishedText(reply, request, manifest), details, warnings: reply.warnings };
  });
}

function publishedText(
  reply: DeployReply,
  request: PublishOptions['request'],
  { description }: Manifest,
): string {
  const name = reply.appName ?? description ?? reply.appId;
  if (request.appId) return `Reloaded ${name} as version ${reply.version}`;
  return request.ephemeral ? `Started ${name} (${reply.appId})` : `Deployed ${name} version ${reply.version}`;
}

function buildText({ manifest }: BuiltApp): string {
  const size = manifest.bundle.sizeBytes + (manifest.packages?.sizeBytes ?? 0);
  const packages = manifest.packages ? ` and ${plural(manifest.packages.contents.length, 'package')}` : '';
  return `Built ${plural(manifest.functions.length, 'function')}${packages}, ${toSize(size)}`;
}
