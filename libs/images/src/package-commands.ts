import type { BuildStep, PipStep } from '@gantry/protocol';

import { STEP_FILES } from './image-steps.ts';
import { gitCommands, repositoryRequirements } from './private-repositories.ts';
import { quote } from './shell-words.ts';

type NpmStep = Extract<BuildStep, { type: 'npm' }>;
type NpmCiStep = Extract<BuildStep, { type: 'npmCi' }>;
type PnpmStep = Extract<BuildStep, { type: 'pnpm' }>;

/** npm cannot install into the root folder itself. */
const NPM_PREFIX = '/opt/packages';

/** Modules find `/node_modules` from wherever they lie; programs of packages are found by their names. */
const NPM_LINKS = [
  `ln -sfn ${NPM_PREFIX}/node_modules /node_modules`,
  `for path in /node_modules/.bin/*; do name=/usr/local/bin/\${path##*/}; [ ! -e "$path" ] || [ -e "$name" ] || ln -s "$path" "$name"; done`,
];

/** npm and pnpm leave compiled code of their own in `/tmp`. */
const KEEP_CLEAN = 'export NODE_DISABLE_COMPILE_CACHE=1';

export function npmCommands({ packages, registry, extraOptions }: NpmStep): string[] {
  const words = ['npm install', `--prefix ${NPM_PREFIX}`];
  if (registry !== undefined) words.push(`--registry ${quote(registry)}`);
  if (extraOptions) words.push(extraOptions);
  const install = [...words, '--', ...packages.map(quote)].join(' ');
  return [[KEEP_CLEAN, `mkdir -p ${NPM_PREFIX}`, install, ...NPM_LINKS].join(' && ')];
}

/** What `npm` steps before it have installed is gone afterwards. */
export function npmCiCommands({ extraOptions }: NpmCiStep): string[] {
  const words = ['npm ci', `--prefix ${NPM_PREFIX}`];
  if (extraOptions) words.push(extraOptions);
  const files = ['package.json', 'package-lock.json'].map((name) => `${STEP_FILES}/${name}`);
  const copy = `mkdir -p ${NPM_PREFIX} && cp ${files.join(' ')} ${NPM_PREFIX}`;
  return [[KEEP_CLEAN, copy, words.join(' '), ...NPM_LINKS].join(' && ')];
}

const PNPM_CACHE = '/tmp/gantry-pnpm';

/** By version of the lock file, the newest pnpm that writes such ones: https://github.com/pnpm/spec/tree/master/lockfile */
const PNPM_OF_LOCK = { '5': '7', '6': '8', '9': '10' };

/** Prints the pnpm that a project names, or that its lock file is of. */
const PRINT_PNPM = `
const { readFileSync } = require('node:fs');
const [folder] = process.argv.slice(1);
const { packageManager = '' } = JSON.parse(readFileSync(folder + '/package.json', 'utf8'));
const lock = /^lockfileVersion: *'?(\\d+)/m.exec(readFileSync(folder + '/pnpm-lock.yaml', 'utf8'))?.[1];
const version = /^pnpm@([\\w.-]+)/.exec(packageManager)?.[1] ?? ${JSON.stringify(PNPM_OF_LOCK)}[lock];
if (!version) throw new Error('pnpm-lock.yaml is of version ' + lock + ': say in package.json with which pnpm, as "packageManager": "pnpm@…"');
console.log(version);
`;

/** As {@link npmCiCommands}, by the pnpm of the project, which is gone afterwards. */
export function pnpmCommands({ extraOptions }: PnpmStep): string[] {
  const folder = `--dir ${NPM_PREFIX} --store-dir ${PNPM_CACHE}/store --package-import-method copy`;
  const words = [`pnpm install --prod --frozen-lockfile ${folder}`];
  if (extraOptions) words.push(extraOptions);
  const files = ['package.json', 'pnpm-lock.yaml'].map((name) => `${STEP_FILES}/${name}`);
  return [
    [
      KEEP_CLEAN,
      `version=$(node -e ${quote(PRINT_PNPM)} ${STEP_FILES})`,
      `rm -rf ${NPM_PREFIX} && mkdir -p ${NPM_PREFIX} && cp ${files.join(' ')} ${NPM_PREFIX}`,
      `npm install --silent --prefix ${PNPM_CACHE} "pnpm@$version"`,
      `PATH=${PNPM_CACHE}/node_modules/.bin:$PATH CI=true ${words.join(' ')}`,
      `rm -rf ${PNPM_CACHE}`,
      ...NPM_LINKS,
    ].join(' && '),
  ];
}

/** A Debian whose Python belongs to apt takes packages of others only if told so; images have no other use for it. */
export function pipCommands(step: PipStep): string[] {
  const words = ['PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install', '--root-user-action=ignore'];
  if (step.findLinks !== undefined) words.push(`--find-links ${quote(step.findLinks)}`);
  if (step.indexUrl !== undefined) words.push(`--index-url ${quote(step.indexUrl)}`);
  if (step.extraIndexUrl !== undefined) words.push(`--extra-index-url ${quote(step.extraIndexUrl)}`);
  if (step.pre) words.push('--pre');
  if (step.extraOptions) words.push(step.extraOptions);
  if (step.optionalDependencies) return [ofProject(words, step.optionalDependencies)];
  if (step.requirements) words.push(`--requirement ${STEP_FILES}/requirements.txt`);
  if (step.privateRepositories) {
    const install = [...words, ...repositoryRequirements(step.privateRepositories)].join(' ');
    return [[...gitCommands(step.privateRepositories), install].join(' && ')];
  }
  return [[...words, ...step.packages.map(quote)].join(' ')];
}

const PROJECT_REQUIREMENTS = '/tmp/gantry-requirements.txt';

/** Prints what the project of a file depends on, and what it names for special uses. */
const PRINT_PROJECT = `
import sys, tomllib
with open(sys.argv[1], "rb") as file: project = tomllib.load(file).get("project", {})
optional = project.get("optional-dependencies", {})
for name in sys.argv[2:]:
    if name not in optional: sys.exit(f"pyproject.toml has no optional dependencies {name}; it has: {list(optional)}")
print(*project.get("dependencies", []), *(each for name in sys.argv[2:] for each in optional[name]), sep="\\n")
`;

function ofProject(install: readonly string[], optional: readonly string[]): string {
  const print = ['python3 -c', quote(PRINT_PROJECT), `${STEP_FILES}/pyproject.toml`, ...optional.map(quote)];
  const installed = [...install, `--requirement ${PROJECT_REQUIREMENTS}`];
  return `${print.join(' ')} > ${PROJECT_REQUIREMENTS} && ${installed.join(' ')} && rm ${PROJECT_REQUIREMENTS}`;
}
