import { dirname } from 'node:path';
import { type CreateNodes, createNodesFromFiles } from '@nx/devkit';
import { type GantryPluginOptions, inferProject } from './gantry-project.ts';
import { PROJECT_FILES, readProject } from './read-project.ts';

export type { GantryPluginOptions } from './gantry-project.ts';

/** Gives `build`, `deploy`, `serve` and `run` targets to every project that is a Gantry app. */
export const createNodes: CreateNodes<GantryPluginOptions> = [
  PROJECT_FILES,
  (files, options, context) =>
    createNodesFromFiles(
      (file) => {
        const project = readProject(file, context.workspaceRoot);
        return project === undefined ? {} : { projects: { [dirname(file)]: inferProject(project, options) } };
      },
      files,
      options ?? {},
      context,
    ),
];
