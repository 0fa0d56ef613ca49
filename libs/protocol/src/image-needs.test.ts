import { describe, expect, it } from 'vitest';

import type { ImageSpec } from './image.ts';
import { needsOfImage } from './image-needs.ts';

const archive = { path: 'files-0.tar.gz', digest: `sha256-${'0'.repeat(64)}`, sizeBytes: 1 };

function needs(steps: ImageSpec['steps'], files?: ImageSpec['files']): string[] {
  const sites = [...steps, ...(files ?? [])].map((_, at) => ({ file: 'src/app.ts', line: at + 1 }));
  return needsOfImage({ steps, sites, files }, '24.1.0').map(
    ({ what, site }) => `${what}@${site?.line ?? ''}`,
  );
}

describe('an image for plain processes', () => {
  it('may have npm packages, variables and files in the working directory', () => {
    expect(
      needs(
        [
          { type: 'debian', nodeVersion: '24' },
          { type: 'npm', packages: ['sharp'] },
          { type: 'npmCi', files: archive },
          { type: 'env', variables: { A: '1' } },
          { type: 'files', archive, remotePath: 'data' },
        ],
        [{ archive, remotePath: '.' }],
      ),
    ).toEqual([]);
  });

  it('is told each thing that it cannot have, with its place', () => {
    expect(
      needs(
        [
          { type: 'debian', nodeVersion: '24.10' },
          { type: 'apt', packages: ['curl'] },
          { type: 'npm', packages: ['sharp'], gpu: 'T4' },
          { type: 'npm', packages: ['mine'], secrets: [{ type: 'named', name: 'npm' }] },
          { type: 'workdir', path: '/work' },
          { type: 'files', archive, remotePath: '/data' },
        ],
        [{ archive, remotePath: '/etc' }],
      ),
    ).toEqual([
      'Image.debianSlim with Node 24.10@1',
      'Image.aptInstall@2',
      'Image.npmInstall with a GPU@3',
      'Image.npmInstall with secrets@4',
      'Image.workdir@5',
      'a copied file in "/data"@6',
      'a file in "/etc"@7',
    ]);
    expect(needs([{ type: 'debian', pythonVersion: '3.11' }])).toEqual(['Image.debianSlim with Python@1']);
    expect(needs([{ type: 'registry', reference: 'node:22' }])).toEqual(['Image.fromRegistry@1']);
    expect(needs([{ type: 'debian' }, { type: 'pnpm', files: archive }])).toEqual(['Image.pnpmInstall@2']);
    expect(needs([{ type: 'micromamba' }, { type: 'micromambaInstall', packages: ['gdal'] }])).toEqual([
      'Image.micromamba@1',
      'Image.micromambaInstall@2',
    ]);
    const pip = { type: 'pip' as const, packages: [] };
    const repositories = { gitUser: 'me', repositories: ['github.com/acme/tools'] };
    expect(
      needs([
        { type: 'debian' },
        { ...pip, packages: ['numpy'] },
        { ...pip, requirements: archive },
        { ...pip, requirements: archive, optionalDependencies: [] },
        { ...pip, privateRepositories: repositories },
      ]),
    ).toEqual([
      'Image.pipInstall@2',
      'Image.pipInstallFromRequirements@3',
      'Image.pipInstallFromPyproject@4',
      'Image.pipInstallPrivateRepos@5',
    ]);
    expect(needs([{ type: 'debian' }, { type: 'poetry', files: archive }])).toEqual([
      'Image.poetryInstallFromFile@2',
    ]);
  });
});
