/** What a clip shows. Equal scenes give equal frames. */
export interface Scene {
  /** Turns of the camera around the spheres in the whole clip. */
  turns: number;
  /** Any whole number: where the spheres are, and their colours. */
  seed: number;
  spheres: number;
}

/** The scene as POV-Ray reads it. Its clock goes from 0 to 1 over the clip. */
export function sceneText({ turns, seed, spheres }: Scene): string {
  const random = randomFrom(seed);
  const lines = [
    '#version 3.7;',
    'global_settings { assumed_gamma 1.0 }',
    'background { color rgb <0.05, 0.06, 0.1> }',
    `camera { location vrotate(<0, 4, -9>, <0, clock * ${360 * turns}, 0>) look_at <0, 1, 0> }`,
    'light_source { <10, 20, -10> color rgb 1 }',
    'plane { y, 0 pigment { checker color rgb 0.35, color rgb 0.55 } finish { reflection 0.1 } }',
  ];
  for (let index = 0; index < spheres; index++) {
    const [x, z, red, green, blue] = [spread(random()), spread(random()), random(), random(), random()];
    const radius = 0.3 + random() * 0.6;
    lines.push(
      `sphere { <${fixed(x)}, ${fixed(radius)}, ${fixed(z)}>, ${fixed(radius)} ` +
        `pigment { color rgb <${fixed(red)}, ${fixed(green)}, ${fixed(blue)}> } finish { phong 0.8 reflection 0.2 } }`,
    );
  }
  return `${lines.join('\n')}\n`;
}

const spread = (share: number): number => share * 6 - 3;
const fixed = (value: number): string => value.toFixed(3);

/** Numbers from 0 to 1 that follow from a seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
