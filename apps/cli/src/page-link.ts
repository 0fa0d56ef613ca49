import type { DeployReply } from '@gantry/protocol';
import type { Connection } from 'gantry/internal';

import type { Terminal } from './terminal/terminal.ts';

/** Says where the dashboard shows an app. The link holds no secret: whoever opens it signs in. */
export function printPageLink(
  terminal: Pick<Terminal, 'note' | 'noteStyle'>,
  { serverUrl }: Pick<Connection, 'serverUrl'>,
  { pagePath }: Pick<DeployReply, 'pagePath'>,
): void {
  terminal.note(`  View it at ${terminal.noteStyle.cyan(new URL(pagePath, serverUrl).href)}`);
}
