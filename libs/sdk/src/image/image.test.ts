import { decodeValue, GantryError } from '@gantry/protocol';
import { afterEach, describe, expect, it } from 'vitest';

import { App } from '../app.ts';
import { FakeHost } from '../fake-host.fixture.ts';
import { replaceOptions } from '../pool-options.ts';
import { Secret } from '../secret.ts';
import { NetworkFileSystem } from '../volumes/network-file-system.ts';
import { Volume } from '../volumes/volume.ts';
import { DRAFT, type StepFields } from './draft-steps.ts';
import { imageFunctions } from './registered-functions.ts';
import { Image } from './image.ts';

const base = Image.debianSlim();
const TOKEN = { gitUser: 'me', secrets: [Secret.fromName('github')] };

function stepsOf(image: Image): StepFields[] {
  return image[DRAFT].steps.map(({ spec }) => spec);
}

function prepare(language: string): string {
  return language;
}

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(GantryError);
    const { message, hint = '' } = error as GantryError;
    return `${message} (${hint})`;
  }
  return 'accepted';
}

describe('an image', () => {
  it('is a base and steps, in the order in which they were written', () => {
    const image = Image.debianSlim({ nodeVersion: '22' })
      .aptInstall('curl', ['git', 'jq'], { gpu: 'a10g:2', forceBuild: true })
      .npmInstall('sharp@0.34', { registry: 'https://npm.example.com' })
      .runCommands(['echo a', 'echo b'])
      .env({ LANG: 'C.UTF-8' })
      .workdir('/work');

    expect(stepsOf(image)).toEqual([
      { type: 'debian', nodeVersion: '22' },
      { type: 'apt', packages: ['curl', 'git', 'jq'], forceBuild: true, gpu: 'A10G:2' },
      { type: 'npm', packages: ['sharp@0.34'], registry: 'https://npm.example.com' },
      { type: 'run', commands: ['echo a', 'echo b'] },
      { type: 'env', variables: { LANG: 'C.UTF-8' } },
      { type: 'workdir', path: '/work' },
    ]);
  });

  it('stays as it is when steps are added to it', () => {
    const one = base.env({ A: '1' });
    const two = base.env({ B: '2' });

    expect(stepsOf(base)).toHaveLength(1);
    expect(stepsOf(one)[1]).toEqual({ type: 'env', variables: { A: '1' } });
    expect(stepsOf(two)[1]).toEqual({ type: 'env', variables: { B: '2' } });
  });

  it('may run a function, which its containers find by name', () => {
    const image = base.runFunction(prepare, { args: ['eng'], cpu: 2, timeoutMs: 1_000 });

    const [, step] = stepsOf(image) as { args?: string }[];
    expect(step).toMatchObject({ type: 'function', name: 'prepare', cpu: 2, timeoutMs: 1_000 });
    expect(decodeValue(Buffer.from(step?.args ?? '', 'base64'))).toEqual(['eng']);
    expect(imageFunctions().get('prepare')).toBe(prepare);
  });

  it('has steps with a GPU of a list: the first that is there, and a list of one is that one', () => {
    const image = base
      .runCommands('nvidia-smi', { gpu: ['h100:2', 'any'] })
      .runFunction(prepare, { gpu: ['l4'] });
    expect(stepsOf(image).slice(1)).toMatchObject([{ gpu: ['H100:2', 'ANY'] }, { gpu: 'L4' }]);
  });

  it('installs packages of private repositories, whose token only a secret of the step has', () => {
    const image = base.pipInstallPrivateRepos(['github.com/acme/tools@v1'], { ...TOKEN, pre: true });

    expect(stepsOf(image)[1]).toEqual({
      ...{ type: 'pip', packages: [], pre: true, secrets: TOKEN.secrets },
      privateRepositories: { gitUser: 'me', repositories: ['github.com/acme/tools@v1'] },
    });
  });

  it('may begin with micromamba, and install packages of conda by name, or what a file says', () => {
    const image = Image.micromamba({ pythonVersion: '3.12', image: 'registry.example.org/mamba:2' })
      .micromambaInstall('gdal>=3', ['pymc'], { channels: ['conda-forge', 'bioconda'] })
      .micromambaInstall({ specFile: 'conda/env 1.yaml' })
      .micromambaInstall();

    expect(stepsOf(image)).toEqual([
      { type: 'micromamba', pythonVersion: '3.12', reference: 'registry.example.org/mamba:2' },
      { type: 'micromambaInstall', packages: ['gdal>=3', 'pymc'], channels: ['conda-forge', 'bioconda'] },
      { type: 'micromambaInstall', packages: [], specFile: { name: 'env_1.yaml' } },
    ]);
    expect(image[DRAFT].steps[2]?.local).toEqual({
      field: 'files',
      paths: [{ kind: 'file', path: 'conda/env 1.yaml', name: 'env_1.yaml' }],
    });
  });

  it('installs what a project of Poetry says, by the lock file beside it unless that is ignored', () => {
    const [, locked, free] = base
      .poetryInstallFromFile('py/pyproject.toml', { with: ['docs'], without: [], oldInstaller: true })
      .poetryInstallFromFile('pyproject.toml', { ignoreLockfile: true, only: ['main'] })[DRAFT].steps;

    expect(locked?.spec).toEqual({ type: 'poetry', with: ['docs'] });
    expect(locked?.local).toMatchObject({
      field: 'files',
      paths: [
        { path: 'py/pyproject.toml', name: 'pyproject.toml' },
        { path: 'py/poetry.lock', name: 'poetry.lock' },
      ],
    });
    expect(free?.spec).toEqual({ type: 'poetry', ignoreLockfile: true, only: ['main'] });
    expect(free?.local?.paths.map(({ path }) => path)).toEqual(['pyproject.toml']);
  });

  it('may begin with one that was built before', () => {
    const id = 'im-4xKz01mW2hV7QpLr9TnYbC';
    expect(stepsOf(Image.fromId(id).env({ A: '1' }))).toEqual([
      { type: 'image', id },
      { type: 'env', variables: { A: '1' } },
    ]);
  });

  it('gets no step from an empty list', () => {
    expect(stepsOf(base.aptInstall([]).npmInstall().runCommands())).toHaveLength(1);
  });

  it.each<[string, () => unknown]>([
    ['there is no option "node"', () => Image.debianSlim({ node: '22' } as object)],
    [
      "nodeVersion must be a version such as '22' or '3.12', not latest",
      () => Image.debianSlim({ nodeVersion: 'latest' }),
    ],
    ['Image.aptInstall: "-y" is an option, not a package', () => base.aptInstall('-y')],
    ['Image.aptInstall: "curl git" is no name of a package', () => base.aptInstall('curl git')],
    ['Image.npmInstall takes texts, not 1', () => base.npmInstall(1 as never)],
    ['Image.npmInstall takes texts, not ""', () => base.npmInstall('')],
    ['Image.npmInstall: "--omit=dev" is an option, not a package', () => base.npmInstall('--omit=dev')],
    ['extraOptions', () => base.npmInstall('--omit=dev')],
    ['there is no option "registyr"', () => base.npmInstall('a', { registyr: 'x' } as object)],
    ['"T4:0": a container has from 1 to 8 GPUs', () => base.runCommands('nvidia-smi', { gpu: 'T4:0' })],
    ['Image.runCommands: gpu must not be an empty list', () => base.runCommands('a', { gpu: [] })],
    ['gpu: 7 names no GPU', () => base.runFunction(prepare, { gpu: ['T4', 7] as never })],
    [
      'forceBuild must be true or false, not yes',
      () => base.runCommands('a', { forceBuild: 'yes' as never }),
    ],
    ['"A-B" is no valid environment variable', () => base.env({ 'A-B': '1' })],
    ['"A" is no valid environment variable', () => base.env({ A: 1 as never })],
    ['"GANTRY_TOKEN" is reserved', () => base.env({ GANTRY_TOKEN: '1' })],
    ['must be absolute', () => base.workdir('work')],
    ['"a b" is no reference of an image', () => Image.fromRegistry('a b')],
    ['"im-1" is no id of an image', () => Image.fromId('im-1')],
    ['addNode must be a version', () => Image.fromRegistry('a', { addNode: 'lts' })],
    [
      'setupDockerfileCommands must be a list',
      () => Image.fromRegistry('a', { setupDockerfileCommands: 'RUN a' as never }),
    ],
    ['secrets must be a list of secrets', () => Image.fromAwsEcr('a', {} as never)],
    ['secrets must be a list of secrets', () => base.runCommands('a', { secrets: ['b'] as never })],
    ['Image.fromDockerfile takes texts, not undefined', () => Image.fromDockerfile(undefined as never)],
    ['pre must be true or false, not 1', () => base.pipInstall('a', { pre: 1 as never })],
    ['Image.pipInstall: "-r" is an option, not a package', () => base.pipInstall('-r', 'a.txt')],
    [
      '"gitea.com/acme/tools" is no repository that it can install',
      () => base.pipInstallPrivateRepos('gitea.com/acme/tools', TOKEN),
    ],
    ['without https:// in front', () => base.pipInstallPrivateRepos('https://github.com/acme/tools', TOKEN)],
    [
      'needs gitUser, the user whose token it is, not undefined',
      () => base.pipInstallPrivateRepos('github.com/acme/tools', { secrets: TOKEN.secrets } as never),
    ],
    [
      'needs secrets with the token: GITHUB_TOKEN for github.com, GITLAB_TOKEN for gitlab.com',
      () => base.pipInstallPrivateRepos('github.com/acme/tools', { gitUser: 'me', secrets: [] }),
    ],
    ['Image.debianSlim has no micromamba', () => base.micromambaInstall('gdal')],
    ['"-c" is an option, not a package', () => Image.micromamba().micromambaInstall('-c', 'x')],
    [
      'channels must be a list',
      () => Image.micromamba().micromambaInstall('gdal', { channels: 'conda-forge' as never }),
    ],
    ['pythonVersion must be a version', () => Image.micromamba({ pythonVersion: 'three' })],
    ['with must be a list of groups', () => base.poetryInstallFromFile('a', { with: 'docs' as never })],
    [
      'only says all groups, so there is nothing for with',
      () => base.poetryInstallFromFile('a', { only: ['a'], with: ['b'] }),
    ],
    [
      'there is a lockfile, and ignoreLockfile says not to read it',
      () => base.poetryInstallFromFile('a', { lockfile: 'b', ignoreLockfile: true }),
    ],
    ['there is no option "packagejson"', () => base.npmCi({ packagejson: 'a' } as object)],
    ['Image.pnpmInstall: there is no option "frozen"', () => base.pnpmInstall({ frozen: true } as object)],
    [
      'contextFiles must map names to paths',
      () => base.dockerfileCommands('RUN a', { contextFiles: [] as never }),
    ],
    ['Image.entrypoint takes a list of words', () => base.entrypoint('/entry' as never)],
    ['Image.shell needs a program', () => base.shell([])],
    ['Image.runFunction needs a function', () => base.runFunction('a' as never)],
    [
      'the function has no name',
      () =>
        base.runFunction(
          (
            () => () =>
              1
          )(),
        ),
    ],
    [
      'two functions are called "twice"',
      () => [function twice() {}, function twice() {}].map((fn) => base.runFunction(fn)),
    ],
    ['args must be a list', () => base.runFunction(prepare, { args: 'a' as never })],
    ['args are 70006 bytes, above 65536', () => base.runFunction(prepare, { args: ['x'.repeat(70_000)] })],
    ['timeoutMs must be a number from 10 to 86400000', () => base.runFunction(prepare, { timeoutMs: 1 })],
    ['there is no option "mounts"', () => base.runFunction(prepare, { mounts: {} } as object)],
    [
      'what is at "/models" is no Volume or CloudBucketMount',
      () => base.runFunction(prepare, { volumes: { '/models': 'models' } } as object),
    ],
    [
      '"/data/raw" is inside of "/data"',
      () =>
        base.runFunction(prepare, {
          volumes: { '/data': Volume.fromName('data') },
          networkFileSystems: { '/data/raw': NetworkFileSystem.fromName('raw') },
        }),
    ],
    ['Image.addLocalSource: "../lib" is no name of a package', () => base.addLocalSource('../lib')],
    ['there is no option "gpu"', () => base.addLocalSource('@acme/lib', { gpu: 'any' } as object)],
    ['must not contain ".."', () => base.addLocalFile('a', '../a')],
    ['Image.addLocalFile takes texts, not undefined', () => base.addLocalFile('a', undefined as never)],
    ['copy must be true or false, not 1', () => base.addLocalFile('a', '/a', { copy: 1 as never })],
    ['ignore must be a list', () => base.addLocalDir('a', '/a', { ignore: '*.md' as never })],
    ['the pattern "!" is not valid', () => base.addLocalDir('a', '/a', { ignore: ['!'] })],
  ])('refuses at once, by name: %s', (message, make) => {
    expect(refusal(make)).toContain(message);
  });

  it('puts a file under its own name where the path ends in a slash', () => {
    const [named, kept, relative] = base
      .addLocalFile('data/words.txt', '/lists/german.txt')
      .addLocalFile('data/words.txt', '/lists/')
      .addLocalFile('data/words.txt', 'words.txt')[DRAFT].files;

    expect(named).toMatchObject({ remotePath: '/lists', paths: [{ kind: 'file', name: 'german.txt' }] });
    expect(kept).toMatchObject({ remotePath: '/lists', paths: [{ kind: 'file', name: 'words.txt' }] });
    expect(relative).toMatchObject({ remotePath: '.', paths: [{ kind: 'file', name: 'words.txt' }] });
  });

  it('takes no build step after files that only containers get, but more of them', () => {
    const image = base.addLocalFile('a', '/a').addLocalDir('b', '/b');

    expect(refusal(() => image.env({ A: '1' }))).toContain('Write addLocalFile(..., { copy: true })');
    expect(refusal(() => image.addLocalFile('c', '/c', { copy: true }))).toContain('cannot follow files');
    expect(stepsOf(base.addLocalFile('a', '/a', { copy: true }).env({ A: '1' }))).toEqual([
      { type: 'debian' },
      { type: 'files', remotePath: '/' },
      { type: 'env', variables: { A: '1' } },
    ]);
  });

  it('says for each step where it was written', () => {
    const [, step] = base.env({ A: '1' })[DRAFT].steps;

    expect(step?.stack.split('\n')[1]).toContain('image.test.ts');
  });
});

describe('the imports of an image', () => {
  const missing = () => import('no-such-package' as string) as Promise<{ answer: number }>;

  it('are the module where it is installed', async () => {
    const path = await base.imports(() => import('node:path'));

    expect(path.basename('/a/b')).toBe('b');
  });

  it('may be missing on this machine, until something of them is used', async () => {
    const absent = await base.imports(missing);

    expect(refusal(() => absent.answer)).toContain('the package "no-such-package" is not installed here');
    expect(refusal(() => absent.answer)).toContain('.remote(...)');
  });

  it('fail as always for any other reason', async () => {
    await expect(base.imports(() => import('./no-such-file.ts' as string))).rejects.toThrow('no-such-file');
    await expect(base.imports(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('are no error in a container of another image, until something of them is used there', async () => {
    const host = new FakeHost().install();
    try {
      const absent = await base.imports(missing);
      expect(() => absent.answer).toThrow(
        'the package "no-such-package" is not in the image of this container',
      );
    } finally {
      host.uninstall();
    }
  });
});

describe('in a container, an image', () => {
  const host = new FakeHost();
  afterEach(() => host.uninstall());

  it('does nothing, and finds nothing wrong', () => {
    host.install();

    const image = Image.debianSlim({ nodeVersion: undefined as never })
      .env({ KEY: undefined as never })
      .addLocalFile(undefined as never, undefined as never)
      .aptInstall('late');

    expect(stepsOf(image)).toEqual([]);
  });

  it('keeps the functions that it runs, because one of its containers is to run them', () => {
    host.install();
    const later = () => 'late';

    expect(stepsOf(Image.debianSlim().runFunction(later))).toEqual([]);
    expect(imageFunctions().get('later')).toBe(later);
  });
});

describe('the option image', () => {
  it('is that of the app where a function has none of its own', () => {
    const own = base.env({ A: '2' });
    const app = new App('images-default', { image: base });
    app.function({ name: 'a' }, () => 1);
    app.function({ name: 'b', image: own }, () => 1);

    expect(app.image).toBe(base);
    expect(app[Symbol.for('gantry.registration') as never]).toMatchObject({
      functions: [{ options: { image: base } }, { options: { image: own } }],
    });
  });

  it('takes an Image only, and no caller replaces it', () => {
    expect(refusal(() => new App('images-wrong', { image: 'debian' as never }))).toContain(
      'app "images-wrong": image must be an Image, not debian',
    );
    expect(refusal(() => replaceOptions({}, { image: base } as never))).toContain(
      'the option "image" cannot be replaced by a caller',
    );
  });
});
