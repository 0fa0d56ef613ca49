import type { PoetryStep } from '@gantry/protocol';

import { STEP_CACHES, STEP_FILES } from './image-steps.ts';
import { quote } from './shell-words.ts';

/** Poetry and what it writes are no part of any layer, also of one that fails half-way. */
const POETRY = `${STEP_CACHES}/poetry`;
const PROJECT = `${STEP_CACHES}/project`;
const SETTINGS = [
  `POETRY_CACHE_DIR=${STEP_CACHES}/poetry-cache`,
  'POETRY_NO_INTERACTION=1',
  'POETRY_VIRTUALENVS_CREATE=false',
  'PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring',
];

/** Prints the groups that are wanted, separated by commas, as Poetry's `install` chooses them. */
const PRINT_GROUPS = `
import platform, sys
from pathlib import Path
from poetry.core.constraints.version import Version
from poetry.factory import Factory

package = Factory().create_poetry(Path(sys.argv[1])).package
python = platform.python_version()
if not package.python_constraint.allows(Version.parse(python)):
    sys.exit(f"the project is for Python {package.python_versions}, and the image has {python}")
there = {"main", *package.dependency_group_names(include_optional=True)}
asked = {"with": [], "without": [], "only": []}
for word in sys.argv[2:]:
    kind, name = word.split("=", 1)
    if name not in there: sys.exit(f"pyproject.toml has no group {name}; it has: {', '.join(sorted(there))}")
    asked[kind].append(name)
chosen = {*(asked["only"] or ["main", *package.dependency_group_names()]), *asked["with"]}
print(",".join(sorted(chosen - {*asked["without"]})))
`;

/**
 * What a project of Poetry depends on, by the image's own pip: Poetry, in an environment of its own that is gone afterwards,
 * only says which packages these are.
 */
export function poetryCommands(step: PoetryStep): string[] {
  const wishes = (['with', 'without', 'only'] as const).flatMap((kind) =>
    (step[kind] ?? []).map((name) => quote(`${kind}=${name}`)),
  );
  const print = [`${POETRY}/bin/python -c ${quote(PRINT_GROUPS)} ${PROJECT}/pyproject.toml`, ...wishes];
  const commands = [
    `export ${SETTINGS.join(' ')}`,
    `python3 -m venv ${POETRY}`,
    `${POETRY}/bin/python -m pip install --quiet poetry poetry-plugin-export`,
    `cp -r ${STEP_FILES} ${PROJECT}`,
    `cd ${PROJECT}`,
    `groups=$(${print.join(' ')})`,
    ...(step.ignoreLockfile ? [`${POETRY}/bin/poetry lock`] : []),
    // pip compares hashes of all packages or of none, and a repository of git has none.
    `if grep -q '^type = "git"' poetry.lock; then hashes=--without-hashes; else hashes=; fi`,
    `${POETRY}/bin/poetry export --with-credentials $hashes --only "$groups" --output requirements.txt`,
    'if [ -s requirements.txt ]; then PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --root-user-action=ignore --no-deps --requirement requirements.txt; fi',
  ];
  return [commands.join(' && ')];
}
