export { FrameChannel, type FrameListener } from './frame-channel.ts';
