import { findConnection } from 'gantry/internal';

import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { runInContainer } from '../exec/run-in-container.ts';

export const containerExecCommand: CommandSpec = {
  path: ['container', 'exec'],
  summary: 'run a program in a running container',
  details:
    'It has the environment and the files of the container, and ends with it, or with this command. Its exit code is ' +
    'that of this command. In a terminal it gets one, and with it all keys; else it gets plain streams.',
  arguments: [
    { usage: '<container>', description: 'id of the container (ta-…)' },
    { usage: '<command...>', description: 'the program and its arguments' },
  ],
  options: [...SHARED_OPTIONS.pty],
  examples: [
    ['gantry container exec ta-1 ps aux', 'a program with arguments'],
    ["gantry container exec ta-1 sh -c 'env | sort'", 'a line for a shell'],
    ['cat data.csv | gantry container exec ta-1 -- tee /tmp/data.csv', 'with input from here'],
  ],
  passesFlagsOn: true,
  run(context, { arguments: [containerId = '', ...words], options }) {
    const command = words[0] === '--' ? words.slice(1) : words;
    const path = `/v1/containers/${encodeURIComponent(containerId)}/exec`;
    const connection = findConnection(context.env);
    return runInContainer(context, { connection, path, command, pty: options.given('pty') });
  },
};
