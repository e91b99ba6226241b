/**
 * Where a list goes on that looked at blobs which the caller may not see: they are in a page token by the moment they
 * were made at most, as what is in it can be read (G8).
 */

/** Of order keys, descending: the last one shown if any, the last one looked at, and where the page began. */
export function positionBehind(shown: string | undefined, lookedAt: string, began: string | undefined): string {
  const moment = momentOf(lookedAt);
  // Those of the same moment are looked at again; but for what was shown.
  const position = shown !== undefined && momentOf(shown) === moment ? shown : `${moment}.`;
  return position === began ? moment : position;
}

/** Below the keys of its own blobs, which go on with a hyphen, as a dot after it is above them. */
function momentOf(orderKey: string): string {
  return orderKey.slice(0, orderKey.indexOf('-'));
}
