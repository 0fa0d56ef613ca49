import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

import type { BuildStep, SourceSite } from '@gantry/protocol';
import type { LocalPath } from 'gantry/internal';
import { satisfies, validRange } from 'semver';

import { InstalledPackages, type InstalledPackage, type PackageJson } from '../installed-packages.ts';
import { toBuildError } from '../mistake.ts';
import { cacheFolder } from '../package-archive.ts';
import type { Project } from '../project.ts';

type NpmStep = Pick<
  Extract<BuildStep, { type: 'npm' }>,
  'packages' | 'registry' | 'extraOptions' | 'forceBuild'
>;

const CACHE_FORMAT = 1;
const INSTALL_LIMIT_MS = 10 * 60_000;
const SHOWN_LINES = 12;
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'];

/**
 * The packages of an image's npm steps, for containers that are plain processes: those of the project where they fit,
 * else from a folder that npm fills, once for each list of packages.
 */
export class NpmPackages {
  readonly #project: Project;
  readonly #packages: InstalledPackages;

  constructor(project: Project, packages: InstalledPackages) {
    this.#project = project;
    this.#packages = packages;
  }

  /** @throws BuildError if npm fails. */
  async ofInstall(step: NpmStep, site: SourceSite): Promise<InstalledPackage[]> {
    const installed = step.packages.map((spec) => this.#fitting(spec));
    if (installed.every((item) => item !== undefined)) return installed;
    const { packages, registry, extraOptions, forceBuild = false } = step;
    const flags = [...(registry === undefined ? [] : ['--registry', registry]), ...shellWords(extraOptions)];
    const folder = await this.#filled({
      key: [...packages, ...flags],
      isFresh: forceBuild,
      site,
      fill: async (draft) => {
        await writeFile(join(draft, 'package.json'), '{ "private": true }\n');
        return ['install', ...QUIET, ...flags, ...packages];
      },
    });
    return dependenciesIn(folder);
  }

  /** @throws BuildError if npm fails. */
  async ofLockFile(
    step: { extraOptions?: string | undefined; forceBuild?: true | undefined },
    paths: readonly LocalPath[],
    site: SourceSite,
  ): Promise<InstalledPackage[]> {
    const files = paths.map(({ name, path }) => ({ name, path: resolve(this.#project.root, path) }));
    const texts = files.map(({ path }) => readFileSync(path, 'utf8'));
    const folder = await this.#filled({
      key: [...texts, step.extraOptions ?? ''],
      isFresh: step.forceBuild ?? false,
      site,
      fill: async (draft) => {
        for (const { name, path } of files) await copyFile(path, join(draft, name));
        return ['ci', '--omit=dev', ...QUIET, ...shellWords(step.extraOptions)];
      },
    });
    return dependenciesIn(folder);
  }

  #fitting(spec: string): InstalledPackage | undefined {
    const [, name = '', range = ''] = /^(@[^/@]+\/[^@]+|[^@/:]+)(?:@(.*))?$/.exec(spec) ?? [];
    const found = name === '' ? undefined : this.#packages.find(name, dirname(this.#project.entry));
    if (!found || range === '') return found;
    return validRange(range) !== null && satisfies(found.version, range) ? found : undefined;
  }

  async #filled({ key, isFresh, site, fill }: Filling): Promise<string> {
    const cache =
      cacheFolder(this.#project.root) ?? join(this.#project.root, 'node_modules', '.cache', 'gantry');
    const facts = [CACHE_FORMAT, process.platform, process.arch, ...key].join('\n');
    const folder = join(cache, `npm-${createHash('sha256').update(facts).digest('hex').slice(0, 32)}`);
    if (existsSync(folder) && !isFresh) return folder;
    const draft = `${folder}.${randomBytes(6).toString('hex')}.draft`;
    await mkdir(draft, { recursive: true });
    try {
      const npmrc = join(this.#project.root, '.npmrc');
      if (existsSync(npmrc)) await copyFile(npmrc, join(draft, '.npmrc'));
      await runNpm(await fill(draft), draft, site);
      await rm(folder, { recursive: true, force: true });
      await rename(draft, folder);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return folder;
  }
}

interface Filling {
  /** What decides what will be in the folder. */
  key: readonly string[];
  isFresh: boolean;
  site: SourceSite;
  /** Prepares a draft of the folder; returns the arguments of npm. */
  fill(draft: string): Promise<string[]>;
}

async function runNpm(args: readonly string[], cwd: string, site: SourceSite): Promise<void> {
  try {
    await promisify(execFile)('npm', [...args], { cwd, timeout: INSTALL_LIMIT_MS });
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    const said = (stderr.trim() || message).split('\n').slice(0, SHOWN_LINES).join('\n');
    const what = `npm could not install the packages of the image:\n${said}`;
    const hint =
      'Correct the names and versions; what the project itself has installed at a fitting version is taken from there.';
    throw toBuildError([{ ...site, what, hint }], error);
  }
}

function dependenciesIn(folder: string): InstalledPackage[] {
  const packages = new InstalledPackages();
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
  return Object.keys(dependencies).flatMap((name) => packages.find(name, folder) ?? []);
}

function shellWords(text = ''): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  );
}
