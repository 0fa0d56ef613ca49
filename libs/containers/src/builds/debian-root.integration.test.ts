import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { temporaryDirectory } from '@gantry/testing';
import { expect, it } from 'vitest';

import { debianRoot, ownDebianSuite, SOURCES } from './debian-root.ts';

const own = await ownDebianSuite();

/** In the place of mmdebstrap: says what it was called with, and what is in the files that it was given. */
const SAY = '#!/bin/sh\nfor word; do echo "$word"; [ -f "$word" ] && cat "$word"; done; exit 0\n';

it.skipIf(own === undefined)(
  'is made of the machine’s own package sources, for any release of Debian',
  async () => {
    await using work = await temporaryDirectory();
    const bin = join(work.path, 'bin');
    await mkdir(bin);
    writeFileSync(join(bin, 'mmdebstrap'), SAY);
    chmodSync(join(bin, 'mmdebstrap'), 0o755);
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` };
    let said = '';
    const use = async (tar: Readable) => void (said = String(await buffer(tar)));
    await debianRoot({ suite: 'sid', packages: ['tar', 'sed'] }, { folder: work.path, use, env });

    expect(said).toContain('--include=tar,sed\n--format=tar\nsid\n-\n');
    const source = SOURCES.filter((path) => existsSync(path)).map((path) => readFileSync(path, 'utf8'))[0];
    expect(said).toContain(source?.replaceAll(String(own), 'sid').trim());
    expect(said).not.toContain(own);
  },
);
