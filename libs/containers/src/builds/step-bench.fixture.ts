import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { applyConfig, type ImageState, type LayerWork, planImage } from '@gantry/images';
import type { BaseStep, BuildStep, FileRef } from '@gantry/protocol';

import { BUILD_CACHE, buildAll, FolderStore, sharedBase } from './image-builder.fixture.ts';
import { type BuildStepOptions, ImageBuilder } from './image-builder.ts';
import { runTool } from './tool-process.ts';

/** Builds steps on top of the base that all tests share, and looks at what they made. */
export class StepBench implements AsyncDisposable {
  /** For whatever a test writes. */
  readonly folder: string;
  readonly store = new FolderStore(BUILD_CACHE);
  readonly builder = new ImageBuilder({
    folder: join(BUILD_CACHE, 'builder'),
    store: this.store,
    machineCache: BUILD_CACHE,
  });

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<StepBench> {
    const bench = new StepBench(await mkdtemp(join(tmpdir(), 'gantry-steps-')));
    await sharedBase();
    return bench;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** An image of Debian with these steps. */
  image(...steps: BuildStep[]): Promise<ImageState> {
    return buildAll(this.builder, { steps: [{ type: 'debian' }, ...steps] });
  }

  /** An image with these steps on top. */
  async on(below: ImageState, ...steps: BuildStep[]): Promise<ImageState> {
    return await this.#build([{ type: 'image', id: 'below' }, ...steps], below);
  }

  /** An image with a base of its own. */
  async whole(base: BaseStep, ...steps: BuildStep[]): Promise<ImageState> {
    return await this.#build([base, ...steps]);
  }

  async #build(steps: [BaseStep, ...BuildStep[]], below?: ImageState): Promise<ImageState> {
    let state = below;
    for (const step of planImage({ steps }, { nodeVersion: process.versions.node }).steps) {
      if (step.kind === 'layer') state = await this.builder.build(step.work, { below: state });
      if (step.kind === 'config' && state)
        state = { ...state, config: applyConfig(state.config, step.change) };
    }
    if (!state) throw new Error('the image has no step');
    return state;
  }

  /** What commands print in a container of the image. */
  async output(below: ImageState, ...commands: string[]): Promise<string[]> {
    const work: LayerWork = { type: 'run', commands };
    return (await this.heard(work, { below })).lines;
  }

  /** What a step prints, and what comes out. */
  async heard(
    work: LayerWork,
    options: Omit<BuildStepOptions, 'onLine'>,
  ): Promise<{ lines: string[]; state: ImageState }> {
    const lines: string[] = [];
    const state = await this.builder.build(work, { ...options, onLine: (line) => lines.push(line) });
    return { lines, state };
  }

  /** The files of the uppermost layer, in a folder. */
  async unpackTop(state: ImageState): Promise<string> {
    const root = await mkdtemp(join(this.folder, 'layer-'));
    await this.store.unpack(state.layers.at(-1)?.digest ?? '', root);
    return root;
  }

  /** Files below a folder that hold a text. */
  async filesWith(text: string, folder: string): Promise<string> {
    return await runTool('grep', ['-rl', text, folder]).catch(() => '');
  }

  /** Local files, packed as a build does. */
  async archive(files: Record<string, string>): Promise<FileRef> {
    const source = await mkdtemp(join(this.folder, 'files-'));
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(source, path)), { recursive: true });
      await writeFile(join(source, path), text);
    }
    const packed = `${source}.tar.gz`;
    execFileSync('tar', ['-C', source, '-czf', packed, ...Object.keys(files)]);
    const hash = createHash('sha256').update(await readFile(packed));
    const digest = `sha256-${hash.digest('hex')}`;
    await this.store.put(digest, createReadStream(packed));
    return { path: 'files.tar.gz', digest, sizeBytes: (await stat(packed)).size };
  }
}
