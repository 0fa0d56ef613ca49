import { ConfigFile, LOCAL_PROFILE } from 'gantry/internal';

/**
 * What somebody should know who has just started a platform here while commands in other terminals lead elsewhere;
 * empty if they do not.
 */
export function otherProfileLines(
  env: Readonly<Record<string, string | undefined>>,
  dataDir: string,
): string[] {
  const here = { ...env, GANTRY_DATA_DIR: dataDir };
  try {
    const profile = ConfigFile.read(here).select(here);
    if (profile === LOCAL_PROFILE) return [];
    return [
      `The profile "${profile}" is active: commands go to another platform.`,
      `To work with this one: gantry profile activate ${LOCAL_PROFILE}`,
    ];
  } catch (error) {
    return [(error as Error).message];
  }
}
