export { type Decision, type DictEntry, type DictRecord, DictState } from './dict-state.ts';
export { JournalMessage, JournalSpace, type KeptValue, type Slot } from './journal-space.ts';
export { type QueueItem, type QueueRecord, QueueState } from './queue-state.ts';
