import { type PrivateRepositories, REPOSITORY_TOKENS } from '@gantry/protocol';

import { aptCommands } from './apt-commands.ts';
import { quote } from './shell-words.ts';

/** The variable with the token of each host that these repositories are on. */
export function tokensOf({ repositories }: PrivateRepositories): string[] {
  return Object.entries(REPOSITORY_TOKENS).flatMap(([host, token]) =>
    repositories.some((repository) => repository.startsWith(`${host}/`)) ? [token] : [],
  );
}

/** What pip calls these repositories. */
export function repositoryRequirements({ repositories }: PrivateRepositories): string[] {
  return repositories.map((repository) => quote(`git+https://${repository}`));
}

/**
 * Has git ask for a token where it needs one. It is taken from the environment of the step by a helper, so it is in no
 * address, and thus in no command line, file or message. Helpers that the image has would be given it to keep.
 */
export function gitCommands({ gitUser }: PrivateRepositories): string[] {
  const helpers = Object.entries(REPOSITORY_TOKENS).map(([host, token]) => {
    const answer = `printf 'username=%s\\npassword=%s\\n' ${quote(gitUser)} "$${token}"`;
    return [`credential.https://${host}.helper`, `!f() { [ "$1" != get ] || ${answer}; }; f`];
  });
  const settings = [['credential.helper', ''], ...helpers].flatMap(([name = '', value = ''], at) => [
    `GIT_CONFIG_KEY_${at}=${quote(name)}`,
    `GIT_CONFIG_VALUE_${at}=${quote(value)}`,
  ]);
  return [
    `command -v git > /dev/null || { ${aptCommands(['git']).join(' && ')}; }`,
    `export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=${helpers.length + 1} ${settings.join(' ')}`,
  ];
}
