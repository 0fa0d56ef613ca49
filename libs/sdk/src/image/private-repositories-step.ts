import { InvalidError, isPrivateRepository, REPOSITORY_TOKENS } from '@gantry/protocol';

import type { StepFields } from './draft-steps.ts';
import type { PrivateReposOptions } from './image-options.ts';
import { pipStep } from './pip-steps.ts';

/** A pip step that installs what repositories of git hold, and shows these a token. */
export function privateRepositoriesStep(
  subject: string,
  repositories: string[],
  options: Partial<PrivateReposOptions>,
): StepFields {
  for (const repository of repositories) checkRepository(subject, repository);
  const { gitUser, secrets } = options;
  if (typeof gitUser !== 'string' || !/^[\w.@+-]+$/.test(gitUser)) {
    throw new InvalidError(`${subject} needs gitUser, the user whose token it is, not ${String(gitUser)}`, {
      hint: "Write it behind the repositories: { gitUser: 'octocat', secrets: [...] }.",
    });
  }
  if (!Array.isArray(secrets) || secrets.length === 0) {
    const tokens = Object.entries(REPOSITORY_TOKENS).map(([host, token]) => `${token} for ${host}`);
    throw new InvalidError(`${subject} needs secrets with the token: ${tokens.join(', ')}`, {
      hint: 'Make one with "gantry secret create github GITHUB_TOKEN=...", and write secrets: [Secret.fromName(\'github\')].',
    });
  }
  const step = pipStep(subject, [], options);
  return { ...step, type: 'pip', packages: [], privateRepositories: { gitUser, repositories } };
}

function checkRepository(subject: string, repository: string): void {
  if (isPrivateRepository(repository)) return;
  throw new InvalidError(`${subject}: "${repository}" is no repository that it can install`, {
    hint: 'Write github.com/owner/name or gitlab.com/group/name, without https:// in front, and behind it, if need be, @ and a branch, tag or commit, and #subdirectory=path. Other hosts can be reached with runCommands.',
  });
}
