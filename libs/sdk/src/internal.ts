// The door for the other parts of the platform: what the runner and the build step share with the SDK.
export { containerHost, setContainerHost, type ContainerHost, type CurrentInput } from './host.ts';
export { instantiate } from './instantiate.ts';
export {
  registeredApps,
  type AnyClass,
  type AnyFunction,
  type AppRegistration,
  type BuildSite,
  type ClassRegistration,
  type EntrypointRegistration,
  type FunctionRegistration,
} from './registry.ts';
// What the build step reads from images.
export type { DockerfileDraft, DraftFiles, DraftStep, LocalPath } from './image/draft-steps.ts';
export { imageFunctions } from './image/registered-functions.ts';
export { FilePatternMatcher } from './image/file-pattern-matcher.ts';
// What the `gantry` command shares with programs: where they find a platform, and its settings.
export { findConnection, type Connection } from './connection-settings.ts';
export { ExecConnection, type ExecConnectionOptions, type ExecResult } from './exec-connection.ts';
export { setScreenOwner, type ScreenOwner } from './progress/screen.ts';
export { findSetting, type FoundSetting } from './config/config.ts';
export { ConfigFile, dataDirOf, LOCAL_PROFILE } from './config/config-file.ts';
export { CONFIG_KEYS, readValue, type ConfigKey } from './config/config-keys.ts';
export { connectionFilePath } from './config/connection-file.ts';
