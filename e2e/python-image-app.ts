import { execFileSync } from 'node:child_process';

import { App, Image, Secret } from 'gantry';

export const app = new App('python-image');

const python = Image.debianSlim().poetryInstallFromFile('e2e/image-files/py/pyproject.toml', {
  without: ['test'],
});

/** The packages of the image's Python that a project of Poetry has brought. */
export const packages = app.function({ image: python }, async () =>
  execFileSync('python3', ['-m', 'pip', 'list', '--format=freeze', '--disable-pip-version-check'], {
    encoding: 'utf8',
  })
    .split('\n')
    .filter((line) => /^(iniconfig|toml|poetry)/.test(line)),
);

/** Cannot be built: the secret has another token. */
const lacking = Image.debianSlim().pipInstallPrivateRepos('github.com/acme/tools', {
  gitUser: 'octocat',
  secrets: [Secret.fromObject({ GITLAB_TOKEN: 'gl-token-314159' })],
});

if (process.env['WITH_PRIVATE']) app.function({ name: 'tools', image: lacking }, async () => 1);
