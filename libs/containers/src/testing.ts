export { FolderStore, noBuildsReason, sharedBase, sharedBaseStore } from './builds/image-builder.fixture.ts';
export { describeContainerDriver, type DriverUnderTest } from './container-driver-contract.ts';
export { HostProcess } from './exec/host-process.ts';
