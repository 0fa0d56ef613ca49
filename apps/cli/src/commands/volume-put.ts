import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { NotFoundError } from '@gantry/protocol';
import { Volume } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { plural, toDuration, toSize } from '../terminal/units.ts';
import { UsageError } from '../usage-error.ts';
import { progressLine } from '../volumes/progress-line.ts';
import { directoryPlace } from '../volumes/upload-place.ts';
import { ENVIRONMENT_OPTION, VOLUME_ARGUMENT, withClient } from '../volumes/volume-client.ts';

export const volumePutCommand: CommandSpec = {
  path: ['volume', 'put'],
  summary: 'copy a file or a directory into a volume',
  details:
    'All of it becomes visible at once. An upload that was interrupted goes on where it was when it is run again.',
  arguments: [
    VOLUME_ARGUMENT,
    { usage: '<local>', description: 'file or directory of this machine' },
    { usage: '[remote]', description: 'where to; ends in / for a directory (default: /)' },
  ],
  options: [{ flags: '-f, --force', description: 'replace files that are there' }, ENVIRONMENT_OPTION],
  examples: [
    ['gantry volume put models weights.bin /v2/', 'the file becomes /v2/weights.bin'],
    ['gantry volume put models ./checkpoints', 'the directory becomes /checkpoints'],
    ['gantry volume put models ./checkpoints /runs/7', 'the directory becomes /runs/7'],
    ['gantry volume put models ./checkpoints/. /', 'what is in the directory comes to the top'],
  ],
  async run(context, input) {
    const { terminal, cwd } = context;
    const [name = '', given = '', remote = '/'] = input.arguments;
    if (given === '')
      throw new UsageError('the local path is empty', { hint: 'Give . for the working directory.' });
    const local = resolve(cwd, given);
    const info = await stat(local).catch((cause: unknown) => {
      throw new NotFoundError(`there is no "${given}" on this machine`, {
        cause,
        hint: 'Name a local file or directory first, then where it goes in the volume.',
      });
    });
    const startedAtMs = performance.now();
    const elapsedMs = () => performance.now() - startedAtMs;
    let done = { doneBytes: 0, doneFiles: 0 };
    await withClient(context, input, async (client) => {
      const batch = await Volume.fromName(name, { client }).batchUpload({
        force: input.options.flag('force'),
        onProgress: (progress) => {
          done = progress;
          terminal.progress(progressLine(progress, elapsedMs()));
        },
      });
      if (info.isDirectory()) batch.putDirectory(local, directoryPlace(given, remote));
      else batch.putFile(local, remote);
      await batch.commit();
    });
    const took = toDuration(elapsedMs());
    terminal.out(
      `Put ${plural(done.doneFiles, 'file')}, ${toSize(done.doneBytes)}, into "${name}" in ${took}.`,
    );
  },
};
