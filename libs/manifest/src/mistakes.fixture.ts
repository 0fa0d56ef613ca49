import { aProject } from './project.fixture.ts';

/** The first two lines of the sources of {@link messageOf}. */
export const HEAD = `import { App, batched, clustered, concurrent, enter, exit, fastapiEndpoint, webServer, method, parameter } from 'gantry';
export const app = new App('shop');
`;

/** What a build says to an app whose source follows {@link HEAD}. */
export async function messageOf(source: string): Promise<{ message: string; hint: string | undefined }> {
  await using project = await aProject({ 'src/app.ts': HEAD + source });
  const { message, hint } = await project.mistake();
  return { message, hint };
}
