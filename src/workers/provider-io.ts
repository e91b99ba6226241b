/** What passes between a `workflow` provider and the studio: plain JSON, so that workers in any language can take part. */
import { essenceOf, isJsonType, isTextType } from '../domain/derivation/trigger.ts';
import { CONTENT_BYTES_MAX, PROVIDER_INLINE_CONTENT_BYTES_MAX } from '../limits.ts';
import { isUndecodable } from './returned.ts';

/** The one argument of the provider's workflow. */
export interface ProviderInput {
  readonly blob_id: string;
  /** The version `content` is of; with `blob_id` it names the input for good. */
  readonly version: number;
  readonly content_type: string;
  /** Bytes of the content. */
  readonly size: number;
  /** Absent where it is above 512 KiB as a JSON string: payloads are no place for it, read that version through the API. */
  readonly content?: string;
  /** `utf8` for text and JSON, `base64` for everything else. */
  readonly content_encoding: ContentEncoding;
  /** Names the run; the same at every attempt. */
  readonly execution_id: string;
  /** From 1. */
  readonly attempt: number;
  /** The provider's config. */
  readonly config: unknown;
}

export type ContentEncoding = 'utf8' | 'base64';

export interface OutputContent {
  readonly contentType: string;
  readonly content: Uint8Array;
}

export function encodeInput(
  blob: { readonly id: string; readonly version: number; readonly contentType: string },
  content: Uint8Array,
  config: string,
  run: { readonly key: string; readonly attempt: number },
): ProviderInput {
  const encoding = isTextType(blob.contentType) || isJsonType(blob.contentType) ? 'utf8' : 'base64';
  const inline = inlineContent(content, encoding);
  return {
    blob_id: blob.id,
    version: blob.version,
    content_type: blob.contentType,
    size: content.byteLength,
    ...(inline === undefined ? {} : { content: inline }),
    content_encoding: encoding,
    execution_id: run.key,
    attempt: run.attempt + 1,
    config: config === '' ? {} : (JSON.parse(config) as unknown),
  };
}

/** Undefined when it is too large as JSON, which is what travels: a control character takes six bytes there. */
function inlineContent(content: Uint8Array, encoding: ContentEncoding): string | undefined {
  if (content.byteLength > PROVIDER_INLINE_CONTENT_BYTES_MAX) return undefined;
  const text = Buffer.from(content).toString(encoding);
  return Buffer.byteLength(JSON.stringify(text)) <= PROVIDER_INLINE_CONTENT_BYTES_MAX ? text : undefined;
}

/** Throws an Error whose message says what is wrong with what a provider returned. */
export function decodeOutput(output: unknown): OutputContent {
  if (isUndecodable(output)) throw new Error(`The output can't be decoded: ${output.studio_undecodable}.`);
  if (typeof output !== 'object' || output === null)
    throw new Error('The output must be an object with content_type and content.');
  const fields = output as Record<string, unknown>;
  const { content_type: contentType, content, content_encoding: encoding = 'utf8' } = fields;
  if (typeof contentType !== 'string' || !essenceOf(contentType).includes('/'))
    throw new Error('The output has no valid content_type.');
  if (typeof content !== 'string') throw new Error('The output has no content, which must be a string.');
  if (encoding !== 'utf8' && encoding !== 'base64') throw new Error('The output has an unknown content_encoding.');
  // Node takes half a surrogate pair for U+FFFD without a word.
  if (encoding === 'utf8' && !isWellFormed(content)) throw new Error('The output holds a lone surrogate.');
  const bytes = Buffer.from(content, encoding);
  if (encoding === 'base64' && !isBase64Of(bytes, content)) throw new Error('The output holds what is no base64.');
  if (bytes.byteLength > CONTENT_BYTES_MAX) throw new Error(`The output is larger than ${CONTENT_BYTES_MAX} bytes.`);
  return { contentType, content: bytes };
}

/** Node leaves out what is none without a word. The padding at the end may be absent. */
function isBase64Of(bytes: Buffer, content: string): boolean {
  const encoded = bytes.toString('base64');
  return content === encoded || content === encoded.replace(/=+$/, '');
}

function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}
