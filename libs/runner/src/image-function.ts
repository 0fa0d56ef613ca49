import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

import {
  decodeValue,
  ExecutionError,
  fromWireError,
  IMAGE_FUNCTION,
  IMAGE_FUNCTION_FLAG,
  IMAGE_FUNCTION_VOLUMES,
  type FunctionSpec,
  NotFoundError,
  type StepVolumeReply,
  type StepVolumeRequest,
} from '@gantry/protocol';
import { setContainerHost, type ContainerHost } from 'gantry/container';

import { stackOf, messageOf, trimStack } from './thrown-value.ts';
import { loadUserCode } from './user-code.ts';

/**
 * Runs one function of a bundle in the container that builds an image: 0 if it returned, 1 if it threw, which is printed.
 *
 * @param args - Path of the bundle's entry module, name of the function, and its arguments, encoded, as base64.
 */
export async function runImageFunction([bundlePath, name, args]: readonly string[]): Promise<number> {
  if (bundlePath === undefined || name === undefined || args === undefined) {
    process.stderr.write(`${IMAGE_FUNCTION_FLAG} takes a bundle, a name and arguments\n`);
    return 2;
  }
  setContainerHost(buildHost());
  try {
    const code = await loadUserCode(bundlePath, specOf(name), {});
    await code.handler('')(decodeValue(Buffer.from(args, 'base64')) as unknown[]);
    return 0;
  } catch (thrown) {
    trimStack(thrown);
    process.stderr.write(`${stackOf(thrown) ?? messageOf(thrown)}\n`);
    return 1;
  }
}

function specOf(name: string): FunctionSpec {
  const nothing = { options: {}, methods: [], parameters: [], hooks: { enter: [], exit: [] } };
  return { name: `${IMAGE_FUNCTION}${name}`, kind: 'function', site: { file: '', line: 1 }, ...nothing };
}

/** What the SDK finds around code that builds an image: a container, but none that takes inputs or makes calls. */
function buildHost(): ContainerHost {
  const refuse = (): never => {
    throw new ExecutionError('no calls can be made while an image is built', {
      hint: 'Make them where the image is used, or give the function what it needs as arguments.',
    });
  };
  return {
    ...{ containerId: '', appId: '', functionId: '', environment: '', urls: {} },
    stopFetching: () => undefined,
    requestPreemption: () => undefined,
    interactive: false,
    interact: () => Promise.resolve(),
    send: refuse,
    onMessage: () => undefined,
    lookup: async () => refuse(),
    volume: askForVolume,
    object: async () => refuse(),
    forward: async () => refuse(),
    currentInput: () => undefined,
  };
}

/** Whoever builds the image has the volumes of the step, and listens where the container sees it. */
async function askForVolume(
  act: StepVolumeRequest['act'],
  name: string,
  environment?: string,
): Promise<void> {
  if (!existsSync(IMAGE_FUNCTION_VOLUMES)) {
    throw new NotFoundError(`this step does not have volume "${name}"`, {
      hint: 'Add it to the options of runFunction, volumes: { … }.',
    });
  }
  const socket = connect(IMAGE_FUNCTION_VOLUMES);
  try {
    socket.write(`${JSON.stringify({ act, name, environment } satisfies StepVolumeRequest)}\n`);
    for await (const line of createInterface({ input: socket })) {
      const { error } = JSON.parse(line) as StepVolumeReply;
      if (error) throw fromWireError(error);
      return;
    }
    throw new ExecutionError(`the build that volume "${name}" belongs to has ended`);
  } finally {
    socket.destroy();
  }
}
