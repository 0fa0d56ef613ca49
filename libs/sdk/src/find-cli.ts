import { dirname, existsSync, join, realpathSync } from './node-modules.ts';

const COMMAND = join('node_modules', '.bin', 'gantry');
const SDK = join('node_modules', 'gantry');

/**
 * Finds the `gantry` command that is installed beside a program: above its files, or above the SDK it links.
 * Undefined if there is none, and then the one in PATH may do.
 */
export function findCli(files: readonly string[]): string | undefined {
  for (const file of files) {
    for (const folder of foldersAbove(file)) {
      const command = join(folder, COMMAND);
      if (existsSync(command)) return command;
      const sdk = join(folder, SDK);
      if (!existsSync(sdk)) continue;
      const linked = foldersAbove(realpathSync(sdk)).map((above) => join(above, COMMAND));
      const found = linked.find((path) => existsSync(path));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function foldersAbove(file: string): string[] {
  const folders: string[] = [];
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    folders.push(folder);
    if (dirname(folder) === folder) return folders;
  }
}
