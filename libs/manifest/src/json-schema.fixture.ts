/** The part of JSON Schema that the manifest's schema uses. */
export interface JsonSchema {
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  required?: string[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  maxLength?: number;
  pattern?: string;
}

/** True if a value is valid under a schema. */
export function matchesSchema(schema: JsonSchema, value: unknown, root: JsonSchema = schema): boolean {
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    return target !== undefined && matchesSchema(target, value, root);
  }
  if (schema.anyOf && !schema.anyOf.some((option) => matchesSchema(option, value, root))) return false;
  if (!matchesChoice(schema, value)) return false;
  if (typeof value === 'string') return matchesText(schema, value);
  if (typeof value === 'number') return matchesNumber(schema, value);
  if (Array.isArray(value)) return matchesList(schema, value, root);
  if (typeof value !== 'object' || value === null) return true;
  return matchesObject(schema, value as Record<string, unknown>, root);
}

function matchesChoice(schema: JsonSchema, value: unknown): boolean {
  if ('const' in schema && schema.const !== value) return false;
  if (schema.enum && !schema.enum.includes(value)) return false;
  return schema.type === undefined || [schema.type].flat().some((type) => isOfType(type, value));
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function matchesText({ maxLength = Infinity, pattern = '' }: JsonSchema, value: string): boolean {
  return value.length <= maxLength && new RegExp(pattern, 'u').test(value);
}

function matchesNumber(schema: JsonSchema, value: number): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity } = schema;
  return value >= minimum && value <= maximum && value > exclusiveMinimum;
}

function matchesList(
  { items, minItems = 0, maxItems = Infinity }: JsonSchema,
  value: unknown[],
  root: JsonSchema,
): boolean {
  if (value.length < minItems || value.length > maxItems) return false;
  return items === undefined || value.every((item) => matchesSchema(items, item, root));
}

function matchesObject(schema: JsonSchema, value: Record<string, unknown>, root: JsonSchema): boolean {
  if (!(schema.required ?? []).every((key) => key in value)) return false;
  return Object.entries(value).every(([key, item]) => {
    const expected = schema.properties?.[key] ?? schema.additionalProperties;
    return expected === undefined || matchesSchema(expected, item, root);
  });
}
