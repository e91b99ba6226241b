/** What leads from one content to another, in the form that fits its type. */
import type { TextEdit } from '../delta.ts';

export type ContentDifference =
  | { readonly kind: 'none' }
  | { readonly kind: 'text_edits'; readonly edits: readonly TextEdit[] }
  /** RFC 6902, as JSON. */
  | { readonly kind: 'json_patch'; readonly patch: string }
  | { readonly kind: 'marked_html'; readonly html: string }
  /** Lower-case hexadecimal SHA-256 of the other content. */
  | { readonly kind: 'replaced_by'; readonly sha256: string };
