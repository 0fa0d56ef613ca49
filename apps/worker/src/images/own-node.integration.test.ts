import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@gantry/testing';
import { describe, expect, it } from 'vitest';

import { ownNode } from './own-node.ts';

describe('functions of an image', () => {
  it('run in the Node that it says it has, where runners can run in that one', async () => {
    await using directory = await temporaryDirectory('gantry-own-node-');
    const [without, having] = [join(directory.path, 'a'), join(directory.path, 'b')];
    await mkdir(without);
    await mkdir(join(having, 'usr/local/bin'), { recursive: true });
    await writeFile(join(having, 'usr/local/bin/node'), '');
    const nodeOf = (version: string | undefined, layers = [without, having]) =>
      ownNode({ env: version === undefined ? {} : { NODE_VERSION: version }, layers });

    for (const version of ['22', '22.12', '22.20.1', '24.1.0', '26'])
      expect(nodeOf(version), version).toBe('/usr/local/bin/node');
    for (const version of [undefined, '', 'v22', 'lts', '18.20.0', '22.11.0'])
      expect(nodeOf(version), version).toBeUndefined();
    expect(nodeOf('22', [without])).toBeUndefined();
  });
});
