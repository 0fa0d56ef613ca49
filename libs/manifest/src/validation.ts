// A door of its own: a server that reads manifests needs none of the compilers that write them.
export { validateManifest } from './manifest-validation.ts';
