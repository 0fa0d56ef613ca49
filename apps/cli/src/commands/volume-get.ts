import { resolve } from 'node:path';

import { Volume } from 'gantry';

import type { CommandSpec } from '../command.ts';
import { plural, toDuration, toSize } from '../terminal/units.ts';
import { download } from '../volumes/download.ts';
import { interruptible } from '../volumes/interruptible.ts';
import { printFiles } from '../volumes/print-files.ts';
import { progressLine } from '../volumes/progress-line.ts';
import { ENVIRONMENT_OPTION, VOLUME_ARGUMENT, withClient } from '../volumes/volume-client.ts';

export const volumeGetCommand: CommandSpec = {
  path: ['volume', 'get'],
  summary: 'copy a file or a directory of a volume to this machine',
  arguments: [
    VOLUME_ARGUMENT,
    { usage: '<remote>', description: 'file or directory of the volume; / is all of it' },
    { usage: '[local]', description: 'where to; - is standard output (default: .)' },
  ],
  options: [{ flags: '--force', description: 'replace local files' }, ENVIRONMENT_OPTION],
  examples: [
    ['gantry volume get models /v2/weights.bin', 'into this directory'],
    ['gantry volume get logs /today.txt - | grep error', 'into a pipe'],
  ],
  run(context, input) {
    const { terminal, cwd } = context;
    const [name = '', remote = '/', local = '.'] = input.arguments;
    return interruptible(context, (signal) =>
      withClient(context, input, async (client) => {
        const volume = Volume.fromName(name, { client });
        if (local === '-') {
          const entries = await volume.listdir(remote, { recursive: true });
          return await printFiles(volume, entries, { out: process.stdout, signal });
        }
        const startedAtMs = performance.now();
        const elapsedMs = () => performance.now() - startedAtMs;
        const options = {
          force: input.options.flag('force'),
          onProgress: (progress: Parameters<typeof progressLine>[0]) =>
            terminal.progress(progressLine(progress, elapsedMs())),
          signal,
        };
        const target = resolve(cwd, local) + (local.endsWith('/') ? '/' : '');
        const { doneFiles, doneBytes } = await download(volume, { remote, local: target }, options);
        const took = toDuration(elapsedMs());
        terminal.out(
          `Got ${plural(doneFiles, 'file')}, ${toSize(doneBytes)}, from volume "${name}" in ${took}.`,
        );
      }),
    );
  },
};
