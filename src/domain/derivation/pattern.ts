/** Regular expressions of strangers: RE2 syntax, matched in time linear in the input. */
import type { RE2JS } from 're2js';
import { StudioError } from '../../errors.ts';
import { PATTERN_CHARACTERS_MAX, TRIGGER_PATTERNS_MAX } from '../../limits.ts';
import { LinearPatterns, PatternsTooLarge } from './linear-pattern.ts';

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
  const together = new LinearPatterns();
  const compiled = patterns.map((pattern, index) => compilePattern(pattern, `${field}[${index}]`, together));
  return (content) => compiled.length === 0 || compiled.some((pattern) => pattern.test(content));
}

function compilePattern(pattern: string, field: string, together: LinearPatterns): RE2JS {
  if (pattern === '' || pattern.length > PATTERN_CHARACTERS_MAX) {
    throw new StudioError('PATTERN_INVALID', `${field} must have 1 to ${PATTERN_CHARACTERS_MAX} characters.`, {
      field,
    });
  }
  try {
    return together.compile(pattern);
  } catch (error) {
    if (error instanceof PatternsTooLarge) {
      throw new StudioError('PATTERN_INVALID', `${field} is too large: ${error.message}.`, {
        field,
        limit: 'PATTERN_STEPS_MAX',
      });
    }
    const why = error instanceof Error ? error.message : String(error);
    throw new StudioError(
      'PATTERN_INVALID',
      `${field} is not an RE2 regular expression: ${why}.`,
      { field },
      { cause: error },
    );
  }
}
