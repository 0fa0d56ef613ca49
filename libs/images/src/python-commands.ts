import { aptCommands } from './apt-commands.ts';
import { quote } from './shell-words.ts';

export const PYTHON_PACKAGES = ['python3', 'python3-pip', 'python3-venv', 'python-is-python3'];

const IS_VERSION = `
import platform, sys
sys.exit(not f"{platform.python_version()}.".startswith(f"{sys.argv[1]}."))
`;

/** Python of a version, for an image of any kind: its own, or that of its distribution, if that is the one. */
export function addPythonCommands(version: string): string[] {
  const isThere = `python3 -c ${quote(IS_VERSION)} ${quote(version)} 2> /dev/null && python3 -m pip --version > /dev/null 2>&1`;
  const noApt = `the image has no Python ${version}, and no apt to install it with: begin with one that has it`;
  const other = `which is not the ${version} that was asked for: ask for this one, or begin with an image that has the other`;
  return [
    [
      `is_there() { ${isThere}; }`,
      `is_there || {`,
      `command -v apt-get > /dev/null || { echo ${quote(noApt)} >&2; exit 1; }`,
      `${aptCommands(PYTHON_PACKAGES).join(' && ')} || exit`,
      `is_there || { echo "the packages of this image have $(python3 --version)," ${quote(other)} >&2; exit 1; }`,
      `}`,
    ].join('\n'),
  ];
}
