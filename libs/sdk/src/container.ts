// The door for the runner, which starts in every container: what is imported here costs each of them memory and time.
export {
  setContainerHost,
  type ContainerHost,
  type CurrentInput,
  type ForwardedPort,
  type ForwardOptions,
} from './host.ts';
export { instantiate } from './instantiate.ts';
export { imageFunctions } from './image/registered-functions.ts';
export { registeredApps, type AnyClass, type AnyFunction, type ClassRegistration } from './registry.ts';
