/** Builds an RPC's request from a REST one: path and query name its fields, a body is its proto JSON. */
import { fromJson, ScalarType } from '@bufbuild/protobuf';
import { StudioError } from '../../errors.ts';
import { notA } from '../rpc/refusals.ts';
import type { DescField, DescMessage, JsonObject, JsonValue, MessageShape } from '@bufbuild/protobuf';

export interface RestParts {
  /** From the path and the headers; they win over what the body says. */
  readonly fields: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Absent for GET and DELETE. */
  readonly body?: Uint8Array;
}

/** Throws FIELD_INVALID with the field that is wrong, where one can be named. */
export function buildRequest<T extends DescMessage>(type: T, parts: RestParts): MessageShape<T> {
  const json: JsonObject = parts.body ? parseBody(parts.body) : {};
  acceptText(type, json);
  for (const [name, value] of parts.query) setFromQuery(type, json, name, value);
  for (const [name, value] of Object.entries(parts.fields)) {
    const field = fieldOf(type, name);
    delete json[field?.jsonName ?? name];
    json[name] = value;
  }
  refuseUnkeepable(json);
  try {
    return fromJson(type, json);
  } catch (error) {
    throw notA(type, error);
  }
}

/** A message's maps are plain objects, in which this name is no entry: what it names would be dropped unsaid. */
const UNKEEPABLE = '__proto__';

function refuseUnkeepable(json: JsonObject): void {
  // Not by recursion: a body may be nested as deeply as it is long.
  const left: JsonValue[] = [json];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, UNKEEPABLE)) {
      throw new StudioError('FIELD_INVALID', `Nothing in a request may be named ${UNKEEPABLE}.`, { field: UNKEEPABLE });
    }
    for (const each of Object.values(value)) left.push(each);
  }
}

function parseBody(bytes: Uint8Array): JsonObject {
  if (bytes.byteLength === 0) return {};
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch {
    throw new StudioError('FIELD_INVALID', 'The body must be JSON in UTF-8.', { field: 'body' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StudioError('FIELD_INVALID', 'The body must be a JSON object.', { field: 'body' });
  }
  return value;
}

/** Where a request has bytes named `content`, `text` gives them as a string, so that curl needs no base64. */
function acceptText(type: DescMessage, json: JsonObject): void {
  const { text } = json;
  const content = fieldOf(type, 'content');
  if (text === undefined || !content || content.scalar !== ScalarType.BYTES || fieldOf(type, 'text')) return;
  if (typeof text !== 'string') throw new StudioError('FIELD_INVALID', 'text must be a string.', { field: 'text' });
  if (json['content'] !== undefined) {
    throw new StudioError('FIELD_INVALID', 'Give content (base64) or text, not both.', { field: 'text' });
  }
  if (/\p{Surrogate}/u.test(text))
    throw new StudioError('FIELD_INVALID', 'text has half a surrogate pair.', { field: 'text' });
  delete json['text'];
  json['content'] = Buffer.from(text).toString('base64');
}

function fieldOf(type: DescMessage, name: string): DescField | undefined {
  return type.fields.find((field) => field.name === name || field.jsonName === name);
}

/** `plain_text` as well as `CONTENT_FORMAT_PLAIN_TEXT`. */
function enumName(field: DescField, value: string): string | undefined {
  return field.enum?.values.find(({ localName }) => localName === value.toUpperCase())?.name;
}

/** `page_size=10`, `show_deleted=true`, `view=metadata`, `types=a&types=b`, `labels.team=core`. */
function setFromQuery(type: DescMessage, json: JsonObject, parameter: string, value: string): void {
  const [name = '', ...key] = parameter.split('.');
  const field = fieldOf(type, name);
  const unknown = new StudioError('FIELD_INVALID', `There is no query parameter "${parameter}" here.`, {
    field: parameter,
  });
  // A time is a message whose JSON is a string.
  if (!field || (field.fieldKind === 'message' && field.message.typeName !== 'google.protobuf.Timestamp'))
    throw unknown;
  if (field.fieldKind === 'map') {
    if (key.length === 0) throw unknown;
    const entries = (json[field.name] ?? {}) as JsonObject;
    json[field.name] = { ...entries, [key.join('.')]: value };
    return;
  }
  if (key.length > 0) throw unknown;
  const isBoolean = field.scalar === ScalarType.BOOL && (value === 'true' || value === 'false');
  const single: JsonValue = isBoolean ? value === 'true' : (enumName(field, value) ?? value);
  if (field.fieldKind === 'list') json[field.name] = [...((json[field.name] ?? []) as JsonValue[]), single];
  else json[field.name] = single;
}
