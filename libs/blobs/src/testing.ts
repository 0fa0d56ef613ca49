export { blobStoreContract, type OpenedBlobStore } from './blob-store.contract.ts';
