import { createHash } from 'node:crypto';
import { enableCompileCache } from 'node:module';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { performance } from 'node:perf_hooks';

import {
  MANIFEST_SCHEMA_VERSION,
  type FileRef,
  type ImageSpec,
  type Manifest,
  type PackagesRef,
} from '@gantry/protocol';

import type { Analysis, Analyzer } from './analysis.ts';
import { selectApp } from './app-selection.ts';
import type { Builder, BuildOptions, BuildResult } from './builder.ts';
import type { Bundle } from './bundle.ts';
import { withCodeFrames } from './code-frame.ts';
import type { Evaluated, EvaluatedApp } from './evaluated-app.ts';
import { Evaluator } from './evaluation.ts';
import { packUsedImages } from './images/app-images.ts';
import { ImagePackages } from './images/image-packages.ts';
import { ImagePacker } from './images/image-packer.ts';
import { InstalledPackages } from './installed-packages.ts';
import { assertLocked } from './lock-file.ts';
import { composeUnits } from './manifest-composition.ts';
import { toBuildError } from './mistake.ts';
import { describeFile, uniqueByName, writePackageArchive } from './package-archive.ts';
import { placePackages } from './package-closure.ts';
import { PlatformModules } from './platform-modules.ts';
import { displayPath, openProject, type Project } from './project.ts';
import type { SourceFiles } from './source-files.ts';

// Rolldown and the TypeScript compiler are imported when a build starts: programs that only read manifests do
// without them.

/** What one build keeps for the next. */
interface BuilderState {
  project: Project;
  sources: SourceFiles;
  analyzer: Analyzer;
  /** Folders of the packages that the last bundle left out. */
  external: string[];
}

type Timings = BuildResult['timings'];

const NO_TIME: Timings = { totalMs: 0, bundleMs: 0, analyseMs: 0, evaluateMs: 0, packagesMs: 0 };

/** Builds one app, again and again. */
export class AppBuilder implements Builder {
  readonly #options: BuildOptions;
  readonly #watchFiles = new Set<string>();
  #watchFolders = new Set<string>();
  #state: BuilderState | undefined;

  constructor(options: BuildOptions) {
    this.#options = options;
    // The compiler is nine megabytes of JavaScript; its compiled form loads three times as fast.
    enableCompileCache();
  }

  get watchFiles(): string[] {
    return [...this.#watchFiles].sort();
  }

  get watchFolders(): string[] {
    return [...this.#watchFolders].sort();
  }

  async build(): Promise<BuildResult> {
    const project = this.#state?.project ?? openProject(this.#options);
    try {
      return await this.#build(project);
    } catch (error) {
      throw withCodeFrames(error, project);
    }
  }

  async #build(project: Project): Promise<BuildResult> {
    const started = performance.now();
    this.#watchFiles.add(project.entry);
    await using evaluator = new Evaluator(project);
    const [state, { bundleApp }] = await Promise.all([this.#open(project), import('./bundle.ts')]);
    const packages = new InstalledPackages();
    const platform = new PlatformModules(packages, project.entry);
    const read = new Set<string>();
    const imageFiles = new Set<string>();
    const folders = new Set<string>();
    const onUserFile = (path: string): void => void read.add(path);
    const timings = { ...NO_TIME };
    try {
      const external = state.external.flatMap((root) => packages.owning(join(root, 'package.json')) ?? []);
      const context = { project, packages, platform, sources: state.sources, onUserFile, external };
      const bundle = await timed(timings, 'bundleMs', () => bundleApp(context));
      state.external = bundle.external.map(({ root }) => root);
      const evaluating = timed(timings, 'evaluateMs', () => evaluator.evaluate(bundle));
      const archiving = timed(timings, 'packagesMs', () => this.#archive(bundle, packages, project));
      // While both wait for others, the compiler has this thread for itself.
      const analysing = timed(timings, 'analyseMs', async () => {
        const analysis = state.analyzer.analyze(bundle.userFiles, packages);
        for (const file of analysis.files) read.add(file);
        return analysis;
      });
      const { analysis, evaluated, packed } = await this.#join({
        analysing,
        evaluating,
        archiving,
        evaluator,
      });
      await using packer = new ImagePacker({
        project,
        outDir: this.#outDir,
        askIgnored: (rule, paths) => evaluator.ignored(rule, paths),
        ...this.#noticed({ read, imageFiles, folders }),
        functionSources: analysis.facts.functionSources,
        validation: this.#options.buildValidation ?? 'error',
        npm: new ImagePackages({ project, packages, external: bundle.external }),
      });
      const chosen = selectApp(evaluated.apps, displayPath(project, project.entry), this.#options.app);
      const { app, images } = await packUsedImages(chosen, evaluated.images, packer);
      const sdkVersion = platform.sdk?.version ?? '0.0.0';
      const parts = { project, bundle, analysis, app, images, packed, sdkVersion };
      const result = await this.#write(parts, packer);
      this.#watchFolders = folders;
      timings.totalMs = performance.now() - started;
      const files = { watchFiles: [...read].sort(), imageFiles: [...imageFiles].sort() };
      return { ...result, ...files, warnings: packer.warnings, timings };
    } finally {
      await rm(this.#nextArchive, { force: true });
      if (read.size > 0) this.#watchFiles.clear();
      for (const file of read) this.#watchFiles.add(file);
      if (folders.size > 0) this.#watchFolders = folders;
    }
  }

  async #join(work: BuildWork): Promise<Pick<BuildParts, 'analysis' | 'packed'> & { evaluated: Evaluated }> {
    const { analysing, evaluating, archiving, evaluator } = work;
    try {
      // What the compiler saw is more precise than what the same mistake throws at run time, and it is complete.
      evaluating.catch(() => undefined);
      archiving.catch(() => undefined);
      const analysis = await analysing;
      if (analysis.mistakes.length > 0) throw toBuildError(analysis.mistakes);
      const evaluated = await evaluating;
      return { analysis, evaluated, packed: await archiving };
    } catch (error) {
      await evaluator[Symbol.asyncDispose]();
      await Promise.allSettled([evaluating, archiving]);
      throw error;
    }
  }

  async #open(project: Project): Promise<BuilderState> {
    if (this.#state) return this.#state;
    const [{ SourceFiles }, { Analyzer }] = await Promise.all([
      import('./source-files.ts'),
      import('./analysis.ts'),
    ]);
    const sources = new SourceFiles(project);
    this.#state = { project, sources, analyzer: new Analyzer(project, sources), external: [] };
    return this.#state;
  }

  /** Keeps what images take along: to be listed, and to be watched. */
  #noticed({ read, imageFiles, folders }: Record<'read' | 'imageFiles' | 'folders', Set<string>>): {
    onFile(path: string): void;
    onFolder(path: string): void;
  } {
    return {
      onFile: (path) => {
        imageFiles.add(path);
        if (!this.#isOutput(path)) read.add(path);
      },
      onFolder: (path) => {
        if (!this.#isOutput(path)) folders.add(path);
      },
    };
  }

  // A build that watched what builds write would never end.
  #isOutput(path: string): boolean {
    return `${path}${sep}`.startsWith(this.#outDir + sep) || path.includes(`${sep}node_modules${sep}.`);
  }

  get #outDir(): string {
    return resolve(this.#options.projectRoot ?? '.', this.#options.outDir);
  }

  // Takes its name only when the build has succeeded: a failed one leaves what the last one wrote.
  get #nextArchive(): string {
    return join(this.#outDir, `.packages-${process.pid}.tar.gz`);
  }

  async #archive(
    bundle: Bundle,
    packages: InstalledPackages,
    project: Project,
  ): Promise<PackagesRef | undefined> {
    if (bundle.external.length === 0) return undefined;
    const placed = placePackages(bundle.external, packages);
    assertLocked(placed);
    await mkdir(this.#outDir, { recursive: true });
    await writePackageArchive(placed, { file: this.#nextArchive, projectRoot: project.root });
    const contents = placed.map(({ name, version }) => ({ name, version }));
    return {
      path: 'packages.tar.gz',
      ...(await describeFile(this.#nextArchive)),
      contents: uniqueByName(contents),
    };
  }

  async #write(
    parts: BuildParts,
    packer: ImagePacker,
  ): Promise<Pick<BuildResult, 'manifest' | 'exportNames' | 'outDir' | 'files'>> {
    const outDir = this.#outDir;
    const { manifest, exportNames } = composeManifest(parts);
    const files = { bundle: join(outDir, 'bundle.mjs'), sourceMap: join(outDir, 'bundle.mjs.map') };
    const archive = join(outDir, 'packages.tar.gz');
    await mkdir(outDir, { recursive: true });
    await packer.commit();
    await (parts.packed ? rename(this.#nextArchive, archive) : rm(archive, { force: true }));
    await Promise.all([
      writeFile(files.bundle, parts.bundle.code),
      writeFile(files.sourceMap, parts.bundle.map),
    ]);
    await writeFile(join(outDir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const packages = parts.packed ? { packages: archive } : {};
    return { manifest, exportNames, outDir, files: { ...files, ...packages } };
  }
}

interface BuildWork {
  analysing: Promise<Analysis>;
  evaluating: Promise<Evaluated>;
  archiving: Promise<PackagesRef | undefined>;
  evaluator: Evaluator;
}

interface BuildParts {
  project: Project;
  bundle: Bundle;
  analysis: Analysis;
  app: EvaluatedApp;
  images: ImageSpec[];
  packed: PackagesRef | undefined;
  sdkVersion: string;
}

function composeManifest({
  project,
  bundle,
  analysis,
  app,
  images,
  packed,
  sdkVersion,
}: BuildParts): Pick<BuildResult, 'manifest' | 'exportNames'> {
  const entry = displayPath(project, project.entry);
  const description = app.description ?? (app.name === undefined ? basename(entry) : undefined);
  const manifest: Manifest = {
    schemaVersion: MANIFEST_SCHEMA_VERSION,
    sdkVersion,
    ...(app.name === undefined ? {} : { appName: app.name }),
    ...(description === undefined ? {} : { description }),
    bundle: fileRef('bundle.mjs', bundle.code),
    sourceMap: fileRef('bundle.mjs.map', bundle.map),
    ...(packed ? { packages: packed } : {}),
    ...(images.length > 0 ? { images } : {}),
    ...composeUnits(app, analysis.facts, entry),
  };
  return { manifest, exportNames: app.exportNames };
}

function fileRef(path: string, text: string): FileRef {
  const bytes = Buffer.from(text);
  return {
    path,
    digest: `sha256-${createHash('sha256').update(bytes).digest('hex')}`,
    sizeBytes: bytes.length,
  };
}

async function timed<T>(timings: Timings, name: keyof Timings, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  try {
    return await work();
  } finally {
    timings[name] = performance.now() - started;
  }
}
