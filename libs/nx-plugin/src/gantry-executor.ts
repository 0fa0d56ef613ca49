import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotFoundError } from '@gantry/protocol';
import type { ExecutorContext } from '@nx/devkit';
import { gantryArguments, type GantryExecutorOptions } from './gantry-arguments.ts';
import { unseenFiles } from './unseen-files.ts';

const SHOWN_FILES = 10;

/**
 * Runs `gantry` in the project's folder until it ends.
 *
 * @throws NotFoundError when the workspace has no `gantry` command.
 */
export async function gantryExecutor(
  options: GantryExecutorOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  const project = context.projectsConfigurations.projects[context.projectName ?? ''];
  const cwd = join(context.root, project?.root ?? '');
  const program = join(context.root, 'node_modules', '.bin', 'gantry');
  if (!existsSync(program)) {
    throw new NotFoundError(`the command "gantry" is not installed in "${context.root}"`, {
      hint: 'Install the packages of the workspace, for example with `npm install`.',
    });
  }
  const run = (args: string[]) => runProgram(program, args, cwd);
  if (options.command !== 'build') return { success: await run(gantryArguments(options)) };
  const folder = await mkdtemp(join(tmpdir(), 'gantry-nx-'));
  try {
    const list = join(folder, 'image-files');
    if (!(await run([...gantryArguments(options), '--image-files', list]))) return { success: false };
    return { success: isSeen((await readFile(list, 'utf8')).split('\n').filter(Boolean), context) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runProgram(program: string, args: string[], cwd: string): Promise<boolean> {
  const child = spawn(program, args, { cwd, stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return code === 0;
}

/** False, with a word about it, if a change of one of these files would go unnoticed. */
function isSeen(files: readonly string[], context: ExecutorContext): boolean {
  const name = context.projectName ?? '';
  const { projects } = context.projectsConfigurations;
  const folders = [...withDependencies(name, context)].flatMap((each) => projects[each]?.root ?? []);
  const inputs = projects[name]?.targets?.[context.targetName ?? '']?.inputs ?? [];
  const unseen = unseenFiles(files, { root: context.root, folders, inputs });
  if (unseen.length === 0) return true;
  const shown = unseen.slice(0, SHOWN_FILES).map((path) => `  ${path}\n`);
  const more = unseen.length > SHOWN_FILES ? `  and ${unseen.length - SHOWN_FILES} more\n` : '';
  process.stderr.write(
    `Images of "${name}" take along files that are no inputs of its cached build:\n${shown.join('')}${more}` +
      'Add them to "buildInputs" in the options of @gantry/nx, such as "{workspaceRoot}/data/**/*"; files that git ' +
      'ignores cannot be inputs.\n',
  );
  return false;
}

function withDependencies(name: string, { projectGraph }: ExecutorContext): Set<string> {
  const found = new Set<string>();
  const queue = [name];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    for (const { target } of projectGraph.dependencies[next] ?? []) queue.push(target);
  }
  return found;
}
