/** The blobs that a campaign's clients write, by what is done to them and what can be said of them afterwards. */
import { Tokens } from './ledger.ts';

export type BlobKind =
  /** Tokens are inserted and deleted; each can be accounted for. Editors write these too. */
  | 'text'
  | 'json'
  /** Everything else is done to them: whole content, reverts, arrays moved about. They must agree, whatever they hold. */
  | 'free-text'
  | 'free-json'
  | 'binary'
  /** Deleted and undeleted while it is written. */
  | 'passing';

export interface CampaignBlob {
  readonly id: string;
  readonly kind: BlobKind;
  readonly contentType: string;
  readonly tokens: Tokens;
}

const CONTENT_TYPES: Readonly<Record<BlobKind, string>> = {
  text: 'text/plain',
  json: 'application/json',
  'free-text': 'text/markdown',
  'free-json': 'application/json',
  binary: 'application/octet-stream',
  passing: 'text/plain',
};

export const INITIAL: Readonly<Record<BlobKind, string>> = {
  text: '',
  json: '{}',
  'free-text': 'Once upon a time.\nThere was a text.\n',
  'free-json': '{"list":[1,2,3],"note":"here"}',
  binary: 'bytes',
  passing: '',
};

const HOW_MANY: readonly (readonly [BlobKind, number])[] = [
  ['text', 3],
  ['json', 1],
  ['free-text', 2],
  ['free-json', 1],
  ['binary', 1],
  ['passing', 1],
];

export function campaignBlobs(): CampaignBlob[] {
  return HOW_MANY.flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, index) => ({
      id: `${kind}-${index}`,
      kind,
      contentType: CONTENT_TYPES[kind],
      tokens: new Tokens(kind === 'json' ? 'key' : 'character'),
    })),
  );
}

/** What stands in content of this kind, one entry a token. */
export function tokensOf(kind: BlobKind, content: string): string[] {
  return kind === 'json' ? Object.keys(JSON.parse(content) as object) : [...content];
}

export function isAccounted(kind: BlobKind): boolean {
  return kind === 'text' || kind === 'json' || kind === 'passing';
}
