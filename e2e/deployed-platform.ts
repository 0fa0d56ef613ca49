import { Client } from 'gantry';

import { runCli, startPlatform, type Platform } from './platform.ts';

/** Starts a platform, deploys an entry file to it, and makes it the one that the SDK finds in this program. */
export async function startPlatformWith(entry: string, flags: string[] = []): Promise<Platform> {
  const platform = await startPlatform({ flags });
  process.env['GANTRY_DATA_DIR'] = platform.ready.dataDir;
  const { code, stdout, stderr } = await runCli(['deploy', entry], platform.env);
  const stop = async () => {
    await Client.default().close();
    await platform[Symbol.asyncDispose]();
  };
  if (code !== 0) {
    await stop();
    throw new Error(`"${entry}" was not deployed:\n${stdout}${stderr}`);
  }
  return { ...platform, [Symbol.asyncDispose]: stop };
}
