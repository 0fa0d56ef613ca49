import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { type TemporaryDirectory, temporaryDirectory } from '@gantry/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { openBuild } from './build-input.ts';
import { buildWithSteps } from './publish-app.ts';
import type { Steps } from './steps.ts';

const SDK = fileURLToPath(new URL('../../../../libs/sdk', import.meta.url));
// Its rule writes to a file that is packed already.
const APP = `import { App, Image } from 'gantry';
const image = Image.debianSlim().addLocalDir('a', 'a').addLocalDir('b', 'b', { ignore: (name) => {
  process.getBuiltinModule('fs').appendFileSync('a/log.txt', name);
  return false;
} });
export const app = new App('shop', { image });
export const f = app.function(() => 1);
`;

let project: TemporaryDirectory;
beforeEach(async () => {
  project = await temporaryDirectory();
  const files = { 'package.json': '{"type":"module"}', 'app.ts': APP, 'a/log.txt': '', 'b/b.txt': '' };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(project.path, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  await mkdir(path.join(project.path, 'node_modules'));
  await symlink(SDK, path.join(project.path, 'node_modules/gantry'));
});
afterEach(() => project[Symbol.asyncDispose]());

/** What a build warns of. */
async function warningsOf(setting: string | undefined): Promise<readonly string[]> {
  const found: string[] = [];
  const steps: Steps = {
    run: async (_doing, step) => {
      const { value, warnings = [] } = await step(() => undefined);
      found.push(...warnings);
      return value;
    },
    ...{ progress: () => undefined, output: () => undefined, done: () => undefined, isQuiet: true },
  };
  const env = { GANTRY_CONFIG_PATH: path.join(project.path, 'none'), GANTRY_BUILD_VALIDATION: setting };
  const out = path.join(project.path, 'out');
  const build = await openBuild(path.join(project.path, 'app.ts'), { cwd: project.path, env, out });
  await buildWithSteps(build, steps);
  return found;
}

test('a local file that changes during the build fails it, or is told, or neither, as GANTRY_BUILD_VALIDATION says', async () => {
  await expect(warningsOf(undefined)).rejects.toThrow('"a/log.txt" changed while the app was built');
  expect(await warningsOf('warning')).toEqual([expect.stringContaining('"a/log.txt" changed')]);
  expect(await warningsOf('ignore')).toEqual([]);
  await expect(warningsOf('no')).rejects.toThrow(
    'GANTRY_BUILD_VALIDATION must be "error", "warning" or "ignore"',
  );
});
