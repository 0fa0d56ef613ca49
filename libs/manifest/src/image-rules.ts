import { isGpuConfig, isPrivateRepository } from '@gantry/protocol';

import {
  isBucketMounts,
  isFilledList,
  isSecretRef,
  isStringRecord,
  isVolumeMounts,
} from './manifest-values.ts';

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

interface StepRule {
  needs?: Fields;
  may?: Fields;
}

const isText: Check = (value) => typeof value === 'string' && value !== '';
const isTrue: Check = (value) => value === true;
const isNumber: Check = (value) => typeof value === 'number' && value > 0;
const isList =
  (item: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(item);
const isTexts = isList(isText);
const isRemotePath: Check = (value) => isText(value) && !(value as string).split('/').includes('..');
const isPath: Check = (value) => typeof value === 'string' && /^\/[^\0]*$/.test(value);

const isFile = has({
  needs: {
    path: (value) => typeof value === 'string' && /^[A-Za-z0-9][\w.-]*$/.test(value),
    digest: (value) => typeof value === 'string' && /^sha256-[0-9a-f]{64}$/.test(value),
    sizeBytes: (value) => Number.isInteger(value) && (value as number) >= 0,
  },
});
const isSite = has({
  needs: { file: isText, line: (value) => Number.isInteger(value) && (value as number) >= 1 },
});
const isCredentials = has({
  needs: { kind: (value) => ['static', 'aws', 'gcp'].includes(value as string), secret: isSecretRef },
});
const isPackages: Check = (value) =>
  isFile(value) &&
  has({ needs: { contents: isList(has({ needs: { name: isText, version: isText } })) } })(value);
const isOrigin = has({ needs: { path: isText, name: (value) => typeof value === 'string' } });
const ATTACHED: StepRule = {
  needs: { archive: isFile, remotePath: isRemotePath },
  may: { origins: isList(isOrigin) },
};
const isAttached = has(ATTACHED);

const isStepGpu: Check = (value) => isGpuConfig(value) || isFilledList(value, isGpuConfig);
const isRepositories = has({
  needs: { gitUser: isText, repositories: isList(isPrivateRepository) },
});
const ANY_STEP: Fields = { forceBuild: isTrue, secrets: isList(isSecretRef), gpu: isStepGpu };
const RUNTIMES: Fields = { addNode: isText, addPython: isText };

const BASES: Readonly<Record<string, StepRule>> = {
  debian: { may: { nodeVersion: isText, pythonVersion: isText, forceBuild: isTrue } },
  registry: {
    needs: { reference: isText },
    may: { credentials: isCredentials, setupCommands: isTexts, forceBuild: isTrue, ...RUNTIMES },
  },
  micromamba: {
    may: { pythonVersion: isText, reference: isText, credentials: isCredentials, forceBuild: isTrue },
  },
  dockerfile: { needs: { text: isText }, may: { context: isFile, ...RUNTIMES, ...ANY_STEP } },
  image: { needs: { id: (value) => typeof value === 'string' && /^im-[0-9A-Za-z]{22}$/.test(value) } },
};

const STEPS: Readonly<Record<string, StepRule>> = {
  apt: { needs: { packages: isTexts }, may: ANY_STEP },
  npm: { needs: { packages: isTexts }, may: { registry: isText, extraOptions: isText, ...ANY_STEP } },
  npmCi: { needs: { files: isFile }, may: { extraOptions: isText, ...ANY_STEP } },
  pnpm: { needs: { files: isFile }, may: { extraOptions: isText, ...ANY_STEP } },
  pip: {
    needs: { packages: isTexts },
    may: {
      requirements: isFile,
      optionalDependencies: isTexts,
      privateRepositories: isRepositories,
      findLinks: isText,
      indexUrl: isText,
      extraIndexUrl: isText,
      pre: isTrue,
      extraOptions: isText,
      ...ANY_STEP,
    },
  },
  poetry: {
    needs: { files: isFile },
    may: { ignoreLockfile: isTrue, with: isTexts, without: isTexts, only: isTexts, ...ANY_STEP },
  },
  micromambaInstall: {
    needs: { packages: isTexts },
    may: {
      channels: isTexts,
      specFile: has({ needs: { name: (value) => isText(value) && /^[\w.+-]+$/.test(value as string) } }),
      files: isFile,
      ...ANY_STEP,
    },
  },
  run: { needs: { commands: isTexts }, may: ANY_STEP },
  dockerfileCommands: { needs: { lines: isTexts }, may: { context: isFile, ...ANY_STEP } },
  files: ATTACHED,
  function: {
    needs: {
      name: isText,
      sourceDigest: isText,
      args: (value) => typeof value === 'string',
      timeoutMs: isNumber,
    },
    may: {
      cpu: isNumber,
      memoryMiB: isNumber,
      volumes: isVolumeMounts,
      buckets: isBucketMounts,
      ...ANY_STEP,
    },
  },
  env: { needs: { variables: isStringRecord } },
  workdir: { needs: { path: isPath } },
  entrypoint: { needs: { words: isList((value) => typeof value === 'string') } },
  cmd: { needs: { words: isList((value) => typeof value === 'string') } },
  shell: { needs: { words: isTexts } },
};

// A base, then steps, and for each where it was written.
function isImageSpec(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { steps, sites, files, packages } = value;
  if (!Array.isArray(steps) || !isList(isSite)(sites) || !isList(isAttached)(files ?? [])) return false;
  const [base, ...rest] = steps as unknown[];
  if (!isStep(base, BASES) || !rest.every((step) => isStep(step, STEPS))) return false;
  const count = steps.length + ((files as unknown[] | undefined)?.length ?? 0);
  return (sites as unknown[]).length === count && (packages === undefined || isPackages(packages));
}

/** True for a list of images. */
export function isListOfImages(value: unknown): boolean {
  return isList(isImageSpec)(value);
}

function isStep(value: unknown, rules: Readonly<Record<string, StepRule>>): boolean {
  if (!isRecord(value) || typeof value['type'] !== 'string') return false;
  const rule = Object.hasOwn(rules, value['type']) ? rules[value['type']] : undefined;
  return rule !== undefined && has(rule)(value);
}

function has({ needs = {}, may = {} }: StepRule): Check {
  return (value) =>
    isRecord(value) &&
    Object.entries(needs).every(([key, check]) => check(value[key])) &&
    Object.entries(may).every(([key, check]) => value[key] === undefined || check(value[key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
