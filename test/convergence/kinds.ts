/** What the rounds are about: content types, and what can be said of their content afterwards. */
import { RICH_CONTENT_TYPE, shapeOf, YJS_CONTENT_TYPE, type Shape } from '../../src/domain/content/shape.ts';

export interface RoundKind {
  readonly name: string;
  readonly contentType: string;
  readonly initial: string;
  /** Tokens are inserted and deleted, and each is accounted for. Otherwise all replicas must agree, whatever they hold. */
  readonly accounted?: 'character' | 'key';
}

export const ROUND_KINDS = {
  text: { name: 'text', contentType: 'text/plain', initial: '', accounted: 'character' },
  json: { name: 'json', contentType: 'application/json', initial: '{}', accounted: 'key' },
  'free-text': { name: 'free-text', contentType: 'text/markdown', initial: 'once upon\na time\n' },
  'free-json': { name: 'free-json', contentType: 'application/vnd.x+json', initial: '{"list":[1,2],"a":{"b":"c"}}' },
  rich: { name: 'rich', contentType: RICH_CONTENT_TYPE, initial: '' },
  opaque: { name: 'opaque', contentType: YJS_CONTENT_TYPE, initial: '' },
  binary: { name: 'binary', contentType: 'image/png', initial: 'bytes' },
} as const satisfies Record<string, RoundKind>;

export type KindName = keyof typeof ROUND_KINDS;

export function shapeOfKind(kind: RoundKind): Shape {
  return shapeOf(kind.contentType);
}

/** What stands in canonical content, one entry a token. */
export function tokensIn(kind: RoundKind, content: string): string[] {
  return kind.accounted === 'key' ? Object.keys(JSON.parse(content) as object) : [...content];
}
