import type { CommandSpec } from '../command.ts';
import { appClientCommand } from './app-client.ts';
import { appHistoryCommand } from './app-history.ts';
import { appListCommand } from './app-list.ts';
import { appLogsCommand } from './app-logs.ts';
import { appRollbackCommand } from './app-rollback.ts';
import { appRunNowCommand } from './app-run-now.ts';
import { appSchedulesCommand } from './app-schedules.ts';
import { appUpCommand } from './app-up.ts';
import { appStopCommand } from './app-stop.ts';
import { buildCommand } from './build.ts';
import {
  dictClearCommand,
  dictCreateCommand,
  dictDeleteCommand,
  dictListCommand,
  queueClearCommand,
  queueCreateCommand,
  queueDeleteCommand,
  queueListCommand,
} from './collection-commands.ts';
import { configSetEnvironmentCommand } from './config-set-environment.ts';
import { configShowCommand } from './config-show.ts';
import { containerExecCommand } from './container-exec.ts';
import { containerListCommand } from './container-list.ts';
import { containerLogsCommand } from './container-logs.ts';
import { containerStopCommand } from './container-stop.ts';
import { dashboardCommand } from './dashboard.ts';
import { deployCommand } from './deploy.ts';
import { dictGetCommand } from './dict-get.ts';
import { dictItemsCommand } from './dict-items.ts';
import {
  domainAddCommand,
  domainListCommand,
  domainRemoveCommand,
  domainVerifyCommand,
} from './domain-commands.ts';
import { doctorCommand } from './doctor.ts';
import { environmentCommands } from './environment-commands.ts';
import { gatewayCommand } from './gateway.ts';
import { imageBuilderCommand } from './image-builder.ts';
import { nfsCommands } from './nfs-commands.ts';
import { profileActivateCommand } from './profile-activate.ts';
import { profileCurrentCommand } from './profile-current.ts';
import { profileListCommand } from './profile-list.ts';
import { queueLenCommand } from './queue-len.ts';
import { queuePeekCommand } from './queue-peek.ts';
import { runCommand } from './run.ts';
import { secretCreateCommand } from './secret-create.ts';
import { secretDeleteCommand } from './secret-delete.ts';
import { secretListCommand } from './secret-list.ts';
import { serveCommand } from './serve.ts';
import { serverCommand } from './server.ts';
import { setupCommand } from './setup.ts';
import { proxyTokenListCommand } from './proxy-token-list.ts';
import { proxyTokenNewCommand } from './proxy-token-new.ts';
import { proxyTokenRevokeCommand } from './proxy-token-revoke.ts';
import { tokenListCommand } from './token-list.ts';
import { tokenNewCommand } from './token-new.ts';
import { tokenRevokeCommand } from './token-revoke.ts';
import { shellCommand } from './shell.ts';
import { trustCommand } from './trust.ts';
import { tokenSetCommand } from './token-set.ts';
import { upCommand } from './up.ts';
import { usageCommand } from './usage.ts';
import { volumeCpCommand } from './volume-cp.ts';
import { volumeCreateCommand } from './volume-create.ts';
import { volumeDeleteCommand } from './volume-delete.ts';
import { volumeGetCommand } from './volume-get.ts';
import { volumeListCommand } from './volume-list.ts';
import { volumeLsCommand } from './volume-ls.ts';
import { volumePutCommand } from './volume-put.ts';
import { volumeRenameCommand } from './volume-rename.ts';
import { volumeRmCommand } from './volume-rm.ts';
import { workerCommand } from './worker.ts';

/** Every command, in the order in which help shows them. */
export const ALL_COMMANDS: readonly CommandSpec[] = [
  upCommand,
  setupCommand,
  doctorCommand,
  dashboardCommand,
  runCommand,
  serveCommand,
  shellCommand,
  deployCommand,
  buildCommand,
  appListCommand,
  appLogsCommand,
  appHistoryCommand,
  appClientCommand,
  appRollbackCommand,
  appSchedulesCommand,
  appRunNowCommand,
  appStopCommand,
  appUpCommand,
  usageCommand,
  containerListCommand,
  containerLogsCommand,
  containerExecCommand,
  containerStopCommand,
  secretListCommand,
  secretCreateCommand,
  secretDeleteCommand,
  volumeCreateCommand,
  volumeListCommand,
  volumeLsCommand,
  volumePutCommand,
  volumeGetCommand,
  volumeCpCommand,
  volumeRmCommand,
  volumeRenameCommand,
  volumeDeleteCommand,
  ...nfsCommands,
  dictCreateCommand,
  dictListCommand,
  dictGetCommand,
  dictItemsCommand,
  dictClearCommand,
  dictDeleteCommand,
  queueCreateCommand,
  queueListCommand,
  queuePeekCommand,
  queueLenCommand,
  queueClearCommand,
  queueDeleteCommand,
  ...environmentCommands,
  imageBuilderCommand,
  profileListCommand,
  profileCurrentCommand,
  profileActivateCommand,
  tokenSetCommand,
  tokenNewCommand,
  tokenListCommand,
  tokenRevokeCommand,
  proxyTokenNewCommand,
  proxyTokenListCommand,
  proxyTokenRevokeCommand,
  trustCommand,
  domainAddCommand,
  domainVerifyCommand,
  domainListCommand,
  domainRemoveCommand,
  configShowCommand,
  configSetEnvironmentCommand,
  serverCommand,
  gatewayCommand,
  workerCommand,
];

export const COMMAND_GROUPS = {
  app: 'look at apps and stop them',
  image: 'what images are made of',
  container: 'look at containers, run programs in them, stop them',
  secret: 'keep passwords and keys for containers',
  volume: 'files that outlive containers',
  nfs: 'volumes that need no commits, as they were before there were volumes',
  dict: 'entries by key that programs and containers share',
  queue: 'items in order, each for one of those who take',
  environment: 'keep the same apps apart: those in use, and those under test',
  profile: 'choose among several platforms',
  token: 'log in to a platform, and let others in',
  'proxy-token': 'open protected web functions',
  domain: 'give web functions names of your own',
  config: 'look at settings and change them',
} as const;
