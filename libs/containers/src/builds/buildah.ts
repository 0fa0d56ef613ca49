import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readReference } from '@gantry/images';
import { BuildError, type ImageLayer } from '@gantry/protocol';

import type { RegistryCredentials } from './image-builder.ts';
import type { LayerStore } from './layer-store.ts';
import { loopbackRegistries } from './loopback-registries.ts';
import { type LayoutImage, prepareLayout, readLayout, writeLayout } from './oci-layout.ts';
import { runTool, type ToolOptions } from './tool-process.ts';

type RunOptions = Pick<ToolOptions, 'signal' | 'onLine' | 'timeoutMs' | 'cwd' | 'env'>;

/** `folder` is for what is under way. */
type ImageOptions = RunOptions & { folder: string; known?: readonly ImageLayer[] | undefined };

interface StepRunOptions extends RunOptions {
  /** Program in the place of runc. */
  runtime: string;
  /** Path of a network namespace. */
  network: string;
  workdir: string;
}

interface DockerfileParts extends Pick<StepRunOptions, 'runtime' | 'network'> {
  dockerfile: string;
  /** Values of its build arguments. */
  args: Readonly<Record<string, string>>;
  context: string;
  dns: string;
}

/** A container that a step changes. Removed when disposed. */
export interface WorkingContainer extends AsyncDisposable {
  run(words: readonly string[], options: StepRunOptions): Promise<void>;
  /** Unpacks an archive. */
  add(archive: string, remotePath: string, options: RunOptions): Promise<void>;
  /** What was changed becomes a layer. */
  commit(options: ImageOptions): Promise<LayoutImage>;
}

/**
 * The commands of buildah that builds need, on a storage of their own. Layouts are named relative to the working
 * directory, since buildah makes a name of an image of their paths, and refuses those that make none.
 */
export class Buildah {
  readonly #base: readonly string[];
  readonly #runRoot: string;
  readonly #store: LayerStore;
  #hasRun = false;

  constructor({ folder, store }: { folder: string; store: LayerStore }) {
    this.#store = store;
    // Buildah refuses paths of more than 50 characters here.
    this.#runRoot = `/run/gantry/builds-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
    this.#base = ['--root', folder, '--runroot', this.#runRoot, '--storage-driver', 'overlay'];
  }

  /** The name of an image in the storage with exactly these layers. Brings it there if it is not. */
  async imageOf(layers: readonly ImageLayer[], { signal, folder }: ImageOptions): Promise<string> {
    const name = imageName(layers);
    if (await this.#has(name)) return name;
    await writeLayout(join(folder, 'import'), layers, this.#store);
    const id = await this.#run(['pull', '--quiet', 'oci:import:image'], { signal, cwd: folder });
    await this.#run(['tag', id.trim(), name]);
    return name;
  }

  async container(image: string, { dns }: { dns?: string }): Promise<WorkingContainer> {
    const name = `gantry-${randomBytes(6).toString('hex')}`;
    const flags = ['--name', name, '--pull-never', ...(dns === undefined ? [] : ['--dns', dns])];
    await this.#run(['from', ...flags, image]);
    return {
      run: async (words, { runtime, network, workdir, ...rest }) => {
        const isolation = ['--isolation', 'oci', '--runtime', runtime, '--network', `ns:${network}`];
        const where = ['--user', 'root', '--workingdir', workdir];
        await this.#runStep(['run', ...isolation, ...where, name, '--', ...words], rest);
      },
      add: async (archive, remotePath, rest) => {
        await this.#run(['add', '--quiet', '--chown', '0:0', name, archive, remotePath], rest);
      },
      commit: async (options) => {
        const committed = `localhost/gantry-commit:${randomBytes(6).toString('hex')}`;
        await this.#run(['commit', '--quiet', '--omit-history', name, committed], options);
        return await this.#export(committed, options);
      },
      [Symbol.asyncDispose]: async () => {
        await this.#run(['rm', name]);
      },
    };
  }

  /** Removes what a restart of the machine would. */
  async close(): Promise<void> {
    // Without builds it is not there, or that of another user.
    if (this.#hasRun) await rm(this.#runRoot, { recursive: true, force: true });
  }

  /** Removes all images, and the containers of steps that were killed. */
  async empty(): Promise<void> {
    await this.#run(['rm', '--all']);
    await this.#run(['rmi', '--all', '--force']);
  }

  async pull(
    reference: string,
    { credentials, folder, ...rest }: ImageOptions & { credentials?: RegistryCredentials | undefined },
  ): Promise<LayoutImage> {
    const { registry, isLoopback } = readReference(reference);
    const flags = isLoopback ? ['--tls-verify=false'] : [];
    if (credentials) {
      const file = join(folder, 'auth.json');
      const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
      const key = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
      await writeFile(file, JSON.stringify({ auths: { [key]: { auth } } }), { mode: 0o600 });
      flags.push('--authfile', file);
    }
    const id = await this.#run(['pull', '--quiet', ...flags, `docker://${reference}`], rest);
    return await this.#export(id.trim(), { folder, ...rest });
  }

  /** Builds all that a Dockerfile says. */
  async buildDockerfile(parts: DockerfileParts, options: ImageOptions): Promise<LayoutImage> {
    const { folder, known, ...rest } = options;
    const built = `localhost/gantry-commit:${randomBytes(6).toString('hex')}`;
    const isolation = ['--isolation', 'oci', '--runtime', parts.runtime, '--network', `ns:${parts.network}`];
    const flags = ['--dns', parts.dns, '--format', 'oci', '--layers=false', '--pull=false', '--tag', built];
    // Else a line that fails leaves its container, mounted.
    flags.push('--force-rm');
    // What is in the context is there to be copied: it was chosen before it came here.
    flags.push('--ignorefile', '/dev/null');
    for (const [name, value] of Object.entries(parts.args)) flags.push('--build-arg', `${name}=${value}`);
    const env = await loopbackRegistries(await readFile(parts.dockerfile, 'utf8'), { folder });
    const words = ['bud', ...isolation, ...flags, '--file', parts.dockerfile, parts.context];
    await this.#runStep(words, { ...rest, env });
    return await this.#export(built, { folder, known, ...rest });
  }

  /** Writes the layers of an image that are not known yet, and names it after all of them. */
  async #export(image: string, { folder, known = [], signal }: ImageOptions): Promise<LayoutImage> {
    const layout = join(folder, 'export');
    await prepareLayout(layout, known);
    const flags = ['--quiet', '--format', 'oci', '--compression-level', '1'];
    await this.#run(['push', ...flags, image, `oci:${layout}:image`], { signal });
    const exported = await readLayout(layout);
    await this.#run(['tag', image, imageName(exported.layers.map(({ layer }) => layer))]);
    if (image.startsWith('localhost/gantry-commit:')) await this.#run(['rmi', image]);
    return exported;
  }

  async #has(name: string): Promise<boolean> {
    return await this.#run(['inspect', '--type', 'image', '--format', '{{.FromImageID}}', name]).then(
      () => true,
      () => false,
    );
  }

  /** What runs the user's own commands: the lines are theirs, but for what buildah adds at the end. */
  async #runStep(args: readonly string[], options: RunOptions): Promise<void> {
    const onLine = (line: string) => {
      if (!OWN_WORDS.test(line)) options.onLine?.(line);
    };
    try {
      await runTool('buildah', [...this.#base, ...args], { ...options, onLine });
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      const lastLines = linesOf(error).filter((line) => !OWN_WORDS.test(line));
      throw new BuildError(error.message, { hint: error.hint, details: { lastLines } });
    }
  }

  async #run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    this.#hasRun = true;
    try {
      return await runTool('buildah', [...this.#base, ...args], options);
    } catch (error) {
      if (!(error instanceof BuildError) || error.hint !== undefined) throw error;
      const lastLines = linesOf(error);
      throw new BuildError(`buildah ${args[0]} failed: ${lastLines.at(-1) ?? error.message}`, {
        details: { lastLines },
      });
    }
  }
}

/** What it says in the end of a command that failed, after all that the command said. */
const OWN_WORDS = /^(Error: |error )(while )?(running|building).*exit status \d+$/;

function linesOf(error: BuildError): string[] {
  return (error.details?.['lastLines'] as string[] | undefined) ?? [];
}

function imageName(layers: readonly ImageLayer[]): string {
  const hash = createHash('sha256');
  for (const { diffId } of layers) hash.update(`${diffId}\n`);
  return `localhost/gantry-layers:${hash.digest('hex')}`;
}
