import { rm } from 'node:fs/promises';

import { needsOfImage, type ImageSpec, type PackagesRef } from '@gantry/protocol';

import type { EvaluatedImage } from '../evaluated-app.ts';
import { assertLocked } from '../lock-file.ts';
import type { InstalledPackage, InstalledPackages } from '../installed-packages.ts';
import { describeFile, uniqueByName, writePackageArchive } from '../package-archive.ts';
import { placePackages } from '../package-closure.ts';
import type { Project } from '../project.ts';
import { NpmPackages } from './npm-packages.ts';

export interface ImagePackagesOptions {
  project: Project;
  packages: InstalledPackages;
  /** What the bundle imports without holding it. */
  external: readonly InstalledPackage[];
}

/** The npm packages of images whose containers may be plain processes. */
export class ImagePackages {
  readonly #options: ImagePackagesOptions;
  readonly #npm: NpmPackages;

  constructor(options: ImagePackagesOptions) {
    this.#options = options;
    this.#npm = new NpmPackages(options.project, options.packages);
  }

  /**
   * Writes what an image's npm steps install, and what the bundle needs beside it, into `file`. Undefined, without a
   * file, for images without such steps, and for those that processes cannot have anyway.
   *
   * @throws BuildError if npm fails.
   */
  async write(
    spec: ImageSpec,
    draft: EvaluatedImage,
    file: string,
  ): Promise<Omit<PackagesRef, 'path'> | undefined> {
    const [base] = spec.steps;
    // The version of Node is for the workers to say.
    const node = (base.type === 'debian' ? base.nodeVersion : undefined) ?? '';
    if (needsOfImage(spec, node).length > 0) return undefined;
    const installed = await this.#installed(spec, draft);
    if (installed.length === 0) return undefined;
    const { external, packages, project } = this.#options;
    const roots = [...new Map([...external, ...installed].map((item) => [item.name, item])).values()];
    const placed = placePackages(roots, packages);
    assertLocked(placed);
    try {
      await writePackageArchive(placed, { file, projectRoot: project.root });
      const contents = uniqueByName(placed.map(({ name, version }) => ({ name, version })));
      return { ...(await describeFile(file)), contents };
    } catch (error) {
      await rm(file, { force: true });
      throw error;
    }
  }

  async #installed({ steps, sites }: ImageSpec, draft: EvaluatedImage): Promise<InstalledPackage[]> {
    const found: InstalledPackage[] = [];
    for (const [at, step] of steps.entries()) {
      const site = sites[at] ?? { file: '', line: 1 };
      if (step.type === 'npm') found.push(...(await this.#npm.ofInstall(step, site)));
      if (step.type === 'npmCi') {
        found.push(...(await this.#npm.ofLockFile(step, draft.steps[at]?.local?.paths ?? [], site)));
      }
    }
    return found;
  }
}
