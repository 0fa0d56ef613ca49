import type { BuildStep, PipStep } from '@gantry/protocol';

import { STEP_FILES } from './image-steps.ts';

type NpmStep = Extract<BuildStep, { type: 'npm' }>;
type NpmCiStep = Extract<BuildStep, { type: 'npmCi' }>;

/** npm cannot install into the root folder itself. */
const NPM_PREFIX = '/opt/packages';

/** Modules find `/node_modules` from wherever they lie; programs of packages are found by their names. */
const NPM_LINKS = [
  `ln -sfn ${NPM_PREFIX}/node_modules /node_modules`,
  `for path in /node_modules/.bin/*; do name=/usr/local/bin/\${path##*/}; [ ! -e "$path" ] || [ -e "$name" ] || ln -s "$path" "$name"; done`,
];

/** Debian packages; what apt has to know for that is gone afterwards. */
export function aptCommands(packages: readonly string[]): string[] {
  const names = packages.map(quote).join(' ');
  return [
    `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${names} && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin`,
  ];
}

export function npmCommands({ packages, registry, extraOptions }: NpmStep): string[] {
  const words = ['npm install', `--prefix ${NPM_PREFIX}`];
  if (registry !== undefined) words.push(`--registry ${quote(registry)}`);
  if (extraOptions) words.push(extraOptions);
  const install = [...words, '--', ...packages.map(quote)].join(' ');
  return [[`mkdir -p ${NPM_PREFIX}`, install, ...NPM_LINKS].join(' && ')];
}

/** What `npm` steps before it have installed is gone afterwards. */
export function npmCiCommands({ extraOptions }: NpmCiStep): string[] {
  const words = ['npm ci', `--prefix ${NPM_PREFIX}`];
  if (extraOptions) words.push(extraOptions);
  const files = ['package.json', 'package-lock.json'].map((name) => `${STEP_FILES}/${name}`);
  const copy = `mkdir -p ${NPM_PREFIX} && cp ${files.join(' ')} ${NPM_PREFIX}`;
  return [[copy, words.join(' '), ...NPM_LINKS].join(' && ')];
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

/** One word for a POSIX shell. */
export function quote(text: string): string {
  if (/^[\w@%+=:,./^~-]+$/.test(text) && !text.startsWith('~')) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
