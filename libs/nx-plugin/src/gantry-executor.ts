import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundError } from '@gantry/protocol';
import type { ExecutorContext } from '@nx/devkit';
import { gantryArguments, type GantryExecutorOptions } from './gantry-arguments.ts';

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
  const child = spawn(program, gantryArguments(options), { cwd, stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { success: code === 0 };
}
