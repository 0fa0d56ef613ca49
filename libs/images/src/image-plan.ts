import {
  type BaseStep,
  type BuildStep,
  type FileRef,
  type ImageSpec,
  InvalidError,
  type MicromambaStep,
  type PipStep,
  type SecretRef,
  type StepOptions,
} from '@gantry/protocol';

import { BUILDER_RELEASES, type DebianSuite } from './builder-releases.ts';
import { canonical } from './cache-key.ts';
import {
  type ConfigChange,
  type ConfigStep,
  type ImagePlan,
  type LayerStep,
  type LayerWork,
  type PlannedStep,
  STEP_TIMEOUT_MS,
} from './image-steps.ts';
import { addPythonCommands, PYTHON_PACKAGES } from './python-commands.ts';
import { tokensOf } from './private-repositories.ts';
import { MICROMAMBA_ENV, MICROMAMBA_IMAGE, micromambaCommands } from './micromamba-commands.ts';
import { readReference } from './image-reference.ts';
import { poetryCommands } from './poetry-commands.ts';
import { aptCommands } from './apt-commands.ts';
import { npmCiCommands, npmCommands, pipCommands, pnpmCommands } from './package-commands.ts';

export interface PlanOptions {
  /** Version of Node for images that do not say theirs, such as `24.1.0`. */
  nodeVersion: string;
  /** The release of Debian that bases are made of. @defaultValue 'bookworm' */
  debianSuite?: DebianSuite | undefined;
  /** Nothing is taken from earlier builds. */
  forceBuild?: boolean | undefined;
}

/** What of a definition decides about the image. */
export type PlannedSpec = Pick<ImageSpec, 'steps'>;

/** In every Debian base: TLS, and what Node is linked against. */
const DEBIAN_PACKAGES = ['ca-certificates', 'libstdc++6'];
const NO_MICROMAMBA =
  'Image.micromamba() begins with this image of Docker Hub. Where that cannot be reached, copy it to a registry that can be, and name it: Image.micromamba({ image: "registry.example.org/micromamba:2" }).';

/**
 * Resolves an image definition into the steps that make it.
 *
 * @throws InvalidError for what cannot be built, whatever the machine.
 */
export function planImage({ steps: written }: PlannedSpec, options: PlanOptions): ImagePlan {
  const [base, ...rest] = written;
  const usesPip = rest.some(({ type }) => type === 'pip' || type === 'poetry');
  const steps = [
    ...planBase(base, usesPip, options),
    ...rest.map((step, at) => ({ ...planStep(step), written: at + 1 })),
  ];
  const first = options.forceBuild ? 0 : steps.findIndex((step) => step.kind === 'layer' && step.forceBuild);
  return { steps: steps.map((step, at) => (first !== -1 && at >= first ? forced(step) : step)) };
}

function planBase(base: BaseStep, usesPip: boolean, options: PlanOptions): PlannedStep[] {
  switch (base.type) {
    case 'debian':
      return planDebian(base, usesPip, options);
    case 'registry': {
      const { reference, credentials, setupCommands = [], addNode, addPython } = base;
      const pull: LayerWork = { type: 'pull', reference: readReference(reference).full, credentials };
      const setup: LayerWork = { type: 'dockerfile', text: setupCommands.join('\n'), isWhole: false };
      return [
        layer(`pull ${reference}`, pull, base),
        ...(setupCommands.length > 0 ? [layer('set up the base', setup, base)] : []),
        ...additions({ addNode, addPython }),
      ];
    }
    case 'micromamba':
      return planMicromamba(base, usesPip, options);
    case 'image':
      return [{ kind: 'kept', title: base.id, written: 0, id: base.id }];
    case 'dockerfile': {
      const { text, context, addNode, addPython } = base;
      const work: LayerWork = { type: 'dockerfile', text, context, isWhole: true };
      return [layer('build the Dockerfile', work, base), ...additions({ addNode, addPython })];
    }
  }
}

function planDebian(
  base: Extract<BaseStep, { type: 'debian' }>,
  usesPip: boolean,
  options: PlanOptions,
): PlannedStep[] {
  const hasPython = base.pythonVersion !== undefined || usesPip;
  const node = base.nodeVersion ?? options.nodeVersion;
  const suite = options.debianSuite ?? 'bookworm';
  const work: LayerWork = { type: 'debian', suite, packages: DEBIAN_PACKAGES };
  return [
    layer('Debian', work, base),
    layer(`Node ${node}`, { type: 'node', version: node }, base),
    ...(base.nodeVersion === undefined ? [] : [saysNode(node)]),
    ...(hasPython ? [python(base.pythonVersion, options)] : []),
  ];
}

function planMicromamba(base: MicromambaStep, usesPip: boolean, { nodeVersion }: PlanOptions): PlannedStep[] {
  const { reference = MICROMAMBA_IMAGE, credentials, pythonVersion } = base;
  const pull: LayerWork = { type: 'pull', reference: readReference(reference).full, credentials };
  const packages = [pythonVersion === undefined ? 'python' : `python=${pythonVersion}`, 'pip'];
  const python = run(micromambaCommands({ type: 'micromambaInstall', packages }));
  return [
    {
      ...layer(`pull ${reference}`, pull, base),
      hint: base.reference === undefined ? NO_MICROMAMBA : undefined,
    },
    config({ type: 'env', variables: MICROMAMBA_ENV }),
    // Whatever its makers chose; images begin in the same folder, whatever they are made of.
    config({ type: 'workdir', path: '/root' }),
    layer(`Node ${nodeVersion}`, { type: 'node', version: nodeVersion }, {}),
    ...(pythonVersion !== undefined || usesPip
      ? [layer(`Python ${pythonVersion ?? ''}`.trim(), python, {})]
      : []),
  ];
}

function config(change: ConfigChange): ConfigStep {
  return { kind: 'config', written: 0, title: change.type, change };
}

function additions({
  addNode,
  addPython,
}: {
  addNode?: string | undefined;
  addPython?: string | undefined;
}): PlannedStep[] {
  return [
    ...(addNode === undefined
      ? []
      : [layer(`Node ${addNode}`, { type: 'node', version: addNode }, {}), saysNode(addNode)]),
    ...(addPython === undefined ? [] : [layer(`Python ${addPython}`, run(addPythonCommands(addPython)), {})]),
  ];
}

/** As official images of Node do. Functions run in the Node that an image says it has. */
function saysNode(version: string): ConfigStep {
  const change = { type: 'env', variables: { NODE_VERSION: version } } as const;
  return { kind: 'config', written: 0, title: 'env NODE_VERSION', change };
}

function python(version: string | undefined, { debianSuite = 'bookworm' }: PlanOptions): LayerStep {
  const own = pythonOf(debianSuite);
  if (version !== undefined && !`${own}.`.startsWith(`${version}.`)) {
    throw new InvalidError(`images of Debian ${debianSuite} have Python ${own}, not ${version}`, {
      hint: `Ask for ${own}, or begin with Image.fromRegistry('python:${version}-slim').`,
    });
  }
  return layer(`Python ${own}`, { type: 'run', commands: aptCommands(PYTHON_PACKAGES) }, {});
}

function pythonOf(suite: DebianSuite): string {
  return BUILDER_RELEASES.find((release) => release.suite === suite)?.python ?? '';
}

type PackageStep = Extract<
  BuildStep,
  { type: 'apt' | 'npm' | 'npmCi' | 'pnpm' | 'pip' | 'poetry' | 'micromambaInstall' }
>;

/** Has a package manager install something. */
function planPackages(step: PackageStep): LayerStep {
  switch (step.type) {
    case 'apt':
      return layer(`apt install ${names(step.packages)}`, run(aptCommands(step.packages)), step);
    case 'npm':
      return layer(`npm install ${names(step.packages)}`, run(npmCommands(step)), step);
    case 'npmCi':
      return layer('npm ci', run(npmCiCommands(step), step.files), step);
    case 'pnpm':
      return layer('pnpm install', run(pnpmCommands(step), step.files), step);
    case 'pip': {
      const planned = layer(`pip install ${pipNames(step)}`, run(pipCommands(step), step.requirements), step);
      return step.privateRepositories ? { ...planned, tokens: tokensOf(step.privateRepositories) } : planned;
    }
    case 'poetry':
      return layer('poetry install', run(poetryCommands(step), step.files), step);
    case 'micromambaInstall': {
      const what = step.packages.length > 0 ? names(step.packages) : (step.specFile?.name ?? '');
      return layer(`micromamba install ${what}`, run(micromambaCommands(step), step.files), step);
    }
  }
}

function planStep(step: BuildStep): PlannedStep {
  switch (step.type) {
    case 'run':
      return layer(`run ${shortened(step.commands.join(' && '))}`, run(step.commands), step);
    case 'dockerfileCommands': {
      const text = step.lines.join('\n');
      return layer(
        shortened(text),
        { type: 'dockerfile', text, context: step.context, isWhole: false },
        step,
      );
    }
    case 'files':
      return layer(`copy files to ${step.remotePath}`, { type: 'copy', ...pick(step) }, {});
    case 'function':
      return { ...layer(`run ${step.name}()`, { type: 'function', step }, step), timeoutMs: step.timeoutMs };
    case 'env':
    case 'workdir':
    case 'entrypoint':
    case 'cmd':
    case 'shell':
      return configStep(step);
    default:
      return planPackages(step);
  }
}

function configStep(
  change: Extract<BuildStep, { type: 'env' | 'workdir' | 'entrypoint' | 'cmd' | 'shell' }>,
): ConfigStep {
  const shown =
    change.type === 'env'
      ? Object.keys(change.variables).join(' ')
      : change.type === 'workdir'
        ? change.path
        : change.words.join(' ');
  return { kind: 'config', written: 0, title: shortened(`${change.type} ${shown}`), change };
}

function run(commands: string[], files?: FileRef): LayerWork {
  return { type: 'run', commands, files };
}

function pick({ archive, remotePath }: { archive: FileRef; remotePath: string }) {
  return { archive, remotePath };
}

function layer(title: string, work: LayerWork, options: StepOptions): LayerStep {
  const { forceBuild = false, secrets = [], gpu } = options;
  const usesSecrets = work.type !== 'debian' && work.type !== 'node' && work.type !== 'pull';
  const own = usesSecrets ? secrets : [];
  const definition = canonical([identity(work), own.map(identityOfSecret), gpu]);
  return {
    kind: 'layer',
    title,
    written: 0,
    work,
    definition,
    forceBuild,
    secrets: own,
    gpu,
    timeoutMs: STEP_TIMEOUT_MS,
  };
}

/** What of a step decides about its result: of files their content, not where the build has put them. */
function identity(work: LayerWork): unknown {
  if (work.type === 'function') {
    const { name, sourceDigest, args, cpu, memoryMiB, volumes, buckets } = work.step;
    // Which volumes these are, whoever builds finds out.
    const places = volumes?.map(({ path, subPath, readOnly }) => ({ path, subPath, readOnly }));
    const stores = buckets?.map(({ secret: _, ...bucket }) => bucket);
    return {
      type: 'function',
      ...{ name, sourceDigest, args, cpu, memoryMiB },
      ...{ volumes: places, buckets: stores },
    };
  }
  // Of credentials their values do not count, as with any secret.
  const shown = work.type === 'pull' ? { type: work.type, reference: work.reference } : work;
  return Object.fromEntries(
    Object.entries(shown).map(([name, value]: [string, unknown]) => [
      name,
      isFile(value) ? value.digest : value,
    ]),
  );
}

function isFile(value: unknown): value is FileRef {
  return typeof value === 'object' && value !== null && 'digest' in value;
}

/** Values are no part of a definition, nor is the place of one made by code among the others of its app. */
function identityOfSecret(secret: SecretRef): unknown {
  return secret.type === 'named' ? { name: secret.name, environment: secret.environment } : 'inline';
}

function forced(step: PlannedStep): PlannedStep {
  return step.kind === 'layer' ? { ...step, forceBuild: true } : step;
}

const LONGEST_TITLE = 70;

function names(packages: readonly string[]): string {
  return shortened(packages.join(' '));
}

function pipNames({ packages, optionalDependencies, privateRepositories }: PipStep): string {
  if (privateRepositories) return names(privateRepositories.repositories);
  return names(packages) || (optionalDependencies ? 'the project' : 'requirements');
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= LONGEST_TITLE ? line : `${line.slice(0, LONGEST_TITLE - 1)}…`;
}
