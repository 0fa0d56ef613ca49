import { readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where buildah is told of registries: by the variable, else by the first of these. */
const CONFIGURATION = 'CONTAINERS_REGISTRIES_CONF';
const CONFIGURATION_FILES = [
  join(homedir(), '.config/containers/registries.conf'),
  '/etc/containers/registries.conf',
];
const LOOPBACK = /(?<![\w./-])(?:localhost|127(?:\.\d+){3})(?::\d+)?(?=\/)/g;

/**
 * The environment in which buildah speaks to the registries of this machine that a Dockerfile names without TLS, and to
 * all others as it is told to.
 */
export async function loopbackRegistries(
  text: string,
  { folder, env = process.env }: { folder: string; env?: NodeJS.ProcessEnv },
): Promise<NodeJS.ProcessEnv> {
  const said = await readFirst(env[CONFIGURATION] ? [env[CONFIGURATION]] : CONFIGURATION_FILES);
  const hosts = [...new Set(text.match(LOOPBACK))].filter((host) => !said.includes(`"${host}"`));
  // Files of the first version take no tables of the second.
  if (hosts.length === 0 || said.includes('[registries.')) return env;
  const tables = hosts.map((host) => `\n[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
  const path = join(folder, 'registries.conf');
  await writeFile(path, `${said}\n${tables.join('')}`);
  return { ...env, [CONFIGURATION]: path };
}

async function readFirst(paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return '';
}
