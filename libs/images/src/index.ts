export { BUILDER_RELEASES, type BuilderRelease, type DebianSuite, firstRelease } from './builder-releases.ts';
export { BUILDER_VERSION, canonical, imageId, type ImageState, stepKey } from './cache-key.ts';
export { dockerfileOn } from './dockerfile.ts';
export { withoutHeredocs } from './dockerfile-heredocs.ts';
export { applyConfig, resolvePath } from './image-config.ts';
export { planImage, type PlannedSpec, type PlanOptions } from './image-plan.ts';
export { OWN_NODE, saysOwnNode } from './own-node.ts';
export { type ImageReference, readReference } from './image-reference.ts';
export {
  type ConfigStep,
  type ImagePlan,
  type LayerStep,
  type LayerWork,
  type PlannedStep,
  STEP_CACHES,
  STEP_FILES,
} from './image-steps.ts';
