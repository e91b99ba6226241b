/** Regular expressions of strangers: RE2 syntax, matched in time linear in the input. */
import { RE2JS } from 're2js';
import { StudioError } from '../../errors.ts';
import { PATTERN_CHARACTERS_MAX, TRIGGER_PATTERNS_MAX } from '../../limits.ts';

/** True for content that one of the patterns occurs in. */
export type ContentMatcher = (content: string) => boolean;

/** No patterns match everything. Throws PATTERN_INVALID naming the one at fault, LIMIT_EXCEEDED for too many. */
export function compilePatterns(patterns: readonly string[], field: string): ContentMatcher {
  if (patterns.length > TRIGGER_PATTERNS_MAX) {
    throw new StudioError('LIMIT_EXCEEDED', `At most ${TRIGGER_PATTERNS_MAX} patterns.`, {
      field,
      limit: 'TRIGGER_PATTERNS_MAX',
    });
  }
  const compiled = patterns.map((pattern, index) => compilePattern(pattern, `${field}[${index}]`));
  return (content) => compiled.length === 0 || compiled.some((pattern) => pattern.test(content));
}

function compilePattern(pattern: string, field: string): RE2JS {
  if (pattern === '' || pattern.length > PATTERN_CHARACTERS_MAX) {
    throw new StudioError('PATTERN_INVALID', `${field} must have 1 to ${PATTERN_CHARACTERS_MAX} characters.`, {
      field,
    });
  }
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StudioError(
      'PATTERN_INVALID',
      `${field} is not an RE2 regular expression: ${why}.`,
      { field },
      { cause: error },
    );
  }
}
