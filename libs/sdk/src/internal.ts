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
