/** What a provider's workflow returned, as it passes through the studio's workflows. Nothing here may import more than types. */

/** In place of a value whose payload could not be decoded; the name is one that no output has by chance. */
export interface Undecodable {
  readonly studio_undecodable: string;
}

export function isUndecodable(value: unknown): value is Undecodable {
  return (
    typeof value === 'object' &&
    value !== null &&
    'studio_undecodable' in value &&
    typeof value.studio_undecodable === 'string'
  );
}

/** All that `decodeOutput` looks at. The rest can't be passed on for certain: it may be nested too deep to be encoded. */
export function returnedBy(output: unknown): unknown {
  if (typeof output !== 'object' || output === null) return output;
  // Anew: beside the name may be anything.
  if (isUndecodable(output)) return { studio_undecodable: output.studio_undecodable };
  const { content_type, content, content_encoding } = output as Record<string, unknown>;
  return {
    content_type: stringOrNull(content_type),
    content: stringOrNull(content),
    content_encoding: stringOrNull(content_encoding),
  };
}

function stringOrNull(value: unknown): string | null | undefined {
  return typeof value === 'string' || value === undefined ? value : null;
}
