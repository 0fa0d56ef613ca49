/** Repositories of git that are shown a token, which a secret of the step has. */
export interface PrivateRepositories {
  gitUser: string;
  /** `host/owner/name[@ref][#subdirectory=path]` */
  repositories: string[];
}

/** By host, the variable that its token is in. */
export const REPOSITORY_TOKENS = { 'github.com': 'GITHUB_TOKEN', 'gitlab.com': 'GITLAB_TOKEN' } as const;

const REPOSITORY =
  /^(?<host>[\w.-]+)\/(?<path>[\w.-]+(?:\/[\w.-]+)+)(?:@[\w][\w./-]*)?(?:#subdirectory=[\w.][\w./-]*)?$/;

/** True for what {@link PrivateRepositories} can name. */
export function isPrivateRepository(text: unknown): text is string {
  const { host = '', path = '' } = (typeof text === 'string' && REPOSITORY.exec(text)?.groups) || {};
  if (!Object.hasOwn(REPOSITORY_TOKENS, host) || path.split('/').some((part) => /^\.+$/.test(part)))
    return false;
  return host !== 'github.com' || path.split('/').length === 2;
}
