import { readFile, rm, symlink, writeFile } from 'node:fs/promises';

import { App, Volume } from 'gantry';

const models = Volume.fromName('absolute', { createIfMissing: true });

export const app = new App('absolute');

export const save = app.function({ volumes: { '/models': models } }, async (text: string) => {
  await writeFile('/models/v2', text);
  await rm('/models/latest', { force: true });
  await symlink('/models/v2', '/models/latest');
});

export const load = app.function(
  { volumes: { '/root/.cache/models': models.withMountOptions({ readOnly: true }) } },
  async () => {
    const refused = await writeFile('/root/.cache/models/x', 'x').catch((error: unknown) => error);
    return [
      await readFile('/root/.cache/models/latest', 'utf8'),
      (refused as NodeJS.ErrnoException | undefined)?.code,
    ];
  },
);
