/** JSON Schemas (draft 2020-12) of providers: compiled without reaching for anything outside, matched in bounded time. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import { StudioError } from '../../errors.ts';
import { SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX } from '../../limits.ts';
import { nestsDeeper } from '../content/json-depth.ts';
import { LinearPatterns } from './linear-pattern.ts';
import { isJsonType, isTextType } from './trigger.ts';

/** The first place at which a value breaks the schema, as one sentence; undefined when it fits. */
export type SchemaCheck = (value: unknown) => string | undefined;

/** `schema` is JSON text; empty accepts everything. Throws SCHEMA_INVALID with the place. `field` names it in errors. */
export function compileSchema(schema: string, field: string): SchemaCheck {
  if (schema === '') return () => undefined;
  if (Buffer.byteLength(schema) > SCHEMA_BYTES_MAX) {
    throw new StudioError('SCHEMA_INVALID', `${field} is larger than ${SCHEMA_BYTES_MAX} bytes.`, {
      field,
      limit: 'SCHEMA_BYTES_MAX',
    });
  }
  // The compiler calls itself for each level, and so does what it makes.
  if (nestsDeeper(schema, SCHEMA_DEPTH_MAX))
    throw invalid(field, `it is nested deeper than ${SCHEMA_DEPTH_MAX} levels`);
  const parsed = parseSchema(schema, field);
  const patterns = new LinearPatterns();
  const ajv = new Ajv2020({
    strict: false,
    logger: false,
    validateSchema: true,
    inlineRefs: false,
    // Patterns in a schema are a stranger's too: ajv's own RegExp could be made to run for ever.
    code: { regExp: Object.assign((pattern: string) => linearRegExp(patterns, pattern), { code: 'linearRegExp' }) },
  });
  if (!ajv.validateSchema(parsed)) throw invalid(field, describe(ajv.errors, 'the schema'));
  try {
    const validate = ajv.compile(parsed);
    return (value) => {
      try {
        return validate(value) ? undefined : describe(validate.errors, 'the content');
      } catch (error) {
        // A schema that refers to itself without end overflows the stack; that is its fault, not the studio's.
        if (error instanceof RangeError) return 'the schema does not come to an end';
        throw error;
      }
    };
  } catch (error) {
    throw invalid(field, error instanceof Error ? error.message : String(error), error);
  }
}

/** What a schema is held against: a JSON value itself, text as a JSON string, other bytes as a base64 string. */
export function schemaValue(content: Uint8Array, contentType: string): unknown {
  if (isJsonType(contentType)) return JSON.parse(Buffer.from(content).toString('utf8'));
  return Buffer.from(content).toString(isTextType(contentType) ? 'utf8' : 'base64');
}

function parseSchema(schema: string, field: string): Record<string, unknown> | boolean {
  let parsed: unknown;
  try {
    parsed = JSON.parse(schema);
  } catch (error) {
    throw invalid(field, `it is not JSON (${error instanceof Error ? error.message : String(error)})`, error);
  }
  if (typeof parsed === 'boolean') return parsed;
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw invalid(field, 'it is not an object');
  const schemaObject = parsed as Record<string, unknown>;
  if (schemaObject['$async'] !== undefined) throw invalid(field, '/$async is not part of JSON Schema');
  return schemaObject;
}

function describe(errors: readonly ErrorObject[] | null | undefined, what: string): string {
  const first = errors?.[0];
  if (!first) return `${what} does not fit`;
  return `${first.instancePath === '' ? what : first.instancePath} ${first.message ?? 'does not fit'}`;
}

function invalid(field: string, why: string, cause?: unknown): StudioError {
  return new StudioError(
    'SCHEMA_INVALID',
    `${field} is not a JSON Schema (draft 2020-12): ${why}.`,
    { field },
    { cause },
  );
}

function linearRegExp(patterns: LinearPatterns, pattern: string): { test(text: string): boolean; toString(): string } {
  const compiled = patterns.compile(RE2JS.translateRegExp(pattern));
  // ajv tells patterns apart by what toString gives.
  return { test: (text) => compiled.test(text), toString: () => pattern };
}
