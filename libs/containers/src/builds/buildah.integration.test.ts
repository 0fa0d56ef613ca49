import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rmdir } from 'node:fs/promises';

import { temporaryDirectory } from '@gantry/testing';
import { expect, it } from 'vitest';

import { Buildah } from './buildah.ts';
import type { LayerStore } from './layer-store.ts';

it.skipIf(process.getuid?.() !== 0)(
  'leaves alone what it has not used: another user may own it (needs root)',
  async () => {
    await using folder = await temporaryDirectory('gantry-builds-');
    const key = createHash('sha256').update(folder.path).digest('hex').slice(0, 12);
    const ofAnother = `/run/gantry/builds-${key}`;
    await mkdir(ofAnother, { recursive: true });
    try {
      await new Buildah({ folder: folder.path, store: {} as LayerStore }).close();
      expect(existsSync(ofAnother)).toBe(true);
    } finally {
      await rmdir(ofAnother);
    }
  },
);
